/** The parts of a running program: sites, their plates, and the messages that declare them. */
import type { Distribution } from "../distributions/index.ts";
import type { Tensor } from "../tensor/index.ts";

/**
 * A set of conditionally independent repetitions, laid along one batch dimension. Plates take dimensions from the right, the
 * outermost −1, each further one to the left of it, so that what was computed outside broadcasts against what is inside.
 */
export interface Plate {
  readonly name: string;
  /** Number of repetitions in all. */
  readonly size: number;
  /** Number of repetitions in one run: a minibatch. Equal to `size` without subsampling. */
  readonly rows: number;
  /** Negative axis. */
  readonly dimension: number;
}

/** The weight of one row of a minibatch: the product of size / rows over the plates. */
export const scaleOf = (plates: readonly Plate[]): number =>
  plates.reduce((scale, { size, rows }) => scale * (size / rows), 1);

/** The message of a random variable without a value yet. Handlers pass it on, changed or not. */
export interface SampleMessage {
  readonly kind: "sample" | "observe";
  readonly name: string;
  /** Already repeated over the plates. */
  readonly distribution: Distribution;
  /** Data, or a value from a handler; without it the site is drawn. */
  readonly value: Tensor | undefined;
  readonly plates: readonly Plate[];
  /** A guide's own variable, from which it computes others: the model has no site of its name. */
  readonly auxiliary?: boolean;
  /** Whether it stands for a site of a scan's body in all steps. */
  readonly isInScan?: boolean;
}

/** A named quantity that is no random variable. */
export interface DeterministicMessage {
  readonly kind: "deterministic";
  readonly name: string;
  readonly value: Tensor;
  readonly plates: readonly Plate[];
}

/** A learnable parameter, in its constrained form. */
export interface ParamMessage {
  readonly kind: "param";
  readonly name: string;
  readonly value: Tensor;
  readonly plates: readonly Plate[];
}

/** What a program declares at a site, passed through the handlers. */
export type Message = SampleMessage | DeterministicMessage | ParamMessage;

/** A message whose value is known. */
export type Site = Message & { readonly value: Tensor };

/** A random site of a trace. */
export type RandomSite = SampleMessage & { readonly value: Tensor };

/** Whether a site is a random variable, latent or observed. */
export const isRandom = (site: Site): site is RandomSite => site.kind === "sample" || site.kind === "observe";
