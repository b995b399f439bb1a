import { InternalError, UsageError } from "../errors.ts";
import { anything, checkOptions, given, type OptionRules, required } from "../options.ts";
import {
  type Optimizer,
  type OptimizerOptions,
  penalised,
  requireSetting,
  resolveGroups,
} from "./optimizer.ts";

export interface SgdOptions extends OptimizerOptions {
  /** Momentum, in [0, 1). Default 0: plain gradient descent, which keeps no moment. */
  readonly momentum?: number;
  /** Nesterov's variant: look ahead along the momentum. Default false. */
  readonly nesterov?: boolean;
}

const rules: OptionRules<SgdOptions> = {
  momentum: anything,
  nesterov: anything,
  learningRate: required(given("a number above 0, or a schedule")),
  weightDecay: anything,
  groups: anything,
};

/**
 * Stochastic gradient descent. With momentum μ (Polyak, 1964): b ← μb + g, p ← p - ηb. Nesterov's variant steps
 * along g + μb (Sutskever, Martens, Dahl and Hinton, ICML 2013). Weight decay λ is an L2 penalty: the gradient becomes
 * g + λp.
 *
 * @throws UsageError when an option is out of its range, or `nesterov` is true without momentum.
 */
export const sgd = (options: SgdOptions): Optimizer => {
  checkOptions("sgd", options, rules);
  const { momentum = 0, nesterov = false } = options;
  requireSetting("sgd", "momentum", momentum, momentum >= 0 && momentum < 1, "in [0, 1)");
  if (nesterov && momentum === 0) {
    throw new UsageError("sgd: nesterov needs momentum, found momentum 0; set momentum, for example to 0.9");
  }
  return {
    name: "sgd",
    moments: momentum === 0 ? [] : ["momentum"],
    groups: resolveGroups("sgd", options),
    update: (kernels, range, { learningRate, weightDecay, gradientScale }) => {
      const { parameters, gradients, count } = range;
      if (momentum === 0) {
        return kernels.sgd(parameters, gradients, count, learningRate, weightDecay, gradientScale) === 1;
      }
      const [buffer] = range.moments;
      if (buffer === undefined) throw new InternalError("sgd with momentum needs one moment");
      const finite = kernels.sgdMomentum(
        parameters,
        gradients,
        buffer,
        count,
        learningRate,
        momentum,
        nesterov ? 1 : 0,
        weightDecay,
        gradientScale,
      );
      return finite === 1;
    },
    expression: {
      numbers: ({ learningRate }) => [learningRate],
      next: ({ parameters, moments: [buffer] }, gradients, [rate], weightDecay) => {
        const g = penalised(gradients, parameters, weightDecay);
        if (momentum === 0) return { parameters: parameters.sub(rate.mul(g)), moments: [] };
        const b = buffer.mul(momentum).add(g);
        const along = nesterov ? g.add(b.mul(momentum)) : b;
        return { parameters: parameters.sub(rate.mul(along)), moments: [b] };
      },
    },
  };
};
