/**
 * Random graphs of views and functions on degenerate shapes: axes of size 0, 1 and a few, transposed, sliced, padded, reversed, repeated
 * and joined at random, with first and second derivatives. Host float64 is the oracle of the native executor in both precisions.
 */
import { build } from "../../src/compile/compile.ts";
import { rewrite } from "../../src/compile/graph.ts";
import { fillUniform, stream } from "../../src/random/index.ts";
import { convert, isFloat } from "../../src/tensor/dtype.ts";
import {
  abs,
  add,
  concat,
  constant,
  cos,
  cumsum,
  digamma,
  div,
  erf,
  exp,
  expand,
  flip,
  gather,
  grad,
  greater,
  input,
  lgamma,
  log,
  log1p,
  logsumexp,
  matmul,
  max,
  maximum,
  mean,
  mul,
  pad,
  polygamma,
  pow,
  prod,
  reshape,
  sigmoid,
  slice,
  softmax,
  softplus,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  transpose,
  tril,
  where,
} from "../../src/tensor/index.ts";
import { isConstant } from "../../src/tensor/leaf.ts";
import { rebuild } from "../../src/tensor/op.ts";
import type { Shape } from "../../src/tensor/shape.ts";

/** Numbers of one stream, one at a time. */
class Choices {
  readonly #numbers = new Float64Array(512);
  #next = 0;
  constructor(seed: number) {
    fillUniform(this.#numbers, stream(seed, "random views"));
  }
  unit(): number {
    return this.#numbers[this.#next++ % this.#numbers.length];
  }
  below(n: number): number {
    return Math.floor(this.unit() * n);
  }
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
}

const smooth: readonly ((x: Tensor) => Tensor)[] = [
  tanh,
  sigmoid,
  softplus,
  erf,
  cos,
  (x) => exp(tanh(x)),
  (x) => log1p(square(x)),
  (x) => sqrt(add(square(x), 0.5)),
  (x) => lgamma(add(softplus(x), 0.5)),
  (x) => log(add(abs(x), 1)),
  (x) => pow(tanh(x), 3),
  (x) => div(x, add(square(x), 1)),
  (x) => where(greater(x, 0), log(add(x, 1)), square(tanh(x))),
  (x) => maximum(x, 0.25),
];

const reductions: readonly ((x: Tensor, axis: number, keepDims: boolean) => Tensor)[] = [
  (x, axis, keepDims) => sum(x, axis, { keepDims }),
  (x, axis, keepDims) => (x.shape[axis] === 0 ? sum(x, axis, { keepDims }) : mean(x, axis, { keepDims })),
  (x, axis, keepDims) => (x.shape[axis] === 0 ? sum(x, axis, { keepDims }) : max(x, axis, { keepDims })),
  (x, axis, keepDims) =>
    x.shape[axis] === 0 ? sum(x, axis, { keepDims }) : logsumexp(x, axis, { keepDims }),
  (x, axis, keepDims) => prod(add(square(tanh(x)), 0.5), axis, { keepDims }),
];

/** A place up to `size`; seldom `size` itself, which leaves nothing. */
const placeIn = (size: number, choose: Choices): number =>
  choose.unit() < 0.05 ? size : choose.below(Math.max(1, size));

/** Another view of the same elements, or of some of them. */
function view(x: Tensor, choose: Choices): Tensor {
  if (x.rank === 0) return reshape(x, choose.of([[1], [1, 1]]));
  const axis = choose.below(x.rank);
  const size = x.shape[axis];
  switch (choose.below(11)) {
    case 0:
    case 1:
    case 2: {
      const order = x.shape.map((_, i) => i).sort(() => choose.unit() - 0.5);
      return transpose(x, order);
    }
    case 3:
      return slice(x, { axis, start: placeIn(size, choose), step: 1 + choose.below(2) });
    case 4:
      return flip(x, axis);
    case 5:
    case 6:
      return pad(x, axis, choose.below(3), choose.below(2));
    case 7:
      return reshape(x, x.rank > 3 ? [x.size] : [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)]);
    case 8:
      return size === 1
        ? expand(
            x,
            x.shape.map((n, i) => (i === axis ? placeIn(3, choose) + 1 : n)),
          )
        : reshape(x, [x.size]);
    case 9:
      return size === 0 ? x : gather(x, indices(choose, size), axis);
    default:
      return concat([x, slice(x, { axis, end: placeIn(size, choose) })], axis);
  }
}

function indices(choose: Choices, size: number): Tensor {
  const values = Array.from({ length: 3 - placeIn(3, choose) }, () => choose.below(2 * size) - size);
  return constant(values, [values.length], "int64");
}

