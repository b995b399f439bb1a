/** What is known about the signs of zeros before a graph runs: 1 / 0 is not 1 / −0, so a rewriting must keep them. */
import {
  abs,
  add,
  cast,
  exp,
  expand,
  isConstant,
  isFloat,
  log,
  matmul,
  mul,
  reshape,
  sigmoid,
  softplus,
  sqrt,
  sub,
  sum,
  type Tensor,
  transpose,
  where,
} from "../tensor/index.ts";

/** How many ops are followed towards the leaves, so that long chains take linear time and no recursion. */
const DEPTH = 6;

/** Whether values are never negative and never −0. */
export function isNeverNegative(t: Tensor, depth = DEPTH): boolean {
  if (exp.is(t) || abs.is(t) || sigmoid.is(t) || softplus.is(t)) return true;
  if (mul.is(t) && t.inputs[0] === t.inputs[1]) return true;
  if (isConstant(t)) return t.attributes.values.every((v) => v > 0 || Object.is(v, 0));
  if (depth === 0) return false;
  const inputs = (): boolean => t.inputs.every((x) => isNeverNegative(x, depth - 1));
  return (add.is(t) || mul.is(t) || sum.is(t) || isRearranged(t)) && inputs();
}

const isRearranged = (t: Tensor): boolean => reshape.is(t) || transpose.is(t) || expand.is(t);

/** Whether values are never −0. They may be negative. */
export function isNeverMinusZero(t: Tensor, depth = DEPTH): boolean {
  if (!isFloat(t.dtype)) return true;
  // Sums start from 0, and ln 1 is 0.
  if (sum.is(t) || matmul.is(t) || log.is(t)) return true;
  if (isConstant(t)) return !t.attributes.values.some((v) => Object.is(v, -0));
  if (isNeverNegative(t, depth)) return true;
  if (depth === 0) return false;
  const never = (x: Tensor): boolean => isNeverMinusZero(x, depth - 1);
  if (add.is(t)) return t.inputs.some(never);
  if (sub.is(t)) return never(t.inputs[0]);
  if (where.is(t)) return never(t.inputs[1]) && never(t.inputs[2]);
  if (cast.is(t)) return never(t.inputs[0]);
  return (isRearranged(t) || sqrt.is(t)) && t.inputs.every(never);
}
