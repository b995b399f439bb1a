/** The dual problem of a two-class support vector machine, solved by sequential minimal optimisation. */
import { ConvergenceError } from "../../errors.ts";

export interface SvmProblem {
  /** The rows of the problem, and +1 or −1 for each. */
  readonly rows: readonly number[];
  readonly y: Int8Array;
  /** Upper bound of each row's α; a row with 0 is not fitted, only classified. */
  readonly C: Float64Array;
  /** A row of the kernel matrix of all data, and the matrix's diagonal. */
  readonly kernelRow: (row: number) => Float32Array;
  readonly diagonal: Float64Array;
  /** Coefficients to start from, such as those of a similar problem; they are clipped to this problem's bounds. Default 0. */
  readonly start?: Float64Array;
}

export interface SvmSolution {
  /** y_i α_i of each row; 0 for rows that are not support vectors. */
  readonly coefficients: Float64Array;
  /** The decision function is Σ_i y_i α_i K(x_i, x) − ρ. */
  readonly rho: number;
  /** The decision function at each row. */
  readonly decisions: Float64Array;
}

/** Largest allowed violation of the optimality conditions: LIBSVM's default. */
const TOLERANCE = 1e-3;
/** Updates after which it is given up, beside a hundred for each row: usual problems take a few for each row. */
const MOST_UPDATES = 1_000_000;
/** Replaces a curvature that is not positive. */
const TAU = 1e-12;

/**
 * Minimises ½ αᵀQα − Σα subject to yᵀα = 0 and 0 ≤ α_i ≤ C_i, Q_ij = y_i y_j K(x_i, x_j): two variables at a time, the pair
 * chosen by the second-order rule of Fan, Chen and Lin ("Working set selection using second order information for
 * training support vector machines", JMLR 6, 2005, WSS 2), until no pair violates the optimality conditions by more than
 * 1e-3. The kernel must be positive semi-definite.
 *
 * @throws ConvergenceError when C is so large that this takes too long, or that rounding errors hide the violations.
 */
export const solveSvm = (problem: SvmProblem): SvmSolution => {
  const { rows, y, C, kernelRow, diagonal } = problem;
  const n = rows.length;
  const alpha = feasible(problem);
  /** ∇f = Qα − 1. */
  const gradient = gradientAt(alpha, problem);
  const canRise = (t: number) => (y[t] > 0 ? alpha[t] < C[t] : alpha[t] > 0);
  const canFall = (t: number) => (y[t] > 0 ? alpha[t] > 0 : alpha[t] < C[t]);

  for (let update = 0; ; update++) {
    // i: the most violating of those whose y·α can rise; j: the partner with the largest expected decrease.
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
    if (update >= MOST_UPDATES + 100 * n) throw notConverged(most - least, update, C);

    // Along y_i α_i + d, y_j α_j − d the objective is a parabola; the bounds limit the step.
    const kernelOfJ = kernelRow(rows[j]);
    const curvature = Math.max(diagonal[rows[i]] + diagonal[rows[j]] - 2 * kernelOfI[rows[j]], TAU);
    const free = (y[j] * gradient[j] - y[i] * gradient[i]) / curvature;
    const step = Math.min(free, y[i] > 0 ? C[i] - alpha[i] : alpha[i], y[j] > 0 ? alpha[j] : C[j] - alpha[j]);
    alpha[i] = clampToBox(alpha[i] + y[i] * step, C[i]);
    alpha[j] = clampToBox(alpha[j] - y[j] * step, C[j]);
    for (let t = 0; t < n; t++) {
      gradient[t] += y[t] * step * (kernelOfI[rows[t]] - kernelOfJ[rows[t]]);
    }
  }
  const rho = offset(alpha, gradient, y, C);
  return {
    coefficients: alpha.map((value, t) => y[t] * value),
    rho,
    decisions: gradient.map((value, t) => y[t] * (value + 1) - rho),
  };
};

const notConverged = (violation: number, updates: number, C: Float64Array): ConvergenceError =>
  new ConvergenceError(
    `support vector machine: after ${updates.toLocaleString("en")} updates the optimality conditions are still violated by ` +
      `${violation.toPrecision(2)}, and ${TOLERANCE} is asked. The cost of a row on the wrong side of the margin, up to ` +
      `${Math.max(...C).toPrecision(2)}, is too large for classes that overlap: use a smaller cost (\`cost: 10\`), or a kernel of larger γ.`,
  );

/** Initial α, clipped to the bounds and then corrected so that yᵀα = 0. */
const feasible = ({ y, C, start }: SvmProblem): Float64Array => {
  const alpha = new Float64Array(y.length);
  if (start === undefined) return alpha;
  let total = 0;
  start.forEach((value, t) => {
    alpha[t] = Math.min(Math.max(y[t] * value, 0), C[t]);
    total += y[t] * alpha[t];
  });
  for (let t = 0; t < alpha.length; t++) {
    if (y[t] * total <= 0) continue;
    const excess = Math.min(Math.abs(total), alpha[t]);
    alpha[t] -= excess;
    total -= y[t] * excess;
  }
  return alpha;
};

const gradientAt = (alpha: Float64Array, { rows, y, kernelRow }: SvmProblem): Float64Array => {
  const gradient = new Float64Array(alpha.length).fill(-1);
  alpha.forEach((value, s) => {
    if (value === 0) return;
    const similarity = kernelRow(rows[s]);
    for (let t = 0; t < gradient.length; t++) gradient[t] += y[t] * y[s] * value * similarity[rows[t]];
  });
  return gradient;
};

/** Rounding must not keep a variable from reaching its bound. */
const clampToBox = (value: number, C: number): number =>
  value < 1e-12 * C ? 0 : value > (1 - 1e-12) * C ? C : value;

/** ρ: the mean of y·∇f over support vectors strictly within the bounds; if there are none, the middle of the allowed interval. */
const offset = (alpha: Float64Array, gradient: Float64Array, y: Int8Array, C: Float64Array): number => {
  let total = 0;
  let free = 0;
  let upper = Number.POSITIVE_INFINITY;
  let lower = Number.NEGATIVE_INFINITY;
  for (let t = 0; t < alpha.length; t++) {
    if (C[t] === 0) continue;
    const value = y[t] * gradient[t];
    if (alpha[t] > 0 && alpha[t] < C[t]) {
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
