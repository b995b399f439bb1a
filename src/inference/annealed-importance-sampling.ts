import { ArrayValue, type Executor } from "../compile/index.ts";
import { NonFiniteError, UsageError } from "../errors.ts";
import { alone, type Ranks } from "../mpi/index.ts";
import { anything, checkOptions, mapped, type OptionRules, whole } from "../options.ts";
import type { Program } from "../program/index.ts";
import type { Tensor, TypedArray } from "../tensor/index.ts";
import { emptyState, moveTo, noiseOf, pilot, type Settings, transition } from "./annealing/chains.ts";
import { type AnnealedPath, annealedPath } from "./annealing/path.ts";
import { shareOf } from "./annealing/share.ts";
import { checkSameProgram } from "./same-program.ts";
import { unconstrainedGraph } from "./unconstrained-graph.ts";

/** Inverse temperatures from 0 to 1. `sigmoid` places more of them near both ends (Wu et al. 2017). */
export type AnnealingSchedule = "linear" | "sigmoid" | readonly number[];

/** Options of {@link annealedImportanceSampling}. */
export interface AnnealingOptions<A extends readonly unknown[] = readonly unknown[]> {
  /** Number of steps from start to posterior, T. More steps give a tighter bound. Default 200. */
  readonly temperatures?: number;
  /** Default `sigmoid`. An array must have T + 1 inverse temperatures, rising from 0 to 1. */
  readonly schedule?: AnnealingSchedule;
  /** Number of independent chains, each with its own weight. Default 32. */
  readonly chains?: number;
  /** Leapfrog steps in each transition. Default 10. */
  readonly leapfrogs?: number;
  /** Mean acceptance probability. A pilot run adapts the step sizes to it. Default 0.8. */
  readonly targetAcceptance?: number;
  /** The guide at the start. Its sites must be the program's continuous ones, each with its own density. Default: the prior. */
  readonly guide?: Program<A>;
  /** Values of the parameters of program and guide, as returned by `svi(…).run`; all others have their initial values. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray>;
  /** Default `host`, in float64. `native` for networks and large data. */
  readonly executor?: Executor;
  /** Precision of the native executor. Default `float64`; `float32` is twice as fast, and its weights are accurate to about 10⁻⁴ nats. */
  readonly precision?: "float32" | "float64";
  /** Threads of the native executor. Default: one for each core. */
  readonly threads?: number;
  /** Seed of the chains' starting points and moves. Default 0. */
  readonly seed?: number;
  /**
   * Processes that share the chains, at least one each; see `connectRanks`. Every rank must make the same call, and gets the result of all
   * chains, that of one process. Default one process.
   */
  readonly ranks?: Ranks;
}

/** The option names of annealing. */
export const annealingRules: OptionRules<AnnealingOptions<readonly unknown[]>> = {
  temperatures: anything,
  schedule: anything,
  chains: whole(1),
  leapfrogs: whole(1),
  targetAcceptance: anything,
  guide: anything,
  parameters: mapped("values by parameter, such as the parameters of svi(…).run"),
  executor: anything,
  precision: anything,
  threads: whole(1),
  seed: whole(0),
  ranks: anything,
};

/** The result of annealing for one datum. */
export interface AnnealedDatum {
  /** log (1/chains) Σ w. */
  readonly logEvidence: number;
  readonly standardError: number;
  /** (Σ w)² / Σ w². */
  readonly effectiveSampleSize: number;
}

/** The result of annealed importance sampling. */
export interface AnnealingResult {
  /**
   * The estimate of log p(data), summed over the data that the program splits into. In expectation it is a lower bound if the chains run
   * forward, and an upper bound in reverse.
   */
  readonly logEvidence: number;
  /** Standard error of the estimate, by the delta method. It is too small if the effective sample size is small. */
  readonly standardError: number;
  /**
   * The mean log w, from single chains. Forward it is a lower bound of the log evidence in expectation; in reverse (mean of −log w) an upper
   * bound. `boundError` is its standard error. It is looser than `logEvidence`, but certain to be on its side of the truth.
   */
  readonly bound: number;
  readonly boundError: number;
  /** The smallest effective sample size over the data; at most `chains`. */
  readonly effectiveSampleSize: number;
  /** Results for each element of the plates that contain every random site; one result if there is no such plate. */
  readonly perDatum: readonly AnnealedDatum[];
  /** log w, [chains, …data]. */
  readonly logWeights: ArrayValue;
  /** Mean acceptance probability of the transitions. */
  readonly acceptance: number;
  /** The end points of the chains, [chains, …site] each. Forward, they are draws from the posterior if they are weighted. */
  readonly draws: ReadonlyMap<string, ArrayValue>;
  /** Says so if a few of at least 10 chains hold the weight; empty otherwise. */
  readonly warnings: readonly string[];
}

/** With an effective sample size below this share of the chains, a few of them make the estimate. */
const FEW = 0.1;

function weightWarnings(effective: number, chains: number, estimate: "low" | "high"): string[] {
  if (chains < 10 || effective >= FEW * chains) return [];
  return [
    `The weights of ${chains} chains are worth ${Number(effective.toPrecision(2))}: the estimate is that of a few chains, and far too ${estimate} as a rule. ` +
      "Take more temperatures, start from a fitted guide, or write the program so that no direction of its posterior is very narrow.",
  ];
}

