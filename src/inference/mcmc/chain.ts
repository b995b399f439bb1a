/** One Markov chain: its state, its warm-up, and a step of it. */
import { fillNormal, fillUniform, type Stream, stream } from "../../random/index.ts";
import { averageStepSize, type DualAveraging, startDualAveraging } from "./dual-averaging.ts";
import {
  after,
  type Density,
  drive,
  type Kernel,
  kick,
  kickAndDrift,
  newMover,
  type Point,
  place,
  type Querying,
  type Randomness,
  type Transition,
  type TransitionInfo,
} from "./kernel.ts";
import {
  kineticEnergy,
  type Metric,
  type MetricKind,
  type Moments,
  metricOf,
  noMoments,
  roughMetric,
  toMomentum,
  unitMetric,
  velocity,
  withDraw,
} from "./metric.ts";
import { type Schedule, schedule } from "./windows.ts";

export interface ChainSettings {
  readonly seed: number;
  /** Index of the chain. Each chain of a seed has its own random streams. */
  readonly chain: number;
  /** Number of transitions that adapt step size and metric. */
  readonly warmUp: number;
  /** δ: the target of the mean acceptance probability. */
  readonly targetAcceptance: number;
  readonly metric: MetricKind;
}

/** The state carried from transition to transition: plain data. */
export interface ChainState {
  readonly settings: ChainSettings;
  /** Transitions made, including warm-up. */
  readonly iteration: number;
  readonly point: Point;
  readonly stepSize: number;
  readonly metric: Metric;
  readonly averaging: DualAveraging;
  /** Moments of the draws in the current window. */
  readonly moments: Moments;
}

/** Streams by chain and purpose, cached because creating one costs as much as a leapfrog step. Caching does not change the draws. */
const streams = new WeakMap<
  ChainSettings,
  Map<string, { readonly normals: Stream; readonly uniforms: Stream }>
>();

function streamsOf(settings: ChainSettings, use: string) {
  const { seed, chain } = settings;
  const known = streams.get(settings) ?? new Map();
  streams.set(settings, known);
  const found = known.get(use) ?? {
    normals: stream(seed, `chain ${chain}/${use}/momentum`),
    uniforms: stream(seed, `chain ${chain}/${use}/uniform`),
  };
  known.set(use, found);
  return found;
}

/** Number of uniforms drawn at once. */
const BATCH = 16;

/**
 * The random numbers of a chain for one purpose: a function of seed, chain, purpose and iteration only, so that chains can run in any order,
 * anywhere.
 */
export class ChainRandomness implements Randomness {
  readonly #normals: Stream;
  readonly #uniforms: Stream;
  readonly #batch = new Float64Array(BATCH);
  #iteration = 0;
  #drawn = 0;
  #used = 0;

  constructor(settings: ChainSettings, use: string) {
    const { normals, uniforms } = streamsOf(settings, use);
    this.#normals = normals;
    this.#uniforms = uniforms;
  }

  /** Begins with those of an iteration. */
  at(iteration: number): this {
    this.#iteration = iteration;
    this.#drawn = 0;
    this.#used = 0;
    return this;
  }

