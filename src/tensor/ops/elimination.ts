/** Systems of linear equations and determinants, by Gaussian elimination with partial pivoting; leading axes are a batch. */
import { ShapeError } from "../../errors.ts";
import type { DType } from "../dtype.ts";
import { alignBatch, repeatAlong } from "../lanes.ts";
import { arange, eye, input, sameDType, zeros } from "../leaf.ts";
import { type DefinedOp, defineOp, type NoAttributes } from "../op.ts";
import { batchStarts, broadcastShapes, formatShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { abs, add, div, mod, mul, neg, sub } from "./arithmetic.ts";
import { cast } from "./cast.ts";
import { equal, greater, less, logicalAnd, logicalNot, notEqual } from "./comparison.ts";
import { checkDType } from "./elementwise.ts";
import { solveByRows } from "./factor-loops.ts";
import { gather } from "./gather.ts";
import { matmul } from "./matmul.ts";
import { expand, reshape, transpose, unsqueeze } from "./movement.ts";
import { concat, slice } from "./parts.ts";
import { argmax, min, sum } from "./reduce.ts";
import { loop } from "./scan.ts";
import { log } from "./transcendental.ts";
import { checkSquare, diagonal } from "./triangles.ts";
import { where } from "./where.ts";

/**
 * Eliminates below the diagonal, in place, with the row of the largest element first. A column of zeros is left as it is.
 * @param m n rows of `width`, the matrix and right-hand sides beside it
 * @returns the sign of the row exchanges
 */
function eliminate(m: Float64Array, n: number, width: number): number {
  let parity = 1;
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k; i < n; i++) {
      const [v, top] = [Math.abs(m[i * width + k]), Math.abs(m[best * width + k])];
      if (Number.isNaN(top)) break;
      if (v > top || Number.isNaN(v)) best = i;
    }
    if (best !== k) {
      parity = -parity;
      for (let j = 0; j < width; j++) {
        const kept = m[k * width + j];
        m[k * width + j] = m[best * width + j];
        m[best * width + j] = kept;
      }
    }
    const pivot = m[k * width + k];
    if (pivot === 0) continue;
    for (let i = k + 1; i < n; i++) {
      const factor = m[i * width + k] / pivot;
      for (let j = k; j < width; j++) m[i * width + j] -= factor * m[k * width + j];
    }
  }
  return parity;
}

/** The same as a loop. m [..., n, width] → the eliminated rows, and whether each step exchanged two, [n, ...]. */
function eliminated(m: Tensor): { readonly rows: Tensor; readonly exchanges: Tensor } {
  const n = m.shape[m.rank - 2];
  const left = input("what is left", m.shape, m.dtype);
  const step = input("row", [], "int64");
  const places = arange(n, "int64");
  const wide = (t: Tensor): Tensor => unsqueeze(t, -1);
  const isBelow = greater(places, step);
  const best = argmax(where(less(places, step), -1, abs(gather(left, step, m.rank - 1))), -1);
  const isBest = equal(places, wide(best));
  const pivotRow = sum(where(wide(isBest), left, 0), -2, { keepDims: true });
  const row = unsqueeze(gather(left, step, m.rank - 2), -2);
  const exchanged = where(wide(equal(places, step)), pivotRow, where(wide(isBest), row, left));
  const pivot = gather(pivotRow, step, m.rank - 1);
  const factors = where(equal(pivot, 0), 0, div(gather(exchanged, step, m.rank - 1), pivot));
  const after = where(wide(isBelow), sub(exchanged, mul(wide(factors), pivotRow)), exchanged);
  const { carries, outputs } = loop({
    carries: [{ before: left, after, initial: m }],
    inputs: [{ leaf: step, values: places }],
    shared: [],
    outputs: [cast(notEqual(best, step), m.dtype)],
    length: n,
    reverse: false,
  });
  return { rows: carries[0], exchanges: outputs[0] };
}

function inferSystem(what: string, [a, b]: readonly Tensor[]): { shape: number[]; dtype: DType } {
  const dtype = sameDType(what, [a, b]);
  checkDType(what, dtype, "float");
  checkSquare(what, a);
  if (b.rank < 2 || b.shape[b.rank - 2] !== a.shape[a.rank - 1]) {
    throw new ShapeError(
      `${what}: a ${formatShape(a.shape)} needs a right-hand side with ${a.shape[a.rank - 1]} rows, [..., n, m] or [n], ` +
        `found ${formatShape(b.shape)}.`,
    );
  }
  const batch = broadcastShapes(what, a.shape.slice(0, -2), b.shape.slice(0, -2));
  return { shape: [...batch, ...b.shape.slice(-2)], dtype };
}

/** Two matrices, of which one has a zero where elimination begins. */
const matrices = [
  { shape: [3, 3], values: [0, 2, -1, 1.5, 0.3, 0.8, -2, 1, 1.2], dtype: "float64" },
  { shape: [2, 2, 2], values: [2, 0.5, 0.3, 1, 0.2, -1, 1.5, 2], dtype: "float64" },
] as const;

