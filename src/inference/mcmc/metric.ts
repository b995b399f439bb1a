/** The Euclidean metric of momentum: an inverse mass matrix, and its estimate from warm-up draws. */
import { UsageError } from "../../errors.ts";
import { factorRows, solveRows } from "../../tensor/index.ts";
import { denseInverse } from "./dense-inverse.ts";
import { dot, type Vector } from "./vectors.ts";

/** What warm-up learns about the posterior: the variance of each coordinate (`diagonal`), or all covariances (`dense`). */
export type MetricKind = "diagonal" | "dense";

/** An inverse mass matrix M⁻¹: an estimate of the posterior's covariance in unconstrained coordinates. */
export interface Metric {
  readonly kind: MetricKind;
  /** Its diagonal, [d], or the whole matrix, [d, d] row by row. */
  readonly inverse: Float64Array;
  /** √ of the diagonal, or the lower Cholesky factor L of M⁻¹ = L Lᵀ. */
  readonly root: Float64Array;
}

/** @throws UsageError when a dense metric is not positive definite in double precision. */
export function metricFrom(kind: MetricKind, inverse: Float64Array): Metric {
  if (kind === "diagonal") return { kind, inverse, root: inverse.map(Math.sqrt) };
  const root = new Float64Array(inverse.length);
  const n = Math.sqrt(inverse.length);
  if (factorRows(root, inverse, 0, n) < n) {
    throw new UsageError(
      'metric "dense": the covariance of the warm-up draws is not positive definite in double precision: coordinates differ too much in ' +
        'scale. Use metric "diagonal", or units in which the sites are of comparable size.',
    );
  }
  return { kind, inverse, root };
}

export function unitMetric(kind: MetricKind, dimension: number): Metric {
  if (kind === "diagonal") return metricFrom(kind, new Float64Array(dimension).fill(1));
  const inverse = new Float64Array(dimension * dimension);
  for (let i = 0; i < dimension; i++) inverse[i * dimension + i] = 1;
  return metricFrom(kind, inverse);
}

/** v = M⁻¹ p, into `out`. */
export function velocity({ kind, inverse }: Metric, p: Float64Array, out: Float64Array): void {
  const n = p.length;
  if (kind === "diagonal") {
    for (let i = 0; i < n; i++) out[i] = inverse[i] * p[i];
    return;
  }
  for (let i = 0; i < n; i++) {
    let total = 0;
    for (let j = 0; j < n; j++) total += inverse[i * n + j] * p[j];
    out[i] = total;
  }
}

/** Standard normals z become a momentum p ~ N(0, M), in place: p = L⁻ᵀ z. */
export function toMomentum({ kind, root }: Metric, z: Float64Array): void {
  const n = z.length;
  if (kind === "diagonal") {
    for (let i = 0; i < n; i++) z[i] /= root[i];
    return;
  }
  solveRows(root, n, z, true);
}

/** ½ pᵀ M⁻¹ p, from p and its velocity. */
export const kineticEnergy = (p: Float64Array, v: Float64Array): number => 0.5 * dot(p, v);

/** Running moments of draws and of the log density's gradient at them (Welford 1962). */
export interface Moments {
  readonly kind: MetricKind;
  readonly count: number;
  readonly mean: Readonly<Vector>;
  /** Σ (q − mean)², [d], or Σ (q − mean)(q − mean)ᵀ, [d, d]. */
  readonly squares: Readonly<Vector>;
  readonly slope: Readonly<Vector>;
  /** The same of the gradient g: Σ (g − mean)², [d], or Σ (g − mean)(g − mean)ᵀ, [d, d]. */
  readonly slopeSquares: Readonly<Vector>;
}

const nothing = (size: number): Vector => new Array<number>(size).fill(0);

export function noMoments(kind: MetricKind, dimension: number): Moments {
  const squares = nothing(kind === "diagonal" ? dimension : dimension * dimension);
  return {
    kind,
    count: 0,
    mean: nothing(dimension),
    squares,
    slope: nothing(dimension),
    slopeSquares: squares,
  };
}

/** A mean of `count` vectors and the squares about it, with one more vector. */
function withVector(
  kind: MetricKind,
  count: number,
  x: Readonly<Vector>,
  meanBefore: Readonly<Vector>,
  squaresBefore: Readonly<Vector>,
): { readonly mean: Vector; readonly squares: Vector } {
  const n = x.length;
  const mean = meanBefore.slice();
  const squares = squaresBefore.slice();
  for (let i = 0; i < n; i++) mean[i] += (x[i] - meanBefore[i]) / count;
  if (kind === "diagonal") {
    for (let i = 0; i < n; i++) squares[i] += (x[i] - meanBefore[i]) * (x[i] - mean[i]);
  } else {
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) squares[i * n + j] += (x[i] - meanBefore[i]) * (x[j] - mean[j]);
  }
  return { mean, squares };
}

/** Moments with one more draw. */
export function withDraw(moments: Moments, q: Readonly<Vector>, gradient: Readonly<Vector>): Moments {
  const { kind } = moments;
  const count = moments.count + 1;
  const { mean, squares } = withVector(kind, count, q, moments.mean, moments.squares);
  const slopes = withVector(kind, count, gradient, moments.slope, moments.slopeSquares);
  return { kind, count, mean, squares, slope: slopes.mean, slopeSquares: slopes.squares };
}

/**
 * Each coordinate's scale squared from how far it moved against how much its slope changed on the way, √(Var q / Var ∂ log p/∂q): for a
 * normal posterior between its conditional and its marginal variance (Seyboldt, Carlson and Carpenter 2025, "Preconditioning Hamiltonian
 * Monte Carlo by minimizing Fisher divergence"). Its order of magnitude is right even if a chain has hardly moved, in any units. If nothing
 * is known, the previous scale is kept.
 */
function scalesOf({ squares, slopeSquares }: Moments, before: Metric): Float64Array {
  return Float64Array.from(slopeSquares, (slope, i) => {
    const ratio = Math.sqrt(squares[i] / slope);
    return ratio > 0 && Number.isFinite(ratio) ? ratio : before.inverse[i];
  });
}

/** A first guess of each coordinate's units, from draws on the way to the typical set; of a dense metric, of everything. */
export const roughMetric = (moments: Moments, before: Metric): Metric =>
  moments.kind === "dense"
    ? metricFrom("dense", denseInverse(moments, before.root))
    : metricFrom("diagonal", scalesOf(moments, before));

/** Number of draws that the prior guess of a variance counts as, as in Stan. */
const PRIOR_DRAWS = 5;

/**
 * The metric from moments. Of a diagonal one, variances, with the scales of `scalesOf` as if five draws had shown them: Stan shrinks towards 10⁻³
 * instead, which is large in some units and negligible in others. Of a dense one, {@link denseInverse}.
 */
export function metricOf(moments: Moments, before: Metric): Metric {
  const { kind, count, squares } = moments;
  if (kind === "dense") return metricFrom(kind, denseInverse(moments, before.root));
  const variances = scalesOf(moments, before).map((scale, i) => {
    const variance = squares[i] / (count - 1);
    return (count * variance + PRIOR_DRAWS * scale) / (count + PRIOR_DRAWS);
  });
  return metricFrom(kind, variances);
}
