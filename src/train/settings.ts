/** How a training goes, as the loop reads it. Schemas and defaults are those of the kinds of models. */
import type { Binarization } from "../data/index.ts";

/** The optimisers that training takes. */
export const optimizerNames = ["adam", "adamw", "sgd", "rmsprop"] as const;
/** How the learning rate goes over training. */
export const scheduleNames = ["constant", "linear", "cosine", "exponential", "piecewise"] as const;

/** A learning rate that holds from an epoch on. */
export interface RateStep {
  /** Epochs that are over by then: 1 or more. */
  readonly epoch: number;
  /** The learning rate of the epochs that follow. */
  readonly lr: number;
}

/** What the loop reads. */
export interface OptimisationSettings {
  /** Passes over the data. */
  readonly epochs: number;
  /** The optimiser. */
  readonly optimizer: (typeof optimizerNames)[number];
  /** Learning rate; with a schedule, where it starts. */
  readonly lr: number;
  /** How the learning rate goes over all updates. */
  readonly schedule: (typeof scheduleNames)[number];
  /** The learning rates of a piecewise schedule, in the order of their epochs. */
  readonly lrSteps?: readonly RateStep[];
  /** The gradient's global norm is clipped to it. Absent: not clipped. */
  readonly clip?: number;
  /** Epochs without a better figure on the validation rows after which training stops. Absent: it trains for all epochs. */
  readonly patience?: number;
  /** Seed of every random number. */
  readonly seed: number;
  /** Threads within an operation. Absent: one a core. */
  readonly threads?: number;
}

/** What the minibatches of one dataset are made by. */
export interface BatchSettings {
  /** Rows in a minibatch. */
  readonly batch: number;
  /** Seed of the order of rows and of what is drawn of them. */
  readonly seed: number;
  /** Whether and when grey pixels are drawn as black or white. */
  readonly binarize: Binarization;
  /** Factor of the KL. */
  readonly beta: number;
  /** Epochs over which β grows linearly from 0. */
  readonly warmup: number;
}
