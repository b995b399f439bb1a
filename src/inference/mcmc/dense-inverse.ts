/** The dense inverse mass matrix from draws and the log density's gradients at them. */
import { factorRows, solveRows } from "../../tensor/index.ts";
import type { Vector } from "./vectors.ts";

/** Sums of squares about their means, [n, n] row by row, of draws and of the gradients at them. */
interface Squares {
  readonly count: number;
  readonly squares: Readonly<Vector>;
  readonly slopeSquares: Readonly<Vector>;
}

/** F A Fᵀ of a symmetric A, [n, n], where `change` makes F x of a vector x, in place. */
function onBothSides(a: ArrayLike<number>, n: number, change: (x: Float64Array) => void): Float64Array {
  let rows = a;
  let out = new Float64Array(0);
  for (let side = 0; side < 2; side++) {
    out = new Float64Array(n * n);
    const row = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) row[j] = rows[i * n + j];
      change(row);
      for (let j = 0; j < n; j++) out[j * n + i] = row[j];
    }
    rows = out;
  }
  return out;
}

/** x becomes L x, in place. */
function timesRoot(root: Float64Array, n: number, x: Float64Array): void {
  for (let i = n - 1; i >= 0; i--) {
    let total = 0;
    for (let j = 0; j <= i; j++) total += root[i * n + j] * x[j];
    x[i] = total;
  }
}

/** x becomes Lᵀ x, in place. */
function timesRootTransposed(root: Float64Array, n: number, x: Float64Array): void {
  for (let j = 0; j < n; j++) {
    const v = x[j];
    x[j] = 0;
    for (let i = 0; i <= j; i++) x[i] += root[j * n + i] * v;
  }
}

/** A⁻¹ and ln det A of a positive definite A, [n, n]; undefined if it is not in double precision. */
function inverted(a: Float64Array, n: number): { inverse: Float64Array; logdet: number } | undefined {
  const root = new Float64Array(n * n);
  if (factorRows(root, a, 0, n) < n) return undefined;
  let logdet = 0;
  // Row i is column i of L⁻¹, whose first i elements are 0.
  const columns = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    logdet += 2 * Math.log(root[i * n + i]);
    const column = columns.subarray(i * n, (i + 1) * n);
    column[i] = 1;
    solveRows(root, n, column, false);
  }
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let total = 0;
      for (let k = i; k < n; k++) total += columns[i * n + k] * columns[j * n + k];
      inverse[i * n + j] = inverse[j * n + i] = total;
    }
  }
  return { inverse, logdet };
}

/** The iteration below converges quadratically; from a condition of 10¹⁵ it takes some ten rounds. */
const MOST_ROUNDS = 60;
const ENOUGH = 1e-9;

/**
 * The geometric mean A # C⁻¹ of positive definite matrices, [n, n]: the S with S C S = A. Denman and Beavers' iteration A ← ½ (A + C⁻¹),
 * C ← ½ (C + A⁻¹), which goes to S and S⁻¹; both are scaled first by the determinant of A C (Byers 1987). Undefined if a matrix is not positive
 * definite in double precision.
 */
function geometricMean(first: Float64Array, second: Float64Array, n: number): Float64Array | undefined {
  let [a, c] = [first, second];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const [ofA, ofC] = [inverted(a, n), inverted(c, n)];
    if (ofA === undefined || ofC === undefined) return undefined;
    const scale = Math.exp(-(ofA.logdet + ofC.logdet) / (2 * n));
    const before = a;
    a = before.map((v, i) => 0.5 * (scale * v + ofC.inverse[i] / scale));
    c = c.map((v, i) => 0.5 * (scale * v + ofA.inverse[i] / scale));
    if (a.every((v, i) => i % (n + 1) !== 0 || Math.abs(v - before[i]) <= ENOUGH * v)) return a;
  }
  return a;
}

/** How far off-diagonals are shrunk where draws are as many as dimensions: twice this where they are few. */
const SHRINKAGE = 0.01;

/** A matrix with its off-diagonals shrunk by a factor, in place; rows and columns that are not `known` become those of the identity. */
function shrink(a: Float64Array, n: number, by: number, known: readonly boolean[]): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (!known[i] || !known[j]) a[i * n + j] = i === j ? 1 : 0;
      else if (i !== j) a[i * n + j] *= 1 - by;
    }
  }
}

/**
 * M⁻¹ = Cov(q) # Cov(g)⁻¹, the geometric mean of the draws' covariance and the inverse of that of their gradients: what makes draws and gradients
 * equally round, which minimises the Fisher divergence of the transformed density from a standard normal (Seyboldt, Carlson and Carpenter 2025,
 * "Preconditioning Hamiltonian Monte Carlo by minimizing Fisher divergence").
 *
 * For a normal posterior with precision P, gradients are −P q, so Cov(g) = P Cov(q) P and the mean is P⁻¹ exactly, from any draws that
 * span the space, however correlated they are and wherever they lie. The covariance of the draws alone knows a direction that is a thousandth as
 * wide as others only when chains have crossed all the others: on a regression of 5,000 prices by 24 columns warm-up took 150,000 leapfrog steps by
 * covariances, and 11,000 by this, and each draw 15 and 7.
 *
 * Both are taken in the coordinates that the metric before makes round, and their correlations are shrunk a little, more if there are fewer draws
 * than dimensions. What the draws say nothing about stays as it was.
 *
 * @param root the Cholesky factor of the metric before, [n, n]
 * @returns [n, n]; NaN if it is not positive definite in double precision
 */
export function denseInverse({ count, squares, slopeSquares }: Squares, root: Float64Array): Float64Array {
  const n = Math.sqrt(root.length);
  const moved = onBothSides(squares, n, (x) => solveRows(root, n, x, false));
  const slopes = onBothSides(slopeSquares, n, (x) => timesRootTransposed(root, n, x));
  const known = Array.from({ length: n }, (_, i) => {
    const ratio = moved[i * (n + 1)] / slopes[i * (n + 1)];
    return ratio > 0 && Number.isFinite(ratio);
  });
  const by = (2 * SHRINKAGE * n) / (n + count);
  shrink(moved, n, by, known);
  shrink(slopes, n, by, known);
  const mean = geometricMean(moved, slopes, n);
  if (mean === undefined) return new Float64Array(n * n).fill(Number.NaN);
  return onBothSides(mean, n, (x) => timesRoot(root, n, x));
}
