/** Which gradient estimator each latent site gets, and why. */
import type { Distribution } from "../../distributions/index.ts";
import { UsageError } from "../../errors.ts";
import type { RandomSite } from "../../program/index.ts";

/**
 * - `pathwise`: the draw is a differentiable function of the guide's parameters and of noise (Kingma and Welling 2014).
 * - `enumeration`: all values of a finite site, weighted by their probabilities; exact.
 * - `score`: the score function ∇ log q weighted by the cost that depends on the site (Williams 1992; Ranganath et al. 2014).
 */
export type Estimator = "pathwise" | "enumeration" | "score";

/** Control variates of the score function. */
export type Baseline = "none" | "decaying-average" | "leave-one-out";

export interface SiteEstimator {
  readonly site: string;
  readonly distribution: string;
  readonly estimator: Estimator;
  readonly reason: string;
  readonly baseline: Baseline;
}

/** More values than this are not enumerated unless asked for. */
const LARGEST_ENUMERATION = 64;

export interface EstimatorOptions {
  /** Overrides, by site name. */
  readonly estimators?: Readonly<Record<string, Estimator>>;
  /** Control variate of score-function sites. Default: leave-one-out with several particles, else a decaying average. */
  readonly baseline?: Baseline;
  readonly particles?: number;
}

function checkChoice(site: string, distribution: Distribution, estimator: Estimator): void {
  if (estimator === "pathwise" && !distribution.reparameterised) {
    throw new UsageError(
      `site '${site}': ${distribution.name} is not reparameterised, so there is no pathwise gradient; use "score"` +
        `${distribution.cardinality === undefined ? "" : ' or "enumeration"'}.`,
    );
  }
  if (estimator === "enumeration" && distribution.cardinality === undefined) {
    throw new UsageError(
      `site '${site}': the support of ${distribution.name} is not finite and cannot be enumerated.`,
    );
  }
}

/** Chooses for one latent site of the guide. @throws UsageError when an override cannot work there. */
export function chooseEstimator(site: RandomSite, options: EstimatorOptions = {}): SiteEstimator {
  const { distribution, name } = site;
  const { particles = 1 } = options;
  const asked = options.estimators?.[name];
  const make = (estimator: Estimator, reason: string): SiteEstimator => ({
    site: name,
    distribution: distribution.name,
    estimator,
    reason,
    baseline:
      estimator === "score"
        ? (options.baseline ?? (particles > 1 ? "leave-one-out" : "decaying-average"))
        : "none",
  });
  if (asked !== undefined) {
    checkChoice(name, distribution, asked);
    return make(asked, "asked for");
  }
  if (distribution.reparameterised) return make("pathwise", `${distribution.name} is reparameterised`);
  const { cardinality } = distribution;
  if (cardinality !== undefined && cardinality <= LARGEST_ENUMERATION) {
    return make("enumeration", `finite support of ${cardinality} values`);
  }
  return make(
    "score",
    cardinality === undefined
      ? `${distribution.name} is not reparameterised and its support is not finite`
      : `not reparameterised, and ${cardinality} values are too many to enumerate`,
  );
}
