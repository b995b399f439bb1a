import type { ComparedParameter, Comparison } from "./compare.ts";

/** Standard errors that a mean or a standard deviation may be off. A normal z passes it with probability 6.3e-5. */
export const LIMIT = 4;
const BEYOND_LIMIT = 6.334e-5;

/** √ of the mean square. */
export const rms = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

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

/** Root mean square z over all parameters of all posteriors: 1 where both sides and their errors are right. */
export function pooled(comparisons: readonly Comparison[]): { readonly mean: number; readonly sd: number } {
  const parameters = comparisons.flatMap((c) => c.parameters);
  return { mean: rms(parameters.map((p) => p.zMean)), sd: rms(parameters.map((p) => p.zSd)) };
}
