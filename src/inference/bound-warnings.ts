/** What the bound's estimates say about a run of steps: whether it had arrived when it stopped. */

import type { GuideStart } from "./guides/start.ts";

const meanOf = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, v) => sum + v, 0) / values.length;

/** Variance of the mean of values of which neighbours are alike: that of the means of ten parts. */
function varianceOfMean(values: Float64Array): number {
  const length = Math.floor(values.length / 10);
  const parts = Array.from({ length: 10 }, (_, i) => meanOf(values.subarray(i * length, (i + 1) * length)));
  const centre = meanOf(parts);
  return parts.reduce((sum, v) => sum + (v - centre) ** 2, 0) / 90;
}

const nats = (value: number): string => `${Number(value.toPrecision(2))} nats`;

const WAYS =
  " Steps have the same length for all parameters: bring data to units in which they are of order one (subtract their mean, divide by their " +
  "standard deviation), give the program priors to match, or fit with laplace, pathfinder or nuts, which find the scales themselves.";

/**
 * Warnings about the bound's estimates at the steps of a run. Fewer than 200 steps tell nothing.
 *
 * The bound still rises if it does so between the last two tenths of the steps, by more than 1 nat and 5 standard errors. The steps do
 * not fit if estimates from the same data vary by more than 5 nats and 3 √ of the number of parameters: about a fitted guide they vary
 * by about the √ of its dimension.
 *
 * @param run `parameters`: their number; `sameData`: whether every step sees the same data; `start`: how the guide started
 */
export function boundWarnings(
  elbo: Float64Array,
  {
    parameters,
    sameData,
    start,
  }: { readonly parameters: number; readonly sameData: boolean; readonly start: GuideStart },
): string[] {
  const tenth = Math.floor(elbo.length / 10);
  if (tenth < 20) return [];
  const last = elbo.subarray(elbo.length - tenth);
  const before = elbo.subarray(elbo.length - 2 * tenth, elbo.length - tenth);
  const rise = meanOf(last) - meanOf(before);
  const error = Math.sqrt(varianceOfMean(last) + varianceOfMean(before));
  const found: string[] = [];
  const ways = start.near
    ? ""
    : `${WAYS}${start.because === undefined ? "" : ` The guide started at its initial values: ${start.because}`}`;
  if (rise > Math.max(1, 5 * error)) {
    found.push(
      `The bound still rose by ${nats(rise)} over the last ${tenth} of ${elbo.length} steps: the guide is not fitted. Take more ` +
        `steps, or longer ones (optimizer: adam({ learningRate: 0.1 })).${ways}`,
    );
  }
  // From one step to the next, so that a rise is not counted as noise.
  const changes = last.subarray(1).map((v, i) => (v - last[i]) ** 2 / 2);
  const spread = Math.sqrt(meanOf(changes));
  if (sameData && spread > Math.max(5, 3 * Math.sqrt(parameters))) {
    found.push(
      `The bound's estimates vary by ${nats(spread)} from step to step, with ${parameters} parameters: the guide is not fitted, or lies ` +
        `where the density falls steeply.${ways === "" ? " Take shorter steps (optimizer: adam({ learningRate: 0.001 }))." : ways}`,
    );
  }
  return found;
}
