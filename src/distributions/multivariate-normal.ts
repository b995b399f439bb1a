import { ShapeError, UsageError } from "../errors.ts";
import {
  add,
  cholesky,
  choleskySolve,
  diagonal,
  eye,
  formatShape,
  log,
  matmul,
  mul,
  neg,
  noise,
  operands,
  type Shape,
  square,
  squeeze,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  triangularSolve,
  tril,
  unsqueeze,
} from "../tensor/index.ts";
import { lowerCholesky, positiveDefinite, realVector } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters, type SampleAndLogProb } from "./distribution.ts";
import { normalDivergence } from "./divergences.ts";
import type { ExponentialFamily } from "./exponential-family.ts";
import { registerKl } from "./kl.ts";
import { expandTo, HALF_LOG_TWO_PI, lowerFactor } from "./numerics.ts";

/** Either a factor of the covariance or the covariance itself. */
export type ScaleTrilOrCovariance =
  | { readonly scaleTril: TensorLike; readonly covariance?: never }
  | { readonly covariance: TensorLike; readonly scaleTril?: never };

/** L⁻¹ x of vectors. l [..., n, n], x [..., n] → [..., n]. */
const whiten = (l: Tensor, x: Tensor): Tensor => squeeze(triangularSolve(l, unsqueeze(x, -1)), -1);

/** The distribution that {@link MultivariateNormal} returns: parameters, moments and densities as expressions. */
export class MultivariateNormalDistribution extends Distribution {
  readonly loc: Tensor;
  /** L, lower triangular, with L Lᵀ the covariance. Shape [..., n, n]. */
  readonly scaleTril: Tensor;

  /** `parameters` holds `loc` and one of `scaleTril`, `covariance`. Use {@link MultivariateNormal}. */
  constructor(parameters: Parameters) {
    const { loc, scaleTril, covariance } = parameters;
    const [size] = (scaleTril ?? covariance).shape.slice(-1);
    super({
      name: "MultivariateNormal",
      parameters,
      constraints: {
        loc: realVector,
        ...("scaleTril" in parameters ? { scaleTril: lowerCholesky } : { covariance: positiveDefinite }),
      },
      support: realVector,
      eventShape: [size],
      reparameterised: true,
    });
    this.loc = loc;
    this.scaleTril = scaleTril === undefined ? cholesky(covariance) : lowerFactor(scaleTril);
  }

  /** Σ, of shape [..., n, n]. */
  get covariance(): Tensor {
    const { covariance } = this.parameters;
    return covariance ?? matmul(this.scaleTril, this.scaleTril, { transposeB: true });
  }

  /** ½ ln |2π Σ|. */
  private halfLogDet(): Tensor {
    const [n] = this.eventShape;
    return add(sum(log(diagonal(this.scaleTril)), -1), n * HALF_LOG_TWO_PI);
  }

  override get exponentialFamily(): ExponentialFamily {
    const [n] = this.eventShape;
    const own = [...this.batchShape, n];
    const identity = expandTo(eye(n, this.dtype), [...this.batchShape, n, n]);
    const precision = choleskySolve(this.scaleTril, identity);
    const linear = squeeze(choleskySolve(this.scaleTril, unsqueeze(expandTo(this.loc, own), -1)), -1);
    return {
      ranks: [1, 2],
      naturalParameters: [linear, mul(precision, -0.5)],
      sufficientStatistics: (x) => [x, mul(unsqueeze(x, -1), unsqueeze(x, -2))],
      // With P = −2 η₂ the precision: ½ η₁ᵀ P⁻¹ η₁ − ½ ln |P|.
      logNormalizer: ([a, b]) => {
        const factor = cholesky(mul(b, -2));
        const half = mul(sum(square(whiten(factor, a)), -1), 0.5);
        return sub(half, sum(log(diagonal(factor)), -1));
      },
      logBaseMeasure: (x) => sub(mul(sum(x, -1), 0), n * HALF_LOG_TWO_PI),
      distributionAt: ([a, b]) => {
        const factor = cholesky(mul(b, -2));
        const covariance = choleskySolve(factor, eye(n, this.dtype));
        return new MultivariateNormalDistribution({
          loc: squeeze(choleskySolve(factor, unsqueeze(a, -1)), -1),
          scaleTril: cholesky(covariance),
        });
      },
    };
  }

