import { ShapeError } from "../errors.ts";
import {
  add,
  choleskyLogdet,
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
  unsqueeze,
} from "../tensor/index.ts";
import { independentConstraint, positive, real, realVector } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { registerKl } from "./kl.ts";
import { capacitance, covarianceExcess, quadratic } from "./low-rank-divergence.ts";
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

  /** ln |Σ| = ln |C| + Σ ln D, the matrix determinant lemma. */
  logDet(): Tensor {
    return add(choleskyLogdet(capacitance(this).root), sum(log(this.diagonal), -1));
  }

  protected override logDensity(x: Tensor): Tensor {
    const distance = quadratic(this, unsqueeze(sub(x, this.loc), -1));
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
 * Densities and entropy factor an r by r matrix; KL factors some of 2r rows and costs O(n² r).
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

registerKl(LowRankMultivariateNormalDistribution, LowRankMultivariateNormalDistribution, (p, q) => {
  const distance = quadratic(q, unsqueeze(sub(p.loc, q.loc), -1));
  return mul(add(covarianceExcess(p, q), distance), 0.5);
});
