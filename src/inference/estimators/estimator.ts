/**
 * The contract of a gradient estimator. The bounds, the choice for each site and `explain()` know an estimator only by its
 * definition. To add one, write a file here and list it in `registry.ts`.
 */
import type { Distribution } from "../../distributions/index.ts";
import type { Layer } from "../../nn/index.ts";
import type { Plate } from "../../program/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import type { Term } from "../terms.ts";
import type { Baseline, ControlState } from "./baselines.ts";
import type { Estimator } from "./registry.ts";
import type { Relaxation } from "./relaxation.ts";

/** An estimator and its settings. */
export interface EstimatorSettings {
  /** Its name. */
  readonly estimator: Estimator;
  /** Control variate of `score`. Default: `leave-one-out` with several particles, else `decaying-average`. */
  readonly baseline?: Baseline;
  /** Temperature of the relaxation, above 0. `gumbel-softmax` uses it; `rebar` and `relax` learn it and start from it. Default 0.5. */
  readonly temperature?: number;
  /**
   * The free-form control variate of `relax`: maps a relaxed draw to a number, [..., size of the event] → [..., 1]. Default: a network
   * with one hidden layer.
   */
  readonly network?: Layer;
}

/** The estimator of one latent site, and why it was chosen. */
export interface SiteEstimator extends EstimatorSettings {
  readonly site: string;
  /** The family of the guide's distribution at the site. */
  readonly distribution: string;
  readonly reason: string;
  readonly baseline: Baseline;
}

/** The bound whose gradient is estimated: the ELBO, or one that takes a logarithm of the particles' mean weight for each datum. */
export type BoundKind =
  | { readonly kind: "elbo" }
  /** `alpha` is the order of the Rényi bound; 0 is the importance-weighted one. */
  | { readonly kind: "importance-weighted"; readonly alpha: number };

/** Another latent site of the guide, and its estimator. */
export interface OtherSite {
  readonly site: string;
  readonly definition: EstimatorDefinition;
}

/** The tools that an estimator draws with. */
export interface DrawRequest {
  readonly choice: SiteEstimator;
  readonly distribution: Distribution;
  /** The name of the site's noise. */
  readonly noise: string;
  /** Represents all values of a finite site at once. */
  allValues(): Tensor;
}

/** A draw of a site. */
export interface SiteDraw {
  /** The value that the rest of the guide, and the model, use. */
  readonly value: Tensor;
  /** log q of the value, if the draw gives it more cheaply or more exactly than the distribution's `logProb`. */
  readonly logProb?: Tensor;
  readonly relaxation?: Relaxation;
}

/** A site of the guide, after guide and model have run. */
export interface DrawnSite {
  readonly choice: SiteEstimator;
  /** log q of the draw: one value for each particle and each element of the site's plates. */
  readonly q: Term;
  /** The draw, as a function of the guide's parameters and of noise: [hidden axes…, …the site's plates, …event]. */
  readonly value: Tensor;
  /** The number of dimensions of `value` that belong to the site's plates. */
  readonly batchRank: number;
  readonly relaxation?: Relaxation | undefined;
  /** Latent sites that the guide draws depending on this one's value. */
  downstream(): readonly OtherSite[];
}

/** The draws under the ELBO. */
export interface ElboDraws {
  readonly particles: number;
  /** Dimension of the particles in terms and costs, negative. */
  readonly particleAxis: number;
  /** The number of dimensions to the right of it: those of the program's plates. */
  readonly depth: number;
  /** Factor of the whole bound. */
  readonly scale: number;
  /** Adds the parameters, buffers and losses of control variates to the step. */
  readonly state: ControlState;
}

/** The draws inside one logarithm for each datum. */
export interface WeightedDraws extends ElboDraws {
  /** log p(x, z) − log q(z) of each draw, [particles, …plates]. */
  readonly logWeights: Tensor;
  /** The plates that contain every random site: there is one logarithm for each of their elements. */
  readonly plates: readonly Plate[];
  /** From log weights [particles, …] to the bound of each datum […]. */
  bound(logWeights: Tensor): Tensor;
}

/**
 * The objective under the ELBO. An empty object means the bound itself: its gradient goes through the draw, or the site is
 * summed over.
 */
export interface ElboSurrogate {
  /** Why there is no gradient: a clause to follow "because", without a full stop. */
  unsupported?(): string;
  /**
   * A term that is added to the bound for each site. The draw carries no gradient, and the site's own log q is held constant.
   * @param cost the bound's terms that the draw reaches, a value for each particle and each element of the site's plates
   */
  score?(site: DrawnSite, cost: Tensor, draws: ElboDraws): Tensor;
}

/** The objective under an importance-weighted or Rényi bound. An empty object means the bound itself. */
export interface WeightedSurrogate {
  /** Why there is no gradient for this order of the Rényi bound, a clause to follow "because"; undefined if there is one. */
  unsupported?(alpha: number): string | undefined;
  /** A term that is added to the bound for each site. The draw carries no gradient. */
  score?(site: DrawnSite, draws: WeightedDraws): Tensor;
  /**
   * The objective that replaces the bound, for all sites of the estimator at once. Their draws are constants in every term; the draws
   * themselves are passed with each site.
   */
  path?(sites: readonly (DrawnSite & { readonly held: Tensor })[], draws: WeightedDraws): Tensor;
}

/** One gradient estimator. */
export interface EstimatorDefinition<N extends string = string> {
  readonly name: N;
  /** Whether gradients go through the draw to the guide's parameters. */
  readonly pathwise: boolean;
  /** Whether log q is held constant in the guide's parameters, so that its gradient goes only through the draw. */
  readonly holdsLogProb?: boolean;
  /** The names of its settings. */
  readonly settings: readonly Exclude<keyof EstimatorSettings, "estimator">[];
  /** Why it cannot be used at a site with this distribution, without a full stop; undefined if it can. */
  unsuited(distribution: Distribution): string | undefined;
  /** Why it is the default at a site; undefined if it is not. The first estimator in the registry that gives a reason is chosen. */
  automatic?(distribution: Distribution, bound: BoundKind): string | undefined;
  /** Why it cannot be combined with the estimators of the other sites: a sentence; undefined if it can. */
  conflict?(others: readonly OtherSite[], bound: BoundKind): string | undefined;
  draw(request: DrawRequest): SiteDraw;
  readonly elbo: ElboSurrogate;
  readonly importanceWeighted: WeightedSurrogate;
  /** Describes its control variate, for the last column of `explain()`. */
  control(choice: SiteEstimator): string;
}
