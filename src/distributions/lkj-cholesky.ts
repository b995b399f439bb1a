import { UsageError } from "../errors.ts";
import {
  add,
  arange,
  constant,
  diagonal,
  grad,
  log,
  mul,
  operands,
  type Shape,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
} from "../tensor/index.ts";
import { Beta } from "./beta.ts";
import { type Constraint, correlationCholesky, positive } from "./constraints.ts";
import { Distribution, type Parameters } from "./distribution.ts";
import { logBeta } from "./gamma-functions.ts";
import { drawGamma } from "./implicit/standard-gamma.ts";
import { kl, registerKl } from "./kl.ts";
import { correlationCholesky as toFactor } from "./transforms/correlation-cholesky.ts";

/** ln of the integral of det(R)^(η − 1) over correlation matrices of n rows (Lewandowski, Kurowicka and Joe 2009, equations 16 and 17). */
export function lkjLogNormalizer(n: number, eta: Tensor): Tensor {
  const terms = Array.from({ length: n - 1 }, (_, i) => {
    const left = n - 1 - i;
    const half = add(eta, (left - 1) / 2);
    return mul(add(mul(add(mul(eta, 2), left - 2), Math.LN2), logBeta(half, half)), left);
  });
  return terms.reduce(add);
}

/** The number of rows and the concentration, as given. @throws UsageError unless a correlation matrix can have that many rows. */
export function lkjParameters(what: string, n: number, concentration: TensorLike): Parameters {
  if (Number.isInteger(n) && n >= 2) return { concentration: operands(what, concentration)[0] };
  throw new UsageError(`${what}: expected a whole number of rows of at least 2, found ${n}.`);
}

/** E[ln det R]. */
export function expectedLogDet(n: number, eta: Tensor): Tensor {
  const own = mul(eta, 1);
  return grad(sum(lkjLogNormalizer(n, own)), [own])[0];
}

/**
 * KL of two densities ∝ det(R)^(η − 1) over matrices of the same number of rows; it is that of their factors too, and the sum of those of the
 * canonical partial correlations 2u − 1, whose u are betas.
 */
export const lkjKl = (p: LKJFamily, q: LKJFamily): Tensor =>
  Array.from({ length: p.size - 1 }, (_, i) => {
    const [a, b] = [p, q].map((d) => add(d.concentration, (p.size - 2 - i) / 2));
    return mul(kl(Beta(a, a), Beta(b, b)), p.size - 1 - i);
  }).reduce(add);

/** Correlation matrices of some rows with a concentration, or their factors. */
export abstract class LKJFamily extends Distribution {
  /** Rows of the matrix. */
  readonly size: number;
  readonly concentration: Tensor;

  protected constructor(name: string, parameters: Parameters, size: number, support: Constraint) {
    super({
      name,
      parameters,
      constraints: { concentration: positive },
      support,
      eventShape: [size, size],
      reparameterised: true,
      ranges: { concentration: "nonNegative" },
    });
    this.size = size;
    this.concentration = parameters.concentration;
  }
}

/** The distribution that {@link LKJCholesky} returns: parameters and densities as expressions. */
export class LKJCholeskyDistribution extends LKJFamily {
  /** Use {@link LKJCholesky}. */
  constructor(parameters: Parameters, size: number) {
    super("LKJCholesky", parameters, size, correlationCholesky);
  }

  // Π Lₖₖ^(n − k + 2η − 2) over rows k from 2: of the first, the diagonal is 1.
  protected override logDensity(x: Tensor): Tensor {
    const { size: n, concentration: eta } = this;
    const exponents = add(mul(unsqueeze(eta, -1), 2), sub(n - 3, arange(n, eta.dtype)));
    return sub(sum(mul(log(diagonal(x)), exponents), -1), lkjLogNormalizer(n, eta));
  }

  // Canonical partial correlations 2u − 1 with u ~ Beta(b, b), b = η + (n − 2 − j)/2 in column j: their tanh⁻¹ is half the logit of u.
  protected override draw(site: string, shape: Shape): Tensor {
    const n = this.size;
    const columns = Array.from({ length: n }, (_, i) =>
      Array.from({ length: i }, (_, j) => (n - 2 - j) / 2),
    ).flat();
    const b = add(unsqueeze(this.concentration, -1), constant(columns, [columns.length], this.dtype));
    const wide = [...shape.slice(0, -2), columns.length];
    const [one, other] = ["up", "down"].map((part) => drawGamma(`${site}/${part}`, wide, b).log);
    return toFactor.forward(mul(sub(one, other), 0.5));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new LKJCholeskyDistribution(parameters, this.size);
  }
}

/**
 * The Cholesky factor L of a correlation matrix R = L Lᵀ of `size` rows with density ∝ det(R)^(concentration − 1) (Lewandowski, Kurowicka and
 * Joe 2009): 1 is uniform over correlation matrices, more favours weak correlations. Event shape [size, size]; the batch is that of
 * `concentration`. Use it rather than {@link LKJ} where the factor is what is needed, as in `MultivariateNormal(loc, { scaleTril })`:
 * nothing is factorised, and it runs on both executors.
 *
 * The density is that of the numbers below the diagonal. Draws are differentiable in the concentration.
 *
 * @example
 * await LKJCholesky(2, 1).logProb([[1, 0], [0.6, 0.8]]).value(); // -0.6931: uniform on (−1, 1)
 *
 * @throws UsageError when `size` is not a whole number of at least 2, or a known concentration is not positive.
 */
export function LKJCholesky(size: number, concentration: TensorLike): LKJCholeskyDistribution {
  return new LKJCholeskyDistribution(lkjParameters("LKJCholesky", size, concentration), size);
}

registerKl(LKJCholeskyDistribution, LKJCholeskyDistribution, lkjKl);
