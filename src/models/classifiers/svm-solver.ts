/** The dual problem of a two-class support vector machine, solved by sequential minimal optimisation. */

export interface SvmProblem {
  /** Which rows the problem is about, and +1 or −1 for each. */
  readonly rows: readonly number[];
  readonly y: Int8Array;
  /** Upper bound of every α. */
  readonly C: number;
  /** A row of the kernel matrix of all data, and the matrix's diagonal. */
  readonly kernelRow: (row: number) => Float32Array;
  readonly diagonal: Float64Array;
}

export interface SvmSolution {
  /** y_i α_i of each row; 0 for rows that are no support vectors. */
  readonly coefficients: Float64Array;
  /** The decision function is Σ_i y_i α_i K(x_i, x) − ρ. */
  readonly rho: number;
}

/** Largest violation of the optimality conditions that is left: LIBSVM's own default. */
const TOLERANCE = 1e-3;
/** Stands in for a curvature that is not positive. */
const TAU = 1e-12;

/**
 * Minimises ½ αᵀQα − Σα subject to yᵀα = 0 and 0 ≤ α ≤ C, Q_ij = y_i y_j K(x_i, x_j): two variables at a time, the pair
 * chosen by the second-order rule of Fan, Chen and Lin ("Working set selection using second order information for
 * training support vector machines", JMLR 6, 2005, WSS 2), until no pair violates the optimality conditions by more than
 * 1e-3. The kernel must be positive semi-definite.
 */
export const solveSvm = ({ rows, y, C, kernelRow, diagonal }: SvmProblem): SvmSolution => {
  const n = rows.length;
  const alpha = new Float64Array(n);
  /** ∇f = Qα − 1. */
  const gradient = new Float64Array(n).fill(-1);
  const canRise = (t: number) => (y[t] > 0 ? alpha[t] < C : alpha[t] > 0);
  const canFall = (t: number) => (y[t] > 0 ? alpha[t] > 0 : alpha[t] < C);

  for (;;) {
    // i: the most violating of those whose y·α can rise; j: the partner that promises the steepest descent with it.
    let i = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (let t = 0; t < n; t++) {
      if (canRise(t) && -y[t] * gradient[t] > most) {
        most = -y[t] * gradient[t];
        i = t;
      }
    }
    if (i < 0) break;
    const kernelOfI = kernelRow(rows[i]);
    let j = -1;
    let least = Number.POSITIVE_INFINITY;
    let best = Number.POSITIVE_INFINITY;
    for (let t = 0; t < n; t++) {
      if (!canFall(t)) continue;
      const value = -y[t] * gradient[t];
      least = Math.min(least, value);
      const violation = most - value;
      if (violation <= 0) continue;
      const curvature = Math.max(diagonal[rows[i]] + diagonal[rows[t]] - 2 * kernelOfI[rows[t]], TAU);
      const gain = (-violation * violation) / curvature;
      if (gain < best) {
        best = gain;
        j = t;
      }
    }
    if (j < 0 || most - least < TOLERANCE) break;

    // Along y_i α_i + d, y_j α_j − d the objective is a parabola; the box cuts the step short.
    const kernelOfJ = kernelRow(rows[j]);
    const curvature = Math.max(diagonal[rows[i]] + diagonal[rows[j]] - 2 * kernelOfI[rows[j]], TAU);
    const free = (y[j] * gradient[j] - y[i] * gradient[i]) / curvature;
    const step = Math.min(free, y[i] > 0 ? C - alpha[i] : alpha[i], y[j] > 0 ? alpha[j] : C - alpha[j]);
    alpha[i] = clampToBox(alpha[i] + y[i] * step, C);
    alpha[j] = clampToBox(alpha[j] - y[j] * step, C);
    for (let t = 0; t < n; t++) {
      gradient[t] += y[t] * step * (kernelOfI[rows[t]] - kernelOfJ[rows[t]]);
    }
  }
  return { coefficients: alpha.map((value, t) => y[t] * value), rho: offset(alpha, gradient, y, C) };
};

/** Rounding must not keep a variable off its bound. */
const clampToBox = (value: number, C: number): number =>
  value < 1e-12 * C ? 0 : value > (1 - 1e-12) * C ? C : value;

/** ρ: y·∇f of the support vectors inside the box, on average; without any, the middle of what the bounds allow. */
const offset = (alpha: Float64Array, gradient: Float64Array, y: Int8Array, C: number): number => {
  let total = 0;
  let free = 0;
  let upper = Number.POSITIVE_INFINITY;
  let lower = Number.NEGATIVE_INFINITY;
  for (let t = 0; t < alpha.length; t++) {
    const value = y[t] * gradient[t];
    if (alpha[t] > 0 && alpha[t] < C) {
      total += value;
      free++;
    } else if ((alpha[t] === 0) === y[t] > 0) {
      upper = Math.min(upper, value);
    } else {
      lower = Math.max(lower, value);
    }
  }
  return free > 0 ? total / free : (upper + lower) / 2;
};
