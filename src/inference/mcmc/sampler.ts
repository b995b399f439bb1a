/** Shared by `hmc` and `nuts`: options, parallel chains, and the result. */

import { cores } from "#platform/machine";
import type { ArrayValue } from "../../compile/index.ts";
import { UsageError } from "../../errors.ts";
import { alone, type Ranks } from "../../mpi/index.ts";
import { anything, callback, checkOptions, mapped, type OptionRules, whole } from "../../options.ts";
import type { Program } from "../../program/index.ts";
import { checkSeed } from "../../random/index.ts";
import { type FittedProgram, fittedProgram } from "../fitted.ts";
import { startingPoint } from "../starting-point.ts";
import {
  type SiteValues,
  type UnconstrainedDensity,
  type UnconstrainedDensityOptions,
  unconstrainedDensity,
} from "../unconstrained-density.ts";
import { type ChainState, startChain, stepChain } from "./chain.ts";
import type { Point, TransitionInfo } from "./kernel.ts";
import type { Metric, MetricKind } from "./metric.ts";
import { overRanks } from "./over-ranks.ts";
import {
  type ChainJob,
  type ChainProgress,
  type ChainRun,
  type KernelSpec,
  kernelOf,
  runChain,
  type Statistics,
  statisticNames,
} from "./run-chain.ts";
import { vector } from "./vectors.ts";
import { parallelism, runInWorkers } from "./workers.ts";

/** Options that all samplers take: how chains start and adapt, and what computes their density. */
export interface McmcOptions
  extends Pick<UnconstrainedDensityOptions, "parameters" | "executor" | "precision" | "threads"> {
  /** Seed of the starting points and of all random numbers. Default 0. */
  readonly seed?: number;
  /** Number of warm-up transitions of each chain, which adapt step size and metric and are discarded. Default 1000. */
  readonly warmUp?: number;
  /** δ, the target of the mean acceptance probability. A value closer to 1 is slower and diverges less. Default 0.8. */
  readonly targetAcceptance?: number;
  /** What warm-up learns about the posterior's scales: one per coordinate (default), or all covariances, at a cost of dimension² per step. */
  readonly metric?: MetricKind;
  /** Values of latent sites to start from, one set for all chains or one for each. Default: random points. */
  readonly initial?: SiteValues | readonly SiteValues[];
}

const mcmcRules: OptionRules<McmcOptions> = {
  seed: anything,
  warmUp: whole(0),
  targetAcceptance: anything,
  metric: anything,
  initial: anything,
  parameters: mapped("values by parameter, such as the parameters of svi(…).run"),
  executor: anything,
  precision: anything,
  threads: whole(1),
};

/** Options of a sampler's `run`: how many chains and draws, and where they run. */
export interface McmcRunOptions extends McmcOptions {
  /** Number of chains. Default 4: fewer may not show that they disagree. */
  readonly chains?: number;
  /** Number of draws kept from each chain. Default 1000. */
  readonly draws?: number;
  /**
   * Number of worker threads to run chains in; 1 means none. Default: the number of cores if the chains together would take more than a few
   * seconds, since a worker takes a quarter of a second to start. Draws do not depend on it.
   */
  readonly workers?: number;
  /**
   * Processes that share the chains: chain c runs on rank c mod K, and every rank gets the draws of all, those of one process. Every rank must
   * call `run` with the same arguments and options. Default one process.
   */
  readonly ranks?: Ranks;
  /** Called about every 50 ms of each chain, and at its end; with several ranks, of this rank's chains. */
  readonly onProgress?: (progress: ChainProgress) => void;
}

const runRules: OptionRules<McmcRunOptions> = {
  ...mcmcRules,
  chains: whole(1),
  draws: whole(1),
  workers: whole(1),
  ranks: anything,
  onProgress: callback,
};

