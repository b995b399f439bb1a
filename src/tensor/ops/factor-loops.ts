/** Cholesky factors and triangular systems as loops over rows, for executors that have no kernels for them. Large ones are taken apart into blocks. */
import { arange, constant, input } from "../leaf.ts";
import { broadcastShapes } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { div, mul, sqrt, sub } from "./arithmetic.ts";
import { gather } from "./gather.ts";
import { matmul } from "./matmul.ts";
import { expand, reshape, transpose, unsqueeze } from "./movement.ts";
import { concat, pad, slice } from "./parts.ts";
import { loop } from "./scan.ts";
import { diagonal } from "./triangles.ts";
import { where } from "./where.ts";

/** Larger matrices are split in two: what is between the halves is a matrix product. */
const BLOCK = 64;

/** One axis moved to the front. */
const axisFirst = (t: Tensor, axis: number): Tensor => {
  const at = axis < 0 ? axis + t.rank : axis;
  return transpose(t, [at, ...t.shape.map((_, i) => i).filter((i) => i !== at)]);
};

/** Rows `from` up to `to` and columns `left` up to `right` of matrices. */
const block = (t: Tensor, [from, to]: Span, [left, right]: Span): Tensor =>
  slice(slice(t, { axis: -2, start: from, end: to }), { axis: -1, start: left, end: right });

type Span = readonly [number, number];

/** The two halves of n rows. */
const halves = (n: number): readonly [Span, Span] => {
  const middle = BLOCK * Math.ceil(n / 2 / BLOCK);
  return [
    [0, middle],
    [middle, n],
  ];
};

/** For each row i of n × n matrices, the columns j that satisfy `keep`: [n, n]. */
const mask = (n: number, keep: (i: number, j: number) => boolean): Tensor =>
  constant(
    Array.from({ length: n * n }, (_, k) => (keep(Math.floor(k / n), k % n) ? 1 : 0)),
    [n, n],
    "bool",
  );

/**
 * The lower triangular factors of symmetric matrices [..., n, n], with zeros above the diagonal. Where a matrix is not positive definite, NaN
 * begins on the diagonal.
 */
export function choleskyByRows(a: Tensor): Tensor {
  const n = a.shape[a.rank - 1];
  if (n > BLOCK) {
    const [first, second] = halves(n);
    const rest = n - first[1];
    const top = choleskyByRows(block(a, first, first));
    const side = solveByRows(top, block(a, first, second), { forward: true, transposed: false });
    const bottom = choleskyByRows(sub(block(a, second, second), matmul(side, side, { transposeA: true })));
    const below = transpose(side);
    return concat([pad(top, -1, 0, rest), concat([below, bottom], -1)], -2);
  }
  // What is left of the matrix after each row of Lᵀ is taken out of it.
  const left = input("what is left", a.shape, a.dtype);
  const index = input("row", [], "int64");
  const kept = input("columns from the diagonal on", [n], "bool");
  const row = gather(left, index, a.rank - 2);
  const pivot = sqrt(gather(row, index, a.rank - 2));
  const scaled = where(kept, div(row, unsqueeze(pivot, -1)), 0);
  const { outputs } = loop({
    carries: [
      { before: left, after: sub(left, mul(unsqueeze(scaled, -1), unsqueeze(scaled, -2))), initial: a },
    ],
    inputs: [
      { leaf: index, values: arange(n, "int64") },
      { leaf: kept, values: mask(n, (i, j) => j >= i) },
    ],
    shared: [],
    outputs: [scaled],
    length: n,
    reverse: false,
  });
  const [rows] = outputs;
  return transpose(rows, [...rows.shape.map((_, i) => i).slice(1), 0]);
}

interface Way {
  /** Whether the triangle, after transposition, is the lower one. */
  readonly forward: boolean;
  /** Whether `t` is read transposed. */
  readonly transposed: boolean;
}

/** Solves T x = b by substitution. t [..., n, n], b [..., n, m]; the other triangle of t is not read. */
export function solveByRows(t: Tensor, b: Tensor, way: Way): Tensor {
  const { forward, transposed } = way;
  const [n, m] = b.shape.slice(-2);
  if (n > BLOCK) {
    const [first, second] = halves(n);
    const [begin, end] = forward ? [first, second] : [second, first];
    const part = (of: Span) => slice(b, { axis: -2, start: of[0], end: of[1] });
    const x = solveByRows(block(t, begin, begin), part(begin), way);
    const between = transposed ? block(t, begin, end) : block(t, end, begin);
    const rest = sub(part(end), matmul(between, x, { transposeA: transposed }));
    const y = solveByRows(block(t, end, end), rest, way);
    return concat(forward ? [x, y] : [y, x], -2);
  }
  const batch = broadcastShapes("triangularSolve", t.shape.slice(0, -2), b.shape.slice(0, -2));
  const columns = axisFirst(t, transposed ? -2 : -1);
  const others = mask(n, (i, j) => (forward ? j > i : j < i));
  const below = where(reshape(others, [n, ...t.shape.slice(0, -2).map(() => 1), n]), columns, 0);
  const pivots = axisFirst(diagonal(t), -1);
  // What is left of b after each row of x is taken out of it.
  const left = input("what is left", [...batch, n, m], b.dtype);
  const index = input("row", [], "int64");
  const column = input("column", columns.shape.slice(1), b.dtype);
  const pivot = input("pivot", pivots.shape.slice(1), b.dtype);
  const row = div(gather(left, index, left.rank - 2), unsqueeze(pivot, -1));
  const { outputs } = loop({
    carries: [
      {
        before: left,
        after: sub(left, mul(unsqueeze(column, -1), unsqueeze(row, -2))),
        initial: expand(b, left.shape),
      },
    ],
    inputs: [
      { leaf: index, values: arange(n, "int64") },
      { leaf: column, values: below },
      { leaf: pivot, values: pivots },
    ],
    shared: [],
    outputs: [row],
    length: n,
    reverse: !forward,
  });
  const [rows] = outputs;
  return transpose(rows, [...batch.map((_, i) => i + 1), 0, rows.rank - 1]);
}
