import { UsageError } from "../../errors.ts";
import { bernoulli } from "./bernoulli.ts";
import { horner } from "./horner.ts";
import { cotDerivative, cotPi } from "./trigonometry.ts";

/** (n − 1)! overflows a double beyond this order. */
const largestOrder = 170;

export const factorial = (n: number): number => {
  let product = 1;
  for (let k = 2; k <= n; k++) product *= k;
  return product;
};

/** Throws {@link UsageError} unless `n` is an order of {@link polygamma}: an integer from 0 to 170. */
export const checkOrder = (n: number): void => {
  if (Number.isInteger(n) && n >= 0 && n <= largestOrder) return;
  throw new UsageError(
    `polygamma: expected the order n to be an integer from 0 to ${largestOrder}, found ${n}; ` +
      "n = 0 is digamma, n = 1 trigamma.",
  );
};

/** Σ B₂ₖ / (2k x²ᵏ), the series of DLMF 5.11.2; eight terms leave less than 1e-17 at x = 10. */
const digammaSeries = bernoulli.slice(0, 8).map((b, i) => b / (2 * i + 2));

/** The positive zero x₀ of ψ, and what is left of it beyond double precision. */
export const digammaRoot = [1.4616321449683622, 9.549995429965697e-17] as const;

/** ψ(x₀ + d) / d for |d| ≤ 0.4, a polynomial in d by test/tensor/special/fit-coefficients.py. */
export const aboutRoot: readonly number[] = [
  0.9676722454476212, -0.4427631689835921, 0.25849976095566013, -0.16394270544241277, 0.10782405068938776,
  -0.07219956125517217, 0.048804288313574966, -0.03316112657708332, 0.022597642195848106,
  -0.015424761775079537, 0.010538931271812328, -0.007204629933470473, 0.004924822891978137,
  -0.0033684617169690424, 0.0023220018842296086, -0.0015884824259536799, 0.0009922027606219946,
  -0.0006788069588336718, 0.0007424115490049861, -0.000507928474003636,
];

/**
 * ψ(x) = Γ′(x) / Γ(x).
 *
 * The recurrence (DLMF 5.5.2) to x ≥ 10, then the asymptotic series (DLMF 5.11.2); x < 0 by reflection
 * (DLMF 5.5.4). Within 0.4 of the zero x₀ = 1.4616… a polynomial times x − x₀, so that the error stays relative.
 *
 * `digamma(0)` is `-Infinity`; `digamma(-0)` and `digamma(Infinity)` are `Infinity`; the poles −1, −2, … and
 * `-Infinity` give NaN; NaN gives NaN.
 *
 * @example
 * digamma(1); // minus Euler's constant, -0.5772156649015329
 */
export const digamma = (x: number): number => {
  if (x === 0) return -1 / x;
  if (x === Number.POSITIVE_INFINITY) return x;
  if (x < 0) return Number.isInteger(x) ? Number.NaN : digamma(1 - x) - Math.PI * cotPi(x);
  const d = x - digammaRoot[0] - digammaRoot[1];
  if (Math.abs(d) < 0.4) return d * horner(d, aboutRoot);
  let y = x;
  let shifted = 0;
  while (y < 10) {
    shifted += 1 / y;
    y += 1;
  }
  const r = 1 / y;
  return Math.log(y) - 0.5 * r - r * r * horner(r * r, digammaSeries) - shifted;
};

/** |ψ⁽ⁿ⁾(x)| for x > 0, n ≥ 1: Hurwitz' zeta(n + 1, x) times n!. Every term is positive except in the tail of the series. */
const magnitude = (n: number, x: number): number => {
  let y = x;
  let shifted = 0;
  while (y < 12 + n) {
    shifted += y ** -(n + 1);
    y += 1;
  }
  // DLMF 5.15.8 over (n − 1)! y⁻ⁿ: 1 + n/(2y) + Σ B₂ₖ (2k + n − 1)! / ((2k)! (n − 1)!) y⁻²ᵏ
  let sum = 1 + n / (2 * y);
  let factor = 1;
  for (const [i, b] of bernoulli.entries()) {
    const k = 2 * i + 2;
    factor *= ((k + n - 2) * (k + n - 1)) / ((k - 1) * k * y * y);
    sum += b * factor;
  }
  return factorial(n - 1) * (n * shifted + sum * y ** -n);
};

/**
 * The polygamma function ψ⁽ⁿ⁾(x), the n-th derivative of {@link digamma}; n = 1 is trigamma.
 *
 * For x > 0 and n ≥ 1 nothing cancels and the relative error stays below 1e-13: the recurrence (DLMF 5.15.5)
 * to x ≥ 12 + n, then the asymptotic series (DLMF 5.15.8). x < 0 by reflection (DLMF 5.15.6).
 *
 * At x = 0 it is the limit from the right, (−1)ⁿ⁺¹·∞. At −1, −2, … it is `Infinity` for odd n and NaN for even n, whose limits
 * from the two sides differ. `polygamma(n, Infinity)` is 0 for n ≥ 1; NaN gives NaN.
 *
 * @throws UsageError unless n is an integer from 0 to 170.
 * @example
 * polygamma(1, 1); // π²/6 = 1.6449340668482264
 */
export const polygamma = (n: number, x: number): number => {
  checkOrder(n);
  if (n === 0) return digamma(x);
  const odd = n % 2 === 1;
  if (Number.isNaN(x) || x === Number.NEGATIVE_INFINITY) return Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return odd ? 0 : -0;
  if (x === 0) return odd ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  if (x > 0) return odd ? magnitude(n, x) : -magnitude(n, x);
  if (Number.isInteger(x)) return odd ? Number.POSITIVE_INFINITY : Number.NaN;
  // (−1)ⁿ ψ⁽ⁿ⁾(1 − x) − ψ⁽ⁿ⁾(x) = π dⁿ/dxⁿ cot πx, and ψ⁽ⁿ⁾(1 − x) has the sign (−1)ⁿ⁺¹.
  return -magnitude(n, 1 - x) - Math.PI ** (n + 1) * horner(cotPi(x), cotDerivative(n));
};
