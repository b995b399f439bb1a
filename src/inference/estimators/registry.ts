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
 * - `sticking-the-landing`: pathwise, without the score term of log q (Roeder et al. 2017): where the guide is the posterior no noise
 *   is left. Unbiased for the ELBO; biased for the importance-weighted bound.
 * - `doubly-reparameterised`: the unbiased form of it for the importance-weighted bound (Tucker et al. 2019). For the ELBO the two
 *   are the same.
 * - `enumeration`: all values of a finite site, weighted by their probabilities; exact. Under the ELBO alone.
 * - `score`: the score function ∇ log q weighted by the cost that depends on the site (Williams 1992; Ranganath et al. 2014).
 * - `rebar`, `relax`: the score function with a control variate from a continuous relaxation, its temperature and strength learnt
 *   with the rest to lower the variance (Tucker et al. 2017; Grathwohl et al. 2018). Under the ELBO alone.
 * - `gumbel-softmax`: the relaxation in place of the draw (Maddison et al. 2017; Jang et al. 2017). Biased: what it climbs is
 *   another function, which nears the bound as the temperature falls while the gradient's variance grows.
 */
export type Estimator = (typeof estimators)[number]["name"];

/** In the order in which they are tried where the user asks for none. */
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

/** The definition of a site's estimator. @throws UsageError when there is none of that name. */
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
