import { UsageError } from "../../errors.ts";
import { anything, checkOptions, type OptionRules } from "../../options.ts";
import type { Program } from "../../program/index.ts";
import { type Sampler, sampler } from "./sampler.ts";

/** Options of {@link nuts}: the shape of a trajectory. */
export interface NutsOptions {
  /** Largest number of doublings of a trajectory; 10 allow 2^10 − 1 gradients. Default 10. */
  readonly maxTreeDepth?: number;
}

const nutsRules: OptionRules<NutsOptions> = {
  maxTreeDepth: anything,
};

/**
 * The no-U-turn sampler (Hoffman and Gelman 2014): draws from the posterior of any program with continuous latent sites, finite sites
 * summed out. Multinomial trajectories with the generalised U-turn criterion (Betancourt 2017); step size by dual averaging; a diagonal
 * or dense metric from Stan's warm-up windows.
 *
 * It works in unconstrained coordinates, in double precision: on the host executor up to about 10,000 element operations per gradient,
 * natively above that (unless `executor` says otherwise). The same seed gives the same draws, whatever the number of workers.
 *
 * Check `summary(…)` before you trust the draws: R̂ below 1.01, a few hundred effective draws, no divergences. Trajectories diverge where the
 * posterior's scale changes within it (a scale near zero above its own sites: draw the sites as z ~ Normal(0, 1) and compute
 * mu + tau · z). R̂ shows when chains found different modes; nothing shows a mode that no chain found.
 *
 * @example
 * const posterior = await nuts(coin).run([flips], { chains: 4, draws: 1000, seed: 0 });
 * posterior.values.get("p"); // [4, 1000]
 * console.log(summaryText(summary(posterior)));
 *
 * @throws UsageError when an option is out of range, or the program has no unconstrained density (see `unconstrainedDensity`).
 */
export function nuts<A extends readonly unknown[]>(
  program: Program<A>,
  options: NutsOptions = {},
): Sampler<A> {
  checkOptions("nuts", options, nutsRules);
  const { maxTreeDepth = 10 } = options;
  if (!Number.isInteger(maxTreeDepth) || maxTreeDepth < 1 || maxTreeDepth > 20) {
    throw new UsageError(`nuts: maxTreeDepth must be a whole number from 1 to 20, found ${maxTreeDepth}.`);
  }
  return sampler(program, { name: "nuts", maxTreeDepth });
}
