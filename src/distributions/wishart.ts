import { ShapeError, UsageError } from "../errors.ts";
import {
  add,
  arange,
  broadcastShapes,
  cholesky,
  concat,
  diagonal,
  digamma,
  formatShape,
  lgamma,
  log,
  matmul,
  mul,
  noise,
  operands,
  reshape,
  type Shape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  transpose,
  triangularSolve,
  tril,
  unsqueeze,
  where,
  zeros,
} from "../tensor/index.ts";
import { greaterThan, lowerCholesky, positiveDefinite } from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { ratioExcess } from "./divergences.ts";
import { gammaKl } from "./gamma.ts";
import { drawGamma } from "./implicit/standard-gamma.ts";
import { registerKl } from "./kl.ts";
import { expandTo, lowerFactor } from "./numerics.ts";

/** Either the scale matrix or its Cholesky factor. */
export type ScaleOrFactor =
  | { readonly scale: TensorLike; readonly scaleTril?: never }
  | { readonly scaleTril: TensorLike; readonly scale?: never };

/** The last two axes changed over. */
export const flipped = (x: Tensor): Tensor => {
  const axes = Array.from({ length: x.rank }, (_, i) => i);
  return transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
};

/** ln of the determinant of L Lᵀ. */
export const logDetOfFactor = (l: Tensor): Tensor => mul(sum(log(diagonal(l)), -1), 2);

/** A⁻¹ B for lower triangular A, of matrices whose batches broadcast. */
export function solveBoth(a: Tensor, b: Tensor): Tensor {
  const batch = broadcastShapes("Wishart", a.shape.slice(0, -2), b.shape.slice(0, -2));
  const wide = (x: Tensor): Tensor => expandTo(x, [...batch, ...x.shape.slice(-2)]);
  return triangularSolve(wide(a), wide(b));
}

/** A number for each batch element, as a matrix of one entry. */
export const asMatrix = (x: Tensor): Tensor => unsqueeze(unsqueeze(x, -1), -1);

/** ln [2^(np/2) Γ_p(n/2)] with p rows and n degrees of freedom; Γ_p is the multivariate gamma function. */
export function wishartLogNormalizer(p: number, df: Tensor): Tensor {
  const half = mul(df, 0.5);
  const gammas = Array.from({ length: p }, (_, j) => lgamma(sub(half, j / 2))).reduce((a, b) => add(a, b));
  return add(add(gammas, (p * (p - 1) * Math.log(Math.PI)) / 4), mul(df, (p * Math.LN2) / 2));
}

/**
 * The lower triangular A of Bartlett (1933), of `shape` [..., p, p]: A Aᵀ is a standard Wishart. Its diagonal are roots of χ² with n, n − 1, …
 * degrees of freedom, below it are standard normals.
 */
export function bartlett(site: string, shape: Shape, df: Tensor): Tensor {
  const p = shape[shape.length - 1];
  const batch = shape.slice(0, -2);
  const roots = Array.from({ length: p }, (_, i) => {
    const gamma = drawGamma(`${site}/diagonal/${i}`, batch, mul(sub(df, i), 0.5));
    return unsqueeze(sqrt(mul(gamma.value, 2)), -1);
  });
  const below = tril(noise("normal", `${site}/below`, shape, df.dtype), -1);
  const rows = concat(roots, -1);
  const onDiagonal = Array.from({ length: p }, (_, i) => {
    const left = zeros([...batch, i], df.dtype);
    const right = zeros([...batch, p - 1 - i], df.dtype);
    const entry = reshape(rows.slice({ axis: -1, start: i, end: i + 1 }), [...batch, 1]);
    return unsqueeze(
      concat(
        [left, entry, right].filter((t) => t.shape[t.rank - 1] > 0),
        -1,
      ),
      -2,
    );
  });
  return add(below, concat(onDiagonal, -2));
}

/** The parameters of a family of matrices, as given. @throws UsageError, ShapeError */
export function scaleParameters(what: string, df: TensorLike, given: ScaleOrFactor): Parameters {
  const names = Object.keys(given).filter((k) => k === "scale" || k === "scaleTril");
  if (names.length !== 1) {
    throw new UsageError(
      `${what}: give either scale or scaleTril, found ${names.length === 0 ? "neither" : "both"}.`,
    );
  }
  const [name] = names;
  const [n, matrix] = operands(what, df, given.scale ?? given.scaleTril ?? 0);
  const [rows, columns] = matrix.shape.slice(-2);
  if (matrix.rank < 2 || rows !== columns) {
    throw new ShapeError(
      `${what}: expected '${name}' of shape [..., p, p], found ${formatShape(matrix.shape)}.`,
    );
  }
  return { df: n, [name]: matrix };
}

/** A family of positive definite matrices with degrees of freedom and a scale matrix. */
export abstract class WishartFamily extends Distribution {
  readonly df: Tensor;
  /** The factor of the scale matrix. Shape [..., p, p]. */
  readonly scaleTril: Tensor;
  /** Rows of the matrix. */
  readonly size: number;

  protected constructor(name: string, parameters: Parameters) {
    const { df, scale, scaleTril } = parameters;
    const size = (scaleTril ?? scale).shape.slice(-1)[0];
    super({
      name,
      parameters,
      constraints: {
        df: greaterThan(size - 1),
        ...(scaleTril === undefined ? { scale: positiveDefinite } : { scaleTril: lowerCholesky }),
      },
      support: positiveDefinite,
      eventShape: [size, size],
      reparameterised: true,
    });
    this.df = df;
    this.size = size;
    this.scaleTril = scaleTril === undefined ? cholesky(scale) : lowerFactor(scaleTril);
  }