/** The steepness of the sigmoid schedule, as in Wu et al. (2017). */
const STEEPNESS = 4;

/** T + 1 inverse temperatures from 0 to 1. @throws UsageError when there are none, or they do not rise from 0 to 1. */
export function inverseTemperatures(temperatures: number, schedule: AnnealingSchedule): readonly number[] {
  if (typeof schedule !== "string") {
    const last = schedule.length - 1;
    if (
      last < 1 ||
      schedule[0] !== 0 ||
      schedule[last] !== 1 ||
      schedule.some((b, i) => i > 0 && !(b > schedule[i - 1]))
    )
      throw new UsageError("annealing: a schedule's inverse temperatures must rise from 0 to 1.");
    return schedule;
  }
  if (!Number.isInteger(temperatures) || temperatures < 1) {
    throw new UsageError(
      `annealing: temperatures must be a whole number of at least 1, found ${temperatures}.`,
    );
  }
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const at = (x: number) =>
    schedule === "linear"
      ? x
      : (sigmoid(STEEPNESS * (2 * x - 1)) - sigmoid(-STEEPNESS)) / (sigmoid(STEEPNESS) - sigmoid(-STEEPNESS));
  return Array.from({ length: temperatures + 1 }, (_, t) => (t === temperatures ? 1 : at(t / temperatures)));
}

/** From the start to the posterior: w = Π f_t(q_{t−1}) / f_{t−1}(q_{t−1}). */
async function forward(path: AnnealedPath, settings: Settings): Promise<Run> {
  const steps = await pilot(path, settings);
  const { betas, seed } = settings;
  const noise = noiseOf(seed, "forward", path);
  const state = emptyState(path, await path.start(seed)());
  const logWeights = new Float64Array(path.rows);
  const accepted = new Float64Array(path.rows);
  for (let t = 1; t < betas.length; t++) {
    const increment = await moveTo(path, state, betas[t], betas[t - 1]);
    addTo(logWeights, increment);
    addTo(accepted, await transition(path, state, betas[t], steps[t], settings, noise));
  }
  return ended(path, { logWeights, accepted, q: state.q }, betas.length - 1);
}

/** From exact draws of the posterior back to the start. Each weight is the inverse of the one in the forward direction. */
async function backward(path: AnnealedPath, settings: Settings, from: Float64Array): Promise<Run> {
  const steps = await pilot(path, settings);
  const { betas, seed } = settings;
  const noise = noiseOf(seed, "reverse", path);
  const state = emptyState(path, from);
  const logWeights = new Float64Array(path.rows);
  const accepted = new Float64Array(path.rows);
  await moveTo(path, state, 1, 1);
  for (let t = betas.length - 1; t > 0; t--) {
    addTo(accepted, await transition(path, state, betas[t], steps[t], settings, noise));
    const increment = await moveTo(path, state, betas[t - 1], betas[t]);
    addTo(logWeights, increment);
  }
  return ended(path, { logWeights, accepted, q: state.q }, betas.length - 1);
}

/** What chains came to. */
interface Run {
  /** Of all chains. */
  readonly logWeights: Float64Array;
  readonly acceptance: number;
  /** The coordinates of this rank's chains. */
  readonly q: Float64Array;
}

const addTo = (sums: Float64Array, values: Float64Array): void => {
  for (let i = 0; i < sums.length; i++) sums[i] += values[i];
};

/** Brings together what each rank's chains came to. */
function ended(
  { share, rows }: AnnealedPath,
  { logWeights, accepted, q }: Record<"logWeights" | "accepted" | "q", Float64Array>,
  transitions: number,
): Run {
  const each = rows / share.own;
  return {
    logWeights: share.all(logWeights, each),
    acceptance: mean(share.all(accepted, each)) / transitions,
    q,
  };
}

const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;

/** log mean w of each datum, over its chains. */
function datumOf(
  logWeights: Float64Array,
  datum: number,
  { share, rows, name }: AnnealedPath,
): AnnealedDatum {
  const { chains } = share;
  const data = rows / share.own;
  const own = Float64Array.from({ length: chains }, (_, c) => logWeights[c * data + datum]);
  const top = own.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(top) || own.some(Number.isNaN)) {
    throw new NonFiniteError(
      `${name}: the log weights of ${data === 1 ? "the chains" : `datum ${datum}`} are not finite (the largest is ${top}): the data have ` +
        "density zero, or no density, everywhere the chains went. Check the data and the supports of the observed sites.",
    );
  }
  const weights = own.map((w) => Math.exp(w - top));
  const average = mean(weights);
  const variance = weights.reduce((a, w) => a + (w - average) ** 2, 0) / Math.max(1, chains - 1);
  const squares = weights.reduce((a, w) => a + w * w, 0);
  return {
    logEvidence: top + Math.log(average),
    standardError: Math.sqrt(variance / chains) / average,
    effectiveSampleSize: (chains * average) ** 2 / squares,
  };
}

