import { UsageError } from "../errors.ts";
import { anything, callback, checkOptions, type OptionRules, whole } from "../options.ts";
import { type Handler, handled, type Program } from "../program/index.ts";
import { checkSeed } from "../random/index.ts";
import { erfcOfNumber, input, type Tensor } from "../tensor/index.ts";
import { elementNames } from "./element-names.ts";
import { essBulk } from "./mcmc/diagnostics.ts";
import { runChain } from "./mcmc/run-chain.ts";
import { vector } from "./mcmc/vectors.ts";
import { predictive } from "./predictive.ts";
import { startingPoint } from "./starting-point.ts";
import { type UnconstrainedDensity, unconstrainedDensity } from "./unconstrained-density.ts";

/** The number of simulated data sets, and the sampler of their posteriors. */
export interface CalibrationOptions {
  /** Number of simulated data sets, each with its own posterior. Default 256. */
  readonly simulations?: number;
  /** L: independent draws of each posterior, against which the truth is ranked. Default 31: ranks from 0 to 31. */
  readonly draws?: number;
  /** Seed of the simulated data and of the draws. Default 0. */
  readonly seed?: number;
  /**
   * Draws from the posterior of the data that the density holds, as unconstrained coordinates [draws, dimension], close to independent.
   * Default: one NUTS chain, thinned (`nutsPosterior`). Give another to calibrate another algorithm.
   */
  readonly posterior?: PosteriorSampler;
  /** Called after each simulation. */
  readonly onProgress?: (done: number, total: number) => void;
}

const calibrationRules: OptionRules<CalibrationOptions> = {
  simulations: whole(1),
  draws: whole(1),
  seed: anything,
  posterior: callback,
  onProgress: callback,
};

/** An algorithm under calibration. */
export type PosteriorSampler = (
  density: UnconstrainedDensity,
  options: { readonly draws: number; readonly seed: number; readonly simulation: number },
) => Promise<Float64Array>;

/** Ranks of true numbers among posterior draws. */
export interface CalibrationRanks {
  /** L. */
  readonly draws: number;
  /** For each number of the program and each simulation, how many of the L draws are below the truth. */
  readonly ranks: ReadonlyMap<string, Int32Array>;
}

/** Whether ranks are uniform. */
export interface RankTest {
  readonly name: string;
  /** Ranks in each of equally wide bins. */
  readonly counts: readonly number[];
  readonly chiSquared: number;
  readonly degrees: number;
  /** Probability of a larger χ² if the ranks were uniform. */
  readonly pValue: number;
}

/** Longest chain tried for one posterior, as draws per kept draw. */
const LONGEST = 128;

/**
 * One NUTS chain for each posterior, extended until its smallest effective sample size is the number of draws needed, then thinned to that
 * number (Talts et al. 2018, algorithm 2).
 */
export const nutsPosterior =
  ({ warmUp = 200, targetAcceptance = 0.8 } = {}): PosteriorSampler =>
  async (density, { draws, seed, simulation }) => {
    const { q, logDensity, gradient } = await startingPoint(density, {
      seed,
      attempt: simulation,
      compares: true,
    });
    const { dimension } = density;
    for (let thin = 4; ; thin *= 2) {
      const { coordinates } = await runChain(density.logDensityAndGradient, {
        kernel: { name: "nuts", maxTreeDepth: 10 },
        settings: { seed, chain: simulation, warmUp, targetAcceptance, metric: "diagonal" },
        draws: draws * thin,
        start: { q: vector(q), logDensity, gradient: vector(gradient) },
      });
      const worth = Array.from({ length: dimension }, (_, j) =>
        essBulk(
          Float64Array.from({ length: draws * thin }, (_, i) => coordinates[i * dimension + j]),
          1,
        ),
      );
      if (Math.min(...worth) < draws && thin < LONGEST) continue;
      const kept = new Float64Array(draws * dimension);
      for (let i = 0; i < draws; i++) {
        const at = ((i + 1) * thin - 1) * dimension;
        kept.set(coordinates.subarray(at, at + dimension), i * dimension);
      }
      return kept;
    }
  };

/**
 * Simulation-based calibration (Talts, Betancourt, Simpson, Vehtari and Gelman 2018): parameters from the prior, data from the parameters,
 * draws from the posterior of the data. If the algorithm (and the program) is right, the rank of each true number among its L draws is
 * uniform on 0, …, L. A hump in the histogram means that the posterior is too wide, a bowl that it is too narrow, a slope that it is
 * shifted. Costs `simulations` runs of the algorithm; the density is compiled once and fed each data set.
 *
 * Only the shapes of the program's observed values are used. `factor` terms are refused, because they cannot be simulated.
 *
 * @example
 * const calibration = await simulationBasedCalibration(coin, [flips], { simulations: 256, seed: 0 });
 * rankTests(calibration).map(({ name, pValue }) => `${name}: ${pValue.toFixed(3)}`);
 *
 * @throws UsageError when an option is out of range, the program has a factor, or has no unconstrained density.
 */
