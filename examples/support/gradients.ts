/** Statistics of an estimator's gradient: its mean and variance, with the parameters held fixed. */
import type { TrainStep } from "tightbound/optim";

export interface GradientMoments {
  /** For each component of the bound's gradient. */
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  /** Mean over the components. */
  readonly meanVariance: number;
}

/**
 * Draws the gradient of the bound many times. The step must not change these parameters: use a learning rate of 0.
 * @param names of the parameters; their components are concatenated
 * @param options.from the first step to draw at. Default 0
 * @param options.feed called before each draw, as in training
 */
export async function gradientMoments(
  step: TrainStep,
  names: readonly string[],
  draws: number,
  options: { readonly from?: number; readonly feed?: (step: TrainStep, index: number) => void } = {},
): Promise<GradientMoments> {
  const size = names.reduce((n, name) => n + step.value(name).length, 0);
  const mean = new Float64Array(size);
  const squares = new Float64Array(size);
  for (let i = 0; i < draws; i++) {
    const index = (options.from ?? 0) + i;
    options.feed?.(step, index);
    await step.run(index);
    let at = 0;
    for (const name of names) {
      for (const g of step.gradient(name)) {
        // Welford's recurrence. The step minimises, so its gradient is minus the bound's.
        const delta = -g - mean[at];
        mean[at] += delta / (i + 1);
        squares[at++] += delta * (-g - mean[at - 1]);
      }
    }
  }
  const variance = squares.map((s) => s / (draws - 1));
  return { mean, variance, meanVariance: variance.reduce((a, b) => a + b, 0) / size };
}
