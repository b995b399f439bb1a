import { InternalError } from "../errors.ts";
import { anything, checkOptions, given, type OptionRules, required } from "../options.ts";
import { sqrt, square } from "../tensor/index.ts";
import {
  type Optimizer,
  type OptimizerOptions,
  penalised,
  requireSetting,
  resolveGroups,
} from "./optimizer.ts";

export interface RmspropOptions extends OptimizerOptions {
  /** Decay of the mean square, in [0, 1). Default 0.99. */
  readonly alpha?: number;
  /** Added to the root of the mean square. Default 1e-8. */
  readonly epsilon?: number;
  /** Momentum, in [0, 1). Default 0. */
  readonly momentum?: number;
}

const rules: OptionRules<RmspropOptions> = {
  alpha: anything,
  epsilon: anything,
  momentum: anything,
  learningRate: required(given("a number above 0, or a schedule")),
  weightDecay: anything,
  groups: anything,
};

/**
 * RMSProp (Tieleman and Hinton, Coursera "Neural networks for machine learning", lecture 6.5, 2012):
 * s ← αs + (1-α)g², p ← p - η·g / (√s + ε); with momentum μ, b ← μb + g / (√s + ε) and p ← p - ηb. Weight decay
 * λ is an L2 penalty: the gradient becomes g + λp.
 *
 * @throws UsageError when an option is out of its range.
 */
export const rmsprop = (options: RmspropOptions): Optimizer => {
  checkOptions("rmsprop", options, rules);
  const { alpha = 0.99, epsilon = 1e-8, momentum = 0 } = options;
  requireSetting("rmsprop", "alpha", alpha, alpha >= 0 && alpha < 1, "in [0, 1)");
  requireSetting("rmsprop", "epsilon", epsilon, epsilon > 0, "positive");
  requireSetting("rmsprop", "momentum", momentum, momentum >= 0 && momentum < 1, "in [0, 1)");
  return {
    name: "rmsprop",
    moments: momentum === 0 ? ["square"] : ["square", "momentum"],
    groups: resolveGroups("rmsprop", options),
    update: (kernels, range, { learningRate, weightDecay, gradientScale }) => {
      const { parameters, gradients, count } = range;
      const [square, buffer] = range.moments;
      if (square === undefined) throw new InternalError("rmsprop needs a moment");
      if (buffer === undefined) {
        const finite = kernels.rmsprop(
          parameters,
          gradients,
          square,
          count,
          learningRate,
          alpha,
          1 - alpha,
          epsilon,
          weightDecay,
          gradientScale,
        );
        return finite === 1;
      }
      const finite = kernels.rmspropMomentum(
        parameters,
        gradients,
        square,
        buffer,
        count,
        learningRate,
        alpha,
        1 - alpha,
        epsilon,
        momentum,
        weightDecay,
        gradientScale,
      );
      return finite === 1;
    },
    expression: {
      numbers: ({ learningRate }) => [learningRate],
      next: ({ parameters, moments: [squares, buffer] }, gradients, [rate], weightDecay) => {
        const g = penalised(gradients, parameters, weightDecay);
        const s = squares.mul(alpha).add(square(g).mul(1 - alpha));
        const step = g.div(sqrt(s).add(epsilon));
        if (momentum === 0) return { parameters: parameters.sub(rate.mul(step)), moments: [s] };
        const b = buffer.mul(momentum).add(step);
        return { parameters: parameters.sub(rate.mul(b)), moments: [s, b] };
      },
    },
  };
};
