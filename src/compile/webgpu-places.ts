/**
 * Reading, adding and ordering by place, in forms that are right on a device. Its kernels take an index outside the axis for one inside, or read what lies
 * beside the array; its sort confuses numbers at the ends of float32's range with its own padding.
 */
import {
  abs,
  add,
  argsort,
  cast,
  checkIndex,
  equal,
  gather,
  greaterEqual,
  isConstant,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  mul,
  rebuild,
  reshape,
  scatterAdd,
  sub,
  type Tensor,
  takeAlong,
  where,
} from "../tensor/index.ts";
import { LARGEST_FLOAT32 } from "./webgpu-numbers.ts";

/**
 * A gather or scatterAdd with what an index outside the axis reads, and the row that it adds to, NaN: a device cannot stop. Integers have no NaN; as int64 they are
 * read on the processor, which stops.
 *
 * @throws ShapeError when an index is a constant outside the axis.
 */
function checkedIndices(node: Tensor): Tensor | undefined {
  const isGather = gather.is(node);
  if (!isGather && !scatterAdd.is(node)) return undefined;
  const [x, at, updates] = node.inputs;
  const axis = isGather ? node.attributes.axis : 0;
  const size = x.shape[axis];
  if (isConstant(at)) {
    for (const index of at.attributes.values) checkIndex(node.op.name, index, size);
    return undefined;
  }
  if (at.size === 0 || x.size === 0) return undefined;
  if (x.dtype === "int32") {
    const wide = node.inputs.map((t) => cast(t, "int64"));
    return cast(rebuild(node, wide), "int32");
  }
  if (x.dtype !== "float32") return undefined;
  const isInside = logicalAnd(greaterEqual(at, -size), less(at, size));
  const inside = where(isInside, at, 0);
  const over = isGather ? node : updates;
  const rows = reshape(
    isInside,
    over.shape.map((n, i) => (i < axis || i >= axis + at.rank ? 1 : n)),
  );
  return isGather
    ? where(rows, gather(x, inside, axis), Number.NaN)
    : scatterAdd(x, inside, where(rows, updates, Number.NaN));
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
  checkedIndices(node) ?? wholeOrder(node);
