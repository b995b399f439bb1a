import type { EstimatorDefinition } from "./estimator.ts";
import { relax, withoutRelaxation } from "./relaxation.ts";

/**
 * Replaces the draw by its relaxation (Maddison et al. 2017; Jang et al. 2017). Biased: it maximises another function, which approaches
 * the bound as the temperature falls, while the gradient's variance grows.
 */
export const gumbelSoftmax: EstimatorDefinition<"gumbel-softmax"> = {
  name: "gumbel-softmax",
  pathwise: true,
  settings: ["temperature"],
  unsuited: (distribution) => withoutRelaxation(distribution, "gumbel-softmax"),
  draw({ distribution, noise, choice }) {
    const relaxation = relax(noise, distribution);
    const value = relaxation.soften(relaxation.z, choice.temperature ?? 0.5);
    return { value, logProb: relaxation.logProb(value), relaxation };
  },
  elbo: {},
  importanceWeighted: {},
  control: () => "none",
};
