/** The regularised incomplete beta function of numbers, by its logarithm: what the host computes. */
import {
  lgammaAboutTwo,
  lgammaOfNumber,
  log1pMinusOfNumber,
  stirlingRemainderOfNumber,
} from "../../tensor/index.ts";
import { gaussLegendre } from "./quadrature.ts";

const rule = gaussLegendre(40);
/** The integral ends where the integrand is e^−38. */
const DECAY = 38;

const logOneMinusExp = (l: number): number =>
  l > -Math.LN2 ? Math.log(-Math.expm1(l)) : Math.log1p(-Math.exp(l));

/** ln σ(u). */
const logSigmoid = (u: number): number => (u < 0 ? u - Math.log1p(Math.exp(u)) : -Math.log1p(Math.exp(-u)));

/** x = σ(u) and y = 1 − x with their logarithms. */
interface Place {
  readonly x: number;
  readonly y: number;
  readonly logX: number;
  readonly logY: number;
}

const placeOf = (u: number): Place => {
  const [logX, logY] = [logSigmoid(u), logSigmoid(-u)];
  return { x: Math.exp(logX), y: Math.exp(logY), logX, logY };
};
const mirrored = ({ x, y, logX, logY }: Place): Place => ({ x: y, y: x, logX: logY, logY: logX });

/** ln [xᵃ yᵇ / B(a, b)], by what is left of Stirling's formulas. */
export function betaLogHeight(a: number, b: number, { x, y, logX, logY }: Place): number {
  const n = a + b;
  const d = b * x - a * y;
  const part = (c: number, off: number, logs: number): number =>
    Math.abs(off) < 0.4 * c ? c * log1pMinusOfNumber(off / c) : c * (logs + Math.log(n / c)) - off;
  const remainders =
    stirlingRemainderOfNumber(0, n) - stirlingRemainderOfNumber(0, a) - stirlingRemainderOfNumber(0, b);
  const spread = 0.5 * (Math.log(a / n) + Math.log(b / (2 * Math.PI)));
  return part(a, d, logX) + part(b, -d, logY) + spread + remainders;
}

/** eʷ − 1 − w. */
function expm2(w: number): number {
  if (Math.abs(w) > 0.3) return Math.expm1(w) - w;
  let series = 1;
  for (let k = 13; k >= 3; k--) series = (series * w) / k + 1;
  return 0.5 * w * w * series;
}

/** ∫₀^∞ of tᵃ (1 − t)ᵇ over its value at x, where logit t = logit x − w; for x at most the mean a/(a + b), so that it falls. */
function integral(a: number, b: number, { x, y }: Place): number {
  const n = a + b;
  const m = a * y - b * x;
  // ln(y + x e^−w) + x w, without cancellation for small and for large w.
  const excess = (w: number): number => {
    if (x <= 0.5) return x * expm2(-w) + log1pMinusOfNumber(x * Math.expm1(-w));
    const s = y * Math.expm1(w);
    return s < 0.4 ? y * expm2(w) + log1pMinusOfNumber(s) : Math.log1p(s) - y * w;
  };
  const fall = (w: number): number => m * w + n * excess(w);
  const slope = (w: number): number => m + (n * x * y * -Math.expm1(-w)) / (y + x * Math.exp(-w));
  let end = (2 * DECAY) / (m + Math.sqrt(m * m + 2 * n * x * y * DECAY));
  for (let i = 0; i < 6; i++) end -= (fall(end) - DECAY) / slope(end);
  return end * rule.nodes.reduce((sum, t, i) => sum + rule.weights[i] * Math.exp(-fall(end * t)), 0);
}

/** ln of the tail below x, for x at most the mean. For a < 2 by the recurrence from a + 2 (DLMF 8.17.20), whose terms are positive. */
function tail(a: number, b: number, at: Place): number {
  const height = betaLogHeight(a, b, at);
  if (a >= 2) return height + Math.log(integral(a, b, at));
  const [n, { x }] = [a + b, at];
  const first = (1 + (x * n) / (a + 1)) / a;
  const rest = ((x * n) / a) * ((x * (n + 1)) / (a + 1)) * integral(a + 2, b, at);
  return height + Math.log(first + rest);
}

/** ln of P and Q = 1 − P. */
export interface IncompleteBeta {
  readonly lower: number;
  readonly upper: number;
}

