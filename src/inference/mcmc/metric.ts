/** The Euclidean metric of momentum: an inverse mass matrix, and its estimate from warm-up draws. */
import { UsageError } from "../../errors.ts";
import { factorRows, solveRows } from "../../tensor/index.ts";
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

/** Running moments of draws and of the log density's gradient at them (Welford 1962). */
export interface Moments {
  readonly kind: MetricKind;
  readonly count: number;
  readonly mean: Readonly<Vector>;
  /** Σ (q − mean)², [d], or Σ (q − mean)(q − mean)ᵀ, [d, d]. */
  readonly squares: Readonly<Vector>;
  readonly slope: Readonly<Vector>;
  /** Σ (g − mean)² of the gradient g, [d]. */
  readonly slopeSquares: Readonly<Vector>;
}

const nothing = (size: number): Vector => new Array<number>(size).fill(0);

export const noMoments = (kind: MetricKind, dimension: number): Moments => ({
  kind,
  count: 0,
  mean: nothing(dimension),
  squares: nothing(kind === "diagonal" ? dimension : dimension * dimension),
  slope: nothing(dimension),
  slopeSquares: nothing(dimension),
});

/** Moments with one more draw. */
export function withDraw(moments: Moments, q: Readonly<Vector>, gradient: Readonly<Vector>): Moments {
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
  const steps = gradient.map((v, i) => v - moments.slope[i]);
  const slope = moments.slope.map((m, i) => m + steps[i] / count);
  const slopeSquares = moments.slopeSquares.map((s, i) => s + steps[i] * (gradient[i] - slope[i]));
  return { kind: moments.kind, count, mean, squares, slope, slopeSquares };
}

/**
 * Each coordinate's scale squared from how far it moved against how much its slope changed on the way, √(Var q / Var ∂ log p/∂q): for a
 * normal posterior between its conditional and its marginal variance (Seyboldt, Carlson and Carpenter 2025, "Preconditioning Hamiltonian
 * Monte Carlo by minimizing Fisher divergence"). Its order of magnitude is right even if a chain has hardly moved, in any units. If nothing
 * is known, the previous scale is kept.
 */
function scalesOf({ kind, mean, squares, slopeSquares }: Moments, before: Metric): Float64Array {
  const n = mean.length;
  const at = (i: number): number => (kind === "diagonal" ? i : i * n + i);
  return Float64Array.from(slopeSquares, (slope, i) => {
    const ratio = Math.sqrt(squares[at(i)] / slope);
    return ratio > 0 && Number.isFinite(ratio) ? ratio : before.inverse[at(i)];
  });
}

/** A diagonal as a metric of either kind. */
function diagonalMetric(kind: MetricKind, diagonal: Float64Array): Metric {
  if (kind === "diagonal") return metricFrom(kind, diagonal);
  const n = diagonal.length;
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) inverse[i * n + i] = diagonal[i];
  return metricFrom(kind, inverse);
}

/** A first guess of each coordinate's units, from draws on the way to the typical set. */
export const roughMetric = (moments: Moments, before: Metric): Metric =>
  diagonalMetric(moments.kind, scalesOf(moments, before));

/** Number of draws that the prior guess of a variance counts as, as in Stan. */
const PRIOR_DRAWS = 5;

/** F A Fᵀ of a symmetric A, [n, n], where `change` makes F x of a vector x, in place. */
function onBothSides(a: Float64Array, n: number, change: (x: Float64Array) => void): Float64Array {
  let rows = a;
  for (let side = 0; side < 2; side++) {
    const out = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      const row = rows.slice(i * n, (i + 1) * n);
      change(row);
      for (let j = 0; j < n; j++) out[j * n + i] = row[j];
    }
    rows = out;
  }
  return rows;
}

/** x becomes L x, in place. */
function timesRoot(root: Float64Array, n: number, x: Float64Array): void {
  for (let i = n - 1; i >= 0; i--) {
    let total = 0;
    for (let j = 0; j <= i; j++) total += root[i * n + j] * x[j];
    x[i] = total;
  }
}

/**
 * A covariance whose correlations are shrunk towards none, in place, as far as their sampling errors explain them: λ = Σ Var(r) / Σ r²
 * (Schäfer and Strimmer 2005, "A shrinkage approach to large-scale covariance matrix estimation").
 */
function shrinkCorrelations(covariance: Float64Array, n: number, count: number): void {
  const correlation = (i: number, j: number): number => {
    const r = covariance[i * n + j] / Math.sqrt(covariance[i * n + i] * covariance[j * n + j]);
    return Number.isFinite(r) ? r : 0;
  };
  let [errors, found] = [0, 0];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const square = Math.min(1, correlation(i, j) ** 2);
      errors += (1 - square) ** 2 / (count - 1);
      found += square;
    }
  }
  const shrunk = Math.min(
    1,
    Math.max(found > 0 ? errors / found : 1, (1e-3 * PRIOR_DRAWS) / (count + PRIOR_DRAWS)),
  );
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) if (i !== j) covariance[i * n + j] *= 1 - shrunk;
  }
}

/**
 * The metric from moments: variances, with the scales of `scalesOf` as if five draws had shown them. Stan shrinks towards 10⁻³
 * instead, which is large in some units and negligible in others.
 *
 * Of a dense one the correlations are shrunk, so that fewer draws than dimensions give a usable metric; and they are shrunk in the
 * coordinates that the metric before makes round. In the program's own, a correlation of 0.9999 would lose its last digits, which are
 * the width of the posterior across it, to the noise of the others; here each window resolves what the one before has left.
 */
export function metricOf(moments: Moments, before: Metric): Metric {
  const { kind, count, mean, squares } = moments;
  const n = mean.length;
  const at = (i: number): number => (kind === "diagonal" ? i : i * n + i);
  const variances = scalesOf(moments, before).map((scale, i) => {
    const variance = squares[at(i)] / (count - 1);
    return (count * variance + PRIOR_DRAWS * scale) / (count + PRIOR_DRAWS);
  });
  if (kind === "diagonal") return metricFrom(kind, variances);
  const covariance = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const r = i === j ? 1 : squares[i * n + j] / Math.sqrt(squares[at(i)] * squares[at(j)]);
      covariance[i * n + j] = (Number.isFinite(r) ? r : 0) * Math.sqrt(variances[i] * variances[j]);
    }
  }
  const { root } = before;
  const round = onBothSides(covariance, n, (x) => solveRows(root, n, x, false));
  shrinkCorrelations(round, n, count);
  return metricFrom(
    kind,
    onBothSides(round, n, (x) => timesRoot(root, n, x)),
  );
}
