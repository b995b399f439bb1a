import type { NamedLeaf } from "../../optim/index.ts";
import type { RandomSite } from "../../program/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { SiteEstimator } from "../estimators/estimator.ts";

/** A random site as a bound scores it. */
export interface ScoredSite {
  /** `dream`: the guide, on what the model dreamt. */
  readonly program: "guide" | "model" | "dream";
  readonly site: RandomSite;
  /** Its log density: one value for each element of its plates, and of particles and enumerated values left of them. */
  readonly logDensity: Tensor;
  /** An expression of the site's, made for one draw, over all axes that the log density has left of its plates. */
  over(t: Tensor): Tensor;
  /** Whether a density of zero may do no harm: the values of a site that is summed out, and particles, stand under one logarithm. */
  readonly mayBeZero: boolean;
}

/** A lower bound of log p(data), and what to maximise for its sake. */
export interface Bound {
  /** The bound's estimate: a scalar, nats. */
  readonly value: Tensor;
  /** A scalar whose gradient is the estimator of the bound's gradient; its value has no meaning. To be maximised. */
  readonly surrogate: Tensor;
  readonly choices: readonly SiteEstimator[];
  /** What control variates train or carry beside the programs' own parameters. */
  readonly leaves: readonly NamedLeaf[];
  /** Next values of buffers among `leaves`. */
  readonly updates: ReadonlyMap<Tensor, Tensor>;
  /** What is added up in it, in the order in which the programs ran: the guide first. */
  readonly scored: readonly ScoredSite[];
}
