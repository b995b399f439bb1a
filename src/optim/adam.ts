import { InternalError } from "../errors.ts";
import type { Kernels } from "../kernels/index.ts";
import { anything, checkOptions, given, type OptionRules, required } from "../options.ts";
import { sqrt, square } from "../tensor/index.ts";
import {
  type Optimizer,
  type OptimizerOptions,
  penalised,
  requireSetting,
  resolveGroups,
  type UpdateExpression,
  type UpdateRange,
  type UpdateSettings,
} from "./optimizer.ts";

export interface AdamOptions extends OptimizerOptions {
  /** Decay of the first moment, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** Decay of the second moment, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the second moment. Default 1e-8. */
  readonly epsilon?: number;
}

const rules: OptionRules<AdamOptions> = {
  beta1: anything,
  beta2: anything,
  epsilon: anything,
  learningRate: required(given("a number above 0, or a schedule")),
  weightDecay: anything,
  groups: anything,
};

/** Adam's step, shared with AdamW; the two differ only in how weight decay is applied. */
export const adamFamily = (
  name: string,
  options: AdamOptions,
  decayOf: (settings: UpdateSettings) => { readonly l2: number; readonly decay: number },
): Optimizer => {
  checkOptions(name, options, rules);
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  requireSetting(name, "beta1", beta1, beta1 >= 0 && beta1 < 1, "in [0, 1)");
  requireSetting(name, "beta2", beta2, beta2 >= 0 && beta2 < 1, "in [0, 1)");
  requireSetting(name, "epsilon", epsilon, epsilon > 0, "positive");
  const update = (kernels: Kernels, range: UpdateRange, settings: UpdateSettings): boolean => {
    const [first, second] = range.moments;
    if (first === undefined || second === undefined) throw new InternalError(`${name} needs two moments`);
    const t = settings.step + 1;
    const correction2 = Math.sqrt(1 - beta2 ** t);
    const { l2, decay } = decayOf(settings);
    const finite = kernels.adam(
      range.parameters,
      range.gradients,
      first,
      second,
      range.count,
      beta1,
      1 - beta1,
      beta2,
      1 - beta2,
      (settings.learningRate * correction2) / (1 - beta1 ** t),
      epsilon * correction2,
      l2,
      decay,
      settings.gradientScale,
    );
    return finite === 1;
  };
  const expression: UpdateExpression = {
    numbers: (settings) => {
      const t = settings.step + 1;
      const correction2 = Math.sqrt(1 - beta2 ** t);
      return [
        (settings.learningRate * correction2) / (1 - beta1 ** t),
        epsilon * correction2,
        decayOf(settings).decay,
      ];
    },
    next: ({ parameters, moments: [first, second] }, gradients, [rate, floor, decay], weightDecay) => {
      const { l2 } = decayOf({ step: 0, learningRate: 0, weightDecay, gradientScale: 1 });
      const g = penalised(gradients, parameters, l2);
      const m = first.mul(beta1).add(g.mul(1 - beta1));
      const v = second.mul(beta2).add(square(g).mul(1 - beta2));
      const kept = weightDecay === 0 || l2 !== 0 ? parameters : parameters.mul(decay);
      return { parameters: kept.sub(rate.mul(m).div(sqrt(v).add(floor))), moments: [m, v] };
    },
  };
  return { name, moments: ["first", "second"], groups: resolveGroups(name, options), update, expression };
};

/**
 * Adam (Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1):
 *
 * m ← β₁m + (1-β₁)g,  v ← β₂v + (1-β₂)g²,  p ← p - η·m̂ / (√v̂ + ε),  with m̂ = m/(1-β₁ᵗ) and v̂ = v/(1-β₂ᵗ).
 *
 * Weight decay λ is an L2 penalty: the gradient becomes g + λp. For decoupled decay use {@link adamw}.
 *
 * ```ts
 * const optimizer = adam({ learningRate: 1e-3, groups: [{ match: /bias$/, weightDecay: 0 }], weightDecay: 1e-4 });
 * ```
 *
 * @throws UsageError when an option is out of its range.
 */
export const adam = (options: AdamOptions): Optimizer =>
  adamFamily("adam", options, ({ weightDecay }) => ({ l2: weightDecay, decay: 1 }));