/** Draws from a posterior, and the sampler's report on each. */
export interface Mcmc {
  /** `nuts` or `hmc`. */
  readonly method: KernelSpec["name"];
  /** The program whose posterior the draws are from. */
  readonly fitted: FittedProgram;
  readonly chains: number;
  readonly draws: number;
  /** Values of latent and deterministic sites, float64, [chains, draws, …site]. Sites that were summed out are absent. */
  readonly values: ReadonlyMap<string, ArrayValue>;
  /** Reports of transitions, chain by chain, each of chains × draws numbers. */
  readonly statistics: Statistics;
  /** Results of each chain's warm-up. */
  readonly adapted: readonly { readonly stepSize: number; readonly metric: Metric }[];
  /** Doublings at which a NUTS trajectory is cut off; none for HMC. */
  readonly maxTreeDepth: number | undefined;
}

/** The state carried from step to step: a compiled density, and plain data. */
export interface McmcState {
  readonly density: UnconstrainedDensity;
  readonly chain: ChainState;
}

/** What `hmc` and `nuts` return: chains of a program's posterior, by `init` and `step`, or by `run`. */
export interface Sampler<A extends readonly unknown[]> {
  readonly method: KernelSpec["name"];
  readonly program: Program<A>;
  /** A chain at its starting point. */
  init(args: A, options?: McmcOptions & { readonly chain?: number }): Promise<McmcState>;
  /** One transition; the first `warmUp` of them adapt. */
  step(state: McmcState): Promise<{ readonly state: McmcState; readonly info: TransitionInfo }>;
  /** @throws NonFiniteError when there is no starting point of finite density; the message names the site. */
  run(args: A, options?: McmcRunOptions): Promise<Mcmc>;
}

/** @throws UsageError when an option is invalid; the message names it. */
function checkDraws(method: string, { seed = 0, targetAcceptance = 0.8 }: McmcOptions): void {
  checkSeed(seed);
  if (!(targetAcceptance > 0 && targetAcceptance < 1)) {
    throw new UsageError(`${method}: targetAcceptance must be between 0 and 1, found ${targetAcceptance}.`);
  }
}

/** A sampler of a program's posterior by a kernel. */
export function sampler<A extends readonly unknown[]>(program: Program<A>, spec: KernelSpec): Sampler<A> {
  const method = spec.name;

  const densityFor = (args: A, { parameters, executor = "auto", precision, threads }: McmcOptions) =>
    unconstrainedDensity(program, args, {
      executor,
      ...(parameters && { parameters }),
      ...(precision && { precision }),
      ...(threads !== undefined && { threads }),
    });

  const jobFor = async (
    density: UnconstrainedDensity,
    chain: number,
    draws: number,
    options: McmcOptions,
  ): Promise<ChainJob> => {
    const { seed = 0, warmUp = 1000, targetAcceptance = 0.8, metric = "diagonal", initial } = options;
    const values = initial instanceof Map ? initial : (initial as readonly SiteValues[] | undefined)?.[chain];
    const start = await startingPoint(density, { seed, attempt: chain, values, compares: true });
    return {
      kernel: spec,
      draws,
      settings: { seed, chain, warmUp, targetAcceptance, metric },
      start: pointOf(start),
    };
  };

  return {
    method,
    program,
    async init(args, options = {}) {
      const { chain = 0 } = options;
      checkOptions(method, options, { ...mcmcRules, chain: whole(0) });
      checkDraws(method, options);
      const density = await densityFor(args, options);
      const { start, settings } = await jobFor(density, chain, 0, options);
      return { density, chain: await startChain(start, settings, density.logDensityAndGradient) };
    },
    async step({ density, chain }) {
      const { state, info } = await stepChain(kernelOf(spec), chain, density.logDensityAndGradient);
      return { state: { density, chain: state }, info };
    },
    async run(args, options = {}) {
      checkOptions(method, options, runRules);
      checkDraws(method, options);
      const { chains = 4, draws = 1000, onProgress, ranks = alone, threads = ranks.threads } = options;
      checkInitial(method, options.initial, chains);
      const density = await densityFor(args, { ...options, ...(threads !== undefined && { threads }) });
      const jobs: ChainJob[] = [];
      for (let chain = 0; chain < chains; chain++) jobs.push(await jobFor(density, chain, draws, options));
      const run = (own: readonly ChainJob[]): Promise<ChainRun[]> => {
        const most = options.workers ?? Math.min(workersThatPay(density, own), ranks.threads ?? cores());
        const workers = Math.min(own.length, most);
        return workers > 1 && density.executor === "host" && parallelism() > 1
          ? runInWorkers(density.portable(), own, workers, onProgress)
          : inTurn(density, own, onProgress);
      };
      const runs = ranks.size > 1 ? await overRanks(method, jobs, ranks, run) : await run(jobs);
      return collect(density, spec, fittedProgram(program, args), runs, draws);
    },
  };
}

