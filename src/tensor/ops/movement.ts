/** Ops that move elements without computing: reshape, transpose, expand, concat, slice, pad. */
import { ShapeError } from "../../errors.ts";
import { sameDType } from "../leaf.ts";
import { defineOp, type HostArray, type HostKernel } from "../op.ts";
import {
  broadcastStrides,
  checkShape,
  formatShape,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
} from "../shape.ts";
import type { Tensor } from "../tensor.ts";

/** A host kernel that fills `out` in order, reading the input at `offset` along `strides`. */
function stridedCopy(shape: Shape, strides: readonly number[], offset = 0): HostKernel {
  const rank = shape.length;
  const inner = shape[rank - 1] ?? 1;
  const innerStride = strides[rank - 1] ?? 0;
  const total = sizeOf(shape);
  return (out: Float64Array, x: HostArray) => {
    const index = new Array<number>(rank).fill(0);
    let at = offset;
    for (let base = 0; base < total; base += inner) {
      for (let j = 0, k = at; j < inner; j++, k += innerStride) out[base + j] = x[k];
      for (let d = rank - 2; d >= 0; d--) {
        at += strides[d];
        if (++index[d] < shape[d]) break;
        at -= strides[d] * shape[d];
        index[d] = 0;
      }
    }
  };
}

type ShapeAttributes = { readonly shape: Shape };

const reshapeOp = defineOp<ShapeAttributes>({
  name: "reshape",
  infer: ([x], { shape }) => ({ shape, dtype: x.dtype }),
  derivative: (g, _, [x]) => [reshape(g, x.shape)],
  host: "alias",
  native: { onnx: (builder, [x], node) => builder.node("Reshape", [x, builder.ints(node.shape)]) },
  cases: [
    { inputs: [[3, 4]], attributes: { shape: [2, 6] } },
    { inputs: [[1]], attributes: { shape: [] } },
  ],
});

/** The same elements in another shape; one size may be −1 and is then worked out. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const unknown = shape.indexOf(-1);
  const known = sizeOf(shape.filter((n) => n !== -1));
  const full = unknown < 0 ? shape : shape.map((n, i) => (i === unknown ? x.size / known : n));
  checkShape("reshape", full.some((n) => !Number.isInteger(n)) ? [] : full);
  if (sizeOf(full) !== x.size || full.some((n) => !Number.isInteger(n))) {
    throw new ShapeError(
      `reshape: ${formatShape(x.shape)} holds ${x.size} elements, ${formatShape(shape)} asks for ` +
        `${unknown < 0 ? known : `a multiple of ${known}`}.`,
    );
  }
  return sameShape(full, x.shape) ? x : reshapeOp([x], { shape: full });
}

/** Inserts an axis of size 1 at `axis`. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis("unsqueeze", axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** Removes an axis of size 1. */
export function squeeze(x: Tensor, axis: number): Tensor {
  const at = normalizeAxis("squeeze", axis, x.rank);
  if (x.shape[at] !== 1)
    throw new ShapeError(`squeeze: axis ${axis} of ${formatShape(x.shape)} has size ${x.shape[at]}, not 1.`);
  return reshape(
    x,
    x.shape.filter((_, i) => i !== at),
  );
}

/** Merges the axes from `start` on into one. */
export const flatten = (x: Tensor, start = 0): Tensor =>
  reshape(x, [...x.shape.slice(0, start), sizeOf(x.shape.slice(start))]);

type PermutationAttributes = { readonly permutation: readonly number[] };

const transposeOp = defineOp<PermutationAttributes>({
  name: "transpose",
  infer: ([x], { permutation }) => ({ shape: permutation.map((p) => x.shape[p]), dtype: x.dtype }),
  derivative: (g, _, __, { permutation }) => [
    transpose(
      g,
      permutation.map((_, i) => permutation.indexOf(i)),
    ),
  ],
  host: {
    kernel: (node) => {
      const { permutation } = node.attributes as PermutationAttributes;
      const strides = stridesOf(node.inputs[0].shape);
      return stridedCopy(
        node.shape,
        permutation.map((p) => strides[p]),
      );
    },
  },
  native: {
    onnx: (builder, inputs, node) =>
      builder.node("Transpose", inputs, { perm: (node.attributes as PermutationAttributes).permutation }),
  },
  cases: [
    { inputs: [[3, 4]], attributes: { permutation: [1, 0] } },
    { inputs: [[2, 3, 4]], attributes: { permutation: [2, 0, 1] } },
  ],
});

/** Axes in another order; by default the last two are exchanged. */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  if (permutation === undefined && x.rank < 2) {
    throw new ShapeError(`transpose: a tensor of shape ${formatShape(x.shape)} has no two axes to exchange.`);
  }
  const order =
    permutation?.map((p) => normalizeAxis("transpose", p, x.rank)) ??
    x.shape.map((_, i) => (i < x.rank - 2 ? i : 2 * x.rank - 3 - i));
  if (order.length !== x.rank || new Set(order).size !== x.rank) {
    throw new ShapeError(`transpose: [${order.join(", ")}] is not a permutation of ${x.rank} axes.`);
  }
  return order.every((p, i) => p === i) ? x : transposeOp([x], { permutation: order });
}

const expandOp = defineOp<ShapeAttributes>({
  name: "expand",
  infer: ([x], { shape }) => ({ shape, dtype: x.dtype }),
  derivative: (g) => [g],
  host: { kernel: (node) => stridedCopy(node.shape, broadcastStrides(node.inputs[0].shape, node.shape)) },
  native: { onnx: (builder, [x], node) => builder.node("Expand", [x, builder.ints(node.shape)]) },
  cases: [
    { inputs: [[3, 1]], attributes: { shape: [2, 3, 4] } },
    { inputs: [[]], attributes: { shape: [3] } },
  ],
});