  normals(out: Float64Array): void {
    fillNormal(out, this.#normals, { step: this.#iteration, first: this.#drawn });
    this.#drawn += out.length;
  }

  uniform(): number {
    const used = this.#used++;
    const at = used % BATCH;
    if (at === 0) fillUniform(this.#batch, this.#uniforms, { step: this.#iteration, first: used });
    return this.#batch[at];
  }
}

/**
 * A first step size: doubled or halved until one leapfrog step's acceptance crosses 0.8 (Hoffman and Gelman 2014, algorithm 4, with
 * Stan's threshold and fresh momentum for each try).
 */
function* findStepSize(point: Point, metric: Metric, from: number, random: Randomness): Querying<number> {
  const threshold = Math.log(0.8);
  const n = point.q.length;
  const z = newMover(n);
  const [p, v] = [new Float64Array(n), new Float64Array(n)];
  let stepSize = from;
  let direction = 0;
  // 2^±50 is beyond any scale of float64 coordinates.
  for (let tries = 0; tries < 50; tries++) {
    random.normals(p);
    toMomentum(metric, p);
    velocity(metric, p, v);
    const before = kineticEnergy(p, v) - point.logDensity;
    place(z, point, p);
    kickAndDrift(z, metric, stepSize, v);
    z.logDensity = yield z;
    kick(z, stepSize);
    velocity(metric, z.p, v);
    const good = before - (kineticEnergy(z.p, v) - z.logDensity) > threshold;
    if (direction === 0) direction = good ? 1 : -1;
    if (good !== direction > 0) return stepSize;
    stepSize *= direction > 0 ? 2 : 0.5;
  }
  return stepSize;
}

/** A chain at its starting point, with a first step size. */
export function startChain(
  point: Point,
  settings: ChainSettings,
  density: Density,
): ChainState | Promise<ChainState> {
  const metric = unitMetric(settings.metric, point.q.length);
  const random = new ChainRandomness(settings, "step size").at(0);
  return after(drive(findStepSize(point, metric, 1, random), density), (stepSize) => ({
    settings,
    iteration: 0,
    point,
    stepSize,
    metric,
    averaging: startDualAveraging(stepSize),
    moments: noMoments(settings.metric, point.q.length),
  }));
}

export interface ChainStep {
  readonly state: ChainState;
  readonly info: TransitionInfo;
}

/** Numbers for a chain's transitions. */
export const transitionRandomness = (settings: ChainSettings): ChainRandomness =>
  new ChainRandomness(settings, "transition");

/** One transition; during warm-up it adapts step size and metric as well. In a promise only if the density is. */
export function stepChain(
  kernel: Kernel,
  state: ChainState,
  density: Density,
  random = transitionRandomness(state.settings),
): ChainStep | Promise<ChainStep> {
  const { point, metric, stepSize, iteration } = state;
  const made = drive(kernel(point, metric, stepSize, random.at(iteration)), density);
  return made instanceof Promise ? adaptLater(state, made, density) : adapted(state, made, density);
}

const adaptLater = async (
  state: ChainState,
  made: Promise<Transition>,
  density: Density,
): Promise<ChainStep> => adapted(state, await made, density);

/** The state after a transition: the step size always changes in warm-up; the metric at the end of a window, where both adaptations restart. */
function adapted(
  before: ChainState,
  { point, info }: Transition,
  density: Density,
): ChainStep | Promise<ChainStep> {
  const { settings, iteration: at } = before;
  const iteration = at + 1;
  if (at >= settings.warmUp) {
    const { stepSize, metric, averaging, moments } = before;
    return { state: { settings, iteration, point, stepSize, metric, averaging, moments }, info };
  }
  const { start, end, early, ends } = scheduleOf(settings.warmUp);
  const averaging = averageStepSize(before.averaging, info.acceptance, settings.targetAcceptance);
  const counts = at < end && (at >= start || early.length > 0);
  const moments = counts ? withDraw(before.moments, point.q, point.gradient) : before.moments;
  if (ends.includes(at) || early.includes(at)) {
    const metric = at < start ? roughMetric(moments, before.metric) : metricOf(moments, before.metric);
    const random = new ChainRandomness(settings, "step size").at(iteration);
    const found = drive(findStepSize(point, metric, Math.exp(averaging.logStepSize), random), density);
    return after(found, (stepSize) => ({
      state: {
        settings,
        iteration,
        point,
        stepSize,
        metric,
        averaging: startDualAveraging(stepSize),
        moments: noMoments(settings.metric, point.q.length),
      },
      info,
    }));
  }
  const last = iteration === settings.warmUp;
  const stepSize = Math.exp(last ? averaging.logAverage : averaging.logStepSize);
  return {
    state: { settings, iteration, point, stepSize, metric: before.metric, averaging, moments },
    info,
  };
}

let known = schedule(0);
/** The schedule of a length, which is that of the transition before. */
function scheduleOf(warmUp: number): Schedule {
  if (known.warmUp !== warmUp) known = schedule(warmUp);
  return known;
}
