/** Gaussian processes, exactly: the distribution of values at given points, and what data say about values at other points. */
import { anything, checkOptions, flag, nonNegative, type OptionRules } from "../../options.ts";
import {
  add,
  cholesky,
  eye,
  full,
  matmul,
  mean,
  mul,
  operands,
  reshape,
  square,
  squeeze,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  triangularSolve,
  unsqueeze,
} from "../../tensor/index.ts";
import { MultivariateNormal, type MultivariateNormalDistribution } from "../multivariate-normal.ts";
import type { Kernel } from "./kernels.ts";
import { pointsOf } from "./points.ts";

/** Options of {@link GaussianProcess}. */
export interface GaussianProcessOptions {
  /** The mean: one number, or a function from points [n, d] to [n]. Default 0. */
  readonly mean?: TensorLike | ((x: Tensor) => Tensor);
  /** The standard deviation of what is observed about the process, one number. Default 0: the process itself is observed. */
  readonly noise?: TensorLike;
  /**
   * Added to the diagonal of covariances, as a part of their mean variance, so that rounding leaves them positive definite. Default 1e-6; where points
   * lie close to each other and there is no noise, more may be needed.
   */
  readonly jitter?: number;
}

const rules: OptionRules<GaussianProcessOptions> = { mean: anything, noise: anything, jitter: nonNegative };

/** What is asked for at new points. */
export interface ValuesOptions {
  /** Whether new observations, with their noise, are meant, and not the process. Default false. */
  readonly noisy?: boolean;
}

/** The option names of `given`. */
export const valuesRules: OptionRules<ValuesOptions> = { noisy: flag };

/** Values at points, as normals: each of them, and jointly. */
export interface GaussianProcessValues {
  /** [m]. */
  readonly mean: Tensor;
  /** [m]. */
  readonly variance: Tensor;
  /** [m, m]. */
  readonly covariance: Tensor;
  /** All values jointly, event shape [m]; the jitter is added. */
  readonly distribution: MultivariateNormalDistribution;
}

/** What {@link GaussianProcess} returns. */
export interface GaussianProcessModel {
  readonly kernel: Kernel;
  /** The distribution of noisy observations at points [n, d] or [n], event shape [n]. Its log probability is the log marginal likelihood. */
  at(x: TensorLike): MultivariateNormalDistribution;
  /** The process at new points, given noisy observations y [n] at points x. */
  given(x: TensorLike, y: TensorLike, xNew: TensorLike, options?: ValuesOptions): GaussianProcessValues;
}

/** The mean at points, [n]. */
export function meanAt(given: GaussianProcessOptions["mean"], x: Tensor): Tensor {
  if (typeof given === "function") return given(x);
  const [, value] = operands("GaussianProcess", x, given ?? 0);
  return mul(full([x.shape[0]], 1, x.dtype), value);
}

/** A covariance with jitter and further variance on its diagonal. */
export function lifted(covariance: Tensor, variance: Tensor, jitter: number, more?: Tensor): Tensor {
  const n = covariance.shape[0];
  const part = mul(mean(variance), jitter);
  return add(covariance, mul(eye(n, covariance.dtype), more === undefined ? part : add(part, more)));
}

/** L⁻¹ v of a vector. */
export const solved = (l: Tensor, v: Tensor): Tensor => squeeze(triangularSolve(l, unsqueeze(v, -1)), -1);

/**
 * A Gaussian process with a covariance function. Exact: observations at n points cost a factorisation, O(n³) (Rasmussen and Williams 2006,
 * algorithm 2.1). Hyperparameters are the kernel's, the mean's and the noise, which may be sites of a program.
 *
 * @example
 * const lengthScale = sample("lengthScale", LogNormal(0, 1));
 * const gp = GaussianProcess(kernels.rbf({ lengthScale }), { noise: 0.1 });
 * observe("y", gp.at(x), y);
 * const { mean, variance } = gp.given(x, y, xNew);
 */
export function GaussianProcess(kernel: Kernel, options: GaussianProcessOptions = {}): GaussianProcessModel {
  checkOptions("GaussianProcess", options, rules);
  const { jitter = 1e-6 } = options;
  const { mean: trend, noise: sd = 0 } = options;
  const noiseVariance = (like: Tensor): Tensor => square(operands("GaussianProcess", like, sd)[1]);
  const factorAt = (x: Tensor): Tensor =>
    cholesky(lifted(kernel.covariance(x, x), kernel.variance(x), jitter, noiseVariance(x)));
  return {
    kernel,
    at: (at) => {
      const x = pointsOf("GaussianProcess", at);
      return MultivariateNormal(meanAt(trend, x), { scaleTril: factorAt(x) });
    },
    given: (at, y, atNew, options = {}) => {
      checkOptions("given", options, valuesRules);
      const { noisy = false } = options;
      const [x, xNew] = [pointsOf("GaussianProcess", at), pointsOf("GaussianProcess", atNew)];
      const [, observed] = operands("GaussianProcess", x, y);
      const l = factorAt(x);
      const cross = triangularSolve(l, kernel.covariance(x, xNew));
      const residual = solved(l, sub(observed, meanAt(trend, x)));
      const loc = add(meanAt(trend, xNew), sum(mul(cross, unsqueeze(residual, -1)), 0));
      const more = noisy ? noiseVariance(xNew) : undefined;
      const prior = kernel.variance(xNew);
      const left = sub(prior, sum(square(cross), 0));
      const m = xNew.shape[0];
      const bare = sub(kernel.covariance(xNew, xNew), matmul(cross, cross, { transposeA: true }));
      const covariance = more === undefined ? bare : add(bare, mul(eye(m, bare.dtype), more));
      return {
        mean: loc,
        variance: more === undefined ? left : add(left, more),
        covariance,
        distribution: MultivariateNormal(reshape(loc, [m]), {
          scaleTril: cholesky(lifted(covariance, prior, jitter)),
        }),
      };
    },
  };
}
