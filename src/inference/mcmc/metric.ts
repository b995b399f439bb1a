/** The Euclidean metric of momentum: an inverse mass matrix, and its estimate from warm-up draws. */
import { UsageError } from "../../errors.ts";
import { factorRows, solveRows } from "../../tensor/ops/linalg.ts";
import { dot, type Vector } from "./vectors.ts";

/** Whether a metric holds variances alone, or all covariances. */
/** What warm-up learns: each coordinate's scale, or all covariances. */
export type MetricKind = "diagonal" | "dense";

/** An inverse mass matrix M⁻¹: an estimate of the posterior's covariance in unconstrained coordinates. */
export interface Metric {
  readonly kind: MetricKind;
  /** Its diagonal, [d], or the whole matrix, [d, d] row by row. */
  readonly inverse: Float64Array;
  /** √ of the diagonal, or the lower Cholesky factor L of M⁻¹ = L Lᵀ. */
  readonly root: Float64Array;
}

/** @throws UsageError when a dense one is not positive definite to double precision. */
export function metricFrom(kind: MetricKind, inverse: Float64Array): Metric {
  if (kind === "diagonal") return { kind, inverse, root: inverse.map(Math.sqrt) };
  const root = new Float64Array(inverse.length);
  const n = Math.sqrt(inverse.length);
  if (factorRows(root, inverse, 0, n) < n) {
    throw new UsageError(
      'metric "dense": the covariance of the warm-up draws is not positive definite to double precision: coordinates differ too much in ' +
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
export function velocity({ kind, inverse }: Metric, p: Vector, out: Vector): void {
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
export function toMomentum({ kind, root }: Metric, z: Vector): void {
  const n = z.length;
  if (kind === "diagonal") {
    for (let i = 0; i < n; i++) z[i] /= root[i];
    return;
  }
  solveRows(root, n, z, true);
}

/** ½ pᵀ M⁻¹ p, from p and its velocity. */
export const kineticEnergy = (p: Vector, v: Vector): number => 0.5 * dot(p, v);

/** Running moments of draws (Welford 1962). */
export interface Moments {
  readonly kind: MetricKind;
  readonly count: number;
  readonly mean: Readonly<Vector>;
  /** Σ (q − mean)², [d], or Σ (q − mean)(q − mean)ᵀ, [d, d]. */
  readonly squares: Readonly<Vector>;
}

export const noMoments = (kind: MetricKind, dimension: number): Moments => ({
  kind,
  count: 0,
  mean: new Array<number>(dimension).fill(0),
  squares: new Array<number>(kind === "diagonal" ? dimension : dimension * dimension).fill(0),
});

/** Moments with one more draw. */
export function withDraw(moments: Moments, q: Readonly<Vector>): Moments {
  const n = q.length;
  const count = moments.count + 1;
  const before = q.map((v, i) => v - moments.mean[i]);
  const mean = moments.mean.map((m, i) => m + before[i] / count);
  const squares = moments.squares.slice();
  if (moments.kind === "diagonal") {
    for (let i = 0; i < n; i++) squares[i] += before[i] * (q[i] - mean[i]);
  } else {
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) squares[i * n + j] += before[i] * (q[j] - mean[j]);
  }
  return { kind: moments.kind, count, mean, squares };
}

/** The metric that moments ask for: their covariance, shrunk towards 10⁻³ as Stan does, n/(n+5) Σ + 10⁻³ · 5/(n+5) I. */
export function metricOf({ kind, count, mean, squares }: Moments): Metric {
  const n = mean.length;
  const scale = count / (count + 5) / (count - 1);
  const inverse = Float64Array.from(squares, (s) => s * scale);
  for (let i = 0; i < n; i++) inverse[kind === "diagonal" ? i : i * n + i] += (1e-3 * 5) / (count + 5);
  return metricFrom(kind, inverse);
}