  /** L⁻¹ (x − loc). */
  standardise(x: Tensor): Tensor {
    return whiten(this.scaleTril, sub(x, this.loc));
  }

  protected override logDensity(x: Tensor): Tensor {
    return neg(add(mul(sum(square(this.standardise(x)), -1), 0.5), this.halfLogDet()));
  }

  private place(epsilon: Tensor): Tensor {
    return add(this.loc, squeeze(matmul(this.scaleTril, unsqueeze(epsilon, -1)), -1));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    return this.place(noise("normal", site, shape, this.dtype));
  }

  /** The density computed from the noise, with no system to solve. */
  override sampleAndLogProb(site: string, sampleShape: Shape = []): SampleAndLogProb {
    const shape = [...sampleShape, ...this.batchShape, ...this.eventShape];
    const epsilon = noise("normal", site, shape, this.dtype);
    const logProb = neg(add(mul(sum(square(epsilon), -1), 0.5), this.halfLogDet()));
    return { value: this.place(epsilon), logProb };
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new MultivariateNormalDistribution(parameters);
  }

  protected override forms(): ClosedForms {
    return {
      mean: () => this.loc,
      mode: () => this.loc,
      variance: () => sum(square(this.scaleTril), -1),
      entropy: () => add(this.halfLogDet(), this.eventShape[0] / 2),
    };
  }
}

/**
 * The normal distribution of vectors with mean `loc` [..., n] and covariance Σ, given as `covariance` [..., n, n] or
 * by its factor `scaleTril` L with L Lᵀ = Σ. A network or guide should give the factor: it needs no factorisation and is positive
 * definite by construction. Event shape [n]; the rest broadcasts to the batch.
 *
 * Draws, `sampleAndLogProb` and the entropy with `scaleTril` are products; `logProb` of a given value, KL and everything with `covariance`
 * need triangular solves or factorisation.
 *
 * @example
 * await MultivariateNormal([0, 0], { scaleTril: [[1, 0], [1, 1]] }).variance().value(); // [1, 2]
 *
 * @throws UsageError when both or neither are given, or a known `scaleTril` is not a Cholesky factor, or a known `covariance` is not positive
 * definite.
 * @throws ShapeError when the matrix is not square, or its size is not that of the mean.
 */
export function MultivariateNormal(
  loc: TensorLike,
  scale: ScaleTrilOrCovariance,
): MultivariateNormalDistribution {
  const names = Object.keys(scale).filter((k) => k === "scaleTril" || k === "covariance");
  if (names.length !== 1) {
    const found = names.length === 0 ? "neither" : "both";
    throw new UsageError(`MultivariateNormal: give either scaleTril or covariance, found ${found}.`);
  }
  const [name] = names;
  const [l, s] = operands("MultivariateNormal", loc, scale.scaleTril ?? scale.covariance ?? 0);
  const [rows, columns] = s.shape.slice(-2);
  if (s.rank < 2 || rows !== columns || l.rank < 1 || l.shape[l.rank - 1] !== rows) {
    throw new ShapeError(
      `MultivariateNormal: expected 'loc' of shape [..., n] and '${name}' of shape [..., n, n], found ${formatShape(l.shape)} and ` +
        `${formatShape(s.shape)}.${l.rank < 1 ? " A mean that is one number for all dimensions: expand it to [n]." : ""}`,
    );
  }
  return new MultivariateNormalDistribution({ loc: l, [name]: s });
}

// ½ (‖L_q⁻¹ L_p‖² + ‖L_q⁻¹ (μ_p − μ_q)‖² − n) + ln |L_q|/|L_p|.
registerKl(MultivariateNormalDistribution, MultivariateNormalDistribution, (p, q) => {
  // With M = L_q⁻¹ L_p, lower triangular: its diagonal is that of the scales, and below it M is L_q⁻¹ (L_p − L_q).
  const apart = triangularSolve(q.scaleTril, sub(p.scaleTril, q.scaleTril));
  const below = mul(sum(square(tril(apart, -1)), [-2, -1]), 0.5);
  const scales = normalDivergence(
    diagonal(p.scaleTril),
    diagonal(q.scaleTril),
    whiten(q.scaleTril, sub(p.loc, q.loc)),
  );
  return add(sum(scales, -1), below);
});
