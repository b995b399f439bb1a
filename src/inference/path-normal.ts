/** Normal approximations along a path of an optimiser. Covariances come from the path's last steps. */
import { factorRows } from "../tensor/index.ts";

/** A step of a search, and the change of the gradient of −log p over it. */
export interface PathStep {
  readonly step: Float64Array;
  readonly change: Float64Array;
}

/** A normal distribution that can be sampled. */
export interface PathNormal {
  readonly mean: Float64Array;
  /** ln |covariance|. */
  readonly logDeterminant: number;
  /** The covariance's diagonal. */
  readonly variances: Float64Array;
  /** mean + T u, where T Tᵀ is the covariance. */
  at(u: Float64Array): Float64Array;
}

/** If the curvature along a step is less than this share of the terms of its sum, it is rounding error. */
const LEAST_CURVATURE = 1e-10;
/** If a column keeps less than this share of its length after the others are projected out, it depends on them. */
const DEPENDENT = 1e-12;

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

/** Whether a step can be used for a covariance: the density must curve down along it. */
export const tells = ({ step, change }: PathStep): boolean =>
  dot(step, change) > LEAST_CURVATURE * dot(step.map(Math.abs), change.map(Math.abs));

/**
 * The diagonal that the inverse Hessian starts from, updated with a step (Gilbert and Lemaréchal 1989; Zhang, Carpenter, Gelman
 * and Vehtari 2022, algorithm 3).
 */
export function nextDiagonal(diagonal: Float64Array, { step, change }: PathStep): Float64Array {
  let a = 0;
  let c = 0;
  for (let i = 0; i < diagonal.length; i++) {
    a += change[i] * diagonal[i] * change[i];
    c += step[i] ** 2 / diagonal[i];
  }
  const b = dot(change, step);
  return diagonal.map(
    (v, i) => 1 / (a / (b * v) + change[i] ** 2 / b - (a * step[i] ** 2) / (b * c * v ** 2)),
  );
}

// Square matrices are flat, [n, n] row by row: this runs at each step of a path.

const multiply = (a: Float64Array, b: Float64Array, n: number): Float64Array => {
  const product = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
      product[i * n + j] = sum;
    }
  }
  return product;
};

const transposed = (a: Float64Array, n: number): Float64Array => {
  const turned = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) turned[j * n + i] = a[i * n + j];
  return turned;
};

function invertUpper(r: Float64Array, n: number): Float64Array {
  const inverse = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    for (let i = j; i >= 0; i--) {
      let sum = i === j ? 1 : 0;
      for (let k = i + 1; k <= j; k++) sum -= r[i * n + k] * inverse[k * n + j];
      inverse[i * n + j] = sum / r[i * n + i];
    }
  }
  return inverse;
}

/**
 * γ of the inverse Hessian diag(α) + β γ βᵀ, β = [diag(α) Z, S], in the compact form of BFGS (Byrd, Nocedal and Schnabel 1994, theorem
 * 2.2). Z and S are the changes and the steps, oldest first.
 */
function middle(diagonal: Float64Array, steps: readonly PathStep[]): Float64Array {
  const m = steps.length;
  const upper = new Float64Array(m * m);
  const inner = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    const { step, change } = steps[i];
    for (let j = 0; j < m; j++) {
      const other = steps[j].change;
      const crossed = j >= i ? dot(step, other) : 0;
      upper[i * m + j] = crossed;
      let sum = i === j ? crossed : 0;
      for (let d = 0; d < change.length; d++) sum += change[d] * diagonal[d] * other[d];
      inner[i * m + j] = sum;
    }
  }
  const inverse = invertUpper(upper, m);
  // R⁻ᵀ (η + Zᵀ diag(α) Z) R⁻¹
  const corner = multiply(transposed(inverse, m), multiply(inner, inverse, m), m);
  const gamma = new Float64Array(4 * m * m);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < m; j++) {
      gamma[i * 2 * m + m + j] = -inverse[i * m + j];
      gamma[(m + j) * 2 * m + i] = -inverse[i * m + j];
      gamma[(m + i) * 2 * m + m + j] = corner[i * m + j];
    }
  }
  return gamma;
}

