/** Arithmetic and related functions: add, sub, mul, div, pow, minimum, maximum, clip, neg, abs, sign, sqrt, floor. */
import type { DType } from "../dtype.ts";
import { constant, isConstant, type TensorLike } from "../leaf.ts";
import type { Tensor } from "../tensor.ts";
import { cast } from "./cast.ts";
import { equal, greater, greaterEqual, lessEqual, logicalAnd } from "./comparison.ts";
import { type Binary, binaryCases, elementwise, type Unary, unary } from "./elementwise.ts";
import { log } from "./transcendental.ts";
import { where } from "./where.ts";

const isIntegral = (dtype: DType): boolean => dtype === "int32" || dtype === "int64";

/** a + b, with broadcasting. */
export const add: Binary = elementwise({
  name: "add",
  accepts: "number",
  host: (a, b) => `(${a} + ${b})`,
  grows: "host",
  native: "Add",
  derivative: (g) => [g, g],
  cases: [...binaryCases([-2, 2]), ...binaryCases([-5, 5], "int64")],
});

/** a − b, with broadcasting. */
export const sub: Binary = elementwise({
  name: "sub",
  accepts: "number",
  host: (a, b) => `(${a} - ${b})`,
  grows: "host",
  native: "Sub",
  derivative: (g) => [g, neg(g)],
  cases: [...binaryCases([-2, 2]), ...binaryCases([-5, 5], "int32")],
});

/** a · b element by element, with broadcasting. */
export const mul: Binary = elementwise({
  name: "mul",
  accepts: "number",
  host: (a, b) => `(${a} * ${b})`,
  grows: (a, b) => `Math.imul(${a}, ${b})`,
  native: "Mul",
  derivative: (g, _, a, b) => [mul(g, b), mul(g, a)],
  cases: [...binaryCases([-2, 2]), ...binaryCases([-5, 5], "int32")],
});

/** a / b element by element. Floats only: runtimes differ in how they divide integers, so write floor and cast instead. */
export const div: Binary = elementwise({
  name: "div",
  accepts: "float",
  host: (a, b) => `(${a} / ${b})`,
  native: "Div",
  derivative: (g, y, _, b) => [div(g, b), neg(div(mul(g, y), b))],
  cases: binaryCases([0.5, 2]),
});

/** d/da aᵇ = b aᵇ⁻¹. It is 0 where b is 0, also at a = 0, where aᵇ⁻¹ is infinite. */
function powSlope(a: Tensor, b: Tensor): Tensor | undefined {
  if (!isConstant(b)) {
    const flat = logicalAnd(equal(a, 0), equal(b, 0));
    return mul(b, pow(where(flat, 1, a), sub(b, 1)));
  }
  const { values } = b.attributes;
  if (values.every((v) => v === 0)) return undefined;
  return mul(
    b,
    pow(
      a,
      constant(
        values.map((v) => (v === 0 ? 0 : v - 1)),
        b.shape,
        b.dtype,
      ),
    ),
  );
}

/** d/db aᵇ = aᵇ ln a. It is 0 where a is 0 and b is positive. */
function powSlopeInPower(y: Tensor, a: Tensor, b: Tensor): Tensor | undefined {
  if (isConstant(b)) return undefined;
  return mul(y, log(where(logicalAnd(equal(a, 0), greater(b, 0)), 1, a)));
}

/**
 * aᵇ for a > 0, and for a ≤ 0 if b is a whole number. Derivatives of any order in a are finite at a = 0 for the powers 0, 1, 2, …;
 * the derivative in b is NaN where a < 0.
 */
export const pow: Binary = elementwise({
  name: "pow",
  accepts: "float",
  host: (a, b) => `Math.pow(${a}, ${b})`,
  native: "Pow",
  derivative: (g, y, a, b) =>
    [powSlope(a, b), powSlopeInPower(y, a, b)].map((slope) => slope && mul(g, slope)),
  cases: binaryCases([0.5, 2]),
});

/** The larger of two, element by element; at a tie the gradient goes to the first. */
export const maximum: Binary = elementwise({
  name: "maximum",
  accepts: "number",
  host: (a, b) => `Math.max(${a}, ${b})`,
  native: "Max",
  derivative: (g, _, a, b) => {
    const first = cast(greaterEqual(a, b), g.dtype);
    return [mul(g, first), mul(g, sub(1, first))];
  },
  cases: binaryCases([-2, 2]),
});

/** The smaller of two, element by element; at a tie the gradient goes to the first. */
export const minimum: Binary = elementwise({
  name: "minimum",
  accepts: "number",
  host: (a, b) => `Math.min(${a}, ${b})`,
  native: "Min",
  derivative: (g, _, a, b) => {
    const first = cast(lessEqual(a, b), g.dtype);
    return [mul(g, first), mul(g, sub(1, first))];
  },
  cases: binaryCases([-2, 2]),
});

/** x clipped to [`low`, `high`]. The gradient passes inside the interval and at its ends. */
export const clip = (x: TensorLike, low: TensorLike, high: TensorLike): Tensor =>
  minimum(maximum(x, low), high);

/** −x. */
export const neg: Unary = unary("neg", {
  host: (x) => `(-${x})`,
  grows: "host",
  native: "Neg",
  derivative: (g) => neg(g),
  domain: [-2, 2],
  accepts: "number",
});

/** |x|; derivative sign(x), 0 at 0. */
export const abs: Unary = unary("abs", {
  host: (x) => `Math.abs(${x})`,
  grows: "host",
  native: "Abs",
  derivative: (g, _, x) => mul(g, sign(x)),
  domain: [0.2, 2],
  accepts: "number",
});

/** −1, 0 or 1. */
export const sign: Unary = unary("sign", {
  host: (x) => `Math.sign(${x})`,
  native: "Sign",
  domain: [-2, 2],
  accepts: "number",
});

/** The largest whole number not above x. */
export const floor: Unary = unary("floor", {
  host: (x) => `Math.floor(${x})`,
  native: "Floor",
  domain: [-3.3, 3.3],
});

/** √x. */
export const sqrt: Unary = unary("sqrt", {
  host: (x) => `Math.sqrt(${x})`,
  native: "Sqrt",
  derivative: (g, y) => div(mul(g, 0.5), y),
  domain: [0.3, 3],
});

/** x², computed as one product. */
export const square = (x: TensorLike): Tensor => mul(x, x);

/** 1 / x. */
export const reciprocal = (x: TensorLike): Tensor => div(1, x);

/** The remainder of floored division, x − ⌊x / y⌋ y; it has the sign of y. Integers are computed in float64. */
export function mod(x: Tensor, y: number): Tensor {
  if (isIntegral(x.dtype)) return cast(mod(cast(x, "float64"), y), x.dtype);
  return sub(x, mul(floor(div(x, y)), y));
}