async function resultOf(
  path: AnnealedPath,
  { logWeights, acceptance, q }: Run,
  sign: 1 | -1,
): Promise<AnnealingResult> {
  const { rows, share } = path;
  const { chains } = share;
  const data = rows / share.own;
  const totals = Float64Array.from({ length: chains }, (_, c) =>
    logWeights.subarray(c * data, (c + 1) * data).reduce((a, b) => a + b, 0),
  );
  const bound = mean(totals);
  const perDatum = Array.from({ length: data }, (_, i) => {
    const datum = datumOf(logWeights, i, path);
    return { ...datum, logEvidence: sign * datum.logEvidence };
  });
  const effectiveSampleSize = Math.min(...perDatum.map((d) => d.effectiveSampleSize));
  return {
    logEvidence: perDatum.reduce((n, d) => n + d.logEvidence, 0),
    standardError: Math.sqrt(perDatum.reduce((n, d) => n + d.standardError ** 2, 0)),
    bound: sign * bound,
    boundError: Math.sqrt(mean(totals.map((w) => (w - bound) ** 2)) / Math.max(1, chains - 1)),
    effectiveSampleSize,
    perDatum,
    logWeights: new ArrayValue([chains, ...path.data], "float64", logWeights),
    acceptance,
    draws: await path.constrain(q),
    warnings: weightWarnings(effectiveSampleSize, chains, sign === 1 ? "low" : "high"),
  };
}

async function prepare<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: AnnealingOptions<A>,
): Promise<{ readonly path: AnnealedPath; readonly settings: Settings }> {
  checkOptions("annealing", options, annealingRules);
  const { temperatures = 200, schedule = "sigmoid", chains = 32, leapfrogs = 10 } = options;
  const { targetAcceptance = 0.8, seed = 0 } = options;
  if (!(targetAcceptance > 0 && targetAcceptance < 1))
    throw new UsageError(`annealing: targetAcceptance must be between 0 and 1, found ${targetAcceptance}.`);
  const settings = { betas: inverseTemperatures(temperatures, schedule), leapfrogs, targetAcceptance, seed };
  const { ranks = alone, threads = ranks.threads, ...rest } = options;
  if (ranks.size > 1) {
    // Chains of other posteriors would be averaged as if they were of one.
    const { guide: _, parameters = new Map(), ...others } = rest;
    const { logJoint } = unconstrainedGraph(program, args);
    await checkSameProgram("annealing", ranks, [logJoint], {
      ...others,
      parameters: [...parameters.values()],
    });
  }
  const share = shareOf(chains, ranks);
  return {
    path: await annealedPath(program, args, { ...rest, ...(threads !== undefined && { threads }), share }),
    settings,
  };
}

/**
 * Annealed importance sampling (Neal 2001): chains start from exact draws of the prior (or of a guide) and follow a path of
 * densities to the posterior by transitions of Hamiltonian Monte Carlo. The mean weight is an unbiased estimate of the evidence for any
 * transitions. Its logarithm is a lower bound in expectation, which rises to the log evidence with `temperatures` and `chains`.
 *
 * Step sizes are adapted in a pilot run, for each temperature and datum, and then fixed: adapting them later would bias the estimate.
 * If a program splits along plates (a VAE along its rows), every datum has its own weights and estimate; Wu et al.
 * (2017) evaluate decoders in this way. Cost: `temperatures` · (`leapfrogs` + 1) gradients of all chains at once, and at most about 350 in
 * the pilot run.
 *
 * @example
 * const { logEvidence, standardError } = await annealedImportanceSampling(coin, [flips], { temperatures: 100, chains: 100 });
 *
 * @throws UsageError when a setting is out of range, a latent site is discrete and infinite, or the guide cannot be the start.
 * @throws NonFiniteError when no chain has a finite weight.
 */
export async function annealedImportanceSampling<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: AnnealingOptions<A> = {},
): Promise<AnnealingResult> {
  const { path, settings } = await prepare(program, args, options);
  return resultOf(path, await forward(path, settings), 1);
}

/**
 * The same chains in reverse (Grosse, Ghahramani and Adams 2015): from exact draws of the posterior back to the start. The estimate is
 * an upper bound of the log evidence in expectation, so the two directions bracket it. Exact draws are known if the data were
 * simulated ({@link bidirectionalMonteCarlo}) or the model is conjugate; with draws of a long Markov chain it is as good as they are.
 *
 * @param posterior draws of every continuous latent site, [chains, …site]
 *
 * @throws UsageError as {@link annealedImportanceSampling}, and when a site does not have one draw for each chain.
 */
export async function reverseAnnealedImportanceSampling<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  posterior: ReadonlyMap<string, ArrayValue>,
  options: AnnealingOptions<A> = {},
): Promise<AnnealingResult> {
  if (!(posterior instanceof Map)) {
    throw new UsageError(
      `${program.name}: reverse annealing starts from exact draws of the posterior: expected a Map from each latent site to its values.`,
    );
  }
  const { path, settings } = await prepare(program, args, options);
  return resultOf(path, await backward(path, settings, await path.unconstrain(posterior)), -1);
}