/** QR decomposition by Gram–Schmidt, applied twice: orthonormal columns and an upper triangle. Dependent columns are 0. */
function orthonormal(columns: readonly Float64Array[]): { q: readonly Float64Array[]; r: Float64Array } {
  const m = columns.length;
  const q: Float64Array[] = [];
  const r = new Float64Array(m * m);
  columns.forEach((column, j) => {
    const rest = column.slice();
    const length = Math.sqrt(dot(rest, rest));
    for (let again = 0; again < 2; again++) {
      for (let i = 0; i < j; i++) {
        const known = q[i];
        const part = dot(known, rest);
        r[i * m + j] += part;
        for (let d = 0; d < rest.length; d++) rest[d] -= part * known[d];
      }
    }
    const left = Math.sqrt(dot(rest, rest));
    const dependent = !(left > DEPENDENT * length);
    r[j * m + j] = dependent ? 0 : left;
    for (let d = 0; d < rest.length; d++) rest[d] = dependent ? 0 : rest[d] / left;
    q.push(rest);
  });
  return { q, r };
}

/**
 * The normal whose covariance is the inverse Hessian that BFGS computes from `steps`, starting at diag(`diagonal`). Its mean is the end of
 * a Newton step from `point`. Undefined if rounding makes the covariance not positive definite.
 *
 * @param gradient of log p at `point`
 */
export function pathNormal(
  point: Float64Array,
  gradient: Float64Array,
  diagonal: Float64Array,
  steps: readonly PathStep[],
): PathNormal | undefined {
  const n = point.length;
  const scale = diagonal.map(Math.sqrt);
  // The covariance is D (I + B γ Bᵀ) D with D = diag(√α). With B = Q R, the middle factor is Q (I + R γ Rᵀ) Qᵀ on the span of Q, and the
  // identity elsewhere.
  const { q, r } = orthonormal([
    ...steps.map(({ change }) => change.map((v, i) => v * scale[i])),
    ...steps.map(({ step }) => step.map((v, i) => v / scale[i])),
  ]);
  const m = q.length;
  const product = multiply(multiply(r, middle(diagonal, steps), m), transposed(r, m), m);
  const matrix = new Float64Array(m * m);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < m; j++)
      matrix[i * m + j] = (product[i * m + j] + product[j * m + i]) / 2 + (i === j ? 1 : 0);
  const root = new Float64Array(m * m);
  if (factorRows(root, matrix, 0, m) < m) return undefined;

  /** (I + Q (A − I) Qᵀ) v for a small matrix A, [m, m]. */
  const within = (v: Float64Array, a: Float64Array): Float64Array => {
    const parts = Float64Array.from(q, (column) => dot(column, v));
    const out = v.slice();
    for (let j = 0; j < m; j++) {
      let changed = 0;
      for (let k = 0; k < m; k++) changed += a[j * m + k] * parts[k];
      const by = changed - parts[j];
      const column = q[j];
      for (let d = 0; d < n; d++) out[d] += by * column[d];
    }
    return out;
  };
  const newton = within(
    gradient.map((g, i) => g * scale[i]),
    matrix,
  );
  const mean = point.map((v, i) => v + scale[i] * newton[i]);
  if (!mean.every(Number.isFinite)) return undefined;
  const logDeterminant =
    2 *
    (Array.from({ length: m }, (_, i) => Math.log(root[i * m + i])).reduce((a, b) => a + b, 0) +
      scale.reduce((sum, v) => sum + Math.log(v), 0));
  return {
    mean,
    logDeterminant,
    variances: scale.map((v, d) => {
      let variance = 1;
      for (let i = 0; i < m; i++)
        for (let j = 0; j < m; j++) variance += q[i][d] * q[j][d] * (matrix[i * m + j] - (i === j ? 1 : 0));
      return v * v * variance;
    }),
    at(u) {
      const moved = within(u, root);
      return mean.map((v, i) => v + scale[i] * moved[i]);
    },
  };
}
