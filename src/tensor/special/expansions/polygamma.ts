import { bernoulliHalf } from "../bernoulli.ts";
import { aboutRoot, checkOrder, digammaRoot, factorial } from "../polygamma.ts";
import { cotDerivative } from "../trigonometry.ts";
import { type Algebra, type Precision, polynomial, power } from "./algebra.ts";
import { cotPi, type Domain, reflected } from "./reflection.ts";

/** How far the recurrence shifts the argument, and how many terms the series about the midpoint then needs. */
const plan = (n: number, precision: Precision): { shifts: number; terms: number } =>
  precision === "float32"
    ? { shifts: 4 + Math.floor(n / 2), terms: 4 }
    : { shifts: 8 + Math.floor(n / 2), terms: 7 };

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, k) => k);

/** ψ(x₀ + d) / d for |d| ≤ 0.4 by test/tensor/special/fit-coefficients.py in float32; in float64, {@link aboutRoot}. */
const aboutRootSingle: readonly number[] = [
  0.9676722454476212, -0.44276274643705044, 0.2584994722133351, -0.16397772024705004, 0.10784797754827298,
  -0.07142364474638747, 0.04827408337505141, -0.03940092965808099, 0.026861351352081307,
];

/** x₀ in two parts, the first of the precision's own. */
const roots: Readonly<Record<Precision, readonly [number, number]>> = {
  float32: [1.4616321325302124, 1.2438149938918909e-8],
  float64: digammaRoot,
};

/**
 * {@link digamma} in elementary operations:
 *
 *     ψ(x) = log s − Σₖ₌₁ B₂ₖ(½) / (2k s²ᵏ) − Σⱼ₌₀ᴺ⁻¹ 1/(x + j),   s = x + N − ½
 *
 * from the recurrence (DLMF 5.5.2) and the derivative of DLMF 5.11.8 with h = ½, which has no term in 1/s. At the zero x₀ = 1.4616… it
 * would subtract numbers of order one, so within 0.4 of it ψ is a polynomial times the distance.
 *
 * Relative error over (0, 1e6): below 1e-6 in float32 arithmetic, 1e-12 in float64. At the poles −1, −2, … it is infinite of either sign, where {@link digamma} says NaN.
 */
export const expandDigamma = <T>(
  ops: Algebra<T>,
  x: T,
  precision: Precision,
  options: { readonly domain?: Domain } = {},
): T => {
  const { shifts, terms } = plan(0, precision);
  const away = (y: T): T => {
    const shifted = range(shifts)
      .map((j) => ops.div(ops.constant(1), j === 0 ? y : ops.add(y, ops.constant(j))))
      .reduce((a, b) => ops.add(a, b));
    const s = ops.add(y, ops.constant(shifts - 0.5));
    const u = ops.div(ops.constant(1), ops.mul(s, s));
    const series = bernoulliHalf.slice(0, terms).map((b, i) => -b / (2 * i + 2));
    return ops.sub(ops.add(ops.log(s), ops.mul(u, polynomial(ops, u, series))), shifted);
  };
  const [high, low] = roots[precision];
  const positive = (y: T): T => {
    const d = ops.sub(ops.sub(y, ops.constant(high)), ops.constant(low));
    const near = ops.mul(d, polynomial(ops, d, precision === "float32" ? aboutRootSingle : aboutRoot));
    return ops.where(ops.less(ops.abs(d), ops.constant(0.4)), near, away(y));
  };
  // DLMF 5.5.4
  const reflect = (value: T): T => ops.sub(value, ops.mul(ops.constant(Math.PI), cotPi(ops, x)));
  return reflected(ops, x, options.domain ?? "real", positive, reflect);
};

/**
 * {@link polygamma} in elementary operations: the n-th derivative of {@link expandDigamma}'s formula, all of
 * whose larger terms have one sign,
 *
 *     (−1)ⁿ⁺¹ ψ⁽ⁿ⁾(x) = s⁻ⁿ [(n − 1)! + Σₖ₌₁ B₂ₖ(½) (2k + n − 1)! / (2k)! s⁻²ᵏ] + n! Σⱼ₌₀ᴺ⁻¹ (x + j)⁻ⁿ⁻¹
 *
 * so for x > 0 the error is relative: below 1e-6 in float32 arithmetic for n ≤ 5 and 1e-12 in float64 for
 * n ≤ 8, as long as (x + j)⁻ⁿ⁻¹ neither overflows nor underflows. n = 0 gives {@link expandDigamma}.
 *
 * At the poles −1, −2, … of an even n the result is infinite of either sign, where {@link polygamma} says NaN.
 *
 * @throws UsageError unless n is an integer from 0 to 170.
 */
export const expandPolygamma = <T>(
  ops: Algebra<T>,
  n: number,
  x: T,
  precision: Precision,
  options: { readonly domain?: Domain } = {},
): T => {
  checkOrder(n);
  if (n === 0) return expandDigamma(ops, x, precision, options);
  const { shifts, terms } = plan(n, precision);
  const sign = n % 2 === 1 ? 1 : -1;
  const positive = (y: T): T => {
    const shifted = range(shifts)
      .map((j) => ops.div(ops.constant(1), j === 0 ? y : ops.add(y, ops.constant(j))))
      .map((reciprocal) => power(ops, reciprocal, n + 1))
      .reduce((a, b) => ops.add(a, b));
    const v = ops.div(ops.constant(1), ops.add(y, ops.constant(shifts - 0.5)));
    const series = bernoulliHalf
      .slice(0, terms)
      .map((b, i) => (sign * b * factorial(2 * i + n + 1)) / factorial(2 * i + 2));
    const midpoint = polynomial(ops, ops.mul(v, v), [sign * factorial(n - 1), ...series]);
    return ops.add(ops.mul(power(ops, v, n), midpoint), ops.mul(ops.constant(sign * factorial(n)), shifted));
  };
  // DLMF 5.15.6: (−1)ⁿ ψ⁽ⁿ⁾(1 − x) − ψ⁽ⁿ⁾(x) = π dⁿ/dxⁿ cot πx, an even or odd polynomial in cot πx.
  const reflect = (value: T): T => {
    const cot = cotPi(ops, x);
    const coefficients = cotDerivative(n).map((c) => -c * Math.PI ** (n + 1));
    const kept = coefficients.filter((_, i) => i % 2 === (n + 1) % 2);
    const inSquare = polynomial(ops, ops.mul(cot, cot), kept);
    const slope = n % 2 === 0 ? ops.mul(cot, inSquare) : inSquare;
    return n % 2 === 0 ? ops.add(slope, value) : ops.sub(slope, value);
  };
  return reflected(ops, x, options.domain ?? "real", positive, reflect);
};