/** Repeats dimensions of size 1 (and missing leading ones) up to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  const offset = shape.length - x.rank;
  if (offset < 0 || x.shape.some((n, i) => n !== shape[i + offset] && n !== 1)) {
    throw new ShapeError(`expand: ${formatShape(x.shape)} does not expand to ${formatShape(shape)}.`);
  }
  return sameShape(x.shape, shape) ? x : expandOp([x], { shape });
}

type AxisAttributes = { readonly axis: number };

const concatOp = defineOp<AxisAttributes>({
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
  host: {
    kernel: (node) => {
      const { axis } = node.attributes as AxisAttributes;
      const outer = sizeOf(node.shape.slice(0, axis));
      const row = sizeOf(node.shape.slice(axis));
      const widths = node.inputs.map((t) => sizeOf(t.shape.slice(axis)));
      return (out, ...inputs) => {
        let at = 0;
        inputs.forEach((x, n) => {
          const width = widths[n];
          for (let o = 0; o < outer; o++) {
            for (let j = 0; j < width; j++) out[o * row + at + j] = x[o * width + j];
          }
          at += width;
        });
      };
    },
  },
  native: {
    onnx: (builder, inputs, node) =>
      builder.node("Concat", inputs, { axis: (node.attributes as AxisAttributes).axis }),
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

/** Tensors joined along one axis. */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) throw new ShapeError("concat: expected at least one tensor, found none.");
  return tensors.length === 1
    ? tensors[0]
    : concatOp(tensors, { axis: normalizeAxis("concat", axis, tensors[0].rank) });
}

/** Tensors of one shape joined along a new axis. */
export const stack = (tensors: readonly Tensor[], axis = 0): Tensor =>
  concat(
    tensors.map((t) => unsqueeze(t, axis)),
    axis,
  );

type SliceAttributes = {
  readonly axis: number;
  readonly start: number;
  readonly count: number;
  readonly step: number;
};

const sliceOp = defineOp<SliceAttributes>({
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
  host: {
    kernel: (node) => {
      const { axis, start, step } = node.attributes as SliceAttributes;
      const strides = stridesOf(node.inputs[0].shape);
      return stridedCopy(
        node.shape,
        strides.map((s, i) => (i === axis ? s * step : s)),
        start * strides[axis],
      );
    },
  },
  native: {
    onnx: (builder, [x], node) => {
      const { axis, start, count, step } = node.attributes as SliceAttributes;
      const end = start + count * step;
      // A negative end counts from the back in ONNX: "before the first element" is a number below −size.
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

/** Places slices `step` apart along an axis of `size` zeros, the first at `start`. */
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
 * Elements `start`, `start + step`, … up to but not including `end` along one axis. Negative places count from the end,
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
  const resolve = (place: number | undefined, missing: number): number => {
    if (place === undefined) return missing;
    const fromStart = place < 0 ? place + size : place;
    return step > 0 ? Math.min(Math.max(fromStart, 0), size) : Math.min(Math.max(fromStart, -1), size - 1);
  };
  const start = resolve(options.start, step > 0 ? 0 : size - 1);
  const end = resolve(options.end, step > 0 ? size : -1);
  const count = Math.max(0, Math.ceil((end - start) / step));
  if (step === 1 && count === size) return x;
  return sliceOp([x], { axis, start, count, step });
}

/** x in reverse order along one axis. */
export const flip = (x: Tensor, axis: number): Tensor => slice(x, { axis, step: -1 });

/** Equal parts along one axis. Throws ShapeError when it does not divide. */
export function split(x: Tensor, parts: number, axis = -1): Tensor[] {
  const at = normalizeAxis("split", axis, x.rank);
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

const padOp = defineOp<PadAttributes>({
  name: "pad",
  infer: ([x], { axis, before, after }) => ({
    shape: x.shape.map((n, i) => (i === axis ? n + before + after : n)),
    dtype: x.dtype,
  }),
  derivative: (g, _, [x], { axis, before }) => [
    slice(g, { axis, start: before, end: before + x.shape[axis] }),
  ],
  host: {
    kernel: (node) => {
      const { axis, before } = node.attributes as PadAttributes;
      const inner = sizeOf(node.shape.slice(axis + 1));
      const from = node.inputs[0].shape[axis] * inner;
      const to = node.shape[axis] * inner;
      const outer = sizeOf(node.shape.slice(0, axis));
      return (out, x) => {
        out.fill(0);
        for (let o = 0; o < outer; o++)
          for (let j = 0; j < from; j++) out[o * to + before * inner + j] = x[o * from + j];
      };
    },
  },
  native: {
    onnx: (builder, [x], node) => {
      const { axis, before, after } = node.attributes as PadAttributes;
      return builder.node("Pad", [x, builder.ints([before, after]), "", builder.ints([axis])]);
    },
  },
  cases: [
    { inputs: [[2, 3]], attributes: { axis: 1, before: 1, after: 2 } },
    { inputs: [[2, 3, 2]], attributes: { axis: 1, before: 0, after: 1 } },
  ],
});

/** Zeros before and after along one axis. */
export function pad(x: Tensor, axis: number, before: number, after: number): Tensor {
  if (before < 0 || after < 0)
    throw new ShapeError(`pad: widths must be at least 0, found ${before} and ${after}.`);
  if (before === 0 && after === 0) return x;
  return padOp([x], { axis: normalizeAxis("pad", axis, x.rank), before, after });
}