/** A tensor of two. */
function join(a: Tensor, b: Tensor, choose: Choices): Tensor {
  const [m, n] = [a.size === 0 ? 1 : a.size, b.size === 0 ? 1 : b.size];
  switch (choose.below(5)) {
    case 0: {
      // Outer product of what is left of both.
      const [x, y] = [reshape(a, [a.size, 1]), reshape(b, [1, b.size])];
      return m * n > 200 ? add(sum(a), sum(b)) : choose.below(2) === 0 ? mul(tanh(x), tanh(y)) : matmul(x, y);
    }
    case 1: {
      if (a.rank < 2) return add(tanh(a), sum(b));
      // x xᵀ or xᵀ x, over a batch.
      const transposeA = choose.below(2) === 0;
      return matmul(tanh(a), tanh(a), { transposeA, transposeB: !transposeA });
    }
    case 2:
      return concat([reshape(a, [a.size]), reshape(b, [b.size])]);
    case 3:
      return sub(a, tanh(sum(b)));
    default:
      return mul(tanh(a), sigmoid(b.size === 0 ? sum(b) : mean(b)));
  }
}

function apply(values: readonly Tensor[], choose: Choices): Tensor {
  const x = choose.unit() < 0.85 ? values[values.length - 1] : choose.of(values);
  const pick = choose.unit();
  if (pick < 0.6) return view(x, choose);
  if (pick < 0.78) return choose.of(smooth)(x);
  if (pick < 0.9 && x.rank > 0) {
    const axis = choose.below(x.rank);
    const other = choose.below(8);
    if (other === 0) return x.shape[axis] === 0 ? x : softmax(x, axis);
    if (other === 1) return cumsum(x, axis, { reverse: choose.below(2) === 0 });
    if (other === 2 && x.rank > 1) return tril(x, choose.below(3) - 1);
    return choose.of(reductions)(x, axis, choose.below(4) > 0);
  }
  return join(x, choose.of(values), choose);
}

export interface RandomView {
  readonly leaves: readonly Tensor[];
  readonly values: readonly Float64Array[];
  /** The value, its gradients, and the gradients of their sum of squares. */
  readonly outputs: readonly Tensor[];
}

const EMPTY: readonly Shape[] = [[0], [2, 0], [0, 3], [2, 0, 1]];
const FILLED: readonly Shape[] = [[], [3], [2, 3], [3, 1], [1, 4], [2, 1, 3], [2, 3, 2], [3, 2, 2]];

/** The graph of a seed, in one precision. */
export function randomView(seed: number, dtype: "float32" | "float64"): RandomView {
  const choose = new Choices(seed);
  const leaves = Array.from({ length: 1 + choose.below(3) }, (_, i) =>
    input(`x${i}`, choose.of(choose.unit() < 0.1 ? EMPTY : FILLED), dtype),
  );
  const values = leaves.map((leaf, i) => {
    const out = new Float64Array(leaf.size);
    fillUniform(out, stream(seed, `leaf ${i}`));
    return out.map((u) => Math.fround(4 * u - 2));
  });
  const made: Tensor[] = [...leaves];
  for (let count = 3 + choose.below(6); count > 0; count--) {
    const next = apply(made, choose);
    if (next.size <= 400) made.push(next);
  }
  const y = made[made.length - 1];
  const weights = Array.from({ length: y.size }, (_, i) => Math.fround(Math.sin(1.7 * i + 1)));
  const first = grad(sum(mul(y, constant(weights, y.shape, dtype))), leaves);
  const second = grad(
    first.map((g) => sum(square(g))).reduce((a, b) => add(a, b)),
    leaves,
  );
  return { leaves, values, outputs: [y, ...first, ...second] };
}

async function evaluate(
  { leaves, values }: RandomView,
  outputs: readonly Tensor[],
  executor: "host" | "native",
): Promise<number[][]> {
  const program = await build(outputs, { executor, threads: 1 });
  const written = outputs.map((t) =>
    executor === "host" ? new Float64Array(t.size) : convert(new Float64Array(t.size), t.dtype),
  );
  const bound = program.leaves.map((l) => {
    const v = values[leaves.indexOf(l)];
    return executor === "host" ? v : convert(v, l.dtype);
  });
  await program.bind(bound, written)();
  await program.release();
  return written.map((w) => Array.from(w, Number));
}

/** Half a unit in the last place of a precision. */
const ROUNDING = { float32: 2 ** -24, float64: 2 ** -53 } as const;

/** What the expansions of lgamma, its derivatives and erf promise of their error, where the result is near 0 too. */
const EXPANDED = { float32: 1e-6, float64: 1e-12 } as const;

const isExpanded = (node: Tensor): boolean => [lgamma, digamma, polygamma, erf].some((op) => op.is(node));

