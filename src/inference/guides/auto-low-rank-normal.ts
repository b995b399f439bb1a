import { LowRankMultivariateNormal } from "../../distributions/index.ts";
import { UsageError } from "../../errors.ts";
import { initializers } from "../../nn/index.ts";
import { checkOptions, type OptionRules, positive, whole } from "../../options.ts";
import type { Program } from "../../program/index.ts";
import { exp } from "../../tensor/index.ts";
import { JOINT, jointGuide } from "./auto.ts";
import type { AutoNormalOptions } from "./auto-normal.ts";
import { inUnits, startNear } from "./start.ts";

/** Options of {@link autoLowRankNormal}. */
export interface AutoLowRankNormalOptions extends AutoNormalOptions {
  /** Number of directions of correlation, r. Default ⌈√n⌉. */
  readonly rank?: number;
}

const lowRankRules: OptionRules<AutoLowRankNormalOptions> = {
  rank: whole(1),
  initialScale: positive,
};

/**
 * The low-rank normal guide (Ong, Nott and Smith 2018): one normal over the unconstrained coordinates of all continuous latent
 * sites, with covariance W Wᵀ + diag(D), where W has r columns. Both its flexibility and its cost, n (r + 2) numbers, are between those
 * of the mean-field and the full-rank guide. Its densities run only on the host executor.
 *
 * @example
 * await svi(model, autoLowRankNormal(model, { rank: 5 })).run([x, y], { steps: 5000, seed: 0 });
 *
 * @throws UsageError when the rank is not a whole number of at least 1, the model has no continuous latent site, or one is in a
 * minibatch.
 */
export function autoLowRankNormal<A extends readonly unknown[]>(
  target: Program<A>,
  options: AutoLowRankNormalOptions = {},
): Program<A> {
  checkOptions("autoLowRankNormal", options, lowRankRules);
  const { initialScale = 0.1, rank } = options;
  if (rank !== undefined && (!Number.isInteger(rank) || rank < 1)) {
    throw new UsageError(`autoLowRankNormal: rank must be a whole number of at least 1, found ${rank}.`);
  }
  const guide = jointGuide(target, "autoLowRankNormal", (n, { param }) => {
    const columns = Math.min(n, rank ?? Math.ceil(Math.sqrt(n)));
    // Each of the two parts starts with half of the variance.
    const each = initialScale * Math.SQRT1_2;
    return LowRankMultivariateNormal(
      param(`${JOINT}.loc`, [n], initializers.zeros),
      param(`${JOINT}.factor`, [n, columns], initializers.normal(each / Math.sqrt(columns))),
      exp(param(`${JOINT}.logVariance`, [n], initializers.constant(2 * Math.log(each)))),
    );
  });
  if (options.initialScale !== undefined) return guide;
  return startNear(guide, {
    target,
    place: (leaf, { centre, scale }) => {
      const factor = leaf(`${JOINT}.factor`);
      const columns = factor.shape[1];
      const rows = Float64Array.from({ length: factor.size }, (_, i) => scale[Math.floor(i / columns)]);
      return [
        inUnits(leaf(`${JOINT}.loc`), centre, scale),
        inUnits(factor, 0, rows, initializers.normal(Math.SQRT1_2 / Math.sqrt(columns))),
        // The variances are half of the whole.
        inUnits(
          leaf(`${JOINT}.logVariance`),
          scale.map((v) => 2 * Math.log(v) - Math.LN2),
          1,
        ),
      ];
    },
  });
}
