/** One Markov chain: its state, its warm-up, and a step of it. */
import { fillNormal, fillUniform, type Stream, stream } from "../../random/index.ts";
import { averageStepSize, type DualAveraging, startDualAveraging } from "./dual-averaging.ts";
import {
  type Kernel,
  kick,
  kickAndDrift,
  moverAt,
  type Point,
  type Querying,
  type Randomness,
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
import { type Vector, vector } from "./vectors.ts";
import { schedule } from "./windows.ts";

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
 * The random numbers for one purpose at one iteration: a function of seed, chain, purpose and iteration only, so that chains can run in any
 * order, anywhere.
 */
export function randomness(settings: ChainSettings, use: string, iteration: number): Randomness {
  const { normals, uniforms } = streamsOf(settings, use);
  let batch: Vector = [];
  let drawn = 0;
  let used = 0;
  return {
    normals(size) {
      const out = new Float64Array(size);
      fillNormal(out, normals, { step: iteration, first: drawn });
      drawn += size;
      return vector(out);
    },
    uniform() {
      const at = used++ % BATCH;
      if (at === 0) {
        const out = new Float64Array(BATCH);
        fillUniform(out, uniforms, { step: iteration, first: used - 1 });
        batch = vector(out);
      }
      return batch[at];
    },
  };
}

/**
 * A first step size: doubled or halved until one leapfrog step's acceptance crosses 0.8 (Hoffman and Gelman 2014, algorithm 4, with
 * Stan's threshold and fresh momentum for each try).
 */
function* findStepSize(point: Point, metric: Metric, from: number, random: Randomness): Querying<number> {
  const threshold = Math.log(0.8);
  const v = vector(point.q);
  let stepSize = from;
  let direction = 0;
  // 2^±50 is beyond any scale of float64 coordinates.
  for (let tries = 0; tries < 50; tries++) {
    const p = random.normals(point.q.length);
    toMomentum(metric, p);
    velocity(metric, p, v);
    const before = kineticEnergy(p, v) - point.logDensity;
    const z = moverAt(point, p);
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
export function* startChain(point: Point, settings: ChainSettings): Querying<ChainState> {
  const metric = unitMetric(settings.metric, point.q.length);
  const stepSize = yield* findStepSize(point, metric, 1, randomness(settings, "step size", 0));
  return {
    settings,
    iteration: 0,
    point,
    stepSize,
    metric,
    averaging: startDualAveraging(stepSize),
    moments: noMoments(settings.metric, point.q.length),
  };
}

export interface ChainStep {
  readonly state: ChainState;
  readonly info: TransitionInfo;
}

/** One transition; during warm-up it adapts step size and metric as well. */
export function* stepChain(kernel: Kernel, state: ChainState): Querying<ChainStep> {
  const { settings, iteration, metric, stepSize } = state;
  const random = randomness(settings, "transition", iteration);
  const { point, info } = yield* kernel(state.point, metric, stepSize, random);
  const moved = { ...state, point, iteration: iteration + 1 };
  return { state: iteration < settings.warmUp ? yield* adapt(moved, info) : moved, info };
}

/** Warm-up after a transition: the step size always; the metric at the end of a window, where both adaptations restart. */
function* adapt(state: ChainState, { acceptance }: TransitionInfo): Querying<ChainState> {
  const { settings, point } = state;
  const at = state.iteration - 1;
  const { start, end, early, ends } = schedule(settings.warmUp);
  const averaging = averageStepSize(state.averaging, acceptance, settings.targetAcceptance);
  const counts = at < end && (at >= start || early.length > 0);
  const moments = counts ? withDraw(state.moments, point.q, point.gradient) : state.moments;
  if (ends.includes(at) || early.includes(at)) {
    const metric = at < start ? roughMetric(moments, state.metric) : metricOf(moments, state.metric);
    const random = randomness(settings, "step size", state.iteration);
    const stepSize = yield* findStepSize(point, metric, Math.exp(averaging.logStepSize), random);
    return {
      ...state,
      metric,
      stepSize,
      averaging: startDualAveraging(stepSize),
      moments: noMoments(settings.metric, point.q.length),
    };
  }
  const last = state.iteration === settings.warmUp;
  return {
    ...state,
    averaging,
    moments,
    stepSize: Math.exp(last ? averaging.logAverage : averaging.logStepSize),
  };
}
