import { type Algebra, type Precision, polynomial } from "./algebra.ts";
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

/** lgamma(2 + z) / z for |z| ≤ 0.6, a polynomial in z by the same script; largest relative error 4e-9 and 1e-19. */
const aboutTwo: Readonly<Record<Precision, readonly number[]>> = {
  float32: [
    0.4227843344533876, 0.3224670337194462, -0.06735221159510059, 0.02058076747261079, -0.0073875231163987665,
    0.0028914130749961965, -0.0011776849878107917, 0.0005027733491137416, -0.00026913372137827733,
    0.00012048712726007,
  ],
  float64: [
    0.42278433509846713, 0.3224670334241132, -0.06735230105319806, 0.020580808427784533,
    -0.007385551028677869, 0.0028905103307433873, -0.0011927539115355072, 0.0005096695246625375,
    -0.0002231547621626553, 9.945751456176244e-5, -4.492618901146819e-5, 2.0507189872581943e-5,
    -9.439869850346714e-6, 4.37504989417077e-6, -2.037266545451186e-6, 9.542059034392897e-7,
    -4.555881082318642e-7, 2.151143778572199e-7, -8.78395954349138e-8, 4.165687165642235e-8,
    -3.6246509370909037e-8, 1.7330439137362127e-8,
  ],
};

/**
 * {@link lgamma} in elementary operations: (x − ½)(log(x + g − ½) − 1) + log L(x), Lanczos' approximation, for
 * x > 0 but not within 1.1 of 1.5. The two terms would cancel there at the zeros 1 and 2; a polynomial about 2 does not.
 *
 * Relative error over (0, 1e6): below 1e-6 in float32 arithmetic, 1e-12 in float64. At negative x the error is relative to
 * lgamma(1 − x).
 */
export const expandLgamma = <T>(
  ops: Algebra<T>,
  x: T,
  precision: Precision,
  options: { readonly domain?: Domain } = {},
): T => {
  const { g, c } = lanczos[precision];
  const [limit = 0, ...poles] = c;
  const about = (y: T): T => {
    // lgamma(y) = lgamma(y + 1) − log y: both halves of the interval use one polynomial.
    const low = ops.less(y, ops.constant(1.5));
    const z = ops.sub(y, ops.where(low, ops.constant(1), ops.constant(2)));
    const shifted = ops.mul(z, polynomial(ops, z, aboutTwo[precision]));
    return ops.sub(shifted, ops.where(low, ops.log(y), ops.constant(0)));
  };
  const lanczosOf = (y: T): T => {
    const base = ops.add(y, ops.constant(g - 0.5));
    const exponent = ops.sub(y, ops.constant(0.5));
    const sum = poles.reduce((partial, coefficient, k) => {
      const shifted = k === 0 ? y : ops.add(y, ops.constant(k));
      return ops.add(partial, ops.div(ops.constant(coefficient), shifted));
    }, ops.constant(limit));
    return ops.add(ops.mul(exponent, ops.sub(ops.log(base), ops.constant(1))), ops.log(sum));
  };
  const positive = (y: T): T => {
    const between = ops.less(ops.abs(ops.sub(y, ops.constant(1.5))), ops.constant(1.1));
    return ops.where(between, about(y), lanczosOf(y));
  };
  // DLMF 5.5.3: |Γ(x) Γ(1 − x)| = π / |sin πx|
  const reflect = (value: T): T => ops.sub(ops.log(ops.div(ops.constant(Math.PI), absSinPi(ops, x))), value);
  return reflected(ops, x, options.domain ?? "real", positive, reflect);
};
