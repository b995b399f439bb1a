/**
 * Functions in forms whose values on a device are those of the processor. WGSL leaves open what `exp`, `log`, `pow` and `clamp` return for NaN and outside
 * their domains, bounds the errors of `sin` and `cos` between −π and π alone, and that of `log` near 1 absolutely. Comparisons with a NaN are false.
 */
import {
  abs,
  add,
  cos,
  div,
  equal,
  exp,
  expand,
  expm1,
  floor,
  greater,
  less,
  lessEqual,
  log,
  log1p,
  logicalAnd,
  logOfTerms,
  max,
  mul,
  neg,
  notEqual,
  positive,
  pow,
  relu,
  sameShape,
  sigmoid,
  sin,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";

/** Below the largest number of float32; sums of powers of at most 1 stay below it. */
const LARGEST = 3e38;

/** The largest number of float32. */
export const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/** Σ c[k] xᵏ by Horner's rule. */
const polynomial = (x: Tensor, c: readonly number[]): Tensor =>
  c.slice(0, -2).reduceRight((sum, a) => add(mul(sum, x), a), add(mul(x, c[c.length - 1]), c[c.length - 2]));

/** Whether it is a number, infinite or not. */
const isNumber = (x: Tensor): Tensor => lessEqual(x, Number.POSITIVE_INFINITY);

/** Whether it is an odd whole number. */
const isOddNumber = (x: Tensor): Tensor => equal(sub(x, mul(floor(mul(x, 0.5)), 2)), 1);

/**
 * aᵇ, by the device's own power for a > 0 and finite operands alone, and in operands of one shape, because it has no kernel for others. An infinite or
 * zero result has the sign of b (|a| − 1) in its exponent; where that is 0 · ∞ there is no number, as in JavaScript.
 */
function power([base, exponent]: readonly Tensor[], node: Tensor): Tensor {
  const size = abs(base);
  const isOrdinary = logicalAnd(
    logicalAnd(greater(size, 0), lessEqual(size, LARGEST_FLOAT32)),
    lessEqual(abs(exponent), LARGEST_FLOAT32),
  );
  const whole = sameShape(exponent.shape, node.shape) ? exponent : expand(exponent, node.shape);
  const ordinary = pow(where(isOrdinary, size, 1), whole);
  const direction = mul(exponent, sub(size, 1));
  const extreme = where(
    greater(direction, 0),
    Number.POSITIVE_INFINITY,
    where(less(direction, 0), 0, Number.NaN),
  );
  const magnitude = where(equal(exponent, 0), 1, where(isOrdinary, ordinary, extreme));
  // Also −0, whose odd powers have its sign.
  const isNegative = less(where(equal(base, 0), div(1, base), base), 0);
  const isBroken = logicalAnd(isOrdinary, notEqual(exponent, floor(exponent)));
  const sign = where(isOddNumber(exponent), -1, where(isBroken, Number.NaN, 1));
  return where(isNegative, mul(magnitude, sign), magnitude);
}

/** Larger angles are NaN: a device could not reduce them. Up to here multiples of π's parts are exact; neighbouring float32 are 1/256 apart there. */
const FURTHEST_ANGLE = 2 ** 16;

/** π in three parts, the first two of eight bits (Cody and Waite 1980). */
const PARTS_OF_PI = [201 / 2 ** 6, 253 / 2 ** 18, Math.PI - 201 / 2 ** 6 - 253 / 2 ** 18];

/** 1, −1/3!, 1/5!, …: to 6·10⁻⁸ between −π/2 and π/2. */
const SINE_SERIES = [1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800];

/** (−1)ⁿ sin(x − (n + shift) π), which is sin x with shift 0, and −cos x with ½, where n is the whole number that makes the angle smallest. */
function sine(x: Tensor, shift: 0 | 0.5): Tensor {
  const n = floor(add(mul(x, 1 / Math.PI), 0.5 - shift));
  const halfTurns = shift === 0 ? n : add(n, shift);
  const angle = PARTS_OF_PI.reduce((rest, part) => sub(rest, mul(halfTurns, part)), x);
  const value = mul(angle, polynomial(square(angle), SINE_SERIES));
  const known = where(lessEqual(abs(x), FURTHEST_ANGLE), value, Number.NaN);
  return where(isOddNumber(n), neg(known), known);
}

/** A node of the graph that the device gets, with the values of the processor; undefined if its own are those. */
export function withProcessorValues(node: Tensor): Tensor | undefined {
  if (node.dtype !== "float32") return undefined;
  const [x] = node.inputs;
  if (log.is(node) || logOfTerms.is(node)) {
    const outside = where(equal(x, 0), Number.NEGATIVE_INFINITY, Number.NaN);
    return where(greater(x, 0), node, outside);
  }
  if (relu.is(node)) return where(lessEqual(x, 0), 0, x);
  if (exp.is(node) || positive.is(node) || sigmoid.is(node)) return where(isNumber(x), node, x);
  if (pow.is(node)) return power(node.inputs, node);
  if (sin.is(node)) return sine(x, 0);
  if (cos.is(node)) return neg(sine(x, 0.5));
  if (softmax.is(node)) {
    const { axis } = node.attributes;
    const powers = exp(sub(x, max(x, axis, { keepDims: true })));
    const total = sum(powers, axis, { keepDims: true });
    return powers.div(where(lessEqual(total, LARGEST), total, Number.NaN));
  }
  return undefined;
}

/** eˣ − 1 = x (1 + x/2 + x²/6 + …), to 2·10⁻⁷ where |x| ≤ ½. */
const POWER_SERIES = [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040];

/** ln(1 + x) = 2s (1 + s²/3 + s⁴/5 + …) with s = x/(2 + x), to 2·10⁻⁸ where |x| ≤ ¼. */
const LOGARITHM_SERIES = [1, 1 / 3, 1 / 5, 1 / 7];

/**
 * `expm1` and `log1p` with their digits near 0: the processor's forms take them from `tanh` near 0 and `log` near 1, of which the device has absolute
 * accuracy alone.
 */
export function accurateNearZero(node: Tensor, [x]: readonly Tensor[]): Tensor | undefined {
  if (node.dtype !== "float32") return undefined;
  if (expm1.is(node))
    return where(lessEqual(abs(x), 0.5), mul(x, polynomial(x, POWER_SERIES)), sub(exp(x), 1));
  if (log1p.is(node)) {
    const s = div(x, add(x, 2));
    const near = mul(mul(s, 2), polynomial(square(s), LOGARITHM_SERIES));
    return where(lessEqual(abs(x), 0.25), near, log(add(x, 1)));
  }
  return undefined;
}
