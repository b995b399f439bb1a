const twoOverSqrtPi = 2 / Math.sqrt(Math.PI);

/** exp(−x²) without the rounding error of x², which would cost x² units in the last place: x is split so that its head squares exactly. */
const expMinusSquare = (x: number): number => {
  const head = Math.fround(x);
  return Math.exp(-head * head) * Math.exp(-(x - head) * (x + head));
};

/** DLMF 7.6.2, all terms of one sign: erf x = 2/√π e^(−x²) Σ 2ᵏ x²ᵏ⁺¹ / (1·3···(2k + 1)). For |x| < 2. */
const series = (x: number): number => {
  let term = x;
  let sum = x;
  for (let k = 1; Math.abs(term) > 1e-17 * Math.abs(sum); k++) {
    term *= (2 * x * x) / (2 * k + 1);
    sum += term;
  }
  return twoOverSqrtPi * Math.exp(-x * x) * sum;
};

/**
 * DLMF 7.9.1, evaluated from the inside out: √π e^(x²) erfc x = 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))). For x ≥ 3⁄2. The
 * depth that makes the remainder smaller than 1e-16 falls as 1/x².
 */
const continuedFraction = (x: number): number => expMinusSquare(x) * erfcScaledTail(x);

/** e^(x²) erfc(x) for x ≥ 3⁄2, by the same continued fraction. */
export const erfcScaledTail = (x: number): number => {
  let tail = x;
  for (let k = Math.ceil(14 + 200 / (x * x)); k > 0; k--) tail = x + k / 2 / tail;
  return (0.5 * twoOverSqrtPi) / tail;
};

/**
 * The error function, 2/√π ∫₀ˣ exp(−t²) dt. Relative error a few units in the last place: power series
 * (DLMF 7.6.2) for |x| < 2, else one minus the continued fraction of {@link erfc}. NaN gives NaN.
 *
 * @example
 * erf(1); // 0.8427007929497149
 */
export const erf = (x: number): number => {
  if (Math.abs(x) < 2) return x === 0 ? x : series(x);
  if (Number.isNaN(x)) return x;
  if (Math.abs(x) > 6) return Math.sign(x);
  return x > 0 ? 1 - continuedFraction(x) : continuedFraction(-x) - 1;
};

/**
 * The complementary error function 1 − erf(x), with relative error below 1e-14 in the right tail as well, until
 * it underflows (x ≈ 26.6): continued fraction (DLMF 7.9.1) from 3⁄2 on. NaN gives NaN.
 *
 * @example
 * erfc(10); // 2.088487583762545e-45
 */
export const erfc = (x: number): number => {
  if (Number.isNaN(x)) return x;
  if (x < 1.5) return 1 - erf(x);
  return x > 30 ? 0 : continuedFraction(x);
};
