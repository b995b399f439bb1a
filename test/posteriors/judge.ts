import type { ComparedParameter, Comparison } from "./compare.ts";

/** Standard errors that a mean or a standard deviation may be off. A normal z passes it with probability 6.3e-5. */
export const LIMIT = 4;
const BEYOND_LIMIT = 6.334e-5;

/** Probability that a right sampler has at least one of `n` independent z beyond the limit. */
export const falseAlarmRate = (n: number): number => 1 - (1 - BEYOND_LIMIT) ** n;

/** The larger of a parameter's two distances; a z that is not a number is infinitely far. */
export function worstOf({ zMean, zSd }: ComparedParameter): number {
  const worst = Math.max(Math.abs(zMean), Math.abs(zSd));
  return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst;
}

/** Parameters beyond the limit. */
export const outliers = (comparisons: readonly Comparison[]): string[] =>
  comparisons.flatMap(({ posterior, parameters }) =>
    parameters
      .filter((parameter) => worstOf(parameter) > LIMIT)
      .map(
        ({ name, zMean, zSd }) =>
          `${posterior} ${name}: z ${zMean.toFixed(1)} (mean), ${zSd.toFixed(1)} (sd)`,
      ),
  );

/** R̂ from which the chains have not found the same distribution: the standard errors then mean nothing. */
const UNMIXED = 1.05;

/** Posteriors whose chains disagree. */
export const unmixed = (comparisons: readonly Comparison[]): string[] =>
  comparisons.flatMap(({ posterior, rHat }) =>
    rHat < UNMIXED
      ? []
      : [`${posterior}: R̂ ${rHat.toFixed(2)}, the chains have not found the same distribution`],
  );

/** A root mean square, and its standard error. */
export interface RootMeanSquare {
  readonly value: number;
  readonly error: number;
}

/** Of groups of numbers; the error is the jackknife's over groups, since numbers of one group are not independent. */
export function rootMeanSquare(groups: readonly (readonly number[])[]): RootMeanSquare {
  const sums = groups.map((group) => group.reduce((sum, v) => sum + v * v, 0));
  const total = sums.reduce((a, b) => a + b, 0);
  const count = groups.reduce((n, group) => n + group.length, 0);
  const without = groups.map((group, i) => Math.sqrt((total - sums[i]) / (count - group.length)));
  const mean = without.reduce((a, b) => a + b, 0) / groups.length;
  const spread = without.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return {
    value: Math.sqrt(total / count),
    error: Math.sqrt(((groups.length - 1) / groups.length) * spread),
  };
}

/** Root mean square z over all parameters of all posteriors: 1 where both sides and their errors are right. */
export const pooled = (
  comparisons: readonly Comparison[],
): { readonly mean: RootMeanSquare; readonly sd: RootMeanSquare } => ({
  mean: rootMeanSquare(comparisons.map((c) => c.parameters.map((p) => p.zMean))),
  sd: rootMeanSquare(comparisons.map((c) => c.parameters.map((p) => p.zSd))),
});