/** ln Γ(b + a) − ln Γ(b) for a < 1. */
function rise(b: number, a: number): number {
  if (b < 1) return lgammaOfNumber(1 + a + b) - lgammaOfNumber(1 + b) - Math.log1p(a / b);
  const r = a / b;
  const remainders = stirlingRemainderOfNumber(0, b + a) - stirlingRemainderOfNumber(0, b);
  return a * Math.log(b) + b * log1pMinusOfNumber(r) + (a - 0.5) * Math.log1p(r) + remainders;
}

/** Both for a < 1, x < 0.3 and b x < 1, by the power series of DLMF 8.17.7. */
function bySeries(a: number, b: number, { x, logX }: Place): IncompleteBeta {
  let [sum, power] = [0, 1];
  for (let n = 1; n < 60; n++) {
    power *= ((n - b) / n) * x;
    const term = power / (a + n);
    sum += term;
    if (Math.abs(term) < 1e-18 * Math.abs(sum)) break;
  }
  const factorial = a * lgammaAboutTwo.reduceRight((s, c) => s * a + c, 0) - Math.log1p(a);
  const l = a * logX - (a < 0.5 ? factorial : lgammaOfNumber(1 + a)) + rise(b, a);
  const rest = a * sum;
  const lower = l + Math.log1p(rest);
  const upper = Math.log(-(Math.expm1(l) * (1 + rest) + rest));
  return lower < -Math.LN2
    ? { lower, upper: Math.log1p(-Math.exp(lower)) }
    : { lower: Math.log1p(-Math.exp(upper)), upper };
}

/**
 * ln Iₓ(a, b) and ln(1 − Iₓ(a, b)) at x = σ(u), for a, b > 0: the distribution function of a beta. The smaller tail is a Gauss–Legendre sum
 * over logit t, along which the density falls, or for a parameter below 1 and x near its end a power series; the other is its complement.
 */
export function logIncompleteBeta(a: number, b: number, u: number): IncompleteBeta {
  if (!(a > 0 && b > 0) || Number.isNaN(u)) return { lower: Number.NaN, upper: Number.NaN };
  if (u === Number.NEGATIVE_INFINITY) return { lower: u, upper: 0 };
  if (u === Number.POSITIVE_INFINITY) return { lower: 0, upper: -u };
  const swap = ({ lower, upper }: IncompleteBeta): IncompleteBeta => ({ lower: upper, upper: lower });
  const at = placeOf(u);
  const other = mirrored(at);
  if (a < 1 && at.x < 0.3 && b * at.x < 1) return bySeries(a, b, at);
  if (b < 1 && at.y < 0.3 && a * at.y < 1) return swap(bySeries(b, a, other));
  const isLower = b * at.x <= a * at.y;
  const own = Math.min(isLower ? tail(a, b, at) : tail(b, a, other), 0);
  const both = { lower: own, upper: logOneMinusExp(own) };
  return isLower ? both : swap(both);
}

/** The u with ln I(a, b) = l at σ(u): Newton's method on a concave function, kept between bounds. */
export function inverseLogIncompleteBeta(a: number, b: number, l: number): number {
  if (!(a > 0 && b > 0) || !(l <= 0)) return Number.NaN;
  if (l === 0) return Number.POSITIVE_INFINITY;
  if (l === Number.NEGATIVE_INFINITY) return l;
  // Solve for the smaller tail.
  if (l > -Math.LN2) return -inverseFromBelow(b, a, logOneMinusExp(l));
  return inverseFromBelow(a, b, l);
}

function inverseFromBelow(a: number, b: number, goal: number): number {
  const mean = Math.log(a / b);
  let [low, high] = [
    mean - 2 * (Math.SQRT2 + (1 - goal) / a) - 2 * Math.sqrt(-goal * (1 / a + 1 / b)) - 5,
    mean + 5,
  ];
  for (let step = 1; logIncompleteBeta(a, b, low).lower > goal; step *= 2) low -= step;
  for (let step = 1; logIncompleteBeta(a, b, high).lower < goal; step *= 2) high += step;
  let u = Math.min(mean, high);
  for (let i = 0; i < 200; i++) {
    const { lower } = logIncompleteBeta(a, b, u);
    const off = lower - goal;
    if (off > 0) high = Math.min(high, u);
    else low = Math.max(low, u);
    const next = u - off / Math.exp(betaLogHeight(a, b, placeOf(u)) - lower);
    if (off === 0 || Math.abs(next - u) <= 2e-16 * Math.abs(u)) return off === 0 ? u : next;
    u = next > low && next < high ? next : (low + high) / 2;
    if (!(high - low > 1e-16 * Math.max(Math.abs(high), 1e-300))) break;
  }
  return u;
}
