/** Reading and adding by index: gather, scatterAdd, oneHot. */
import { ShapeError } from "../../errors.ts";
import { type DType, isInteger } from "../dtype.ts";
import { fullBatch, type Lane, repeatAlong } from "../lanes.ts";
import { arange, constant, isConstant, sameDType, zeros } from "../leaf.ts";
import { defineOp, type NoAttributes } from "../op.ts";
import { checkWhole, formatShape, normalizeAxis, sameShape, sizeOf } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { add } from "./arithmetic.ts";
import { cast } from "./cast.ts";
import { equal, greaterEqual, less, logicalAnd } from "./comparison.ts";
import { reshape, transpose, unsqueeze } from "./movement.ts";
import { where } from "./where.ts";

type AxisAttributes = { readonly axis: number };

const indices = { shape: [2, 3], values: [0, 2, 1, 1, 3, 0], dtype: "int64" } as const;

function checkIndices(what: string, t: Tensor): void {
  if (!isInteger(t.dtype))
    throw new ShapeError(`${what}: indices must be int32 or int64, found ${t.dtype}; cast them.`);
}

const gatherOp = defineOp<AxisAttributes, [Tensor, Tensor]>({
  name: "gather",
  infer: ([x, at], { axis }) => {
    checkIndices("gather", at);
    return { shape: [...x.shape.slice(0, axis), ...at.shape, ...x.shape.slice(axis + 1)], dtype: x.dtype };
  },
  derivative: (g, _, [x, at], { axis }) => {
    // Move the gathered axes to the front, add there, and move the axis back.
    const k = at.rank;
    const gathered = Array.from({ length: k }, (_, i) => axis + i);
    const rest = g.shape.map((_, i) => i).filter((i) => !gathered.includes(i));
    const front = transpose(g, [...gathered, ...rest]);
    const size = x.shape[axis];
    const target = zeros([size, ...x.shape.filter((_, i) => i !== axis)], g.dtype);
    const added = scatterAdd(target, at, front);
    const back = x.shape.map((_, i) => (i === axis ? 0 : i < axis ? i + 1 : i));
    return [transpose(added, back), undefined];
  },
  batch: ([x, at], { axis }, _, size) => {
    if (!at.batched) return gather(repeatAlong(x, [axis]), at.all, axis + 1);
    if (!x.batched) return toFront(gather(x.all, at.all, axis), axis);
    // Concatenate the gathered axis of all batch elements, and shift each element's indices to its own part.
    const own = toFront(fullBatch(x, size), axis + 1, 1);
    const count = x.single.shape[axis];
    const rows = reshape(own, [size * count, ...own.shape.slice(2)]);
    const read = gather(rows, shiftedIndices(at, size, count), 0);
    const [places, before] = [at.single.rank, axis];
    const order = Array.from({ length: read.rank - 1 - places }, (_, i) => 1 + places + i);
    return transpose(read, [
      0,
      ...order.slice(0, before),
      ...Array.from({ length: places }, (_, i) => 1 + i),
      ...order.slice(before),
    ]);
  },
  host: {
    kernel: (node) => {
      const { axis } = node.attributes;
      const [x, places] = node.inputs;
      const size = x.shape[axis];
      const inner = sizeOf(x.shape.slice(axis + 1));
      const outer = sizeOf(x.shape.slice(0, axis));
      const known = inner === 1 && outer === 1 ? knownPlaces(places, size) : undefined;
      if (known !== undefined) {
        return (out, values) => {
          for (let i = 0; i < known.length; i++) out[i] = values[known[i]];
        };
      }
      return (out, values, at) => {
        const count = at.length;
        for (let o = 0; o < outer; o++) {
          for (let i = 0; i < count; i++) {
            const from = (o * size + checkIndex("gather", at[i], size)) * inner;
            const to = (o * count + i) * inner;
            for (let j = 0; j < inner; j++) out[to + j] = values[from + j];
          }
        }
      };
    },
  },
  native: {
    onnx: (builder, inputs, node) => builder.node("Gather", inputs, { axis: node.attributes.axis }),
  },
  cases: [
    { inputs: [[4, 3], indices], attributes: { axis: 0 } },
    { inputs: [[2, 4, 3], indices], attributes: { axis: 1 } },
  ],
});

/** A tensor with one axis moved to place `to`. */
const toFront = (t: Tensor, axis: number, to = 0): Tensor => {
  const rest = t.shape.map((_, i) => i).filter((i) => i !== axis);
  return transpose(t, [...rest.slice(0, to), axis, ...rest.slice(to)]);
};

