/** The two directions of greatest variance of a table, and the table projected on them. */
export interface PrincipalComponents {
  /** Shape `[rows, 2]`: the centred table projected on the two directions. */
  readonly points: Float32Array;
  /** Share of the total variance along each direction; zero if the table does not vary. */
  readonly explained: readonly [number, number];
}

/**
 * Principal component analysis to two dimensions, by cyclic Jacobi rotations of the covariance matrix (Golub & Van Loan, 2013, §8.5). Costs
 * O(rows · dimensions²) for the covariance and O(dimensions³) per sweep, which is negligible for latent spaces of a hundred dimensions.
 * Each direction's largest entry is made positive, so that the same table always gives the same picture.
 *
 * @param points shape `[rows, dimensions]`, row-major, finite
 */
export const principalComponents = (points: Float32Array, dimensions: number): PrincipalComponents => {
  const rows = points.length / dimensions;
  const at = (row: number, column: number): number => points[row * dimensions + column] ?? 0;
  const mean = new Float64Array(dimensions);
  for (let i = 0; i < rows; i++) for (let j = 0; j < dimensions; j++) mean[j] = (mean[j] ?? 0) + at(i, j);
  for (let j = 0; j < dimensions; j++) mean[j] = (mean[j] ?? 0) / Math.max(1, rows);

  const covariance = new Float64Array(dimensions * dimensions);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < dimensions; j++) {
      const dj = at(i, j) - (mean[j] ?? 0);
      for (let k = 0; k <= j; k++) {
        const cell = j * dimensions + k;
        covariance[cell] = (covariance[cell] ?? 0) + (dj * (at(i, k) - (mean[k] ?? 0))) / rows;
      }
    }
  }
  for (let j = 0; j < dimensions; j++) {
    for (let k = 0; k < j; k++) covariance[k * dimensions + j] = covariance[j * dimensions + k] ?? 0;
  }

  const { values, vectors } = symmetricEigen(covariance, dimensions);
  const order = Array.from(values.keys()).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  const share = (rank: number): number =>
    total > 0 ? Math.max(0, values[order[rank] ?? -1] ?? 0) / total : 0;

  const projected = new Float32Array(rows * 2);
  for (let axis = 0; axis < Math.min(2, dimensions); axis++) {
    const column = order[axis] ?? 0;
    const direction = Float64Array.from(
      { length: dimensions },
      (_, j) => vectors[j * dimensions + column] ?? 0,
    );
    const largest = direction.reduce((best, v) => (Math.abs(v) > Math.abs(best) ? v : best), 0);
    const sign = largest < 0 ? -1 : 1;
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = 0; j < dimensions; j++) sum += (at(i, j) - (mean[j] ?? 0)) * (direction[j] ?? 0);
      projected[i * 2 + axis] = sign * sum;
    }
  }
  return { points: projected, explained: [share(0), share(1)] };
};

/** Eigenvalues of a symmetric matrix, and its eigenvectors as the columns of `vectors`, in matching order. */
export const symmetricEigen = (
  matrix: Float64Array,
  n: number,
): { readonly values: Float64Array; readonly vectors: Float64Array } => {
  const a = Float64Array.from(matrix);
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  // Convergence is quadratic: a handful of sweeps reaches rounding error, so 60 is only a guard.
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    let scale = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const square = (a[i * n + j] ?? 0) ** 2;
        scale += square;
        if (i !== j) off += square;
      }
    }
    if (off <= 1e-28 * scale) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, vectors, n, p, q);
  }
  return { values: Float64Array.from({ length: n }, (_, i) => a[i * n + i] ?? 0), vectors };
};

/** Makes `a[p][q]` zero by a plane rotation from both sides, and applies the rotation to `vectors`. */
const rotate = (a: Float64Array, vectors: Float64Array, n: number, p: number, q: number): void => {
  const apq = a[p * n + q] ?? 0;
  if (apq === 0) return;
  const theta = ((a[q * n + q] ?? 0) - (a[p * n + p] ?? 0)) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
  const c = 1 / Math.hypot(t, 1);
  const s = t * c;
  const turn = (m: Float64Array, i: number, j: number): void => {
    const mi = m[i] ?? 0;
    const mj = m[j] ?? 0;
    m[i] = c * mi - s * mj;
    m[j] = s * mi + c * mj;
  };
  for (let k = 0; k < n; k++) turn(a, k * n + p, k * n + q);
  for (let k = 0; k < n; k++) turn(a, p * n + k, q * n + k);
  for (let k = 0; k < n; k++) turn(vectors, k * n + p, k * n + q);
};