/**
 * The same graph with what goes into it and the result of each op off at random, by what the op's accuracy allows. How far outputs move
 * says how well conditioned they are (Parker's Monte Carlo arithmetic, 1997): the rounding errors of a sum or a product are those of the
 * exact one of terms that are off, so terms are moved too.
 */
function perturbed(
  outputs: readonly Tensor[],
  dtype: "float32" | "float64",
): { readonly outputs: readonly Tensor[]; readonly errors: ReadonlyMap<Tensor, number> } {
  const errors = new Map<Tensor, number>();
  const moved = rewrite(outputs, (node, inputs) => {
    const same = inputs.every((x, i) => x === node.inputs[i]) ? node : rebuild(node, inputs);
    // What is moved without being computed is as exact as its input.
    if (!isFloat(node.dtype) || node.op.host === "alias" || isConstant(node)) return same;
    const off = (by: number): Tensor => {
      const error = input(`error ${errors.size}`, node.shape, node.dtype);
      errors.set(error, by);
      return error;
    };
    if (!isExpanded(node)) return mul(same, add(off(4 * ROUNDING[dtype]), 1));
    return add(mul(same, add(off(EXPANDED[dtype]), 1)), off(EXPANDED[dtype]));
  });
  return { outputs: moved, errors };
}

/** The outputs under some draws of errors. */
async function movedOutputs(
  { leaves, values, outputs }: RandomView,
  dtype: "float32" | "float64",
  seed: number,
): Promise<Float64Array[][]> {
  const moved = perturbed(outputs, dtype);
  const program = await build(moved.outputs, { executor: "host", threads: 1 });
  const written = moved.outputs.map((t) => new Float64Array(t.size));
  const bound = program.leaves.map((l) => values[leaves.indexOf(l)] ?? new Float64Array(l.size));
  const run = program.bind(bound, written);
  const draws: Float64Array[][] = [];
  for (let draw = 0; draw < DRAWS; draw++) {
    for (const [i, leaf] of program.leaves.entries()) {
      const by = moved.errors.get(leaf);
      if (by === undefined) continue;
      const out = bound[i];
      fillUniform(out, stream(seed, `error ${draw} of ${i}`));
      for (let j = 0; j < out.length; j++) out[j] = by * (2 * out[j] - 1);
    }
    await run();
    draws.push(written.map((w) => w.slice()));
  }
  await program.release();
  return draws;
}

/** Draws of errors, by which an element's condition is told. */
const DRAWS = 16;

/**
 * How many root mean squares of the draws apart two right executors may be. Over 2,000 graphs their difference has a standard deviation
 * below a third of a draw's; that over the root mean square of 16 draws has a t distribution of 16 degrees of freedom, which is beyond
 * 18 once in 10¹¹ elements.
 */
const APART = 6;

/** What the native executor makes of a seed's graph. */
export async function nativeOf(seed: number, dtype: "float32" | "float64"): Promise<number[][]> {
  const view = randomView(seed, dtype);
  return evaluate(view, view.outputs, "native");
}

/** What two executors make of one graph. */
export interface Comparison {
  /** The largest difference, as a share of what is allowed. */
  readonly worst: number;
  /** Where there is more than roundings explain. */
  readonly found: readonly string[];
}

/** Native, or what is given, against host on a seed's graph, or another one. Nothing is computed in float32 on the host. */
export async function compared(
  seed: number,
  dtype: "float32" | "float64",
  given?: readonly (readonly number[])[],
  view: RandomView = randomView(seed, dtype),
): Promise<Comparison> {
  const right = await evaluate(view, view.outputs, "host");
  const native = given ?? (await evaluate(view, view.outputs, "native"));
  let moved: Float64Array[][] | undefined;
  let worst = 0;
  const found: string[] = [];
  for (const [k, output] of view.outputs.entries()) {
    const same = right[k].every((b, i) => Object.is(native[k][i], b) || native[k][i] === b);
    if (same) continue;
    moved ??= await movedOutputs(view, dtype, seed);
    for (const [i, b] of right[k].entries()) {
      const a = native[k][i];
      if (Object.is(a, b) || a === b) continue;
      const squares = moved.map((m) => (m[k][i] - b) ** 2);
      const spread = Math.sqrt(squares.reduce((sum, s) => sum + s, 0) / DRAWS);
      // Not a number among the draws: on the edge of a range.
      if (Number.isNaN(spread)) continue;
      const ratio = Math.abs(a - b) / (APART * spread);
      if (ratio <= 1) {
        worst = Math.max(worst, ratio);
        continue;
      }
      worst = Number.POSITIVE_INFINITY;
      found.push(
        `seed ${seed}, ${dtype}, output ${k} ${output}, element ${i}: native ${a}, host ${b}, roundings ${spread}`,
      );
      break;
    }
  }
  return { worst, found };
}
