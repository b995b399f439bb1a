import { MultivariateNormal, transforms } from "../../distributions/index.ts";
import { initializers } from "../../nn/index.ts";
import { checkOptions } from "../../options.ts";
import type { Program } from "../../program/index.ts";
import type { Initializer } from "../../tensor/index.ts";
import { JOINT, jointGuide } from "./auto.ts";
import { type AutoNormalOptions, autoNormalRules } from "./auto-normal.ts";

/** A packed lower triangle: `value` on the diagonal, 0 elsewhere. */
const diagonalOf = (value: number): Initializer => ({
  name: `diagonal(${value})`,
  values: ([count]) => {
    const out = new Float64Array(count);
    for (let i = 0, at = 0; at < count; i++, at += i + 1) out[at] = value;
    return out;
  },
});

/**
 * The full-rank normal guide (Kucukelbir et al. 2017): one multivariate normal over the unconstrained coordinates of all continuous
 * latent sites. Its parameters include the factor L of its covariance, n (n + 1) / 2 numbers. It can express every linear correlation, and
 * is exact if the posterior is normal in those coordinates.
 *
 * @example
 * const { values } = await svi(schools, autoFullRankNormal(schools)).run([y], { steps: 5000, seed: 0 });
 * values.get("joint.loc"); // [dimensions]
 *
 * @throws UsageError when the model has no continuous latent site, or one is in a minibatch.
 */
export function autoFullRankNormal<A extends readonly unknown[]>(
  target: Program<A>,
  options: AutoNormalOptions = {},
): Program<A> {
  checkOptions("autoFullRankNormal", options, autoNormalRules);
  const logScale = Math.log(options.initialScale ?? 0.1);
  const triangle = transforms.lowerCholesky();
  return jointGuide(target, "autoFullRankNormal", (n, { param }) =>
    MultivariateNormal(param(`${JOINT}.loc`, [n], initializers.zeros), {
      scaleTril: triangle.forward(param(`${JOINT}.scaleTril`, [(n * (n + 1)) / 2], diagonalOf(logScale))),
    }),
  );
}
