import { ShapeError } from "../errors.ts";
import {
  add,
  cholesky,
  diagonal,
  div,
  exp,
  formatShape,
  full,
  greater,
  log,
  log1p,
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
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { lowerCholesky, positive, positiveDefinite, realVector } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { digammaDifference, lgammaDifference } from "./gamma-functions.ts";
import { drawGamma } from "./implicit/standard-gamma.ts";
import { lowerFactor } from "./numerics.ts";
import { type ScaleOrFactor, scaleParameters } from "./wishart.ts";

/** The distribution that {@link MultivariateStudentT} returns: parameters, moments and densities as expressions. */
export class MultivariateStudentTDistribution extends Distribution {
  readonly df: Tensor;
  readonly loc: Tensor;
  /** L, lower triangular, with L Lᵀ the scale matrix. Shape [..., n, n]. */
  readonly scaleTril: Tensor;

  /** `parameters` holds `df`, `loc` and one of `scaleTril`, `scale`. Use {@link MultivariateStudentT}. */
  constructor(parameters: Parameters) {
    const { df, loc, scaleTril, scale } = parameters;
    const [size] = (scaleTril ?? scale).shape.slice(-1);
    super({
      name: "MultivariateStudentT",
      parameters,
      constraints: {
        df: positive,
        loc: realVector,
        ...("scaleTril" in parameters ? { scaleTril: lowerCholesky } : { scale: positiveDefinite }),
      },
      support: realVector,
      eventShape: [size],
      reparameterised: true,
      ranges: { df: "nonNegative" },
    });
    this.df = df;
    this.loc = loc;
    this.scaleTril = scaleTril === undefined ? cholesky(scale) : lowerFactor(scaleTril);
  }

  /** ln of what the kernel (1 + z²/ν)^(−(ν + n)/2) is divided by. */
  private logNormalizer(): Tensor {
    const half = mul(this.df, 0.5);
    const [n] = this.eventShape;
    const gammas = lgammaDifference(half, full([], n / 2, this.dtype));
    const volume = mul(add(log(this.df), Math.log(Math.PI)), n / 2);
    return add(sub(volume, gammas), sum(log(diagonal(this.scaleTril)), -1));
  }

  protected override logDensity(x: Tensor): Tensor {
    const white = squeeze(triangularSolve(this.scaleTril, unsqueeze(sub(x, this.loc), -1)), -1);
    const distance = div(sum(square(white), -1), this.df);
    const power = mul(add(this.df, this.eventShape[0]), 0.5);
    return neg(add(mul(power, log1p(distance)), this.logNormalizer()));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const { logRatio } = drawGamma(`${site}/gamma`, shape.slice(0, -1), mul(this.df, 0.5));
    const epsilon = noise("normal", `${site}/normal`, shape, this.dtype);
    const normal = squeeze(matmul(this.scaleTril, unsqueeze(epsilon, -1)), -1);
    return add(this.loc, mul(normal, unsqueeze(exp(mul(logRatio, -0.5)), -1)));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new MultivariateStudentTDistribution(parameters);
  }

  protected override forms(): ClosedForms {
    const { df, loc } = this;
    const wide = unsqueeze(df, -1);
    return {
      mean: () => where(greater(wide, 1), loc, Number.NaN),
      variance: () => {
        const finite = greater(wide, 2);
        const safe = where(finite, wide, 3);
        const value = mul(sum(square(this.scaleTril), -1), div(safe, sub(safe, 2)));
        const infinite = where(greater(wide, 1), full([], Number.POSITIVE_INFINITY, this.dtype), Number.NaN);
        return where(finite, value, infinite);
      },
      mode: () => loc,
      entropy: () => {
        const [n] = this.eventShape;
        const step = digammaDifference(mul(df, 0.5), n / 2);
        return add(mul(mul(add(df, n), 0.5), step), this.logNormalizer());
      },
    };
  }
}

/**
 * Student's t of vectors with `df` degrees of freedom around `loc` [..., n], with the scale matrix `scale` [..., n, n] or its factor
 * `scaleTril`: a normal whose covariance is divided by a gamma that all dimensions share. Event shape [n]; the rest broadcasts to the batch.
 * The mean is NaN up to 1 degree of freedom; the variance, ν/(ν − 2) times the diagonal of the scale matrix, is infinite up to 2.
 *
 * Reparameterised in all parameters. Densities need a triangular solve.
 *
 * @example
 * await MultivariateStudentT(3, [0, 0], { scaleTril: [[1, 0], [0, 1]] }).variance().value(); // [3, 3]
 *
 * @throws UsageError when both or neither matrix is given, or a known one is not positive definite or not its factor; when a known `df` is not positive.
 * @throws ShapeError when the matrix is not square, or its size is not that of `loc`.
 */
export function MultivariateStudentT(
  df: TensorLike,
  loc: TensorLike,
  scale: ScaleOrFactor,
): MultivariateStudentTDistribution {
  const { df: n, ...matrix } = scaleParameters("MultivariateStudentT", df, scale);
  const [given] = Object.values(matrix);
  const [l] = operands("MultivariateStudentT", loc, given);
  if (l.rank < 1 || l.shape[l.rank - 1] !== given.shape[given.rank - 1]) {
    throw new ShapeError(
      `MultivariateStudentT: expected 'loc' of shape [..., n] for a matrix of shape [..., n, n], found ${formatShape(l.shape)} and ` +
        `${formatShape(given.shape)}.`,
    );
  }
  return new MultivariateStudentTDistribution({ df: n, loc: l, ...matrix });
}
