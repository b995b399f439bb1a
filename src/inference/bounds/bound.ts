import type { NamedLeaf } from "../../optim/index.ts";
import type { RandomSite } from "../../program/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { SiteEstimator } from "../estimators/estimator.ts";

/** A random site, with its log density in a bound. */
export interface ScoredSite {
  /** `dream`: the guide, on data drawn from the model. */
  readonly program: "guide" | "model" | "dream";
  readonly site: RandomSite;
  /** Its log density: one value for each element of its plates, with particles and enumerated values to the left. */
  readonly logDensity: Tensor;
  /** Lifts an expression for one draw to all axes that the log density has to the left of its plates. */
  over(t: Tensor): Tensor;
  /** Whether a density of zero can be harmless: values of a summed-out site, and particles, are inside one logarithm. */
  readonly mayBeZero: boolean;
}

/** A lower bound on log p(data), and the surrogate to maximise. */
export interface Bound {
  /** The bound's estimate: a scalar, nats. */
  readonly value: Tensor;
  /** A scalar whose gradient is the estimator of the bound's gradient; its value has no meaning. To be maximised. */
  readonly surrogate: Tensor;
  readonly choices: readonly SiteEstimator[];
  /** Parameters and buffers of control variates, in addition to the programs' own. */
  readonly leaves: readonly NamedLeaf[];
  /** Next values of buffers among `leaves`. */
  readonly updates: ReadonlyMap<Tensor, Tensor>;
  /** The sites in it, in the order in which the programs ran, guide first. */
  readonly scored: readonly ScoredSite[];
}
