/** Which gradient estimator each latent site gets, and why. */
import type { Distribution } from "../../distributions/index.ts";
import { UsageError } from "../../errors.ts";
import type { Layer } from "../../nn/index.ts";
import type { RandomSite } from "../../program/index.ts";
import { type Baseline, describeBaseline } from "./baselines.ts";
import { relaxable } from "./relaxation.ts";

/**
 * - `pathwise`: the draw is a differentiable function of the guide's parameters and of noise (Kingma and Welling 2014).
 * - `sticking-the-landing`: pathwise, without the score term of log q (Roeder et al. 2017): no noise is left where the guide is the
 *   posterior. Unbiased for the ELBO; biased for the importance-weighted bound.
 * - `doubly-reparameterised`: the unbiased form of it for the importance-weighted bound (Tucker et al. 2019). For the ELBO the two
 *   are the same.
 * - `enumeration`: all values of a finite site, weighted by their probabilities; exact.
 * - `score`: the score function ∇ log q weighted by the cost that depends on the site (Williams 1992; Ranganath et al. 2014).
 * - `rebar`, `relax`: the score function with a control variate from a continuous relaxation, its temperature and strength learnt
 *   with the rest to lower the variance (Tucker et al. 2017; Grathwohl et al. 2018).
 * - `gumbel-softmax`: the relaxation in place of the draw (Maddison et al. 2017; Jang et al. 2017). Biased: what it climbs is
 *   another function, which nears the bound as the temperature falls while the gradient's variance grows.
 */
export type Estimator =
  | "pathwise"
  | "sticking-the-landing"
  | "doubly-reparameterised"
  | "enumeration"
  | "score"
  | "rebar"
  | "relax"
  | "gumbel-softmax";

/** An estimator and what it needs. */
export interface EstimatorSettings {
  readonly estimator: Estimator;
  /** Control variate of `score`. */
  readonly baseline?: Baseline;
  /** Of `gumbel-softmax` (default 0.5); of `rebar` and `relax` its first value (default 0.5). */
  readonly temperature?: number;
  /** The free-form control variate of `relax`: from a relaxed draw, [..., size of the event] → [..., 1]. Default a small network. */
  readonly network?: Layer;
}

export interface SiteEstimator extends EstimatorSettings {
  readonly site: string;
  readonly distribution: string;
  readonly reason: string;
  readonly baseline: Baseline;
}

/** More values than this are not enumerated unless asked for. */
const LARGEST_ENUMERATION = 64;

/** Which gradient estimator each latent site gets, and its control variate. */
export interface EstimatorOptions {
  /** Overrides by site name, or one for every site. */
  readonly estimators?: Estimator | Readonly<Record<string, Estimator | EstimatorSettings>>;
  /** Control variate of score-function sites. Default: leave-one-out with several particles, else a decaying average. */
  readonly baseline?: Baseline;
  /** Draws of the whole program that are averaged (ELBO) or weighted (importance-weighted bound). Default 1. */
  readonly particles?: number;
}

/** Estimators that differentiate through the draw itself. */
export const isPathwise = (e: Estimator): boolean =>
  e === "pathwise" || e === "sticking-the-landing" || e === "doubly-reparameterised";

/** Estimators that weigh ∇ log q by a cost. */
export const isScored = (e: Estimator): boolean => e === "score" || e === "rebar" || e === "relax";

function checkChoice(site: string, distribution: Distribution, estimator: Estimator): void {
  const { name, cardinality, reparameterised } = distribution;
  if (isPathwise(estimator) && !reparameterised) {
    throw new UsageError(
      `site '${site}': ${name} is not reparameterised, so there is no ${estimator === "pathwise" ? "pathwise" : `"${estimator}"`} ` +
        `gradient; use "score"${cardinality === undefined ? "" : ' or "enumeration"'}.`,
    );
  }
  if (estimator === "enumeration" && cardinality === undefined) {
    throw new UsageError(`site '${site}': the support of ${name} is not finite and cannot be enumerated.`);
  }
  if (["rebar", "relax", "gumbel-softmax"].includes(estimator) && !relaxable(distribution)) {
    throw new UsageError(
      `site '${site}': ${name} has no continuous relaxation, which "${estimator}" needs; Bernoulli and OneHotCategorical have. ` +
        `Use one of them, or ${cardinality === undefined ? '"score"' : '"enumeration" or "score"'}.`,
    );
  }
}

/**
 * Chooses for one latent site of the guide.
 * @param enumerate whether a finite site may be enumerated: not where several draws share one logarithm
 * @throws UsageError when an override cannot work there.
 */
export function chooseEstimator(
  site: RandomSite,
  options: EstimatorOptions = {},
  enumerate = true,
): SiteEstimator {
  const { distribution, name } = site;
  const { particles = 1, estimators } = options;
  const asked = typeof estimators === "string" ? estimators : estimators?.[name];
  const settings: EstimatorSettings | undefined = typeof asked === "string" ? { estimator: asked } : asked;
  const make = (chosen: EstimatorSettings, reason: string): SiteEstimator => ({
    ...chosen,
    site: name,
    distribution: distribution.name,
    reason,
    baseline:
      chosen.estimator === "score"
        ? (chosen.baseline ?? options.baseline ?? (particles > 1 ? "leave-one-out" : "decaying-average"))
        : "none",
  });
  if (settings !== undefined) {
    checkChoice(name, distribution, settings.estimator);
    if (settings.estimator === "enumeration" && !enumerate) {
      throw new UsageError(
        `site '${name}': under the importance-weighted bound a guide's site cannot be enumerated, because all draws stand under ` +
          'one logarithm. Leave it out of the guide, and the model sums it out exactly; or use "score".',
      );
    }
    return make(settings, "asked for");
  }
  if (distribution.reparameterised)
    return make({ estimator: "pathwise" }, `${distribution.name} is reparameterised`);
  const { cardinality } = distribution;
  if (cardinality !== undefined && cardinality <= LARGEST_ENUMERATION && enumerate) {
    return make({ estimator: "enumeration" }, `finite support of ${cardinality} values`);
  }
  return make({ estimator: "score" }, whyScore(distribution, enumerate));
}

function whyScore({ name, cardinality }: Distribution, enumerate: boolean): string {
  if (cardinality === undefined) return `${name} is not reparameterised and its support is not finite`;
  return enumerate
    ? `not reparameterised, and ${cardinality} values are too many to enumerate`
    : "not reparameterised, and draws stand under one logarithm";
}

/** The control variate in words: the last column of `explain()`. */
export function describeControl(choice: SiteEstimator): string {
  switch (choice.estimator) {
    case "score":
      return describeBaseline(choice.baseline);
    case "rebar":
      return "relaxed cost, learnt temperature and strength";
    case "relax":
      return "relaxed cost + network, learnt";
    default:
      return "none";
  }
}
