import { checkOptions, type OptionRules, positive } from "../../options.ts";
import type { Program } from "../../program/index.ts";
import { type Sampler, sampler } from "./sampler.ts";

/** Options of {@link hmc}: the shape of a trajectory. */
export interface HmcOptions {
  /** Mean length of a trajectory, in units of the posterior's scales, which warm-up learns. Default π / 2. */
  readonly time?: number;
}

const hmcRules: OptionRules<HmcOptions> = {
  time: positive,
};

/**
 * Hamiltonian Monte Carlo with trajectories of one mean length (Duane et al. 1987; Neal 2011), each drawn uniformly from zero to twice
 * that, because a fixed length can be near a period of a coordinate. Step size and metric are adapted as `nuts` does, which chooses
 * the length by itself and is the better default; use this for teaching, and for densities with a known good length.
 *
 * @example
 * const posterior = await hmc(coin).run([flips], { chains: 4, draws: 1000, seed: 0 });
 *
 * @throws UsageError when an option is out of range, or the program has no unconstrained density (see `unconstrainedDensity`).
 */
export function hmc<A extends readonly unknown[]>(program: Program<A>, options: HmcOptions = {}): Sampler<A> {
  checkOptions("hmc", options, hmcRules);
  const { time = Math.PI / 2 } = options;
  return sampler(program, { name: "hmc", time });
}
