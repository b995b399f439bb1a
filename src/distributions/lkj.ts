import {
  add,
  cholesky,
  constant,
  diagonal,
  div,
  eye,
  greaterEqual,
  log,
  matmul,
  mul,
  type Shape,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  transpose,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { correlation } from "./constraints.ts";
import type { ClosedForms, Distribution, Parameters } from "./distribution.ts";
import { registerKl } from "./kl.ts";
import {
  expectedLogDet,
  LKJCholesky,
  LKJFamily,
  lkjKl,
  lkjLogNormalizer,
  lkjParameters,
} from "./lkj-cholesky.ts";

/** The distribution that {@link LKJ} returns: parameters, moments and densities as expressions. */
export class LKJDistribution extends LKJFamily {
  /** Use {@link LKJ}. */
  constructor(parameters: Parameters, size: number) {
    super("LKJ", parameters, size, correlation);
  }

  protected override logDensity(x: Tensor): Tensor {
    const { size, concentration: eta } = this;
    const logDet = mul(sum(log(diagonal(cholesky(x))), -1), 2);
    return sub(mul(sub(eta, 1), logDet), lkjLogNormalizer(size, eta));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const own = this.batchShape.length + 2;
    const factor = LKJCholesky(this.size, this.concentration)
      .expand(this.batchShape)
      .sample(site, shape.slice(0, shape.length - own));
    const axes = Array.from({ length: factor.rank }, (_, i) => i);
    return matmul(factor, transpose(factor, [...axes.slice(0, -2), factor.rank - 1, factor.rank - 2]));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new LKJDistribution(parameters, this.size);
  }

  // Each correlation is 2u − 1 with u ~ Beta(η + n/2 − 1, η + n/2 − 1).
  protected override forms(): ClosedForms {
    const { size: n, concentration: eta, dtype } = this;
    const off = constant(
      Array.from({ length: n * n }, (_, k) => Number(k % (n + 1) !== 0)),
      [n, n],
      dtype,
    );
    return {
      mean: () => eye(n, dtype),
      mode: () => where(unsqueeze(unsqueeze(greaterEqual(eta, 1), -1), -1), eye(n, dtype), Number.NaN),
      entropy: () => sub(lkjLogNormalizer(n, eta), mul(sub(eta, 1), expectedLogDet(n, eta))),
      variance: () => mul(div(1, unsqueeze(unsqueeze(add(mul(eta, 2), n - 1), -1), -1)), off),
    };
  }
}

/**
 * A correlation matrix of `size` rows with density ∝ det(R)^(concentration − 1) (Lewandowski, Kurowicka and Joe 2009): 1 is uniform over
 * correlation matrices, more favours weak correlations, less strong ones. Event shape [size, size]; the batch is that of `concentration`.
 * The density is that of the numbers below the diagonal. It factorises the matrix; {@link LKJCholesky} is
 * its factor, and cheaper. Draws are differentiable in the concentration.
 *
 * @example
 * await LKJ(2, 1).logProb([[1, 0.5], [0.5, 1]]).value(); // -0.6931: uniform on (−1, 1)
 *
 * @throws UsageError when `size` is not a whole number of at least 2, or a known concentration is not positive.
 */
export function LKJ(size: number, concentration: TensorLike): LKJDistribution {
  return new LKJDistribution(lkjParameters("LKJ", size, concentration), size);
}

registerKl(LKJDistribution, LKJDistribution, lkjKl);