const pointOf = ({
  q,
  logDensity,
  gradient,
}: {
  q: Float64Array;
  logDensity: number;
  gradient: Float64Array;
}): Point => ({
  q: vector(q),
  logDensity,
  gradient: vector(gradient),
});

function checkInitial(method: string, initial: McmcOptions["initial"], chains: number): void {
  if (initial === undefined || initial instanceof Map) return;
  const { length } = initial as readonly SiteValues[];
  if (length !== chains) {
    throw new UsageError(
      `${method}: initial must be one set of values for all chains or one for each of ${chains}, found ${length}.`,
    );
  }
}

async function inTurn(
  { logDensityAndGradient }: UnconstrainedDensity,
  jobs: readonly ChainJob[],
  onProgress: McmcRunOptions["onProgress"],
): Promise<ChainRun[]> {
  const runs: ChainRun[] = [];
  for (const job of jobs) runs.push(await runChain(logDensityAndGradient, job, onProgress));
  return runs;
}

/** Leapfrog steps assumed per transition, and the total seconds above which workers are worth starting. */
const USUAL_LEAPFROGS = 15;
const WORTH_A_WORKER = 2;

/** The number of workers to use, from the time of a few gradients. It decides where chains run, not what they draw. */
function workersThatPay(density: UnconstrainedDensity, jobs: readonly ChainJob[]): number {
  if (density.executor !== "host" || jobs.length <= 1) return 1;
  const [{ start, settings, draws }] = jobs;
  const q = Float64Array.from(start.q);
  const gradient = new Float64Array(q.length);
  const calls = 20;
  const before = performance.now();
  for (let i = 0; i < calls; i++) density.logDensityAndGradient(q, gradient);
  const each = (performance.now() - before) / 1000 / calls;
  const seconds = each * USUAL_LEAPFROGS * (settings.warmUp + draws) * jobs.length;
  return seconds > WORTH_A_WORKER ? parallelism() : 1;
}

/** Joins chains: coordinates become values of sites, and reports are concatenated. */
function collect(
  density: UnconstrainedDensity,
  spec: KernelSpec,
  fitted: FittedProgram,
  runs: readonly ChainRun[],
  draws: number,
): Mcmc {
  const coordinates = new Float64Array(runs.length * draws * density.dimension);
  runs.forEach((run, chain) => {
    coordinates.set(run.coordinates, chain * draws * density.dimension);
  });
  const joined = (name: keyof Statistics): Float64Array => {
    const all = new Float64Array(runs.length * draws);
    runs.forEach(({ statistics }, chain) => {
      all.set(statistics[name], chain * draws);
    });
    return all;
  };
  return {
    method: spec.name,
    fitted,
    chains: runs.length,
    draws,
    values: density.constrainAll(coordinates, [runs.length, draws]),
    statistics: Object.fromEntries(statisticNames.map((name) => [name, joined(name)])) as Statistics,
    adapted: runs.map(({ stepSize, metric }) => ({ stepSize, metric })),
    maxTreeDepth: spec.name === "nuts" ? spec.maxTreeDepth : undefined,
  };
}
