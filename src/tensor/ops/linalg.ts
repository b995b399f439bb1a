/** Cholesky factors and triangular systems; leading axes are a batch. */

import { ShapeError } from "../../errors.ts";
import { checkOptions, flag, type OptionRules } from "../../options.ts";
import { alignBatch, repeatAlong } from "../lanes.ts";
import { sameDType } from "../leaf.ts";
import { defineOp, type HostArray, type NoAttributes, type OpCase } from "../op.ts";
import { batchStarts, broadcastShapes, formatShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { add, mul, neg } from "./arithmetic.ts";
import { choleskyAdjoint } from "./cholesky-adjoint.ts";
import { greater } from "./comparison.ts";
import { checkDType } from "./elementwise.ts";
import { choleskyByRows, solveByRows } from "./factor-loops.ts";
import { matmul } from "./matmul.ts";
import { expand, reshape, transpose, unsqueeze } from "./movement.ts";
import { min, sum } from "./reduce.ts";
import { log } from "./transcendental.ts";
import { checkSquare, diagonal, tril, triu } from "./triangles.ts";
import { where } from "./where.ts";

/** A positive definite matrix that is not quite symmetric (the op uses its symmetric part), and a batch of two. */
const matrices = [
  { shape: [3, 3], values: [4, 1.8, 0.4, 2.2, 5, 1, 0.5, 0.8, 3], dtype: "float64" },
  { shape: [2, 2, 2], values: [2, 0.5, 0.3, 1, 3, -1, -1, 2], dtype: "float64" },
] as const;

const choleskyOp = defineOp<NoAttributes, [Tensor]>({
  name: "cholesky",
  infer: ([a]) => {
    checkDType("cholesky", a.dtype, "float");
    checkSquare("cholesky", a);
    return { shape: a.shape, dtype: a.dtype };
  },
  derivative: (g, l) => [choleskyAdjoint(l, g)],
  batch: ([a], _, { rank }) => cholesky(repeatAlong(a, [rank - 2, rank - 1])),
  host: {
    kernel: (node) => {
      const n = node.shape[node.rank - 1];
      const count = sizeOf(node.shape.slice(0, -2));
      return (out, a) => {
        out.fill(0);
        for (let c = 0; c < count; c++)
          if (factorRows(out, a, c * n * n, n) < n) out.fill(NaN, c * n * n, (c + 1) * n * n);
      };
    },
  },
  native: {
    // ONNX has no factorisation. Of a matrix that is not positive definite the whole factor is NaN, as on the host.
    expand: ([a]) => {
      if (a.size === 0) return a;
      const l = choleskyByRows(mul(add(a, transpose(a)), 0.5));
      const isDefinite = greater(min(diagonal(l), -1), 0);
      return where(unsqueeze(unsqueeze(isDefinite, -1), -1), l, Number.NaN);
    },
  },
  cases: matrices.map((matrix) => ({ inputs: [matrix] })),
});

/**
 * Factors the symmetric part of the n × n matrix at `start`, row by row, into the lower triangle of `out`. It works on arrays, not tensors.
 * @returns the number of rows that could be factored; below n, the leading block with one more row is not positive definite
 */
export function factorRows(out: Float64Array, a: HostArray, start: number, n: number): number {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let v = (a[start + i * n + j] + a[start + j * n + i]) / 2;
      for (let k = 0; k < j; k++) v -= out[start + i * n + k] * out[start + j * n + k];
      if (i === j) {
        // Written so that NaN fails too.
        if (!(v > 0)) return i;
        out[start + i * n + i] = Math.sqrt(v);
      } else {
        out[start + i * n + j] = v / out[start + j * n + j];
      }
    }
  }
  return n;
}

