/**
 * Reading, adding and ordering by place, in forms that are right on a device. Its kernels take an index outside the axis for one inside, or read what lies
 * beside the array; its sort confuses numbers at the ends of float32's range with its own padding.
 */
import { ShapeError } from "../errors.ts";
import {
  abs,
  add,
  argsort,
  cast,
  equal,
  gather,
  greaterEqual,
  isConstant,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  mul,
  reshape,
  scatterAdd,
  sub,
  type Tensor,
  takeAlong,
  where,
} from "../tensor/index.ts";
import { LARGEST_FLOAT32 } from "./webgpu-numbers.ts";

/** Whether every index is known to be inside an axis of this size. @throws ShapeError when one is known to be outside. */
function areKnown(what: string, at: Tensor, size: number): boolean {
  if (!isConstant(at)) return false;
  for (const index of at.attributes.values) {
    if (index < -size || index >= size)
      throw new ShapeError(`${what}: index ${index} is outside an axis of size ${size}.`);
  }
  return true;
}

/** The indices that are inside an axis, with 0 for those that are not, and which are. */
function insideOf(at: Tensor, size: number): { readonly isInside: Tensor; readonly inside: Tensor } {
  const isInside = logicalAnd(greaterEqual(at, -size), less(at, size));
  return { isInside, inside: where(isInside, at, 0) };
}

/**
 * A device cannot stop: what an index outside the axis reads, and the row that it adds to, is NaN. Integers have no NaN; as int64 they are read on
 * the processor, which stops.
 */
function checkedGather(node: Tensor): Tensor | undefined {
  if (!gather.is(node)) return undefined;
  const [x, at] = node.inputs;
  const { axis } = node.attributes;
  const size = x.shape[axis];
  if (node.size === 0 || areKnown("gather", at, size)) return undefined;
  if (node.dtype === "int32") return cast(gather(cast(x, "int64"), at, axis), "int32");
  if (node.dtype !== "float32") return undefined;
  const { isInside, inside } = insideOf(at, size);
  const places = node.shape.map((n, i) => (i < axis || i >= axis + at.rank ? 1 : n));
  return where(reshape(isInside, places), gather(x, inside, axis), Number.NaN);
}

function checkedScatterAdd(node: Tensor): Tensor | undefined {
  if (!scatterAdd.is(node)) return undefined;
  const [target, at, updates] = node.inputs;
  const [size] = target.shape;
  if (updates.size === 0 || areKnown("scatterAdd", at, size)) return undefined;
  if (node.dtype === "int32")
    return cast(scatterAdd(cast(target, "int64"), at, cast(updates, "int64")), "int32");
  if (node.dtype !== "float32") return undefined;
  const { isInside, inside } = insideOf(at, size);
  const rows = reshape(isInside, [...at.shape, ...target.shape.slice(1).map(() => 1)]);
  return scatterAdd(target, inside, where(rows, updates, Number.NaN));
}

/** The order of what lies within the range, and then, keeping it, that of what does not: −∞, the smallest number, those within, the largest, ∞, NaN. */
function wholeOrder(node: Tensor): Tensor | undefined {
  if (!argsort.is(node)) return undefined;
  const [x] = node.inputs;
  if (x.dtype !== "float32" || x.size === 0) return undefined;
  const { axis, descending } = node.attributes;
  const is = (condition: Tensor): Tensor => cast(condition, "int32");
  const above = add(is(greaterEqual(x, LARGEST_FLOAT32)), is(equal(x, Number.POSITIVE_INFINITY)));
  const below = add(is(lessEqual(x, -LARGEST_FLOAT32)), is(equal(x, Number.NEGATIVE_INFINITY)));
  const nan = mul(is(logicalNot(lessEqual(x, Number.POSITIVE_INFINITY))), 3);
  const numbers = where(less(abs(x), LARGEST_FLOAT32), x, 0);
  const first = argsort(numbers, axis, { descending });
  const classes = takeAlong(add(sub(above, below), nan), first, axis);
  return takeAlong(first, argsort(classes, axis, { descending }), axis);
}

/** A node in a form that is right on a device; undefined if it is one already. */
export const withCheckedPlaces = (node: Tensor): Tensor | undefined =>
  checkedGather(node) ?? checkedScatterAdd(node) ?? wholeOrder(node);
