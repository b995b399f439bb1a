import { erfc, erfcScaledTail } from "./erf.ts";
import { ndtri } from "./ndtri.ts";

/**
 * e^(x²) erfc(x): erfc without its decay, so that it does not underflow. Relative error below 1e-14 for x ≥ −26; further down it
 * overflows. NaN gives NaN.
 *
 * @example
 * erfcx(100); // 0.005641613782989433
 */
export const erfcx = (x: number): number => {
  if (Number.isNaN(x)) return x;
  if (x >= 1.5) return erfcScaledTail(x);
  if (x >= 0) return Math.exp(x * x) * erfc(x);
  if (x < -27) return Number.POSITIVE_INFINITY;
  return 2 * expSquare(-x) - erfcx(-x);
};

/** exp(x²) without the rounding error of x². */
const expSquare = (x: number): number => {
  const head = Math.fround(x);
  return Math.exp(head * head) * Math.exp((x - head) * (x + head));
};

/** Φ(−x) for x ≥ 0. x is split, so that its square, and not x/√2, is rounded once. */
const upper = (x: number): number => {
  const head = Math.fround(x);
  const density = Math.exp(-0.5 * head * head) * Math.exp(-0.5 * (x - head) * (x + head));
  return x > 40 ? 0 : 0.5 * erfcx(x * Math.SQRT1_2) * density;
};

/** The standard normal distribution function Φ(x), with a small relative error in the lower tail too. */
export const normalCdf = (x: number): number => (x < 0 ? upper(-x) : 1 - upper(x));

/**
 * ln Φ(x), the logarithm of the standard normal distribution function, with a small relative error in both tails: −5.0e9 at
 * x = −1e5, −Φ(−x) for large x.
 */
export const logNormalCdf = (x: number): number =>
  x < 0 ? Math.log(0.5 * erfcx(-x * Math.SQRT1_2)) - 0.5 * x * x : Math.log1p(-upper(x));

/** φ(z)/Φ(z), the derivative of ln Φ. */
export const normalHazard = (z: number): number => Math.sqrt(2 / Math.PI) / erfcx(-z * Math.SQRT1_2);

/** The quantile of a probability eˡ of at most ½. */
const lowerTail = (l: number): number => {
  // Abramowitz and Stegun 26.2.23, within 4.5e-4; each Halley step on ln Φ then cubes the error.
  const t = Math.sqrt(-2 * l);
  let z =
    (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
  for (let step = 0; step < 3; step++) {
    const hazard = normalHazard(z);
    const newton = (logNormalCdf(z) - l) / hazard;
    z -= newton / (1 + 0.5 * newton * (z + hazard));
  }
  return z;
};

/**
 * The standard normal quantile of the probability eˡ, for l ≤ 0: as accurate at e^−10000 as at ½, and for probabilities that
 * round to 1. −∞ gives −∞, 0 gives ∞; above 0, and for NaN, the result is NaN.
 *
 * @example
 * normalLogQuantile(-1e4); // -141.3803
 */
export const normalLogQuantile = (l: number): number => {
  if (!(l <= 0)) return Number.NaN;
  if (l === 0) return Number.POSITIVE_INFINITY;
  if (l === Number.NEGATIVE_INFINITY) return l;
  // Between, Φ⁻¹ of the probability itself keeps the digits near ½.
  if (l > -2 && l < -0.1) return ndtri(Math.exp(l));
  return l < -Math.LN2 ? lowerTail(l) : -lowerTail(Math.log(-Math.expm1(l)));
};
