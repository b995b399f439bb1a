/** The regularised incomplete gamma functions of numbers, by their logarithms: what the host computes. */
import {
  lgammaAboutTwo,
  lgammaOfNumber,
  log1pMinusOfNumber,
  stirlingRemainderOfNumber,
} from "../../tensor/index.ts";
import { gaussLegendre } from "./quadrature.ts";

/** ln of P(a, x) and of Q(a, x) = 1 − P. */
export interface IncompleteGamma {
  readonly lower: number;
  readonly upper: number;
}

const rule = gaussLegendre(40);
/** The integral ends where the integrand is e^−38. */
const DECAY = 38;

const logOneMinusExp = (l: number): number =>
  l > -Math.LN2 ? Math.log(-Math.expm1(l)) : Math.log1p(-Math.exp(l));

/** ln [xᵃ e^−x / Γ(a)]. */
function logHeight(a: number, x: number): number {
  if (a < 1) return a * Math.log(x) - x - lgammaOfNumber(a);
  const t = (x - a) / a;
  const deviance = Math.abs(t) < 0.4 ? -a * log1pMinusOfNumber(t) : x - a - a * Math.log(x / a);
  return 0.5 * Math.log(a / (2 * Math.PI)) - deviance - stirlingRemainderOfNumber(0, a);
}

/** ln Γ(1 + a) for 0 < a < ½, relative to a. */
function lgammaAboveOne(a: number): number {
  const series = lgammaAboutTwo.reduceRight((sum, c) => sum * a + c, 0);
  return a * series - Math.log1p(a);
}

/** eʷ − 1 − w. */
function expm2(w: number): number {
  if (Math.abs(w) > 0.3) return Math.expm1(w) - w;
  let series = 1;
  for (let k = 13; k >= 3; k--) series = (series * w) / k + 1;
  return 0.5 * w * w * series;
}

/** ∫₀^∞ exp(−a [m (e^±w − 1) + (e^±w − 1 ∓ w)]) dw, with m = x/a − 1: up if m ≥ 0, down otherwise, so that no term rises. */
function integral(a: number, x: number): number {
  const m = (x - a) / a;
  const sign = m >= 0 ? 1 : -1;
  const fall = (w: number): number => a * (m * Math.expm1(sign * w) + expm2(sign * w));
  const slope = (w: number): number => sign * a * (m * Math.exp(sign * w) + Math.expm1(sign * w));
  const linear = a * Math.abs(m);
  let end = (2 * DECAY) / (linear + Math.sqrt(linear * linear + 2 * x * DECAY));
  for (let i = 0; i < 6; i++) end -= (fall(end) - DECAY) / slope(end);
  return end * rule.nodes.reduce((sum, t, i) => sum + rule.weights[i] * Math.exp(-fall(end * t)), 0);
}

/** For x < 1: power series (DLMF 8.7.1, 8.7.3). */
function belowOne(a: number, x: number): IncompleteGamma {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 40 && term > 1e-17 * sum; k++) {
    term *= x / (a + k);
    sum += term;
  }
  const lower = Math.min(logHeight(a, x) - Math.log(a) + Math.log(sum), 0);
  if (a >= 0.5) return { lower, upper: logOneMinusExp(lower) };
  // 1 − e^l (1 + a S), S = Σ (−x)ⁿ / (n! (a + n)).
  let s = 0;
  let power = 1;
  for (let n = 1; n < 25; n++) {
    power *= -x / n;
    s += power / (a + n);
  }
  const l = a * Math.log(x) - lgammaAboveOne(a);
  return { lower, upper: Math.log(-(Math.expm1(l) * (1 + a * s) + a * s)) };
}

/**
 * ln P(a, x) and ln Q(a, x), each with a relative error of some 1e-14 (of the probability: of the exponent's size). For x < 1 by power
 * series, otherwise by one Gauss–Legendre rule on the tail that x is in.
 */
export function logIncompleteGamma(a: number, x: number): IncompleteGamma {
  if (!(a > 0) || Number.isNaN(x) || x < 0) return { lower: Number.NaN, upper: Number.NaN };
  if (x === 0) return { lower: Number.NEGATIVE_INFINITY, upper: 0 };
  if (x === Number.POSITIVE_INFINITY) return { lower: 0, upper: Number.NEGATIVE_INFINITY };
  if (x < 1) return belowOne(a, x);
  const own = Math.min(logHeight(a, x) + Math.log(integral(a, x)), 0);
  return x >= a ? { lower: logOneMinusExp(own), upper: own } : { lower: own, upper: logOneMinusExp(own) };
}

/** The x with ln P(a, x) = l, or ln Q(a, x) = l if `upper`: Newton's method in ln x on a concave function, kept between bounds. */
export function inverseLogIncompleteGamma(a: number, l: number, upper: boolean): number {
  if (!(a > 0) || !(l <= 0)) return Number.NaN;
  if (l === 0) return upper ? 0 : Number.POSITIVE_INFINITY;
  if (l === Number.NEGATIVE_INFINITY) return upper ? Number.POSITIVE_INFINITY : 0;
  // Solve for the smaller tail.
  const flip = l > -Math.LN2;
  const goal = flip ? logOneMinusExp(l) : l;
  const ofUpper = upper !== flip;
  let [low, high] = [-1e3 - 750 / a, Math.log(a + 1) + 1 + Math.log1p(-goal)];
  let t = ofUpper ? Math.log(a + 1 - goal) : Math.min((goal + lgammaOfNumber(a + 1)) / a, Math.log(a + 1));
  if (!ofUpper && a > 1) t = Math.max(t, Math.log(a) - 5);
  for (let i = 0; i < 200; i++) {
    const x = Math.exp(t);
    const at = logIncompleteGamma(a, x);
    const value = ofUpper ? at.upper : at.lower;
    const off = value - goal;
    if (off > 0 === ofUpper) low = Math.max(low, t);
    else high = Math.min(high, t);
    const slope = (ofUpper ? -1 : 1) * Math.exp(logHeight(a, x) - value);
    const next = t - off / slope;
    if (Math.abs(next - t) <= 2e-16 * Math.max(1, Math.abs(t)) || off === 0)
      return Math.exp(off === 0 ? t : next);
    t = next > low && next < high ? next : (low + high) / 2;
    if (!(high - low > 1e-16 * Math.abs(high))) break;
  }
  return Math.exp(t);
}
