/** Reductions over axes: sum, max and functions built from them; softmax; cumulative sums. */
import { ShapeError } from "../../errors.ts";
import { anything, checkOptions, flag, knownOptions, type OptionRules } from "../../options.ts";
import { type DType, isFloat, isInteger } from "../dtype.ts";
import { type Lane, ownShape, repeatAlong } from "../lanes.ts";
import { full } from "../leaf.ts";
import { defineOp, type HostFold, type OpNode, rebuild } from "../op.ts";
import { normalizeAxes, normalizeAxis, reducedShape, sizeOf, stridesOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { exactWhole, heldInRange } from "../whole.ts";
import { add, clip, div, maximum, mul, neg, sub } from "./arithmetic.ts";
import { cast, onnxType } from "./cast.ts";
import { equal } from "./comparison.ts";
import { checkDType, type Unary, unary } from "./elementwise.ts";
import { expand, flatten, reshape, squeeze, transpose, unsqueeze } from "./movement.ts";
import { concat, slice } from "./parts.ts";
import { stopGradient } from "./stop-gradient.ts";
import { exp } from "./transcendental.ts";

/** Options of reductions. */
export interface ReduceOptions {
  /** Keep the reduced axes, with size 1. Default false. */
  readonly keepDims?: boolean;
}

const reduceRules: OptionRules<ReduceOptions> = {
  keepDims: flag,
};
/** Dimensions to reduce over; negative ones count from the right. */
export type Axes = number | readonly number[];
type ReduceAttributes = { readonly axes: readonly number[]; readonly keepDims: boolean };

/** A reduction on the host. */
const folded = (initial: number, combine: HostFold["combine"]) => ({
  fold: ({ attributes: { axes }, dtype }: OpNode<ReduceAttributes>): HostFold => ({
    axes,
    initial,
    combine,
    ...(isInteger(dtype) && { finish: (total: string) => heldInRange(total, dtype) }),
  }),
});

const inferReduce =
  (name: string) =>
  ([x]: readonly Tensor[], { axes, keepDims }: ReduceAttributes) => {
    checkDType(name, x.dtype, "number");
    return { shape: reducedShape(x.shape, axes, keepDims), dtype: x.dtype };
  };

/** Gives a reduced gradient the rank of the reduction's input, so that they broadcast. */
const withKeptDims = (g: Tensor, x: Tensor, axes: readonly number[]): Tensor =>
  reshape(g, reducedShape(x.shape, axes, true));

/** A reduction over a batch. Axes along which the value does not vary are skipped; `repeats` is their number of elements. */
function batchReduce(
  lane: Lane,
  node: OpNode<ReduceAttributes>,
): { readonly reduced: Tensor; readonly repeats: number } {
  const { single, all } = lane;
  const { axes, keepDims } = node.attributes;
  const own = ownShape(lane);
  const moved = (list: readonly number[]): number[] => list.map((a) => a + 1);
  const repeated = axes.filter((a) => own[a] !== single.shape[a]);
  if (repeated.length === 0)
    return { reduced: rebuild(node, [all], { axes: moved(axes), keepDims }), repeats: 1 };
  const rest = axes.filter((a) => !repeated.includes(a));
  const y = rest.length === 0 ? all : rebuild(node, [all], { axes: moved(rest), keepDims: true });
  return {
    reduced: reshape(y, [all.shape[0], ...reducedShape(own, axes, keepDims)]),
    repeats: repeated.reduce((n, a) => n * single.shape[a], 1),
  };
}

const reduceCases = [
  { inputs: [[3, 4]], attributes: { axes: [0, 1], keepDims: false } },
  { inputs: [[2, 3, 4]], attributes: { axes: [1], keepDims: true } },
  { inputs: [[2, 3, 4]], attributes: { axes: [0, 2], keepDims: false } },
  { inputs: [[2, 3, 4]], attributes: { axes: [2], keepDims: false } },
];

const sumOp = defineOp<ReduceAttributes, [Tensor]>({
  name: "sum",
  infer: inferReduce("sum"),
  derivative: (g, _, [x], { axes }) => [expand(withKeptDims(g, x, axes), x.shape)],
  batch: ([x], _, node) => {
    const { reduced, repeats } = batchReduce(x, node);
    return repeats === 1 ? reduced : mul(reduced, repeats);
  },
  host: folded(0, (sofar, x) => `${sofar} + ${x}`),
  native: {
    onnx: (builder, [x], node) => {
      const { axes, keepDims } = node.attributes;
      return builder.node("ReduceSum", [x, builder.ints(axes)], { keepdims: keepDims ? 1 : 0 });
    },
  },
  cases: reduceCases,
});

/** Σ x over `axes` (all by default). */
export function sum(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkOptions("sum", options, reduceRules);
  const list = normalizeAxes("sum", axes, x.rank);
  return list.length === 0 ? x : sumOp([x], { axes: list, keepDims: options.keepDims ?? false });
}
/** @internal */
sum.is = sumOp.is;

/** The mean over `axes` (all by default). */
export function mean(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkOptions("mean", options, reduceRules);
  checkDType("mean", x.dtype, "float");
  const list = normalizeAxes("mean", axes, x.rank);
  const count = list.reduce((n, a) => n * x.shape[a], 1);
  return mul(sum(x, list, options), 1 / count);
}

/** The variance over `axes`, with divisor n (`correction: 0`, the default) or n − correction. */
export function variance(
  x: Tensor,
  axes?: Axes,
  options: ReduceOptions & { readonly correction?: number } = {},
): Tensor {
  checkOptions("variance", options, { ...reduceRules, correction: anything });
  const list = normalizeAxes("variance", axes, x.rank);
  const count = list.reduce((n, a) => n * x.shape[a], 1);
  const centred = sub(x, mean(x, list, { keepDims: true }));
  return mul(
    sum(mul(centred, centred), list, knownOptions(options, reduceRules)),
    1 / (count - (options.correction ?? 0)),
  );
}

/** `hidesNan`: the native maximum need not check for NaN. */
type MaxAttributes = ReduceAttributes & { readonly hidesNan?: true };

const maxOp = defineOp<MaxAttributes, [Tensor]>({
  name: "max",
  infer: inferReduce("max"),
  derivative: (g, y, [x], { axes }) => {
    // Tied entries share the gradient equally.
    const hits = cast(equal(x, withKeptDims(y, x, axes)), x.dtype);
    return [div(mul(withKeptDims(g, x, axes), hits), sum(hits, axes, { keepDims: true }))];
  },
  batch: ([x], _, node) => batchReduce(x, node).reduced,
  // NaN counts as the largest value, whatever comes after it.
  host: folded(Number.NEGATIVE_INFINITY, (sofar, x) => `${x} > ${sofar} || ${x} !== ${x} ? ${x} : ${sofar}`),
  native: {
    onnx: (builder, [x], node) => {
      const { axes, keepDims } = node.attributes;
      const over = (name: string) =>
        builder.node("ReduceMax", [name, builder.ints(axes)], { keepdims: keepDims ? 1 : 0 });
      const largest = over(x);
      if (!isFloat(node.dtype) || node.attributes.hidesNan) return largest;
      // Whether the runtime's maximum notices a NaN depends on its position.
      const hasNan = over(builder.node("Cast", [builder.node("IsNaN", [x])], { to: onnxType[node.dtype] }));
      const isNan = builder.node("Cast", [hasNan], { to: onnxType.bool });
      return builder.node("Where", [isNan, builder.scalar(Number.NaN, node), largest]);
    },
  },
  cases: reduceCases,
});

/** The largest value over `axes` (all by default), NaN if any value is. Tied entries share the gradient. */
export function max(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkOptions("max", options, reduceRules);
  const list = normalizeAxes("max", axes, x.rank);
  if (list.some((a) => x.shape[a] === 0))
    throw new ShapeError("max: an axis of size 0 has no largest value.");
  return list.length === 0 ? x : maxOp([x], { axes: list, keepDims: options.keepDims ?? false });
}
/** @internal */
max.is = maxOp.is;

/**
 * For each element along the last axis, the product of all others: the derivative of a product. It is computed by halving, not by
 * division, so that derivatives of every order are right even where elements are 0.
 */
function productOfOthers(x: Tensor): Tensor {
  const n = x.shape[x.rank - 1];
  if (n <= 1) return full(x.shape, 1, x.dtype);
  const outer = x.shape.slice(0, -1);
  const even = n % 2 === 0 ? x : concat([x, full([...outer, 1], 1, x.dtype)], -1);
  const pairs = reshape(even, [...outer, Math.ceil(n / 2), 2]);
  const [a, b] = [slice(pairs, { axis: -1, end: 1 }), slice(pairs, { axis: -1, start: 1 })];
  const rest = unsqueeze(productOfOthers(squeeze(mul(a, b), -1)), -1);
  const both = reshape(mul(rest, concat([b, a], -1)), even.shape);
  return n % 2 === 0 ? both : slice(both, { axis: -1, end: n });
}

const prodOp = defineOp<ReduceAttributes, [Tensor]>({
  name: "prod",
  infer: inferReduce("prod"),
  derivative: (g, _, [x], { axes }) => {
    const order = [...x.shape.keys()].filter((a) => !axes.includes(a)).concat(axes);
    const lines = transpose(x, order);
    const others = productOfOthers(flatten(lines, x.rank - axes.length));
    const back = order.map((_, i) => order.indexOf(i));
    return [mul(withKeptDims(g, x, axes), transpose(reshape(others, lines.shape), back))];
  },
  batch: ([x], { axes, keepDims }) =>
    prod(
      repeatAlong(x, axes),
      axes.map((a) => a + 1),
      { keepDims },
    ),
  host: folded(1, (sofar, x) => `${sofar} * ${x}`),
  native: {
    onnx: (builder, [x], node) => {
      const { axes, keepDims } = node.attributes;
      return builder.node("ReduceProd", [x, builder.ints(axes)], { keepdims: keepDims ? 1 : 0 });
    },
  },
  cases: reduceCases.map((c) => ({ ...c, domain: [0.5, 1.5] as const })),
});

/** The product over `axes` (all by default). */
export function prod(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkOptions("prod", options, reduceRules);
  const list = normalizeAxes("prod", axes, x.rank);
  return list.length === 0 ? x : prodOp([x], { axes: list, keepDims: options.keepDims ?? false });
}
/** @internal */
prod.is = prodOp.is;

/** The smallest value over `axes` (all by default), NaN if any value is. */
export function min(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkOptions("min", options, reduceRules);
  return neg(max(neg(x), axes, options));
}

/** The largest number of a float type. */
const largestOf = (dtype: DType): number =>
  dtype === "float64" ? Number.MAX_VALUE : (2 - 2 ** -23) * 2 ** 127;

/** ln x for a sum of terms whose largest is 1, or all of whose terms are 0: in that case the derivative is 0 and not 0 / 0. */
export const logOfTerms: Unary = unary("logOfTerms", {
  host: (x) => `Math.log(${x})`,
  native: "Log",
  derivative: (g, _, x) => div(g, maximum(x, 0.5)),
  domain: [1, 3],
});

/**
 * ln Σ eˣ over `axes`. The largest term is subtracted first, so the sum does not overflow and small terms keep their digits. A slice of
 * −∞ gives −∞, with gradient 0. The shift is kept finite and has no gradient.
 */
export function logsumexp(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkOptions("logsumexp", options, reduceRules);
  checkDType("logsumexp", x.dtype, "float");
  const list = normalizeAxes("logsumexp", axes, x.rank);
  if (list.length === 0) return x;
  const end = largestOf(x.dtype);
  // The maximum may miss a NaN: the exponentials carry it.
  const largest = maxOp([x], { axes: list, keepDims: true, hidesNan: true });
  const shift = stopGradient(clip(largest, -end, end));
  const total = logOfTerms(sum(exp(sub(x, shift)), list, { keepDims: true }));
  return reshape(add(total, shift), reducedShape(x.shape, list, options.keepDims ?? false));
}

type SoftmaxAttributes = { readonly axis: number };

const softmaxOp = defineOp<SoftmaxAttributes, [Tensor]>({
  name: "softmax",
  infer: ([x]) => {
    checkDType("softmax", x.dtype, "float");
    return { shape: x.shape, dtype: x.dtype };
  },
  derivative: (g, y, _, { axis }) => [mul(y, sub(g, sum(mul(g, y), axis, { keepDims: true })))],
  batch: ([x], { axis }) => softmax(repeatAlong(x, [axis]), axis + 1),
  host: {
    kernel: (node) => {
      const { axis } = node.attributes;
      const n = node.shape[axis];
      const step = stridesOf(node.shape)[axis];
      return (out, x) =>
        forEachLine(node.shape, axis, (start) => {
          let top = Number.NEGATIVE_INFINITY;
          for (let i = 0; i < n; i++) top = Math.max(top, x[start + i * step]);
          let total = 0;
          for (let i = 0; i < n; i++) total += out[start + i * step] = Math.exp(x[start + i * step] - top);
          for (let i = 0; i < n; i++) out[start + i * step] /= total;
        });
    },
  },
  native: {
    onnx: (builder, inputs, node) => builder.node("Softmax", inputs, { axis: node.attributes.axis }),
  },
  cases: [
    { inputs: [[3, 4]], attributes: { axis: 1 } },
    { inputs: [[2, 3, 4]], attributes: { axis: 1 } },
  ],
});

/** Calls `visit` with the first offset of every line of a row-major array along `axis`. */
export function forEachLine(shape: readonly number[], axis: number, visit: (start: number) => void): void {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const block = inner * shape[axis];
  for (let o = 0; o < outer; o++) for (let i = 0; i < inner; i++) visit(o * block + i);
}

/** eˣ / Σ eˣ along one axis (the last by default). */
export const softmax = (x: Tensor, axis = -1): Tensor =>
  softmaxOp([x], { axis: normalizeAxis("softmax", axis, x.rank) });
/** @internal */
softmax.is = softmaxOp.is;

/** x − ln Σ eˣ along one axis (the last by default). */
export const logSoftmax = (x: Tensor, axis = -1): Tensor => sub(x, logsumexp(x, axis, { keepDims: true }));

type CumsumAttributes = { readonly axis: number; readonly reverse: boolean; readonly exclusive: boolean };

const cumsumOp = defineOp<CumsumAttributes, [Tensor]>({
  name: "cumsum",
  infer: ([x]) => {
    checkDType("cumsum", x.dtype, "number");
    return { shape: x.shape, dtype: x.dtype };
  },
  derivative: (g, _, __, { axis, reverse, exclusive }) => [cumsum(g, axis, { reverse: !reverse, exclusive })],
  batch: ([x], { axis, reverse, exclusive }) =>
    cumsum(repeatAlong(x, [axis]), axis + 1, { reverse, exclusive }),
  host: {
    kernel: (node) => {
      const { axis, reverse, exclusive } = node.attributes;
      const n = node.shape[axis];
      const step = stridesOf(node.shape)[axis];
      const { dtype } = node;
      const held = (total: number): number =>
        dtype === "int32" ? total | 0 : dtype === "int64" ? exactWhole(total) : total;
      return (out, x) =>
        forEachLine(node.shape, axis, (start) => {
          let total = 0;
          for (let i = 0; i < n; i++) {
            const k = start + (reverse ? n - 1 - i : i) * step;
            const before = total;
            total = held(total + x[k]);
            out[k] = exclusive ? before : total;
          }
        });
    },
  },
  native: {
    onnx: (builder, [x], node) => {
      const { axis, reverse, exclusive } = node.attributes;
      const at = builder.constant([axis], [], "int64");
      return builder.node("CumSum", [x, at], { reverse: reverse ? 1 : 0, exclusive: exclusive ? 1 : 0 });
    },
  },
  cases: [
    { inputs: [[5]], attributes: { axis: 0, reverse: false, exclusive: false } },
    { inputs: [[2, 3, 4]], attributes: { axis: 1, reverse: true, exclusive: false } },
    { inputs: [[2, 3, 4]], attributes: { axis: 2, reverse: false, exclusive: true } },
  ],
});

/** Running sums along one axis; from the end with `reverse`, without the element itself with `exclusive`. */
export const cumsum = (
  x: Tensor,
  axis: number,
  options: { readonly reverse?: boolean; readonly exclusive?: boolean } = {},
): Tensor =>
  cumsumOp([x], {
    axis: normalizeAxis("cumsum", axis, x.rank),
    reverse: options.reverse ?? false,
    exclusive: options.exclusive ?? false,
  });
/** @internal */
cumsum.is = cumsumOp.is;

const argmaxOp = defineOp<SoftmaxAttributes, [Tensor]>({
  name: "argmax",
  infer: ([x], { axis }) => ({ shape: reducedShape(x.shape, [axis], false), dtype: "int64" }),
  derivative: () => [undefined],
  batch: ([x], { axis }) => argmax(repeatAlong(x, [axis]), axis + 1),
  host: {
    kernel: (node) => {
      const { axis } = node.attributes;
      const { shape } = node.inputs[0];
      const n = shape[axis];
      const step = stridesOf(shape)[axis];
      return (out, x) => {
        let o = 0;
        forEachLine(shape, axis, (start) => {
          let best = 0;
          // NaN counts as the largest value, and the first NaN wins.
          for (let i = 1; i < n && !Number.isNaN(x[start + best * step]); i++) {
            const v = x[start + i * step];
            if (v > x[start + best * step] || Number.isNaN(v)) best = i;
          }
          out[o++] = best;
        });
      };
    },
  },
  native: {
    onnx: (builder, [x], node) => {
      const { axis } = node.attributes;
      const place = (name: string) => builder.node("ArgMax", [name], { axis, keepdims: 0 });
      const { dtype } = node.inputs[0];
      if (!isFloat(dtype))
        return place(dtype === "bool" ? builder.node("Cast", [x], { to: onnxType.int32 }) : x);
      const isNan = builder.node("Cast", [builder.node("IsNaN", [x])], { to: onnxType.int32 });
      const hasNan = builder.node("ReduceMax", [isNan, builder.ints([axis])], { keepdims: 0 });
      return builder.node("Where", [
        builder.node("Cast", [hasNan], { to: onnxType.bool }),
        place(isNan),
        place(x),
      ]);
    },
  },
  cases: [
    { inputs: [[3, 5]], attributes: { axis: 1 } },
    { inputs: [[2, 3, 4]], attributes: { axis: 0 } },
  ],
});

/** The index of the largest value along one axis (the first of several; NaN is the largest), as int64; no gradient. */
export function argmax(x: Tensor, axis = -1): Tensor {
  return argmaxOp([x], { axis: normalizeAxis("argmax", axis, x.rank) });
}
/** @internal */
argmax.is = argmaxOp.is;
