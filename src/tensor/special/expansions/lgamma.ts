import type { Algebra, Precision } from "./algebra.ts";
import { absSinPi, type Domain, reflected } from "./reflection.ts";

/**
 * Γ(x) = ((x + g − ½) / e)^(x − ½) L(x), L(x) = c₀ + c₁/x + c₂/(x + 1) + … (Lanczos 1964, "A precision
 * approximation of the gamma function"). The coefficients minimise the largest relative error of L over (0, ∞)
 * and were computed by test/tensor/special/fit-coefficients.py; g trades that error against the cancellation
 * within L, which multiplies rounding errors by 1.6 and 11 respectively.
 */
const lanczos: Readonly<Record<Precision, { g: number; c: readonly number[] }>> = {
  // largest relative error 1.6e-8
  float32: {
    g: 3,
    c: [
      0.12479767328187445, 0.9590091926823349, -0.4099198570955751, 0.007278558600872209,
      2.1896289395687286e-5,
    ],
  },
  // largest relative error 1.0e-14
  float64: {
    g: 5.5,
    c: [
      0.010244016839608436, 1.3562437855552278, -1.7850412811629746, 0.6397892460392594, -0.05694072635052528,
      0.00046284838358405636, 5.936942601347601e-8, -1.1169868286781665e-8,
    ],
  },
};

/**
 * {@link lgamma} in elementary operations: (x − ½)(log(x + g − ½) − 1) + log L(x), Lanczos' approximation, for
 * all x > 0 in one formula. Near 1 and 2 its two terms are of order one, so the zeros there cost only an absolute
 * error of order one rounding. There is no second series to switch to and no product that could overflow.
 *
 * Error over (0, 1e6), relative where the value exceeds 1 and absolute elsewhere: below 1e-6 in float32
 * arithmetic, 1e-12 in float64. At negative x the error is relative to lgamma(1 − x).
 */
export const expandLgamma = <T>(
  ops: Algebra<T>,
  x: T,
  precision: Precision,
  options: { readonly domain?: Domain } = {},
): T => {
  const { g, c } = lanczos[precision];
  const [limit = 0, ...poles] = c;
  const positive = (y: T): T => {
    const base = ops.add(y, ops.constant(g - 0.5));
    const exponent = ops.sub(y, ops.constant(0.5));
    const sum = poles.reduce((partial, coefficient, k) => {
      const shifted = k === 0 ? y : ops.add(y, ops.constant(k));
      return ops.add(partial, ops.div(ops.constant(coefficient), shifted));
    }, ops.constant(limit));
    return ops.add(ops.mul(exponent, ops.sub(ops.log(base), ops.constant(1))), ops.log(sum));
  };
  // DLMF 5.5.3: |Γ(x) Γ(1 − x)| = π / |sin πx|
  const reflect = (value: T): T => ops.sub(ops.log(ops.div(ops.constant(Math.PI), absSinPi(ops, x))), value);
  return reflected(ops, x, options.domain ?? "real", positive, reflect);
};
