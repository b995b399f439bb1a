/** Gaussian processes on inducing points: O(n m²) for n observations and m points. */
import { UsageError } from "../../errors.ts";
import { anything, checkOptions, nonNegative, type OptionRules, required } from "../../options.ts";
import {
  add,
  cholesky,
  div,
  expand,
  eye,
  matmul,
  mul,
  operands,
  square,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  transpose,
  triangularSolve,
  unsqueeze,
} from "../../tensor/index.ts";
import { LowRankMultivariateNormal } from "../low-rank-multivariate-normal.ts";
import {
  type GaussianProcessOptions,
  lifted,
  meanAt,
  solved,
  type ValuesOptions,
  valuesRules,
} from "./gaussian-process.ts";
import type { Kernel } from "./kernels.ts";
import { pointsOf } from "./points.ts";

/**
 * `vfe`: the variational bound of Titsias (2009), below the exact log marginal likelihood. `fitc`: independent deviations from what the inducing
 * points explain (Snelson and Ghahramani 2006). `dtc`: no deviations (Quiñonero-Candela and Rasmussen 2005).
 */
export type SparseMethod = "vfe" | "fitc" | "dtc";

/** Options of {@link SparseGaussianProcess}. */
export interface SparseGaussianProcessOptions extends Omit<GaussianProcessOptions, "noise"> {
  /** The standard deviation of what is observed about the process, one number above 0. */
  readonly noise: TensorLike;
  /** Default `vfe`. */
  readonly method?: SparseMethod;
}

const rules: OptionRules<SparseGaussianProcessOptions> = {
  mean: anything,
  noise: required(anything),
  jitter: nonNegative,
  method: anything,
};

/** What {@link SparseGaussianProcess} returns. */
export interface SparseGaussianProcessModel {
  readonly kernel: Kernel;
  /**
   * ln p(y) under the approximation, or for `vfe` a bound below the exact one; a scalar. In a program it is a `factor`. x [n, d] or [n], y [n].
   */
  logMarginal(x: TensorLike, y: TensorLike): Tensor;
  /** Mean and variance, each [m], of the process at new points, given noisy observations. */
  given(
    x: TensorLike,
    y: TensorLike,
    xNew: TensorLike,
    options?: ValuesOptions,
  ): { readonly mean: Tensor; readonly variance: Tensor };
}

/**
 * A Gaussian process through its values at inducing points, [m, d] or [m], which may be parameters. As many as the curve has bends are enough; with the
 * observed points themselves, all methods are exact.
 *
 * @throws UsageError for another method, or without noise.
 *
 * @example
 * const gp = SparseGaussianProcess(kernels.rbf({ lengthScale }), inducing, { noise });
 * factor("y", gp.logMarginal(x, y));
 */
export function SparseGaussianProcess(
  kernel: Kernel,
  inducing: TensorLike,
  options: SparseGaussianProcessOptions,
): SparseGaussianProcessModel {
  checkOptions("SparseGaussianProcess", options, rules);
  const { jitter = 1e-6, method = "vfe" } = options;
  if (!["vfe", "fitc", "dtc"].includes(method))
    throw new UsageError(
      `SparseGaussianProcess: there is no method '${String(method)}'; use vfe, fitc or dtc.`,
    );
  if (options.noise === undefined || options.noise === 0)
    throw new UsageError(
      "SparseGaussianProcess: the approximations need noise above 0; without noise use GaussianProcess.",
    );
  const z = pointsOf("SparseGaussianProcess", inducing);
  const factor = cholesky(lifted(kernel.covariance(z, z), kernel.variance(z), jitter));
  const noiseAt = (like: Tensor): Tensor => square(operands("SparseGaussianProcess", like, options.noise)[1]);

  /** V = L⁻¹ K(z, x) [m, n], what it leaves unexplained [n], and the variances D that go with VᵀV, [n]. */
  const explained = (x: Tensor) => {
    const v = triangularSolve(factor, kernel.covariance(z, x));
    const rest = sub(kernel.variance(x), sum(square(v), 0));
    const noise = noiseAt(x);
    const diagonal = method === "fitc" ? add(rest, noise) : expand(noise, rest.shape);
    return { v, rest, noise, diagonal };
  };

  return {
    kernel,
    logMarginal: (at, y) => {
      const x = pointsOf("SparseGaussianProcess", at);
      const [, observed] = operands("SparseGaussianProcess", x, y);
      const { v, rest, noise, diagonal } = explained(x);
      const marginal = LowRankMultivariateNormal(meanAt(options.mean, x), transpose(v), diagonal);
      const logProb = marginal.logProb(observed);
      return method === "vfe" ? sub(logProb, div(mul(sum(rest), 0.5), noise)) : logProb;
    },
    given: (at, y, atNew, asked = {}) => {
      checkOptions("given", asked, valuesRules);
      const { noisy = false } = asked;
      const [x, xNew] = [at, atNew].map((points) => pointsOf("SparseGaussianProcess", points));
      const [, observed] = operands("SparseGaussianProcess", x, y);
      const { v, diagonal } = explained(x);
      const weighed = div(v, diagonal);
      const b = cholesky(add(matmul(weighed, v, { transposeB: true }), eye(z.shape[0], v.dtype)));
      const c = solved(b, sum(mul(weighed, sub(observed, meanAt(options.mean, x))), -1));
      const atZ = triangularSolve(factor, kernel.covariance(z, xNew));
      const known = triangularSolve(b, atZ);
      const left = add(sub(kernel.variance(xNew), sum(square(atZ), 0)), sum(square(known), 0));
      return {
        mean: add(meanAt(options.mean, xNew), sum(mul(known, unsqueeze(c, -1)), 0)),
        variance: noisy ? add(left, noiseAt(xNew)) : left,
      };
    },
  };
}
