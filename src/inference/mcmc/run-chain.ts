/** A whole chain: warm-up, then draws, with what each transition reports. */
import {
  type ChainSettings,
  type ChainState,
  type ChainStep,
  startChain,
  stepChain,
  transitionRandomness,
} from "./chain.ts";
import { hmcKernel } from "./hmc-kernel.ts";
import type { Density, Kernel, Point } from "./kernel.ts";
import type { Metric } from "./metric.ts";
import { nutsKernel } from "./nuts-kernel.ts";

/** A kernel by name: plain data, to send to a worker. */
export type KernelSpec =
  | { readonly name: "nuts"; readonly maxTreeDepth: number }
  | { readonly name: "hmc"; readonly time: number };

export const kernelOf = (spec: KernelSpec): Kernel =>
  spec.name === "nuts" ? nutsKernel(spec) : hmcKernel(spec);

/** The numbers that a transition reports. */
export const statisticNames = [
  "logDensity",
  "acceptance",
  "stepSize",
  "treeDepth",
  "leapfrogs",
  "divergent",
  "energy",
] as const;
/** The reports of transitions, each an array with one number for each draw. */
export type Statistics = Readonly<Record<(typeof statisticNames)[number], Float64Array>>;

export interface ChainJob {
  readonly kernel: KernelSpec;
  readonly settings: ChainSettings;
  readonly draws: number;
  readonly start: Point;
}

/** Progress of a chain, for a progress bar. */
export interface ChainProgress {
  readonly chain: number;
  /** Transitions made, out of `total`, including warm-up. */
  readonly iteration: number;
  readonly total: number;
  readonly phase: "warm-up" | "sampling";
  /** Divergent transitions after warm-up. */
  readonly divergences: number;
}

export interface ChainRun {
  /** [draws, dimension], unconstrained. */
  readonly coordinates: Float64Array;
  /** Each of length `draws`. */
  readonly statistics: Statistics;
  readonly stepSize: number;
  readonly metric: Metric;
}

/** Milliseconds between reports of progress; in between, the chain blocks the thread. */
const TURN = 50;

/** Runs a chain on a density. On the host it yields to the event loop every 50 ms, so that a progress bar can move. */
export async function runChain(
  density: Density,
  { kernel: spec, settings, draws, start }: ChainJob,
  onProgress?: (progress: ChainProgress) => void,
): Promise<ChainRun> {
  const { chain, warmUp } = settings;
  const kernel = kernelOf(spec);
  const random = transitionRandomness(settings);
  const total = warmUp + draws;
  const dimension = start.q.length;
  const coordinates = new Float64Array(draws * dimension);
  const statistics = Object.fromEntries(
    statisticNames.map((name) => [name, new Float64Array(draws)]),
  ) as Statistics;
  let divergences = 0;
  const report = (iteration: number): void =>
    onProgress?.({
      chain,
      iteration,
      total,
      phase: iteration < warmUp ? "warm-up" : "sampling",
      divergences,
    });

  const started = startChain(start, settings, density);
  let state: ChainState = started instanceof Promise ? await started : started;
  let turn = performance.now();
  for (let i = 0; i < total; i++) {
    const stepped = stepChain(kernel, state, density, random);
    const { state: next, info }: ChainStep = stepped instanceof Promise ? await stepped : stepped;
    if (i >= warmUp) {
      const at = i - warmUp;
      const { q } = next.point;
      for (let j = 0; j < dimension; j++) coordinates[at * dimension + j] = q[j];
      statistics.logDensity[at] = next.point.logDensity;
      statistics.acceptance[at] = info.acceptance;
      statistics.stepSize[at] = state.stepSize;
      statistics.treeDepth[at] = info.treeDepth;
      statistics.leapfrogs[at] = info.leapfrogs;
      statistics.divergent[at] = info.divergent ? 1 : 0;
      statistics.energy[at] = info.energy;
      divergences += statistics.divergent[at];
    }
    state = next;
    if (performance.now() - turn > TURN) {
      report(i + 1);
      await new Promise((resolve) => setTimeout(resolve, 0));
      turn = performance.now();
    }
  }
  report(total);
  return { coordinates, statistics, stepSize: state.stepSize, metric: state.metric };
}
