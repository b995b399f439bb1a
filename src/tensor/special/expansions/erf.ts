import { type Algebra, type Precision, polynomial } from "./algebra.ts";

/**
 * erf x = x P(x²) / Q(x²) on [−end, end]; outside, erf is ±1 to working precision. All coefficients are positive,
 * so neither polynomial cancels. Minimax fits of the relative error, so that small x keep their digits;
 * computed by test/tensor/special/fit-coefficients.py.
 */
const ratio: Readonly<Record<Precision, { end: number; p: readonly number[]; q: readonly number[] }>> = {
  // largest relative error 1.8e-8
  float32: {
    end: 3.9,
    p: [
      1.1283791488984156, 0.18955728882665418, 0.0526528184866445, 0.0037334671813999774,
      0.000284923234508355, 2.0669150659524678e-6,
    ],
    q: [
      1, 0.501323577556697, 0.11377298714078662, 0.014904488086933948, 0.00115614097985393,
      3.826736414343281e-5,
    ],
  },
  // largest relative error 2.9e-14
  float64: {
    end: 5.9,
    p: [
      1.1283791670954828, 0.21761998244563263, 0.06470238757489327, 0.00653982608716004,
      0.0007832252694690783, 4.845113667634969e-5, 3.023038469601463e-6, 1.0815402475265169e-7,
      3.2897639386067704e-9, 3.228344657803918e-11, 3.096917322864459e-14,
    ],
    q: [
      1, 0.5261940212915821, 0.13273900512318249, 0.0212322266257237, 0.0023964232595923307,
      0.0002004684664937109, 1.2650722887629301e-5, 5.96243309168473e-7, 1.995280096463665e-8,
      4.0216287149032624e-10, 1.5060841730909354e-12,
    ],
  },
};

/** a clipped to [−bound, bound]. NaN stays NaN, because comparisons with it are false. */
const clamp = <T>(ops: Algebra<T>, a: T, bound: number): T => {
  const high = ops.constant(bound);
  const low = ops.constant(-bound);
  const below = ops.where(ops.less(high, a), high, a);
  return ops.where(ops.less(below, low), low, below);
};

/**
 * {@link erf} in elementary operations, for every x. The relative error is below 1e-6 in float32 arithmetic and
 * 1e-12 in float64, and the result is always in [−1, 1], so log(1 − erf x) is never NaN.
 */
export const expandErf = <T>(ops: Algebra<T>, x: T, precision: Precision): T => {
  const { end, p, q } = ratio[precision];
  const y = clamp(ops, x, end);
  const z = ops.mul(y, y);
  return clamp(ops, ops.div(ops.mul(y, polynomial(ops, z, p)), polynomial(ops, z, q)), 1);
};
