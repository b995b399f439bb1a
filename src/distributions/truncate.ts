import type { TensorLike } from "../tensor/index.ts";
import type { Distribution } from "./distribution.ts";
import { NormalDistribution } from "./normal.ts";
import { boundOf, checkedBase, TruncatedDistribution } from "./truncated.ts";
import { TruncatedNormalDistribution } from "./truncated-normal.ts";

/**
 * A distribution of numbers given that the value lies between two bounds, both included: its density is divided by the probability of the
 * interval. Either bound may be infinite. Bounds broadcast with the batch: give each row its own. For discrete families they are rounded
 * inwards to whole numbers.
 *
 * The probability comes from the tail that holds the interval, in logarithms, so bounds far out do no harm. If the
 * interval is narrow, with the probability ε, digits are lost as 1/ε, up to half of them; a narrower one takes the density at its middle. A normal base is integrated instead and loses none
 * ({@link TruncatedNormal}). Draws invert the distribution function and are differentiable in the base's parameters and the bounds.
 *
 * @example
 * await truncate(Exponential(1), 2).logProb(3).value(); // -1
 * const positive = truncate(Logistic(0, 1), 0);
 *
 * @throws ClosedFormError when the base has no distribution function; UsageError when it has no values between the bounds.
 */
export function truncate(
  distribution: Distribution,
  low: TensorLike = Number.NEGATIVE_INFINITY,
  high: TensorLike = Number.POSITIVE_INFINITY,
): TruncatedDistribution {
  const what = "truncate";
  const base = checkedBase(what, distribution);
  const [a, b] = [boundOf(what, "low", low, base), boundOf(what, "high", high, base)];
  return base instanceof NormalDistribution
    ? new TruncatedNormalDistribution(base, a, b)
    : new TruncatedDistribution(base, a, b);
}
