/** Quantiles of mixtures: between the smallest and the largest of the components' at the same probability. */
import { cast, full, max, min, type Tensor } from "../tensor/index.ts";
import type { Cumulative } from "./cumulative.ts";
import type { Distribution } from "./distribution.ts";
import { quantileOf, type Searched, searchCounts, searchReals, tailsFrom } from "./quantile-search.ts";

/** Whether a family has a density or masses on whole numbers, and not single real values with a probability of their own. */
export const isSearchable = ({ isDiscrete, hasAtoms }: Distribution): boolean => isDiscrete || !hasAtoms;

/**
 * The quantiles of a mixture.
 *
 * @param of the mixture's own distribution function and density
 * @param each all components' quantiles of a probability, along a last axis
 */
export function mixtureQuantiles(
  of: Searched,
  each: (l: Tensor, which: "logIcdf" | "logIsf") => Tensor,
  { isDiscrete, floatDType }: Distribution,
): Pick<Cumulative, "logIcdf" | "logIsf" | "reach"> {
  const quantile = (l: Tensor, upper: boolean): Tensor => {
    const p = tailsFrom(l, upper);
    const all = cast(quantileOf(each, p), l.dtype);
    const bracket = { low: min(all, -1), high: max(all, -1) };
    return isDiscrete ? searchCounts(of, p, bracket) : searchReals(of, p, bracket);
  };
  return {
    logIcdf: (l) => quantile(l, false),
    logIsf: (l) => quantile(l, true),
    reach: () => {
      const end = (l: number): Tensor => cast(each(full([], l, floatDType), "logIcdf"), floatDType);
      return { low: min(end(Number.NEGATIVE_INFINITY), -1), high: max(end(0), -1) };
    },
  };
}