const solveOp: DefinedOp<NoAttributes, [Tensor, Tensor]> = defineOp<NoAttributes, [Tensor, Tensor]>({
  name: "solve",
  infer: (inputs) => inferSystem("solve", inputs),
  // A x = b gives b̄ = A⁻ᵀ x̄ and Ā = −b̄ xᵀ (Giles 2008, 2.3.1).
  derivative: (g, x, [a]) => {
    const b = solveOp([transpose(a), g], {});
    return [neg(matmul(b, x, { transposeB: true })), b];
  },
  batch: ([a, b], _, node) => {
    const matrix = { ...a, all: repeatAlong(a, [a.single.rank - 2, a.single.rank - 1]) };
    const right = { ...b, all: repeatAlong(b, [b.single.rank - 2]) };
    return solveOp(alignBatch([matrix, right], node.rank), {});
  },
  host: {
    kernel: (node) => {
      const [a, b] = node.inputs;
      const [n, m] = node.shape.slice(-2);
      const batch = node.shape.slice(0, -2);
      const [startsA, startsB] = [batchStarts(a.shape, batch), batchStarts(b.shape, batch)];
      const width = n + m;
      const rows = new Float64Array(n * width);
      return (out, left, right) => {
        startsA.forEach((at, c) => {
          for (let i = 0; i < n; i++) {
            for (let j = 0; j < n; j++) rows[i * width + j] = left[at + i * n + j];
            for (let j = 0; j < m; j++) rows[i * width + n + j] = right[startsB[c] + i * m + j];
          }
          eliminate(rows, n, width);
          for (let i = n - 1; i >= 0; i--) {
            for (let j = 0; j < m; j++) {
              let v = rows[i * width + n + j];
              for (let k = i + 1; k < n; k++) v -= rows[i * width + k] * out[(c * n + k) * m + j];
              out[(c * n + i) * m + j] = v / rows[i * width + i];
            }
          }
        });
      };
    },
  },
  native: {
    expand: ([a, b], node) => {
      if (node.size === 0) return expand(b, node.shape);
      const batch = node.shape.slice(0, -2);
      const [n, m] = node.shape.slice(-2);
      const { rows } = eliminated(concat([expand(a, [...batch, n, n]), expand(b, [...batch, n, m])], -1));
      const [u, y] = [{ end: n }, { start: n }].map((part) => slice(rows, { axis: -1, ...part }));
      return solveByRows(u, y, { forward: false, transposed: false });
    },
  },
  cases: [
    { inputs: [matrices[0], [3, 2]], dtype: "float64" },
    { inputs: [matrices[1], [3, 1, 2, 1]], dtype: "float64" },
    {
      inputs: [{ ...matrices[0], values: matrices[0].values.map((v) => v + 0.1) }, [2, 3, 2]],
      dtype: "float64",
    },
  ],
});

/**
 * The x with A x = b, by elimination with partial pivoting. a [..., n, n], b [..., n, m] or a vector [n]; leading axes broadcast. A singular
 * matrix gives infinities or NaN. For positive definite matrices {@link choleskySolve} takes half the time.
 *
 * Derivative: Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation" (2008).
 *
 * @example
 * solve(tensor([[0, 2], [1, 1]]), tensor([4, 3])); // [1, 2]
 *
 * @throws ShapeError when a is not square or the rows of b do not fit it.
 */
export function solve(a: Tensor, b: Tensor): Tensor {
  if (b.rank === 1) {
    const x = solve(a, reshape(b, [b.size, 1]));
    return reshape(x, x.shape.slice(0, -1));
  }
  return solveOp([a, b], {});
}
/** @internal */
solve.is = solveOp.is;

const logdetOp = defineOp<NoAttributes, [Tensor]>({
  name: "logdet",
  infer: ([a]) => {
    checkDType("logdet", a.dtype, "float");
    checkSquare("logdet", a);
    return { shape: a.shape.slice(0, -2), dtype: a.dtype };
  },
  derivative: (g, _, [a]) => [
    mul(unsqueeze(unsqueeze(g, -1), -1), solve(transpose(a), eye(a.shape[a.rank - 1], a.dtype))),
  ],
  batch: ([a], _, { rank }) => logdet(repeatAlong(a, [rank, rank + 1])),
  host: {
    kernel: (node) => {
      const [a] = node.inputs;
      const n = a.shape[a.rank - 1];
      const rows = new Float64Array(n * n);
      return (out, values) => {
        for (let c = 0; c < out.length; c++) {
          for (let i = 0; i < n * n; i++) rows[i] = values[c * n * n + i];
          let sign = eliminate(rows, n, n);
          let total = 0;
          for (let i = 0; i < n; i++) {
            sign *= Math.sign(rows[i * n + i]);
            total += Math.log(Math.abs(rows[i * n + i]));
          }
          out[c] = sign < 0 ? Number.NaN : total;
        }
      };
    },
  },
  native: {
    expand: ([a], node) => {
      if (a.size === 0) return zeros(node.shape, node.dtype);
      const { rows, exchanges } = eliminated(a);
      const pivots = diagonal(rows);
      const negative = add(sum(exchanges, 0), sum(cast(less(pivots, 0), a.dtype), -1));
      const isNegative = logicalAnd(equal(mod(negative, 2), 1), logicalNot(equal(min(abs(pivots), -1), 0)));
      return where(isNegative, Number.NaN, sum(log(abs(pivots)), -1));
    },
  },
  cases: [
    { inputs: [{ ...matrices[0], values: matrices[0].values.map((v) => -v) }] },
    { inputs: [matrices[1]] },
  ],
});

/**
 * ln |A|, by elimination with partial pivoting: −∞ for a singular matrix, NaN where the determinant is negative. a [..., n, n] → [...]. Of a
 * positive definite matrix whose Cholesky factor is at hand, {@link choleskyLogdet} costs nothing more.
 *
 * @example
 * logdet(tensor([[2, 1], [1, 3]])); // ln 5
 *
 * @throws ShapeError unless the matrices are square.
 */
export const logdet = (a: Tensor): Tensor => logdetOp([a], {});
/** @internal */
logdet.is = logdetOp.is;
