/** Order along an axis: argsort, sort, topk, and takeAlong, which reads by the places that they give. */
import { ShapeError } from "../../errors.ts";
import { checkOptions, flag, type OptionRules } from "../../options.ts";
import { isFloat, isInteger } from "../dtype.ts";
import { repeatAlong } from "../lanes.ts";
import { input } from "../leaf.ts";
import { defineOp, type OnnxBuilder } from "../op.ts";
import { checkWhole, formatShape, normalizeAxis, stridesOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { onnxType } from "./cast.ts";
import { checkDType } from "./elementwise.ts";
import { gather, shiftedIndices } from "./gather.ts";
import { reshape, transpose } from "./movement.ts";
import { slice } from "./parts.ts";
import { forEachLine } from "./reduce.ts";

/** Options of {@link sort} and {@link argsort}. */
export interface SortOptions {
  /** Whether the largest comes first. Default false. */
  readonly descending?: boolean;
}

const sortRules: OptionRules<SortOptions> = { descending: flag };

type SortAttributes = { readonly axis: number; readonly descending: boolean };

const argsortOp = defineOp<SortAttributes, [Tensor]>({
  name: "argsort",
  infer: ([x]) => {
    checkDType("argsort", x.dtype, "number");
    return { shape: x.shape, dtype: "int64" };
  },
  derivative: () => [undefined],
  batch: ([x], { axis, descending }) => argsort(repeatAlong(x, [axis]), axis + 1, { descending }),
  host: {
    kernel: (node) => {
      const { axis, descending } = node.attributes;
      const n = node.shape[axis];
      const step = stridesOf(node.shape)[axis];
      const way = descending ? -1 : 1;
      return (out, x) =>
        forEachLine(node.shape, axis, (start) => {
          const places = Array.from({ length: n }, (_, i) => i);
          places.sort((i, j) => {
            const [a, b] = [x[start + i * step], x[start + j * step]];
            if (Number.isNaN(a) || Number.isNaN(b))
              return way * (Number(Number.isNaN(a)) - Number(Number.isNaN(b))) || i - j;
            return (a === b ? 0 : a < b ? -way : way) || i - j;
          });
          places.forEach((place, i) => {
            out[start + i * step] = place;
          });
        });
    },
  },
  native: {
    onnx: (builder, [x], node) => {
      const { axis } = node.attributes;
      const { dtype } = node.inputs[0];
      if (!isFloat(dtype)) return order(builder, x, node);
      // The runtime does not order NaN. Sort the numbers first, then, keeping that order, what is NaN.
      const isNan = builder.node("Cast", [builder.node("IsNaN", [x])], { to: onnxType.int32 });
      const numbers = builder.node("Where", [
        builder.node("Cast", [isNan], { to: onnxType.bool }),
        builder.scalar(0, node, dtype),
        x,
      ]);
      const first = order(builder, numbers, node);
      const second = order(builder, builder.node("GatherElements", [isNan, first], { axis }), node);
      return builder.node("GatherElements", [first, second], { axis });
    },
  },
  cases: [
    { inputs: [[5]], attributes: { axis: 0, descending: false } },
    { inputs: [[2, 3, 4]], attributes: { axis: 1, descending: true } },
    {
      inputs: [{ shape: [2, 4], values: [2, 1, 2, 1, 3, 3, 3, -4], dtype: "int64" }],
      attributes: { axis: 1, descending: false },
    },
  ],
});

/** The places of the runtime's stable order. */
function order(
  builder: OnnxBuilder,
  x: string,
  { shape, attributes: { axis, descending } }: Tensor & { readonly attributes: SortAttributes },
): string {
  const results = builder.outputsOf("TopK", [x, builder.ints([shape[axis]])], 2, {
    axis,
    largest: descending ? 1 : 0,
    sorted: 1,
  });
  return results[1];
}

/**
 * The places, as int64, at which the elements along one axis (the last by default) are in ascending order. Equal elements keep their order; NaN is
 * the largest. No gradient.
 */
export function argsort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  checkOptions("argsort", options, sortRules);
  return argsortOp([x], {
    axis: normalizeAxis("argsort", axis, x.rank),
    descending: options.descending ?? false,
  });
}
/** @internal */
argsort.is = argsortOp.is;

/**
 * The elements along one axis (the last by default) in ascending order; NaN is the largest. The gradient goes back to where each element came
 * from.
 */
export function sort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  checkOptions("sort", options, sortRules);
  return takeAlong(x, argsort(x, axis, options), axis);
}

/** What {@link topk} returns; both have k elements along the axis. */
export interface TopK {
  /** The largest elements, in descending order. */
  readonly values: Tensor;
  /** Their places along the axis, int64. */
  readonly indices: Tensor;
}

/**
 * The k largest elements along one axis (the last by default), with their places. Of equal elements the first comes first; NaN is the largest.
 *
 * @throws ShapeError when the axis has fewer than k elements.
 */
export function topk(x: Tensor, k: number, axis = -1): TopK {
  const at = normalizeAxis("topk", axis, x.rank);
  checkWhole("topk", "k", k, 0);
  if (k > x.shape[at])
    throw new ShapeError(
      `topk: k is ${k}, and axis ${axis} of ${formatShape(x.shape)} has ${x.shape[at]} elements.`,
    );
  const indices = slice(argsort(x, at, { descending: true }), { axis: at, end: k });
  return { values: takeAlong(x, indices, at), indices };
}

/**
 * One element of `x` for each index: y[i, j] = x[i, at[i, j]] along the last axis, and so along any. `at` has the shape of `x` but for that axis. It
 * reads what `argsort` and `topk` give. Negative indices count from the end; one outside the axis is an error when the graph runs.
 *
 * @example
 * takeAlong(tensor([[1, 2], [3, 4]]), tensor([[1], [0]], { dtype: "int64" }), 1); // [[2], [3]]
 *
 * @throws ShapeError when shapes do not fit, or indices are not whole numbers.
 */
export function takeAlong(x: Tensor, at: Tensor, axis = -1): Tensor {
  const place = normalizeAxis("takeAlong", axis, x.rank);
  if (!isInteger(at.dtype))
    throw new ShapeError(`takeAlong: indices must be int32 or int64, found ${at.dtype}; cast them.`);
  if (at.rank !== x.rank || !at.shape.every((n, i) => i === place || n === x.shape[i])) {
    throw new ShapeError(
      `takeAlong: the indices ${formatShape(at.shape)} must have the shape of x, ${formatShape(x.shape)}, but for axis ${axis}.`,
    );
  }
  if (at.size === 0) return reshape(slice(reshape(x, [x.size]), { axis: 0, end: 0 }), at.shape);
  const rest = x.shape.map((_, i) => i).filter((i) => i !== place);
  const last = [...rest, place];
  const back = x.shape.map((_, i) => last.indexOf(i));
  const count = x.shape[place];
  const rows = rest.reduce((n, i) => n * x.shape[i], 1);
  const wide = at.shape[place];
  const lines = reshape(transpose(at, last), [rows, wide]);
  // Lines side by side: each line's places are moved to where it begins.
  const single = input("places of a line", [wide], at.dtype);
  const places = shiftedIndices({ single, all: lines, batched: true }, rows, count);
  const read = gather(reshape(transpose(x, last), [rows * count]), places, 0);
  return transpose(reshape(read, [...rest.map((i) => x.shape[i]), wide]), back);
}
