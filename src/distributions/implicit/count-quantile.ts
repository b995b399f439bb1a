/** Quantiles of counts, by a search on the host for the smallest one whose distribution function is large enough. */
import { defineOp, type Tensor } from "../../tensor/index.ts";
import { logIncompleteBeta } from "./incomplete-beta-numbers.ts";
import { logIncompleteGamma } from "./incomplete-gamma-numbers.ts";
import { inJointShape, sideBySide } from "./side-by-side.ts";

/** Counts whose distribution functions are known, by their two parameters. */
const families = {
  /** Its rate twice. */
  poisson: (rate: number) => ({
    mean: rate,
    last: Number.POSITIVE_INFINITY,
    at: (k: number) => {
      const { lower, upper } = logIncompleteGamma(k + 1, rate);
      return { lower: upper, upper: lower };
    },
  }),
  /** Number of trials, and log odds of what is counted. */
  binomial: (total: number, logit: number) => ({
    mean: total / (1 + Math.exp(-logit)),
    last: total,
    at: (k: number) => logIncompleteBeta(total - k, k + 1, -logit),
  }),
  /** Number of the other outcome, and log odds of what is counted. */
  negativeBinomial: (total: number, logit: number) => ({
    mean: total * Math.exp(logit),
    last: Number.POSITIVE_INFINITY,
    at: (k: number) => logIncompleteBeta(total, k + 1, -logit),
  }),
} as const;

/** Larger whole numbers are not all float64 numbers. */
const LARGEST = 2 ** 53;

/** The smallest k with ln P(X ≤ k) ≥ l, or with ln P(X > k) ≤ l if `upper`. */
function search(
  { mean, last, at }: ReturnType<(typeof families)[keyof typeof families]>,
  l: number,
  upper: boolean,
): number {
  if (Number.isNaN(mean) || Number.isNaN(l)) return Number.NaN;
  const end = Math.min(last, LARGEST);
  const enough = (k: number): boolean => k >= last || (upper ? at(k).upper <= l : at(k).lower >= l);
  // `low` is too small, or −1; `high` is enough.
  let [low, high] = [-1, Math.min(Math.floor(mean), end)];
  for (let step = 1; high < end && !enough(high); step *= 2) [low, high] = [high, Math.min(high + step, end)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

type QuantileAttributes = { readonly family: keyof typeof families; readonly upper: boolean };

/** The op of this file. */
export const countQuantileOp = defineOp<QuantileAttributes, [Tensor, Tensor, Tensor]>({
  name: "countQuantile",
  ...sideBySide("countQuantile"),
  derivative: () => [undefined, undefined, undefined],
  host: {
    kernel: (node) => {
      const { family, upper } = node.attributes;
      return (out, one, two, l) => {
        for (let i = 0; i < out.length; i++) out[i] = search(families[family](one[i], two[i]), l[i], upper);
      };
    },
  },
  native: {
    unsupported:
      "the quantile of a count is found by a search of unknown length, which a native graph cannot make",
  },
  cases: [],
});

/** The quantile of a count at ln P(X ≤ k) = l, or at ln P(X > k) = l if `upper`. On the host executor alone; it has no derivatives. */
export function countQuantile(
  family: QuantileAttributes["family"],
  one: Tensor,
  two: Tensor,
  l: Tensor,
  upper: boolean,
): Tensor {
  return countQuantileOp(inJointShape("count quantile", one, two, l), { family, upper });
}
