import { type ArrayValue, deviceRule } from "../compile/index.ts";
import { ConvergenceError } from "../errors.ts";
import { anything, callback, checkOptions, mapped, type OptionRules, positive, whole } from "../options.ts";
import type { Program } from "../program/index.ts";
import { checkSeed } from "../random/index.ts";
import { curvatures, type HessianProduct, hessianProduct } from "./curvature.ts";
import { type FittedProgram, fittedProgram } from "./fitted.ts";
import { type LbfgsState, startLbfgs, stepLbfgs } from "./lbfgs.ts";
import { startingPoint } from "./starting-point.ts";
import {
  type SiteValues,
  type UnconstrainedDensity,
  type UnconstrainedDensityOptions,
  unconstrainedDensity,
} from "./unconstrained-density.ts";

/** Options of {@link map}: which mode, where the search starts, and when it ends. */
export interface MapOptions
  extends Pick<UnconstrainedDensityOptions, "parameters" | "executor" | "precision" | "threads" | "device"> {
  /**
   * Which density's mode. `constrained` (default): that of the sites' own values, p(θ | x), the textbook's; it depends on the units and
   * form in which sites are written. `unconstrained`: that of the coordinates that samplers and guides work in, which has the
   * transforms' Jacobian as a factor; it exists more often, and `laplace` centres its normal there.
   */
  readonly space?: "constrained" | "unconstrained";
  /**
   * How close to the mode the search ends: the largest distance along a coordinate, in standard deviations from the curvature there. It
   * does not depend on the data's units. Default 1e-6; in float32, as on a device, 1e-3.
   */
  readonly tolerance?: number;
  /** Number of steps after which it gives up. Default 1000. */
  readonly maxSteps?: number;
  /** Seed of the random starting point. Default 0. */
  readonly seed?: number;
  /** Values of latent sites to start from. Default: a random point, by `seed`. */
  readonly initial?: SiteValues;
}

/** The names of {@link map}'s options. */
export const mapRules: OptionRules<MapOptions> = {
  space: anything,
  tolerance: positive,
  maxSteps: whole(1),
  seed: anything,
  initial: mapped("values by site"),
  parameters: mapped("values by parameter, such as the parameters of svi(…).run"),
  executor: anything,
  precision: anything,
  threads: whole(1),
  device: deviceRule,
};

/** Options of {@link map}'s `run`. */
export interface MapRunOptions extends MapOptions {
  /** Called after each step. */
  readonly onStep?: (info: { readonly step: number; readonly logDensity: number }) => void;
}

const runRules: OptionRules<MapRunOptions> = {
  ...mapRules,
  onStep: callback,
};

/** A mode of a program's posterior. */
export interface MapResult {
  readonly method: "map";
  /** The program whose mode it is. */
  readonly fitted: FittedProgram;
  /** Values of latent and deterministic sites at the mode. */
  readonly values: ReadonlyMap<string, ArrayValue>;
  /** The mode in unconstrained coordinates. */
  readonly coordinates: Float64Array;
  /** ln p(θ, x) there, nats; in unconstrained space including the logarithm of the Jacobian. */
  readonly logDensity: number;
  /** The largest component of the gradient there. */
  readonly gradient: number;
  readonly steps: number;
  /** Number of calls of the density. */
  readonly evaluations: number;
}

/** The state carried from step to step: a compiled density, and plain data. */
export interface MapState {
  readonly density: UnconstrainedDensity;
  readonly search: LbfgsState;
}

/** What `map` returns: the search for a mode of one program, by `init` and `step`, or by `run`. */
export interface MapFinder<A extends readonly unknown[]> {
  readonly method: "map";
  readonly program: Program<A>;
  /** A compiled density and a starting point. */
  init(args: A, options?: MapOptions): Promise<MapState>;
  /** One step of L-BFGS. `moved` is false if no step up was found; the state is then unchanged. */
  step(state: MapState): Promise<{ readonly state: MapState; readonly moved: boolean }>;
  /** @throws ConvergenceError when the gradient stays above the tolerance, so that only modes are returned. */
  run(args: A, options?: MapRunOptions): Promise<MapResult>;
}

const largest = (gradient: Float64Array): number => gradient.reduce((m, g) => Math.max(m, Math.abs(g)), 0);

/**
 * Maximum a posteriori: a mode of a program's posterior, by L-BFGS on all data. Deterministic; each step costs about one gradient. It is
 * *a* mode: if there are several, the one uphill from the starting point. With minibatches, or other sites of a guide, `autoDelta` under
 * `svi` maximises the same density by Adam.
 *
 * On a device the density and its gradient are computed there, in float32, with the data; the search, the curvature and the values at the mode are the
 * processor's, in float64.
 *
 * A mode is a point, not an average: in hierarchical programs it can be at the edge (a scale of zero, where the density is infinite), far
 * from where the posterior's mass is. Then there is no mode, and the error says so. At an edge where the density is finite (such as a
 * half-normal scale whose mode is 0) it returns values within about the tolerance of the edge.
 *
 * @example
 * const { values } = await map(coin).run([flips]);
 * values.get("p")?.item(); // 0.5357 = 15 / 28, the mode of Beta(16, 14)
 *
 * @throws UsageError when an option is out of range, or the program has no unconstrained density (see `unconstrainedDensity`).
 */
