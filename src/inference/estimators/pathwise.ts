import type { Distribution } from "../../distributions/index.ts";
import type { EstimatorDefinition } from "./estimator.ts";

/** Why there is no path through a draw of this distribution. */
export const withoutPath = ({ name, reparameterised }: Distribution, gradient: string): string | undefined =>
  reparameterised ? undefined : `${name} is not reparameterised, so there is no ${gradient} gradient`;

/** The draw is a differentiable function of the guide's parameters and of noise (Kingma and Welling 2014). */
export const pathwise: EstimatorDefinition<"pathwise"> = {
  name: "pathwise",
  pathwise: true,
  settings: [],
  unsuited: (distribution) => withoutPath(distribution, "pathwise"),
  automatic: ({ name, reparameterised }) => (reparameterised ? `${name} is reparameterised` : undefined),
  draw: ({ distribution, noise }) => distribution.sampleAndLogProb(noise),
  elbo: {},
  importanceWeighted: {},
  control: () => "none",
};
