import type { EstimatorDefinition } from "./estimator.ts";
import { withoutPath } from "./pathwise.ts";

/**
 * Pathwise, without the score term of log q (Roeder et al. 2017). If the guide is the posterior, the gradient has no noise. Unbiased for the
 * ELBO, biased for the importance-weighted bound.
 */
export const stickingTheLanding: EstimatorDefinition<"sticking-the-landing"> = {
  name: "sticking-the-landing",
  pathwise: true,
  holdsLogProb: true,
  settings: [],
  unsuited: (distribution) => withoutPath(distribution, '"sticking-the-landing"'),
  draw: ({ distribution, noise }) => ({ value: distribution.sample(noise) }),
  elbo: {},
  importanceWeighted: {},
  control: () => "none",
};