/** Solves L x = b or Lᵀ x = b in place of b, with the leading block of an n × n factor. It works on arrays, not tensors. */
export function solveRows(l: Float64Array, n: number, b: number[] | Float64Array, transposed: boolean): void {
  const size = b.length;
  // Rows of the factor are contiguous in memory; both loops read along them.
  if (transposed) {
    for (let i = size - 1; i >= 0; i--) {
      b[i] /= l[i * n + i];
      for (let j = 0; j < i; j++) b[j] -= l[i * n + j] * b[i];
    }
    return;
  }
  // Leading zeros of b stay zero: skip them.
  let first = 0;
  while (first < size && b[first] === 0) first++;
  for (let i = first; i < size; i++) {
    for (let j = first; j < i; j++) b[i] -= l[i * n + j] * b[j];
    b[i] /= l[i * n + i];
  }
}

/**
 * The lower triangular L with L Lᵀ = A and a positive diagonal. a [..., n, n] → [..., n, n], with zeros above the diagonal.
 *
 * A is taken to be symmetric: its symmetric part ½ (A + Aᵀ) is factored, so the gradient is symmetric too.
 * If A is not positive definite, its whole factor is NaN. The native executor computes in the dtype of A, where it is a loop over rows: in
 * float32 a matrix whose condition number exceeds some 10⁶ may count as not positive definite.
 *
 * Derivative: Murray, "Differentiation of the Cholesky decomposition" (2016).
 *
 * @example
 * const l = cholesky(tensor([[4, 2], [2, 5]])); // [[2, 0], [1, 2]]
 *
 * @throws ShapeError unless the matrices are square.
 */
export const cholesky = (a: Tensor): Tensor => choleskyOp([a], {});
/** @internal */
cholesky.is = choleskyOp.is;

/** ln |A| from the Cholesky factor L of A: 2 Σ ln Lᵢᵢ. l [..., n, n] → [...]. */
export const choleskyLogdet = (l: Tensor): Tensor => mul(sum(log(diagonal(l)), -1), 2);

/** A⁻¹ b from the Cholesky factor L of A. l [..., n, n], b [..., n, m] or [n]. */
export function choleskySolve(l: Tensor, b: Tensor): Tensor {
  // Make the vector a column first: between the two solves, a batch of vectors would be read as a matrix.
  if (b.rank === 1) {
    const x = choleskySolve(l, reshape(b, [b.size, 1]));
    return reshape(x, x.shape.slice(0, -1));
  }
  return triangularSolve(l, triangularSolve(l, b), { transpose: true });
}

/** Which triangle is solved with, and from which side. */
export interface TriangularSolveOptions {
  /** The triangle of `l` to read; the other is ignored. Default the lower one. */
  readonly lower?: boolean;
  /** Solve with the transpose of that triangle. Default false. */
  readonly transpose?: boolean;
}

const solveRules: OptionRules<TriangularSolveOptions> = {
  lower: flag,
  transpose: flag,
};
type TriangularAttributes = Required<TriangularSolveOptions>;