  /** The scale matrix. */
  get scale(): Tensor {
    return this.parameters.scale ?? matmul(this.scaleTril, this.scaleTril, { transposeB: true });
  }

  /** NaN where there are too few degrees of freedom: a gamma function gives a number there too. */
  protected allowed(logs: Tensor): Tensor {
    return where(this.df.greater(this.size - 1), logs, Number.NaN);
  }
}

/** ψ_p(n/2), the slope of ln Γ_p. */
export const multivariateDigamma = (p: number, df: Tensor): Tensor =>
  Array.from({ length: p }, (_, j) => digamma(sub(mul(df, 0.5), j / 2))).reduce((x, y) => add(x, y));

/**
 * KL of two Wisharts with n and m degrees of freedom, or of the inverses: `first` and `second` are factors of the scale matrices, or of their inverses, such
 * that the trace is ‖second⁻¹ first‖².
 *
 * With M = second⁻¹ first, lower triangular, and r the squares of its diagonal, that is n/2 (Σ r − p + the squares below) − m/2 Σ ln r, and what the gamma
 * functions add: the divergences of gammas with (n − j)/2 and (m − j)/2, and j/2 (r − 1 − ln r) for what these leave.
 */
export function wishartKl(
  p: number,
  [n, first]: readonly [Tensor, Tensor],
  [m, second]: readonly [Tensor, Tensor],
): Tensor {
  const below = sum(square(tril(solveBoth(second, sub(first, second)), -1)), [-2, -1]);
  const [a, b] = [first, second].map((l) => square(diagonal(l)));
  const j = arange(p, a.dtype);
  const [own, other] = [n, m].map((df) => mul(sub(unsqueeze(df, -1), j), 0.5));
  const gammas = gammaKl(own, b, other, a);
  return add(mul(mul(n, 0.5), below), sum(add(gammas, mul(ratioExcess(a, b), mul(j, 0.5))), -1));
}

/** The distribution that {@link Wishart} returns: parameters, moments and densities as expressions. */
export class WishartDistribution extends WishartFamily {
  /** `parameters` holds `df` and one of `scale`, `scaleTril`. Use {@link Wishart}. */
  constructor(parameters: Parameters) {
    super("Wishart", parameters);
  }

  protected override logDensity(x: Tensor): Tensor {
    const { df, size: p, scaleTril } = this;
    const factor = cholesky(x);
    const trace = sum(square(solveBoth(scaleTril, factor)), [-2, -1]);
    const power = mul(mul(sub(df, p + 1), 0.5), logDetOfFactor(factor));
    const scaled = mul(mul(df, 0.5), logDetOfFactor(scaleTril));
    return this.allowed(sub(sub(sub(power, mul(trace, 0.5)), scaled), wishartLogNormalizer(p, df)));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const a = matmul(this.scaleTril, bartlett(site, shape, this.df));
    return matmul(a, flipped(a));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new WishartDistribution(parameters);
  }

  protected override forms(): ClosedForms {
    const { df, scale, size: p } = this;
    const n = asMatrix(df);
    const spread = diagonal(scale);
    return {
      mean: () => mul(n, scale),
      variance: () => mul(n, add(square(scale), mul(unsqueeze(spread, -1), unsqueeze(spread, -2)))),
      mode: () => mul(sub(n, p + 1), where(n.greaterEqual(p + 1), scale, Number.NaN)),
      entropy: () => {
        const half = mul(df, 0.5);
        const digammas = multivariateDigamma(p, df);
        const logDet = logDetOfFactor(this.scaleTril);
        // E ln |W| = ψ_p(n/2) + p ln 2 + ln |V|.
        const expected = add(add(digammas, p * Math.LN2), logDet);
        const whole = add(wishartLogNormalizer(p, df), mul(half, logDet));
        return add(sub(whole, mul(mul(sub(df, p + 1), 0.5), expected)), mul(half, p));
      },
    };
  }
}

/**
 * The Wishart distribution of symmetric positive definite matrices, the sum of `df` outer products of normal vectors with covariance `scale`:
 * density ∝ |W|^((df − p − 1)/2) e^(−tr(V⁻¹W)/2), with V the scale [..., p, p], or its factor `scaleTril`, and mean df · V. Event shape [p, p]; the
 * rest broadcasts to the batch. The density is that of the lower triangle. It factorises the matrix.
 *
 * Drawn by Bartlett's decomposition; draws are differentiable in all parameters. As a prior of covariances, {@link LKJCholesky} with scales
 * is easier to choose and to sample.
 *
 * @example
 * await Wishart(4, { scale: [[1, 0], [0, 1]] }).mean().sum().value({ executor: "host" }); // 8
 *
 * @throws UsageError when a known `df` is not above p − 1, or the matrix is not positive definite; ShapeError when it is not square.
 */
export const Wishart = (df: TensorLike, scale: ScaleOrFactor): WishartDistribution =>
  new WishartDistribution(scaleParameters("Wishart", df, scale));

registerKl(WishartDistribution, WishartDistribution, (p, q) =>
  wishartKl(p.size, [p.df, p.scaleTril], [q.df, q.scaleTril]),
);
