import { ShapeError } from "../errors.ts";
import {
  add,
  cholesky,
  choleskyLogdet,
  div,
  eye,
  formatShape,
  log,
  matmul,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  sqrt,
  square,
  squeeze,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  triangularSolve,
  unsqueeze,
} from "../tensor/index.ts";
import { independentConstraint, positive, real, realVector } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { registerKl } from "./kl.ts";
import { HALF_LOG_TWO_PI } from "./numerics.ts";

/** The distribution that {@link LowRankMultivariateNormal} returns: parameters, moments and densities as expressions. */
export class LowRankMultivariateNormalDistribution extends Distribution {
  readonly loc: Tensor;
  /** W, of shape [..., n, r]. */
  readonly factor: Tensor;
  /** The variances D, of shape [..., n]. */
  readonly diagonal: Tensor;

  /** Use {@link LowRankMultivariateNormal}. */
  constructor(parameters: Parameters) {
    const { loc, factor, diagonal: variances } = parameters;
    super({
      name: "LowRankMultivariateNormal",
      parameters,
      constraints: {
        loc: realVector,
        factor: independentConstraint(real, 2),
        diagonal: independentConstraint(positive, 1),
      },
      support: realVector,
      eventShape: variances.shape.slice(-1),
      reparameterised: true,
    });
    this.loc = loc;
    this.factor = factor;
    this.diagonal = variances;
  }

  private get rank(): number {
    return this.factor.shape[this.factor.rank - 1];
  }

  /** D⁻¹ W and the Cholesky factor of C = I + Wᵀ D⁻¹ W, which is r by r. */
  private capacitance(): { readonly scaled: Tensor; readonly root: Tensor } {
    const scaled = div(this.factor, unsqueeze(this.diagonal, -1));
    const inner = matmul(this.factor, scaled, { transposeA: true });
    return { scaled, root: cholesky(add(inner, eye(this.rank, this.dtype))) };
  }

  /** xᵀ Σ⁻¹ x = xᵀ D⁻¹ x − ‖C^(−½) Wᵀ D⁻¹ x‖² of columns, by Woodbury's identity. x [..., n, m] → [..., m]. */
  private mahalanobis(x: Tensor): Tensor {
    const { scaled, root } = this.capacitance();
    const plain = sum(div(square(x), unsqueeze(this.diagonal, -1)), -2);
    const inner = triangularSolve(root, matmul(scaled, x, { transposeA: true }));
    return sub(plain, sum(square(inner), -2));
  }

  /** ln |Σ| = ln |C| + Σ ln D, the matrix determinant lemma. */
  logDet(): Tensor {
    return add(choleskyLogdet(this.capacitance().root), sum(log(this.diagonal), -1));
  }

  /** The quadratic form of Σ⁻¹, summed over the columns of a matrix or of one vector. */
  quadratic(columns: Tensor): Tensor {
    return sum(this.mahalanobis(columns), -1);
  }

  protected override logDensity(x: Tensor): Tensor {
    const distance = this.quadratic(unsqueeze(sub(x, this.loc), -1));
    return neg(add(mul(add(distance, this.logDet()), 0.5), this.eventShape[0] * HALF_LOG_TWO_PI));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const low = noise("normal", `${site}/factor`, [...shape.slice(0, -1), this.rank], this.dtype);
    const wide = noise("normal", `${site}/diagonal`, shape, this.dtype);
    const along = squeeze(matmul(this.factor, unsqueeze(low, -1)), -1);
    return add(add(this.loc, along), mul(sqrt(this.diagonal), wide));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new LowRankMultivariateNormalDistribution(parameters);
  }

  protected override forms(): ClosedForms {
    return {
      mean: () => this.loc,
      mode: () => this.loc,
      variance: () => add(sum(square(this.factor), -1), this.diagonal),
      entropy: () => add(mul(this.logDet(), 0.5), this.eventShape[0] * (HALF_LOG_TWO_PI + 0.5)),
    };
  }
}

/**
 * The normal distribution of vectors with mean `loc` [..., n] and covariance W Wᵀ + diag(D): `factor` W [..., n, r]
 * and variances `diagonal` D [..., n]. Densities cost O(n r²) (Woodbury's identity). Event shape [n]; the rest
 * broadcasts to the batch.
 *
 * Densities, entropy and KL factor an r by r matrix.
 *
 * @example
 * await LowRankMultivariateNormal([0, 0], [[1], [1]], [1, 1]).variance().value(); // [2, 2]
 *
 * @throws ShapeError when the sizes differ; UsageError when a known variance is not positive.
 */
export function LowRankMultivariateNormal(
  loc: TensorLike,
  factor: TensorLike,
  variances: TensorLike,
): LowRankMultivariateNormalDistribution {
  const [l, w, d] = operands("LowRankMultivariateNormal", loc, factor, variances);
  const n = d.shape[d.rank - 1];
  if (w.rank < 2 || d.rank < 1 || l.rank < 1 || w.shape[w.rank - 2] !== n || l.shape[l.rank - 1] !== n) {
    throw new ShapeError(
      "LowRankMultivariateNormal: expected 'loc' of shape [..., n], 'factor' of shape [..., n, r] and 'diagonal' of shape " +
        `[..., n], found ${formatShape(l.shape)}, ${formatShape(w.shape)} and ${formatShape(d.shape)}.`,
    );
  }
  return new LowRankMultivariateNormalDistribution({ loc: l, factor: w, diagonal: d });
}

// ½ (tr Σ_q⁻¹ Σ_p + Δᵀ Σ_q⁻¹ Δ − n + ln |Σ_q|/|Σ_p|), with the trace computed from the columns of W_p and of √D_p.
registerKl(LowRankMultivariateNormalDistribution, LowRankMultivariateNormalDistribution, (p, q) => {
  const [n] = p.eventShape;
  const roots = mul(unsqueeze(sqrt(p.diagonal), -1), eye(n, p.dtype));
  const trace = add(q.quadratic(p.factor), q.quadratic(roots));
  const distance = q.quadratic(unsqueeze(sub(p.loc, q.loc), -1));
  return mul(add(sub(add(trace, distance), n), sub(q.logDet(), p.logDet())), 0.5);
});