const triangularSolveOp = defineOp<TriangularAttributes, [Tensor, Tensor]>({
  name: "triangularSolve",
  infer: ([l, b]) => {
    const dtype = sameDType("triangularSolve", [l, b]);
    checkDType("triangularSolve", dtype, "float");
    checkSquare("triangularSolve", l);
    if (b.rank < 2 || b.shape[b.rank - 2] !== l.shape[l.rank - 1]) {
      throw new ShapeError(
        `triangularSolve: l ${formatShape(l.shape)} needs a right-hand side with ${l.shape[l.rank - 1]} rows, ` +
          `[..., n, m] or [n], found ${formatShape(b.shape)}.`,
      );
    }
    const batch = broadcastShapes("triangularSolve", l.shape.slice(0, -2), b.shape.slice(0, -2));
    return { shape: [...batch, ...b.shape.slice(-2)], dtype };
  },
  // With T the triangle: T x = b gives b̄ = T⁻ᵀ x̄ and T̄ = −b̄ xᵀ, restricted to the triangle (Giles 2008, 2.3.1).
  derivative: (g, x, [l], { lower, transpose: transposed }) => {
    const b = triangularSolve(l, g, { lower, transpose: !transposed });
    const [left, right] = transposed ? [x, b] : [b, x];
    const outer = neg(matmul(left, right, { transposeB: true }));
    return [lower ? tril(outer) : triu(outer), b];
  },
  batch: ([l, b], { lower, transpose: transposed }, node) => {
    const matrix = { ...l, all: repeatAlong(l, [l.single.rank - 2, l.single.rank - 1]) };
    const right = { ...b, all: repeatAlong(b, [b.single.rank - 2]) };
    const [t, y] = alignBatch([matrix, right], node.rank);
    return triangularSolve(t, y, { lower, transpose: transposed });
  },
  host: {
    kernel: (node) => {
      const { lower, transpose: transposed } = node.attributes;
      const [l, b] = node.inputs;
      const [n, m] = node.shape.slice(-2);
      const batch = node.shape.slice(0, -2);
      const [startsL, startsB] = [batchStarts(l.shape, batch), batchStarts(b.shape, batch)];
      const [row, column] = transposed ? [1, n] : [n, 1];
      // The transpose of a lower triangle is an upper one: solve from the last row up.
      const forward = lower !== transposed;
      return (out, t, y) => {
        for (let c = 0; c < startsL.length; c++) {
          const at = startsL[c];
          const given = startsB[c];
          const base = c * n * m;
          for (let step = 0; step < n; step++) {
            const i = forward ? step : n - 1 - step;
            const from = forward ? 0 : i + 1;
            const to = forward ? i : n;
            const line = at + i * row;
            const pivot = t[line + i * column];
            for (let j = 0; j < m; j++) {
              let v = y[given + i * m + j];
              let place = line + from * column;
              for (let k = base + from * m + j; k < base + to * m; k += m) {
                v -= t[place] * out[k];
                place += column;
              }
              out[base + i * m + j] = v / pivot;
            }
          }
        }
      };
    },
  },
  native: {
    expand: ([l, b], node) => {
      const { lower, transpose: transposed } = node.attributes;
      if (node.size === 0) return expand(b, node.shape);
      return solveByRows(l, b, { forward: lower !== transposed, transposed });
    },
  },
  cases: triangularCases(),
});

/** Both triangles with and without transposition, and batches that broadcast on either side. */
function triangularCases(): OpCase[] {
  const [single, pair] = matrices;
  const flags = [false, true];
  const cases: OpCase[] = flags.flatMap((lower) =>
    flags.map((transposed) => ({ inputs: [single, [3, 2]], attributes: { lower, transpose: transposed } })),
  );
  cases.push({ inputs: [pair, [3, 1, 2, 1]], attributes: { lower: true, transpose: false } });
  cases.push({
    inputs: [{ shape: [2, 2], values: [2, 0.4, -0.6, 1.5], dtype: "float64" }, [3, 2, 2]],
    attributes: { lower: false, transpose: true },
  });
  return cases.map((c) => ({ ...c, dtype: "float64" }));
}

/**
 * Solves T x = b (or Tᵀ x = b) by substitution, where T is one triangle of l; the other triangle is ignored.
 * l [..., n, n], b [..., n, m] or a vector [n]; leading axes broadcast. A zero on the diagonal gives infinities or NaN.
 *
 * Derivative: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation" (2008).
 *
 * @throws ShapeError when l is not square or the rows of b do not fit it.
 */
export function triangularSolve(l: Tensor, b: Tensor, options: TriangularSolveOptions = {}): Tensor {
  checkOptions("triangularSolve", options, solveRules);
  const { lower = true, transpose: transposed = false } = options;
  if (b.rank === 1) {
    const x = triangularSolve(l, reshape(b, [b.size, 1]), options);
    return reshape(x, x.shape.slice(0, -1));
  }
  return triangularSolveOp([l, b], { lower, transpose: transposed });
}
/** @internal */
triangularSolve.is = triangularSolveOp.is;
