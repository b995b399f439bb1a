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

/** The same graph with the result of each op off by some rounding errors of the precision, at random. */
function perturbed(outputs: readonly Tensor[], unit: number, seed: number): Tensor[] {
  let count = 0;
  return rewrite(outputs, (node, inputs) => {
    if (node.inputs.length === 0) return node;
    const same = inputs.every((x, i) => x === node.inputs[i]) ? node : rebuild(node, inputs);
    if (!isFloat(node.dtype)) return same;
    const noise = new Float64Array(2 * node.size);
    fillUniform(noise, stream(seed, `perturbation ${count++}`));
    const draws = (from: number, scale: number) =>
      constant(
        noise.slice(from, from + node.size).map((u) => scale * (2 * u - 1)),
        node.shape,
        node.dtype,
      );
    return add(mul(same, add(draws(0, 4 * unit), 1)), draws(node.size, unit / 4));
  });
}

/** Where native and host differ by more than roundings explain. Nothing is computed in float32 on the host. */
export async function disagreements(seed: number): Promise<string[]> {
  const found: string[] = [];
  for (const dtype of ["float32", "float64"] as const) {
    // A rounding of float32; in float64 the error of lgamma and erf, which the native executor expands to within 2e-14.
    const unit = dtype === "float32" ? 2 ** -24 : 2 ** -47;
    const view = randomView(seed, dtype);
    const right = await evaluate(view, view.outputs, "host");
    const native = await evaluate(view, view.outputs, "native");
    let moved: number[][][] | undefined;
    for (const [k, output] of view.outputs.entries()) {
      const scale = Math.max(1, ...right[k].filter(Number.isFinite).map(Math.abs));
      const isOff = (i: number, allowed: number): boolean => {
        const [a, b] = [native[k][i], right[k][i]];
        if (Object.is(a, b) || a === b) return false;
        return !(Math.abs(a - b) <= allowed);
      };
      const suspects = right[k].flatMap((_, i) =>
        isOff(i, (dtype === "float32" ? 64 : 4) * unit * scale) ? [i] : [],
      );
      if (suspects.length === 0) continue;
      // Four draws of roundings say how far they move this element.
      moved ??= await Promise.all(
        [1, 2, 3, 4].map((n) => evaluate(view, perturbed(view.outputs, unit, 1000 * seed + n), "host")),
      );
      for (const i of suspects) {
        const range = Math.max(...moved.map((m) => Math.abs(m[k][i] - right[k][i])));
        // Not a number among the draws: on the edge of a range.
        if (Number.isNaN(range) || !isOff(i, (dtype === "float32" ? 64 : 4) * unit * scale + 20 * range))
          continue;
        found.push(
          `seed ${seed}, ${dtype}, output ${k} ${output}, element ${i}: native ${native[k][i]}, host ${right[k][i]}, roundings ${range}`,
        );
        break;
      }
    }
  }
  return found;
}
