/** Random expression graphs, and two slow ways of computing any graph, for the property tests of the compiler. */
import fc from "fast-check";
import { topological } from "../../src/compile/graph.ts";
import { compileHost } from "../../src/compile/host.ts";
import { fillUniform, stream } from "../../src/random/index.ts";
import { convert, type TypedArray } from "../../src/tensor/dtype.ts";
import {
  abs,
  add,
  cast,
  type DType,
  div,
  exp,
  expand,
  full,
  greater,
  input,
  matmul,
  maximum,
  mul,
  neg,
  relu,
  reshape,
  sigmoid,
  softplus,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tanh,
  transpose,
  where,
} from "../../src/tensor/index.ts";
import { rebuild } from "../../src/tensor/op.ts";
import { broadcastShapes, type Shape } from "../../src/tensor/shape.ts";

export interface RandomGraph {
  readonly leaves: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** The shapes that leaves have: they broadcast with one another. */
const SHAPES: readonly Shape[] = [[3, 4], [4], [3, 1], [], [1, 4], [2, 3, 4]];

/** The same with so many elements that products and functions have kernels. */
export const LARGE_SHAPES: readonly Shape[] = [[13, 21], [21], [13, 1], [], [1, 21], [2, 13, 21]];

type Build = (a: Tensor, b: Tensor, c: Tensor, number: number) => Tensor;

/** Each keeps values within a few powers of two of its inputs', and is continuous in them unless said otherwise. */
const continuous: Readonly<Record<string, Build>> = {
  add: (a, b) => add(a, b),
  sub: (a, b) => sub(a, b),
  mul: (a, b) => mul(tanh(a), b),
  square: (a) => square(tanh(a)),
  div: (a, b) => div(a, add(square(tanh(b)), 1)),
  maximum: (a, b) => maximum(a, b),
  neg: (a) => neg(a),
  abs: (a) => abs(a),
  tanh: (a) => tanh(a),
  sigmoid: (a) => sigmoid(a),
  softplus: (a) => softplus(a),
  relu: (a) => relu(a),
  exp: (a) => exp(tanh(a)),
  root: (a) => sqrt(add(abs(a), 0.5)),
  scale: (a, _, __, c) => mul(a, c),
  scaleLeft: (a, _, __, c) => mul(full([], c, a.dtype), a),
  shift: (a, _, __, c) => add(a, c),
  from: (a, _, __, c) => sub(c, a),
  half: (a) => div(a, 4),
  filled: (a, _, __, c) => mul(a, full(a.shape, c, a.dtype)),
  sum: (a) => (a.rank === 0 ? a : sum(a, -1, { keepDims: true })),
  sumTwice: (a) => (a.rank < 2 ? a : sum(sum(a, 0), 0)),
  expand: (a, b) => expand(a, broadcastShapes("expand", a.shape, b.shape)),
  reshape: (a) => reshape(reshape(a, [a.size]), a.shape),
  column: (a) => (a.shape.join() === "3,1" ? mul(transpose(reshape(a, [1, 3])), 2) : a),
  transpose: (a) => (a.rank === 2 ? transpose(neg(transpose(a))) : a),
  stop: (a) => stopGradient(a),
  matmul: (a) => (a.rank === 2 ? matmul(matmul(tanh(a), transpose(tanh(a))), a) : a),
};

const jumps: Readonly<Record<string, Build>> = {
  where: (a, b, c) => where(greater(a, b), b, c),
  compare: (a, b) => cast(greater(a, b), a.dtype),
};

export interface GraphOptions {
  readonly dtype: DType;
  /** Also comparisons, whose results jump: only where both sides round alike. */
  readonly jumps?: boolean;
  /** The shapes of leaves. */
  readonly shapes?: readonly Shape[];
}

/** Graphs of 4 to 14 ops over four leaves, every op reading any earlier value; up to three outputs. */
export function randomGraph({
  dtype,
  jumps: withJumps = false,
  shapes: leafShapes = SHAPES,
}: GraphOptions): fc.Arbitrary<RandomGraph> {
  const builds = { ...continuous, ...(withJumps ? jumps : {}) };
  const pick = fc.nat({ max: 1000 });
  const op = fc.tuple(
    fc.constantFrom(...Object.keys(builds)),
    pick,
    pick,
    pick,
    fc.constantFrom(0, 1, -1, 2, 0.5, -0.3),
  );
  return fc
    .tuple(
      fc.array(fc.constantFrom(...leafShapes), { minLength: 2, maxLength: 4 }),
      fc.array(op, { minLength: 4, maxLength: 14 }),
      fc.array(pick, { minLength: 1, maxLength: 3 }),
    )
    .map(([shapes, steps, chosen]) => {
      const leaves = shapes.map((shape, i) => input(`x${i}`, shape, dtype));
      const values: Tensor[] = [...leaves];
      for (const [name, i, j, k, c] of steps) {
        // Small numbers, which are drawn most often, are the latest values: graphs grow deep.
        const at = (n: number) => values[values.length - 1 - (n % values.length)];
        values.push(builds[name](at(i), at(j), at(k), c));
      }
      const last = values[values.length - 1];
      return { leaves, outputs: [last, ...chosen.slice(1).map((n) => values[n % values.length])] };
    });
}

/** Values in (−2, 2) for every leaf, on the float32 grid, by leaf index. */
export function drawLeaves(leaves: readonly Tensor[], seed: number): ReadonlyMap<Tensor, Float64Array> {
  return new Map(
    leaves.map((leaf, i) => {
      const out = new Float64Array(leaf.size);
      fillUniform(out, stream(seed, `leaf ${i}`));
      return [leaf, out.map((u) => Math.fround(4 * u - 2))];
    }),
  );
}

/** All outputs by one compiled host program, without simplification. */
export function evaluateHost(
  outputs: readonly Tensor[],
  values: ReadonlyMap<Tensor, ArrayLike<number>>,
): number[][] {
  const program = compileHost(outputs);
  const results = outputs.map((t) => new Float64Array(t.size));
  program.bind(
    program.leaves.map((leaf) => Float64Array.from(values.get(leaf) ?? [])),
    results,
  )();
  return results.map((r) => Array.from(r));
}

/** All outputs, each node of the graph compiled and run on its own: nothing is fused. Also the largest value met. */
export function evaluateEach(
  outputs: readonly Tensor[],
  values: ReadonlyMap<Tensor, ArrayLike<number>>,
): { readonly results: number[][]; readonly largest: number } {
  const known = new Map<Tensor, number[]>();
  let largest = 0;
  for (const node of topological(outputs)) {
    const given = values.get(node);
    if (given !== undefined) {
      known.set(node, Array.from(given));
    } else {
      const stand = node.inputs.map((x, i) => input(`i${i}`, x.shape, x.dtype));
      const alone = node.inputs.length === 0 ? node : rebuild(node, stand);
      known.set(
        node,
        evaluateHost([alone], new Map(stand.map((s, i) => [s, known.get(node.inputs[i]) ?? []])))[0],
      );
    }
    for (const v of known.get(node) ?? []) largest = Math.max(largest, Math.abs(v));
  }
  return { results: outputs.map((t) => known.get(t) ?? []), largest };
}

/** Leaves' values as the arrays that a program of this dtype binds. */
export const bindings = (
  leaves: readonly Tensor[],
  values: ReadonlyMap<Tensor, ArrayLike<number>>,
): TypedArray[] => leaves.map((leaf) => convert(values.get(leaf) ?? [], leaf.dtype));

/** The largest |a − b|; infinite when the lengths differ or one alone is NaN. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    if (Object.is(a[i], b[i]) || a[i] === b[i]) continue;
    const d = Math.abs(a[i] - b[i]);
    worst = Number.isNaN(d) ? Number.POSITIVE_INFINITY : Math.max(worst, d);
  }
  return worst;
}
