/** All gradient estimators. */
import { UsageError } from "../../errors.ts";
import { doublyReparameterised } from "./doubly-reparameterised.ts";
import { enumeration } from "./enumeration.ts";
import type { EstimatorDefinition } from "./estimator.ts";
import { gumbelSoftmax } from "./gumbel-softmax.ts";
import { pathwise } from "./pathwise.ts";
import { rebar, relax } from "./rebar.ts";
import { score } from "./score.ts";
import { stickingTheLanding } from "./sticking-the-landing.ts";

/**
 * - `pathwise`: the draw is a differentiable function of the guide's parameters and of noise (Kingma and Welling 2014).
 * - `sticking-the-landing`: pathwise, without the score term of log q (Roeder et al. 2017). If the guide is the posterior, the gradient has
 *   no noise. Unbiased for the ELBO; biased for the importance-weighted bound.
 * - `doubly-reparameterised`: its unbiased form for the importance-weighted bound (Tucker et al. 2019). For the ELBO the two
 *   are the same.
 * - `enumeration`: all values of a finite site, weighted by their probabilities; exact. Only under the ELBO.
 * - `score`: the score function ∇ log q, weighted by the cost that depends on the site (Williams 1992; Ranganath et al. 2014).
 * - `rebar`, `relax`: the score function with a control variate from a continuous relaxation, whose temperature and strength are learnt
 *   with the rest to lower the variance (Tucker et al. 2017; Grathwohl et al. 2018). Only under the ELBO.
 * - `gumbel-softmax`: the relaxation replaces the draw (Maddison et al. 2017; Jang et al. 2017). Biased: it maximises
 *   another function, which approaches the bound as the temperature falls, while the gradient's variance grows.
 */
export type Estimator = (typeof estimators)[number]["name"];

/** In the order in which they are tried if the user requests none. */
export const estimators = [
  pathwise,
  stickingTheLanding,
  doublyReparameterised,
  enumeration,
  score,
  rebar,
  relax,
  gumbelSoftmax,
] as const;

const byName: ReadonlyMap<string, EstimatorDefinition> = new Map(estimators.map((e) => [e.name, e]));

/** The definition of a site's estimator. @throws UsageError when there is none with that name. */
export function definitionOf({
  site,
  estimator,
}: {
  readonly site: string;
  readonly estimator: string;
}): EstimatorDefinition {
  const definition = byName.get(estimator);
  if (definition !== undefined) return definition;
  throw new UsageError(
    `site '${site}': there is no estimator "${estimator}"; there are ${[...byName.keys()].map((n) => `"${n}"`).join(", ")}.`,
  );
}
