import { bernoulli } from "./bernoulli.ts";
import { horner } from "./horner.ts";
import { absSinPi } from "./trigonometry.ts";

/**
 * Coefficients of zᵏ⁺¹ in lgamma(2 + z): 1 − γ, then (−1)ᵏ (ζ(k) − 1) / k (DLMF 5.7.3, to which log(1 + z) is
 * added). Computed by test/tensor/special/fit-coefficients.py. The radius of convergence is 2; at |z| = ½ the
 * first term left out is below 1e-19.
 */
export const aboutTwo: readonly number[] = [
  0.42278433509846713, 0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986,
  0.0028905103307415234, -0.001192753911703261, 0.0005096695247430425, -0.00022315475845357939,
  9.945751278180853e-5, -4.492623673813314e-5, 2.050721277567069e-5, -9.439488275268397e-6,
  4.374866789907488e-6, -2.039215753801366e-6, 9.55141213040742e-7, -4.492469198764566e-7,
  2.1207184805554665e-7, -1.0043224823968099e-7, 4.7698101693639804e-8, -2.2711094608943164e-8,
  1.0838659214896955e-8, -5.183475041970047e-9, 2.4836745438024785e-9, -1.1921401405860912e-9,
  5.731367241678862e-10, -2.7595228851242334e-10, 1.330476437424449e-10, -6.4229645638381e-11,
];

const lgammaAboutTwo = (z: number): number => z * horner(z, aboutTwo);

/** The series Σ B₂ₖ / (2k (2k − 1) x²ᵏ⁻¹) of DLMF 5.11.1; eight terms leave less than 1e-18 at x = 10. */
const stirling = bernoulli.slice(0, 8).map((b, i) => b / ((2 * i + 2) * (2 * i + 1)));

const halfLogTwoPiE = 0.5 * Math.log(2 * Math.PI) - 0.5;

/**
 * log |Γ(x)|, the logarithm of the absolute value of the gamma function.
 *
 * For x > 0 the relative error is a few units in the last place, even near the zeros 1 and 2: Taylor series
 * about 2 (DLMF 5.7.3), extended to ½ < x < 10 by the recurrence; Stirling's series (DLMF 5.11.1) from 10 on; the
 * recurrence alone below ½. For x < 0, reflection (DLMF 5.5.3), whose error is relative to lgamma(1 − x).
 *
 * `lgamma(0)`, `lgamma(-n)` and `lgamma(±Infinity)` are `Infinity`; NaN gives NaN.
 *
 * @example
 * lgamma(5); // log 24 = 3.1780538303479458
 */
export const lgamma = (x: number): number => {
  if (Number.isNaN(x)) return x;
  if (!Number.isFinite(x) || x === 0) return Number.POSITIVE_INFINITY;
  if (x < 0) return Math.log(Math.PI / absSinPi(x)) - lgamma(1 - x);
  if (x >= 10) {
    const r = 1 / x;
    return (x - 0.5) * (Math.log(x) - 1) + halfLogTwoPiE + r * horner(r * r, stirling);
  }
  if (x < 0.5) return lgammaAboutTwo(x) - Math.log1p(x) - Math.log(x);
  if (x < 1.5) return lgammaAboutTwo(x - 1) - Math.log1p(x - 1);
  let product = 1;
  let y = x;
  while (y > 2.5) {
    y -= 1;
    product *= y;
  }
  return lgammaAboutTwo(y - 2) + Math.log(product);
};