export async function simulationBasedCalibration<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: CalibrationOptions = {},
): Promise<CalibrationRanks> {
  checkOptions("calibration", options, calibrationRules);
  const { simulations = 256, draws = 31, seed = 0, posterior = nutsPosterior(), onProgress } = options;
  checkSeed(seed);
  const simulated = await predictive(program, args, { draws: simulations, seed });
  const data = new Map<Tensor, Float64Array>();
  const leaves = new Map<string, Tensor>();
  // One leaf for each observed site, however often the program is traced.
  const feed: Handler = (message, next) => {
    if (message.kind !== "observe" || message.value === undefined) return next(message);
    const { name, distribution, value } = message;
    if (distribution.name === "Factor") {
      throw new UsageError(
        `calibration: factor '${name}' cannot be simulated; write it as an observed site.`,
      );
    }
    const leaf = leaves.get(name) ?? input(name, value.shape, value.dtype);
    leaves.set(name, leaf);
    data.set(leaf, data.get(leaf) ?? new Float64Array(leaf.size));
    return next({ ...message, value: leaf });
  };
  const density = await unconstrainedDensity(handled(program, feed), args, { data });
  const ranks = new Map<string, Int32Array>();
  for (let s = 0; s < simulations; s++) {
    for (const [name, leaf] of leaves) {
      const all = simulated.get(name)?.data ?? [];
      data.get(leaf)?.set(Array.from({ length: leaf.size }, (_, i) => Number(all[s * leaf.size + i])));
    }
    const coordinates = await posterior(density, { draws, seed, simulation: s });
    for (const [site, { shape, data: values }] of density.constrainAll(coordinates, [draws])) {
      const truths = simulated.get(site)?.data ?? [];
      const names = elementNames(site, shape.slice(1));
      names.forEach((name, j) => {
        const truth = Number(truths[s * names.length + j]);
        let below = 0;
        for (let i = 0; i < draws; i++) if (Number(values[i * names.length + j]) < truth) below++;
        const all = ranks.get(name) ?? new Int32Array(simulations);
        all[s] = below;
        ranks.set(name, all);
      });
    }
    onProgress?.(s + 1, simulations);
  }
  return { draws, ranks };
}

/**
 * χ² tests of uniform ranks, one for each number. Expect one in a hundred p-values below 0.01: with many numbers, divide the level.
 *
 * @param bins must divide L + 1; the default is the largest number with at least 5 expected ranks each
 * @throws UsageError when it does not.
 */
export function rankTests({ draws, ranks }: CalibrationRanks, bins?: number): RankTest[] {
  return [...ranks].map(([name, found]) => {
    const count = bins ?? mostBins(draws + 1, found.length / 5);
    const width = (draws + 1) / count;
    if (!Number.isInteger(width) || count < 2) {
      throw new UsageError(
        `rankTests: bins must be at least 2 and divide the ${draws + 1} possible ranks, found ${count}.`,
      );
    }
    const counts = new Array<number>(count).fill(0);
    for (const rank of found) counts[Math.floor(rank / width)]++;
    const expected = found.length / count;
    const chiSquared = counts.reduce((s, c) => s + (c - expected) ** 2 / expected, 0);
    return { name, counts, chiSquared, degrees: count - 1, pValue: chiSquaredTail(chiSquared, count - 1) };
  });
}

function mostBins(ranks: number, limit: number): number {
  let best = 1;
  for (let n = 2; n <= Math.min(ranks, limit); n++) if (ranks % n === 0) best = n;
  return best;
}

/** P(χ² > x) for a whole number of degrees, by its finite sum (Abramowitz and Stegun 26.4.4 and 26.4.5). */
export function chiSquaredTail(x: number, degrees: number): number {
  const odd = degrees % 2 === 1;
  let term = odd ? Math.sqrt((2 * x) / Math.PI) : 1;
  let total = 0;
  for (let k = odd ? 3 : 2; k <= degrees; k += 2) {
    total += term;
    term *= x / k;
  }
  return (odd ? erfcOfNumber(Math.sqrt(x / 2)) : 0) + Math.exp(-x / 2) * total;
}
