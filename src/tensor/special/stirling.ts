/**
 * The remainder of Stirling's formula, and ln(1 + x) − x. Differences of large lgammas can be written with these two functions
 * once the large parts are cancelled by hand (Loader 2000, "Fast and accurate computation of binomial probabilities").
 */
import { bernoulli } from "./bernoulli.ts";
import { horner } from "./horner.ts";

/** B₂ₖ / (2k (2k − 1)) of DLMF 5.11.1. */
export const stirlingSeries: readonly number[] = bernoulli.map((b, i) => b / ((2 * i + 2) * (2 * i + 1)));

/** From here on the series alone is used, with eight terms: the rest is below 1e-17. */
const LARGE = 10;

const leading = stirlingSeries.slice(0, 9);

/** (−1)ⁿ times the n-th derivative of Σ cₖ x^(1 − 2k). */
function tail(order: number, x: number): number {
  const r = 1 / x;
  const r2 = r * r;
  if (order === 0) return r * horner(r2, leading);
  let [sum, power] = [0, r ** (order + 1)];
  for (let i = 0; i < leading.length; i++) {
    let factor = leading[i] * power;
    for (let j = 0; j < order; j++) factor *= 2 * i + 1 + j;
    sum += factor;
    power *= r2;
  }
  return sum;
}

/** (−1)ⁿ times the n-th derivative of δ(x) − δ(x + 1) = (x + ½) ln(1 + 1/x) − 1, for x > 0. */
function step(order: number, x: number): number {
  if (x < 1) {
    // Leibniz' rule, with h = ln(1 + x) − ln x and (−1)ⁿ h⁽ⁿ⁾ = (n − 1)! (x⁻ⁿ − (x + 1)⁻ⁿ).
    const h = (n: number): number => {
      if (n === 0) return Math.log1p(x) - Math.log(x);
      let factorial = 1;
      for (let j = 2; j < n; j++) factorial *= j;
      return factorial * (x ** -n - (x + 1) ** -n);
    };
    if (order === 0) return (x + 0.5) * h(0) - 1;
    return (x + 0.5) * h(order) - order * h(order - 1);
  }
  // With s = 1/(2x + 1) it is Σ s²ʲ/(2j + 1), all terms of one sign; each derivative multiplies s²ʲ by −2 · 2j · s.
  const s = 1 / (2 * x + 1);
  const s2 = s * s;
  let [sum, power] = [0, s2];
  for (let j = 1; j < 200; j++) {
    let term = power / (2 * j + 1);
    for (let d = 0; d < order; d++) term *= 2 * s * (2 * j + d);
    sum += term;
    if (term < 1e-17 * sum && j > order) break;
    power *= s2;
  }
  return sum;
}

/**
 * The n-th derivative of δ(x) = ln Γ(x) − [(x − ½) ln x − x + ½ ln 2π], for x > 0: about 1/(12x) for large x. In each sum used here all
 * terms have the same sign, so the relative error stays near 1e-15. ±∞ at 0, NaN below.
 *
 * @example
 * stirlingRemainder(0, 1); // 1 − ½ ln 2π = 0.08106146679532726
 */
export function stirlingRemainder(order: number, x: number): number {
  const sign = order % 2 === 0 ? 1 : -1;
  if (!(x >= 0)) return Number.NaN;
  if (x === 0) return sign * Number.POSITIVE_INFINITY;
  if (x === Number.POSITIVE_INFINITY) return 0;
  if (order === 0 && x < LARGE && x >= 1 && Number.isInteger(x)) return wholeRemainders[x];
  return sign * remainder(order, x);
}

function remainder(order: number, x: number): number {
  let [y, sum] = [x, 0];
  for (; y < LARGE; y += 1) sum += step(order, y);
  return sum + tail(order, y);
}

/** δ at 1, 2, …, which samplers of counts use again and again. */
const wholeRemainders = Array.from({ length: LARGE }, (_, k) => (k === 0 ? 0 : remainder(0, k)));

/** 1/3, 1/5, 1/7, …: the coefficients of artanh. */
export const artanhSeries: readonly number[] = Array.from({ length: 16 }, (_, i) => 1 / (2 * i + 3));

const artanhLong = artanhSeries.slice(0, 14);
/** The range in which s² is below 0.01. */
const artanhShort = artanhSeries.slice(0, 8);

/**
 * ln(1 + x) − x, with a small relative error even near 0, where it is −x²/2. −∞ at −1, NaN below.
 *
 * @example
 * log1pMinus(1e-10); // -5e-21
 */
export function log1pMinus(x: number): number {
  if (Math.abs(x) >= 0.4) return Math.log1p(x) - x;
  // With s = x/(2 + x): ln(1 + x) = 2 artanh s, and x = 2s/(1 − s).
  const s = x / (2 + x);
  const s2 = s * s;
  return s * (2 * s2 * horner(s2, Math.abs(s) < 0.1 ? artanhShort : artanhLong) - x);
}