export function map<A extends readonly unknown[]>(program: Program<A>): MapFinder<A> {
  const finder: MapFinder<A> = {
    method: "map",
    program,
    async init(args, options = {}) {
      checkOptions("map", options, runRules);
      const {
        space = "constrained",
        seed = 0,
        initial,
        executor = "auto",
        parameters,
        precision,
        threads,
        device,
      } = options;
      checkSeed(seed);
      const density = await unconstrainedDensity(program, args, {
        executor,
        jacobian: space === "unconstrained",
        ...(parameters && { parameters }),
        ...(precision && { precision }),
        ...(threads !== undefined && { threads }),
        ...(device && { device }),
      });
      const { q, logDensity, gradient } = await startingPoint(density, { seed, values: initial });
      return { density, search: startLbfgs(q, logDensity, gradient) };
    },
    step,
    async run(args, options = {}) {
      const { density, search } = await searched(await finder.init(args, options), options);
      return {
        method: "map",
        fitted: fittedProgram(program, args),
        values: density.constrain(search.q),
        coordinates: search.q,
        logDensity: search.value,
        gradient: largest(search.gradient),
        steps: search.iteration,
        evaluations: search.evaluations,
      };
    },
  };
  return finder;
}

/** Relative rounding errors of the densities that the line search compares. */
const ROUNDING = { float64: 1e-10, float32: 2 ** -20 } as const;

async function step({
  density,
  search,
}: MapState): Promise<{ readonly state: MapState; readonly moved: boolean }> {
  const next = await stepLbfgs(density.logDensityAndGradient, search, ROUNDING[density.precision]);
  return { state: { density, search: next ?? search }, moved: next !== undefined };
}

/** Gradients of float32 sums cannot show smaller distances reliably. */
const TOLERANCES = { float64: 1e-6, float32: 1e-3 } as const;

/** Steps until the gradient is within the tolerance. @throws ConvergenceError when it stays above. */
export async function searched(start: MapState, options: MapRunOptions): Promise<MapState> {
  const { tolerance = TOLERANCES[start.density.precision], maxSteps = 1000, onStep } = options;
  let state = start;
  let moved = true;
  /** Whether the scales come from the curvature here. */
  let measured = false;
  let next = FIRST_MEASURE;
  let product: HessianProduct | undefined;
  const measure = async (): Promise<void> => {
    product ??= await hessianProduct(state.density);
    state = {
      ...state,
      search: withCurvature(state.search, curvatures(product, state.density, state.search.q)),
    };
    measured = true;
  };
  for (;;) {
    const near = largest(distances(state.search)) <= tolerance;
    if (near && measured) return state;
    const { iteration } = state.search;
    if (!measured && (near || !moved || iteration >= next || iteration >= maxSteps)) {
      if (iteration >= next) next *= 2;
      await measure();
      moved = true;
      continue;
    }
    if (!moved || iteration >= maxSteps) throw notThere(state, tolerance, moved);
    ({ state, moved } = await step(state));
    if (moved) {
      measured = false;
      onStep?.({ step: state.search.iteration, logDensity: state.search.value });
    }
  }
}

/** Steps until the coordinates' scales are first updated; the interval then doubles each time. */
const FIRST_MEASURE = 30;

/** Number of rounding steps that a coordinate may be off by. */
const ULPS = 8;

/**
 * Distance to the mode in each coordinate, in standard deviations from the curvature, |∂| / √|∂²|, which has no unit. Distances within the
 * rounding of the coordinate count as 0.
 */
const distances = ({ q, gradient, scales }: LbfgsState): Float64Array =>
  gradient.map((g, i) => {
    const step = Math.abs(g) * scales[i];
    return step <= ULPS * Number.EPSILON * Math.abs(q[i]) ? 0 : step / Math.sqrt(scales[i]);
  });

/** The search with scales from the current curvature; a coordinate without curvature keeps its scale. */
export const withCurvature = (search: LbfgsState, diagonal: Float64Array): LbfgsState => ({
  ...search,
  scales: search.scales.map((before, i) => {
    const scale = 1 / Math.abs(diagonal[i]);
    return Number.isFinite(scale) && scale > 0 ? scale : before;
  }),
});

/** Coordinates this far from 0 have diverged: in float64 the transforms to positive numbers and intervals are at their ends. */
const FAR = 30;

/** Says where the search ended, and which site diverged or still has a slope. */
function notThere({ density, search }: MapState, tolerance: number, moved: boolean): ConvergenceError {
  const { q, iteration } = search;
  const apart = distances(search);
  const sites = density.sites.map(({ name, start, end }) => ({
    name,
    slope: largest(apart.subarray(start, end)),
    place: q.subarray(start, end).reduce((far, x) => (Math.abs(x) > Math.abs(far) ? x : far), 0),
  }));
  const steepest = sites.reduce((a, b) => (b.slope > a.slope ? b : a));
  const ended = moved ? `after ${iteration} steps` : `after ${iteration} steps, with no further step up,`;
  const found = `${density.name}: no mode was found: ${ended} it is ${steepest.slope.toPrecision(3)} standard deviations away, in site '${steepest.name}', above the tolerance ${tolerance}.`;
  const far = sites.find(({ place }) => Math.abs(place) > FAR);
  return new ConvergenceError(
    far === undefined
      ? `${found} Raise maxSteps, start elsewhere (initial, seed), or scale the data; float32 cannot reach a small tolerance.`
      : `${found} Site '${far.name}' ran to the end of its support (coordinate ${far.place.toPrecision(3)}), where the density seems to grow without limit: it has no mode, as when a scale shrinks to 0 with the sites below ` +
          "it. Integrate instead (nuts), write those sites as loc + scale · z, or give the scale a prior that excludes the end.",
  );
}