/**
 * Indices into an axis of size `count`, shifted so that they point into `size` such axes, concatenated: [size, …]. An index outside the
 * axis is moved outside the whole, so that it is an error and does not read another element's value.
 */
export function shiftedIndices(at: Lane, size: number, count: number): Tensor {
  const places = fullBatch(at, size);
  const { dtype } = places;
  const numbers = Array.from({ length: size }, (_, i) => i * count);
  const starts = constant(numbers, [size, ...at.single.shape.map(() => 1)], dtype);
  const fromStart = where(less(places, 0), add(places, count), places);
  const inside = logicalAnd(greaterEqual(fromStart, 0), less(fromStart, count));
  return where(inside, add(fromStart, starts), size * count);
}

/** Indices that are constants within an axis of some size, counted from its beginning. Others are checked when the graph runs. */
function knownPlaces(at: Tensor, size: number): Int32Array | undefined {
  if (!isConstant(at)) return undefined;
  const { values } = at.attributes;
  if (!values.every((i) => i >= -size && i < size)) return undefined;
  return Int32Array.from(values, (i) => (i < 0 ? i + size : i));
}

/** The place in an axis of an index, which counts from the end if it is negative. @throws ShapeError when there is none. */
export function checkIndex(what: string, index: number, size: number): number {
  if (index < -size || index >= size)
    throw new ShapeError(`${what}: index ${index} is outside an axis of size ${size}.`);
  return index < 0 ? index + size : index;
}

/**
 * Slices of `x` along `axis` at integer `indices`. Shape: that of `x` with the axis replaced by the indices' shape.
 * Negative indices count from the end. An index outside the axis is an error when the graph runs; on a graphics processor, which cannot stop, it reads NaN.
 */
export const gather = (x: Tensor, at: Tensor, axis = 0): Tensor =>
  gatherOp([x, at], { axis: normalizeAxis("gather", axis, x.rank) });
/** @internal */
gather.is = gatherOp.is;

const scatterAddOp = defineOp<NoAttributes, [Tensor, Tensor, Tensor]>({
  name: "scatterAdd",
  infer: ([target, at, updates]) => {
    checkIndices("scatterAdd", at);
    const expected = [...at.shape, ...target.shape.slice(1)];
    if (!sameShape(updates.shape, expected)) {
      throw new ShapeError(
        `scatterAdd: updates must have the indices' shape followed by a row's, ${formatShape(expected)}, found ${formatShape(updates.shape)}.`,
      );
    }
    return { shape: target.shape, dtype: sameDType("scatterAdd", [target, updates]) };
  },
  derivative: (g, _, [, at]) => [g, undefined, gather(g, at, 0)],
  batch: ([target, at, updates], _, node, size) => {
    const [count, ...row] = node.shape;
    const rows = reshape(fullBatch(target, size), [size * count, ...row]);
    const added = scatterAdd(rows, shiftedIndices(at, size, count), fullBatch(updates, size));
    return reshape(added, [size, ...node.shape]);
  },
  host: {
    kernel: (node) => {
      const { shape } = node;
      const inner = sizeOf(shape.slice(1));
      return (out, target, at, updates) => {
        out.set(target);
        for (let i = 0; i < at.length; i++) {
          const to = checkIndex("scatterAdd", at[i], shape[0]) * inner;
          for (let j = 0; j < inner; j++) out[to + j] += updates[i * inner + j];
        }
      };
    },
  },
  native: {
    onnx: (builder, [target, at, updates], node) => {
      const wide = builder.node("Cast", [at], { to: 7 });
      const column = builder.node("Reshape", [wide, builder.ints([...node.inputs[1].shape, 1])]);
      return builder.node("ScatterND", [target, column, updates], { reduction: "add" });
    },
  },
  cases: [{ inputs: [[4, 3], indices, [2, 3, 3]] }, { inputs: [[4], indices, [2, 3]] }],
});

/**
 * `target` with `updates` added to its rows at `indices`. If an index occurs twice, both updates are added. One outside the axis is an error when the graph runs; on
 * a graphics processor the first row is NaN.
 */
export const scatterAdd = (target: Tensor, at: Tensor, updates: Tensor): Tensor =>
  scatterAddOp([target, at, updates], {});
/** @internal */
scatterAdd.is = scatterAddOp.is;

/** 1 at each index, else 0, along a new last axis of size `depth`. */
export function oneHot(at: Tensor, depth: number, dtype: DType = "float32"): Tensor {
  checkIndices("oneHot", at);
  checkWhole("oneHot", "the depth", depth, 0);
  const classes = reshape(arange(depth, at.dtype), [...at.shape.map(() => 1), depth]);
  return cast(equal(unsqueeze(at, -1), classes), dtype);
}
