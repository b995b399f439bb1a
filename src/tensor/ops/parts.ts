/** Ops that join tensors or take them apart: concat, stack, slice, flip, split, pad. */
import { ShapeError } from "../../errors.ts";
import { fullBatch, repeatAlong } from "../lanes.ts";
import { sameDType } from "../leaf.ts";
import { defineOp, rebuild } from "../op.ts";
import { checkWhole, formatShape, normalizeAxis, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { reshape, unsqueeze } from "./movement.ts";

type AxisAttributes = { readonly axis: number };

const concatOp = defineOp<AxisAttributes, readonly Tensor[]>({
  name: "concat",
  infer: (inputs, { axis }) => {
    const dtype = sameDType("concat", inputs);
    const [first] = inputs;
    for (const t of inputs) {
      if (t.rank !== first.rank || t.shape.some((n, i) => i !== axis && n !== first.shape[i])) {
        throw new ShapeError(
          `concat: along axis ${axis} all other sizes must be equal, found ${inputs.map((x) => formatShape(x.shape)).join(", ")}.`,
        );
      }
    }
    const total = inputs.reduce((n, t) => n + t.shape[axis], 0);
    return { shape: first.shape.map((n, i) => (i === axis ? total : n)), dtype };
  },
  derivative: (g, _, inputs, { axis }) => {
    let start = 0;
    return inputs.map((t) => {
      const part = slice(g, { axis, start, end: start + t.shape[axis] });
      start += t.shape[axis];
      return part;
    });
  },
  batch: (lanes, { axis }, _, size) =>
    concat(
      lanes.map((lane) => fullBatch(lane, size)),
      axis + 1,
    ),
  host: {
    places: ({ attributes: { axis }, shape, inputs }) => {
      const stride = sizeOf(shape.slice(axis + 1));
      let start = 0;
      return inputs.map((t) => {
        const place = start * stride;
        start += t.shape[axis];
        return place;
      });
    },
  },
  native: {
    onnx: (builder, inputs, node) => builder.node("Concat", inputs, { axis: node.attributes.axis }),
  },
  cases: [
    {
      inputs: [
        [2, 3],
        [2, 1],
        [2, 2],
      ],
      attributes: { axis: 1 },
    },
    {
      inputs: [
        [2, 3],
        [1, 3],
      ],
      attributes: { axis: 0 },
    },
  ],
});

function checkList(name: string, tensors: readonly Tensor[]): void {
  if (!Array.isArray(tensors) || !tensors.every((t) => t instanceof Tensor))
    throw new ShapeError(`${name}: expected an array of tensors, as in ${name}([x, y], 0).`);
}

/** Tensors joined along one axis. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  checkList("concat", tensors);
  if (tensors.length === 0) throw new ShapeError("concat: expected at least one tensor, found none.");
  return tensors.length === 1
    ? tensors[0]
    : concatOp(tensors, { axis: normalizeAxis("concat", axis, tensors[0].rank) });
}
/** @internal */
concat.is = concatOp.is;

/** Tensors of one shape joined along a new axis. */
export const stack = (tensors: readonly Tensor[], axis = 0): Tensor => {
  checkList("stack", tensors);
  return concat(
    tensors.map((t) => unsqueeze(t, axis)),
    axis,
  );
};

type SliceAttributes = {
  readonly axis: number;
  readonly start: number;
  readonly count: number;
  readonly step: number;
};

const sliceOp = defineOp<SliceAttributes, [Tensor]>({
  name: "slice",
  infer: ([x], { axis, count }) => ({
    shape: x.shape.map((n, i) => (i === axis ? count : n)),
    dtype: x.dtype,
  }),
  derivative: (g, _, [x], { axis, start, count, step }) => {
    if (step < 0) {
      const last = start + (count - 1) * step;
      return [spread(flip(g, axis), axis, last, -step, x.shape[axis])];
    }
    return [spread(g, axis, start, step, x.shape[axis])];
  },
  batch: ([x], { axis, ...places }, node) =>
    rebuild(node, [repeatAlong(x, [axis])], { axis: axis + 1, ...places }),
  host: {
    layout: ({ attributes: { axis, start, step } }, from) => ({
      start: from.start + start * from.strides[axis],
      strides: from.strides.map((s, i) => (i === axis ? s * step : s)),
    }),
  },
  native: {
    onnx: (builder, [x], node) => {
      const { axis, start, count, step } = node.attributes;
      const end = start + count * step;
      // In ONNX a negative end counts from the back, so "before the first element" is written as a number below −size.
      const stop = end < 0 ? -node.inputs[0].shape[axis] - 1 : end;
      return builder.node("Slice", [
        x,
        builder.ints([start]),
        builder.ints([stop]),
        builder.ints([axis]),
        builder.ints([step]),
      ]);
    },
  },
  cases: [
    { inputs: [[5, 3]], attributes: { axis: 0, start: 1, count: 3, step: 1 } },
    { inputs: [[2, 7]], attributes: { axis: 1, start: 1, count: 3, step: 2 } },
    { inputs: [[2, 6]], attributes: { axis: 1, start: 5, count: 3, step: -2 } },
    { inputs: [[4]], attributes: { axis: 0, start: 3, count: 4, step: -1 } },
  ],
});

/** Writes slices into zeros: `step` apart along an axis of `size`, the first at `start`. */
function spread(x: Tensor, axis: number, start: number, step: number, size: number): Tensor {
  let y = x;
  if (step > 1) {
    const gaps = pad(unsqueeze(y, axis + 1), axis + 1, 0, step - 1);
    y = reshape(
      gaps,
      y.shape.map((n, i) => (i === axis ? n * step : n)),
    );
    const used = Math.min(y.shape[axis], size - start);
    if (used < y.shape[axis]) y = slice(y, { axis, start: 0, end: used });
  }
  return pad(y, axis, start, size - start - y.shape[axis]);
}

/**
 * Elements `start`, `start + step`, … up to but not including `end` along one axis. Negative positions count from the end,
 * as in NumPy.
 */
export function slice(
  x: Tensor,
  options: { readonly axis: number; readonly start?: number; readonly end?: number; readonly step?: number },
): Tensor {
  const axis = normalizeAxis("slice", options.axis, x.rank);
  const size = x.shape[axis];
  const step = options.step ?? 1;
  if (!Number.isInteger(step) || step === 0)
    throw new ShapeError(`slice: step must be a whole number other than 0, found ${step}.`);
  const resolve = (name: "start" | "end", missing: number): number => {
    const place = options[name];
    if (place === undefined) return missing;
    checkWhole("slice", name, place);
    const fromStart = place < 0 ? place + size : place;
    return step > 0 ? Math.min(Math.max(fromStart, 0), size) : Math.min(Math.max(fromStart, -1), size - 1);
  };
  const start = resolve("start", step > 0 ? 0 : size - 1);
  const end = resolve("end", step > 0 ? size : -1);
  const count = Math.max(0, Math.ceil((end - start) / step));
  if (step === 1 && count === size) return x;
  return sliceOp([x], { axis, start, count, step });
}
/** @internal */
slice.is = sliceOp.is;

/** x in reverse order along one axis. */
export const flip = (x: Tensor, axis: number): Tensor => slice(x, { axis, step: -1 });

/** Splits an axis into equal parts. Throws ShapeError when its size is not divisible. */
export function split(x: Tensor, parts: number, axis = -1): Tensor[] {
  const at = normalizeAxis("split", axis, x.rank);
  checkWhole("split", "the number of parts", parts, 1);
  const width = x.shape[at] / parts;
  if (!Number.isInteger(width)) {
    throw new ShapeError(
      `split: axis ${axis} of ${formatShape(x.shape)} does not divide into ${parts} equal parts.`,
    );
  }
  return Array.from({ length: parts }, (_, i) =>
    slice(x, { axis: at, start: i * width, end: (i + 1) * width }),
  );
}

type PadAttributes = { readonly axis: number; readonly before: number; readonly after: number };

const padOp = defineOp<PadAttributes, [Tensor]>({
  name: "pad",
  infer: ([x], { axis, before, after }) => ({
    shape: x.shape.map((n, i) => (i === axis ? n + before + after : n)),
    dtype: x.dtype,
  }),
  derivative: (g, _, [x], { axis, before }) => [
    slice(g, { axis, start: before, end: before + x.shape[axis] }),
  ],
  batch: ([x], { axis, before, after }) => pad(repeatAlong(x, [axis]), axis + 1, before, after),
  host: {
    places: ({ attributes: { axis, before }, shape }) => [before * sizeOf(shape.slice(axis + 1))],
  },
  native: {
    onnx: (builder, [x], node) => {
      const { axis, before, after } = node.attributes;
      // Give the widths of every axis. If only one axis is given, the runtime loses them when it moves a transpose past the pad.
      const widths = (width: number) => node.shape.map((_, i) => (i === axis ? width : 0));
      return builder.node("Pad", [x, builder.ints([...widths(before), ...widths(after)])]);
    },
  },
  cases: [
    { inputs: [[2, 3]], attributes: { axis: 1, before: 1, after: 2 } },
    { inputs: [[2, 3, 2]], attributes: { axis: 1, before: 0, after: 1 } },
  ],
});

/** Adds zeros before and after along one axis. */
export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  const at = normalizeAxis("pad", axis, x.rank);
  checkWhole("pad", "the width before", before, 0);
  checkWhole("pad", "the width after", after, 0);
  return before === 0 && after === 0 ? x : padOp([x], { axis: at, before, after });
}
/** @internal */
pad.is = padOp.is;
