/** Finds out from their expressions which computed numbers are at least 0, or from 0 to 1. Such parameters need no test at run time. */
import {
  abs,
  add,
  cast,
  concat,
  cumsum,
  div,
  exp,
  expand,
  gather,
  isConstant,
  max,
  maximum,
  mul,
  pow,
  prod,
  reshape,
  sigmoid,
  slice,
  softmax,
  softplus,
  sqrt,
  stopGradient,
  sub,
  sum,
  type Tensor,
  transpose,
  where,
} from "../tensor/index.ts";
import { nonNegative, unitInterval } from "./constraints.ts";
import { isKnownIn } from "./membership.ts";

/** How many nodes back an expression is followed. */
const DEEPEST = 16;

const isOneOf = (t: Tensor, tests: readonly { is(t: Tensor): boolean }[]): boolean =>
  tests.some((f) => f.is(t));

const moves = [expand, reshape, transpose, slice, concat, stopGradient, cast];

/** Whether every element is known to be at least 0, or NaN. False means unknown. */
export function isNeverNegative(t: Tensor, depth = 0): boolean {
  if (depth > DEEPEST) return false;
  const all = (inputs: readonly Tensor[]): boolean => inputs.every((x) => isNeverNegative(x, depth + 1));
  if (isOneOf(t, [exp, abs, sqrt, sigmoid, softplus, softmax])) return true;
  if (mul.is(t) && t.inputs[0] === t.inputs[1]) return true;
  if (isConstant(t)) return t.attributes.values.every((v) => !(v < 0));
  if (isOneOf(t, [add, mul, div, sum, prod, max, cumsum, ...moves])) return all(t.inputs);
  if (pow.is(t) || gather.is(t)) return isNeverNegative(t.inputs[0], depth + 1);
  if (where.is(t)) return all(t.inputs.slice(1));
  if (maximum.is(t)) return t.inputs.some((x) => isNeverNegative(x, depth + 1));
  return isKnownIn(t, nonNegative) || isUnit(t, depth + 1);
}

/** Whether every element is known to be from 0 to 1, or NaN. False means unknown. */
export function isUnit(t: Tensor, depth = 0): boolean {
  if (depth > DEEPEST) return false;
  const all = (inputs: readonly Tensor[]): boolean => inputs.every((x) => isUnit(x, depth + 1));
  if (isOneOf(t, [sigmoid, softmax])) return true;
  if (isConstant(t)) return t.attributes.values.every((v) => !(v < 0 || v > 1));
  if (isOneOf(t, [mul, prod, max, ...moves])) return all(t.inputs);
  if (gather.is(t)) return isUnit(t.inputs[0], depth + 1);
  if (where.is(t)) return all(t.inputs.slice(1));
  // 1 − p.
  const [one] = t.inputs;
  if (sub.is(t) && isConstant(one) && one.attributes.values.every((v) => v === 1))
    return all(t.inputs.slice(1));
  return isKnownIn(t, unitInterval);
}
