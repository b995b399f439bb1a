import {
  add,
  cholesky,
  diagonal,
  div,
  greater,
  matmul,
  mul,
  type Shape,
  square,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import type { ClosedForms, Distribution, Parameters } from "./distribution.ts";
import { registerKl } from "./kl.ts";
import {
  asMatrix,
  bartlett,
  flipped,
  logDetOfFactor,
  multivariateDigamma,
  type ScaleOrFactor,
  scaleParameters,
  solveBoth,
  WishartFamily,
  wishartKl,
  wishartLogNormalizer,
} from "./wishart.ts";

/** The distribution that {@link InverseWishart} returns: parameters, moments and densities as expressions. */
export class InverseWishartDistribution extends WishartFamily {
  /** `parameters` holds `df` and one of `scale`, `scaleTril`. Use {@link InverseWishart}. */
  constructor(parameters: Parameters) {
    super("InverseWishart", parameters);
  }

  protected override logDensity(x: Tensor): Tensor {
    const { df, size: p, scaleTril } = this;
    const factor = cholesky(x);
    const trace = sum(square(solveBoth(factor, scaleTril)), [-2, -1]);
    const power = mul(mul(add(df, p + 1), -0.5), logDetOfFactor(factor));
    const scaled = mul(mul(df, 0.5), logDetOfFactor(scaleTril));
    return this.allowed(sub(sub(add(power, scaled), mul(trace, 0.5)), wishartLogNormalizer(p, df)));
  }

  // (A Aᵀ)⁻¹ between the factors of the scale: Mᵀ M with M = A⁻¹ Lᵀ.
  protected override draw(site: string, shape: Shape): Tensor {
    const m = solveBoth(bartlett(site, shape, this.df), flipped(this.scaleTril));
    return matmul(flipped(m), m);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new InverseWishartDistribution(parameters);
  }

  protected override forms(): ClosedForms {
    const { df, scale, size: p } = this;
    const n = asMatrix(df);
    const spread = diagonal(scale);
    const above = (limit: number): Tensor => where(greater(n, limit), sub(n, limit), 1);
    const infinity = Number.POSITIVE_INFINITY;
    const known = (limit: number, x: Tensor): Tensor => where(greater(n, limit), x, Number.NaN);
    return {
      mean: () => known(p + 1, div(scale, above(p + 1))),
      mode: () => div(scale, add(n, p + 1)),
      entropy: () => {
        const half = mul(df, 0.5);
        const logDet = logDetOfFactor(this.scaleTril);
        // E ln |X| = ln |Ψ| − ψ_p(n/2) − p ln 2.
        const expected = sub(logDet, add(multivariateDigamma(p, df), p * Math.LN2));
        const whole = sub(wishartLogNormalizer(p, df), mul(half, logDet));
        return add(add(whole, mul(mul(add(df, p + 1), 0.5), expected)), mul(half, p));
      },
      // ((n − p + 1) Ψᵢⱼ² + (n − p − 1) Ψᵢᵢ Ψⱼⱼ) / ((n − p)(n − p − 1)²(n − p − 3)).
      variance: () => {
        const top = add(
          mul(sub(n, p - 1), square(scale)),
          mul(sub(n, p + 1), mul(unsqueeze(spread, -1), unsqueeze(spread, -2))),
        );
        const bottom = mul(mul(above(p), square(above(p + 1))), above(p + 3));
        return where(greater(n, p + 3), div(top, bottom), infinity);
      },
    };
  }
}

/**
 * The distribution of the inverse of a Wishart matrix, on symmetric positive definite matrices: density ∝ |X|^(−(df + p + 1)/2) e^(−tr(Ψ X⁻¹)/2), with Ψ the
 * scale [..., p, p], or its factor `scaleTril`. It is conjugate to the covariance of normals, and its mean is Ψ / (df − p − 1), NaN where there is none. Event
 * shape [p, p]; the rest broadcasts to the batch. The density is that of the lower triangle. Draws are
 * differentiable in all parameters.
 *
 * @example
 * await InverseWishart(5, { scale: [[2, 0], [0, 2]] }).mean().sum().value({ executor: "host" }); // 2
 *
 * @throws UsageError when a known `df` is not above p − 1, or the matrix is not positive definite; ShapeError when it is not square.
 */
export const InverseWishart = (df: TensorLike, scale: ScaleOrFactor): InverseWishartDistribution =>
  new InverseWishartDistribution(scaleParameters("InverseWishart", df, scale));

// That of the inverses, whose scale matrices are the inverses: tr(Ψ_q Ψ_p⁻¹) = ‖L_p⁻¹ L_q‖².
registerKl(InverseWishartDistribution, InverseWishartDistribution, (p, q) =>
  wishartKl(p.size, [p.df, q.scaleTril], [q.df, p.scaleTril]),
);
