import type { ArrayValue } from "../compile/index.ts";
import { ConvergenceError, TightboundError, UsageError } from "../errors.ts";
import { anything, callback, checkOptions, type OptionRules, whole } from "../options.ts";
import type { Program } from "../program/index.ts";
import { checkSeed, fillNormal, fillUniform, stream } from "../random/index.ts";
import { curvatures, hessianProduct } from "./curvature.ts";
import { type FittedProgram, fittedProgram } from "./fitted.ts";
import { startLbfgs, stepLbfgs } from "./lbfgs.ts";
import { withCurvature } from "./map.ts";
import { doubtOf, effectiveSampleSize, smoothWeights } from "./pareto-smoothing.ts";
import { nextDiagonal, type PathNormal, type PathStep, pathNormal, tells } from "./path-normal.ts";
import { flatSite } from "./proper.ts";
import { startingPoint } from "./starting-point.ts";
import {
  constrainAll,
  type SiteValues,
  type UnconstrainedDensity,
  type UnconstrainedDensityOptions,
  unconstrainedDensity,
} from "./unconstrained-density.ts";

/** Options of {@link pathfinder}: how many paths, how long, and how many draws. */
export interface PathfinderOptions
  extends Pick<UnconstrainedDensityOptions, "parameters" | "executor" | "precision" | "threads"> {
  /** Number of paths, each from a random start of its own. Default 4. */
  readonly paths?: number;
  /** Draws that are returned, at least 25; each path proposes as many. Default 1000. */
  readonly draws?: number;
  /** Draws by which each normal along a path is judged: the ELBO is their mean. Default 25. */
  readonly elboDraws?: number;
  /** Steps of a path, at most. Default 1000. */
  readonly maxSteps?: number;
  /** The last steps that a normal takes its covariance from. Default 6. */
  readonly history?: number;
  /** Values of latent sites that every path starts from. Default: random points, by `seed`. */
  readonly initial?: SiteValues;
  /** Seed of the starting points and the draws. Default 0. */
  readonly seed?: number;
  /** Called when a path has ended. */
  readonly onPath?: (info: PathInfo) => void;
}

const pathfinderRules: OptionRules<PathfinderOptions> = {
  paths: whole(1),
  draws: whole(25),
  elboDraws: whole(1),
  maxSteps: whole(1),
  history: whole(1),
  initial: anything,
  seed: anything,
  onPath: callback,
  parameters: anything,
  executor: anything,
  precision: anything,
  threads: whole(1),
};

/** One path of {@link pathfinder}. */
export interface PathInfo {
  /** Counted from 0. */
  readonly path: number;
  /** Steps uphill. */
  readonly steps: number;
  /** The step whose normal has the largest ELBO. */
  readonly best: number;
  /** That ELBO, nats, estimated from `elboDraws` draws. */
  readonly elbo: number;
}

/** Draws from the posterior's best normal approximations along paths uphill. */
export interface PathfinderResult {
  readonly method: "pathfinder";
  /** The program whose posterior it approximates. */
  readonly fitted: FittedProgram;
  /** Draws of latent and deterministic sites, [draws, …site], resampled by their importance weights. Some occur more than once. */
  readonly values: ReadonlyMap<string, ArrayValue>;
  /** Values of latent sites for the starts of that many chains as there are paths: `nuts(model).run(args, { initial: starts })`. */
  readonly starts: readonly ReadonlyMap<string, ArrayValue>[];
  /** The paths that gave a normal. */
  readonly paths: readonly PathInfo[];
  /** Why other paths gave none, a message for each. */
  readonly failures: readonly string[];
  /** ln of the mean importance weight, nats: an estimate of the log evidence. NaN where a latent site has a flat prior: there is none then. */
  readonly logEvidence: number;
  /** k̂ of all proposed draws as importance samples (see `importance`). */
  readonly paretoK: number;
  /** The number of independent draws that the weighted ones are worth. */
  readonly effectiveSampleSize: number;
  /** Whether k̂ is below the limit for this number of draws, and the effective sample size is large enough (see `importance`). */
  readonly trusted: boolean;
  /** Calls of the density, with and without use of its gradient. */
  readonly evaluations: number;
}

/** What `pathfinder` returns: the search on one program. */
export interface PathfinderRunner<A extends readonly unknown[]> {
  readonly method: "pathfinder";
  readonly program: Program<A>;
  /**
   * @throws ConvergenceError when no path gives a normal.
   * @throws NonFiniteError when no starting point has a finite density and gradient.
   * @throws UsageError when an option is out of range.
   */
  run(args: A, options?: PathfinderOptions): Promise<PathfinderResult>;
}

/** A path ends when a Newton step, by the curvature of its own last steps, would gain less than this, in nats. */
const GAIN = 1e-8;

/**
 * Pathfinder (Zhang, Carpenter, Gelman and Vehtari 2022, "Pathfinder: Parallel quasi-Newton variational inference"): L-BFGS climbs the log
 * density from random points, every step gives a normal approximation, and the one with the largest ELBO is drawn from. The draws of all
 * paths are weighted by p / q with a smoothed tail and resampled. It costs hundreds of gradients where `nuts` needs ten thousands; it is
 * a first look at a posterior, and where chains can start. `paretoK` and `trusted` say whether the draws can stand for the posterior.
 * Where there is no mode (a scale that shrinks to 0) a path still passes good normals on its way.
 *
 * @example
 * const { values, starts, trusted } = await pathfinder(coin).run([flips]);
 * const posterior = await nuts(coin).run([flips], { initial: starts });
 */
export const pathfinder = <A extends readonly unknown[]>(program: Program<A>): PathfinderRunner<A> => ({
  method: "pathfinder",
  program,
  async run(args, options = {}) {
    checkOptions("pathfinder", options, pathfinderRules);
    const { paths = 4, draws = 1000, seed = 0, executor = "auto", onPath } = options;
    const { parameters, precision, threads } = options;
    checkSeed(seed);
    const density = await unconstrainedDensity(program, args, {
      executor,
      ...(parameters && { parameters }),
      ...(precision && { precision }),
      ...(threads !== undefined && { threads }),
    });
    const n = density.dimension;
    if (n === 0) throw new UsageError(`pathfinder: ${program.name} has no continuous latent site.`);
    let evaluations = 0;
    const gradient = new Float64Array(n);
    const counted: UnconstrainedDensity = {
      ...density,
      logDensityAndGradient(q, into) {
        evaluations++;
        return density.logDensityAndGradient(q, into);
      },
    };
    const found: Found[] = [];
    const failures: TightboundError[] = [];
    for (let path = 0; path < paths; path++) {
      try {
        const one = await follow(counted, path, options);
        found.push(one);
        onPath?.(one.info);
      } catch (error) {
        if (!(error instanceof TightboundError)) throw error;
        failures.push(error);
      }
    }
    if (found.length === 0) throw failures[0];
    const points = new Float64Array(found.length * draws * n);
    const logWeights = new Float64Array(found.length * draws);
    for (const [k, { info, normal }] of found.entries()) {
      const noise = stream(seed, `pathfinder/${info.path}/draws`);
      for (let i = 0; i < draws; i++) {
        const u = new Float64Array(n);
        fillNormal(u, noise, { step: i });
        const q = normal.at(u);
        points.set(q, (k * draws + i) * n);
        logWeights[k * draws + i] = await logWeight(counted, normal, q, u, gradient);
      }
    }
    const smoothed = smoothWeights(logWeights);
    const chosen = resample(smoothed.logWeights, draws, seed);
    const coordinates = new Float64Array(draws * n);
    chosen.forEach((from, i) => {
      coordinates.set(points.subarray(from * n, (from + 1) * n), i * n);
    });
    const values = constrainAll(density, coordinates, [draws]);
    const latent = new Set(density.sites.map(({ name }) => name));
    const top = logWeights.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const mean = logWeights.reduce((sum, w) => sum + Math.exp(w - top), 0) / logWeights.length;
    return {
      method: "pathfinder",
      fitted: fittedProgram(program, args),
      values,
      // Resampled draws are in no order: as far from each other as the draws allow.
      starts: Array.from({ length: paths }, (_, k) => {
        const i = Math.floor((k * draws) / paths);
        const at = density.constrain(coordinates.subarray(i * n, (i + 1) * n));
        return new Map([...at].filter(([name]) => latent.has(name)));
      }),
      paths: found.map(({ info }) => info),
      failures: failures.map(({ message }) => message),
      logEvidence:
        flatSite(density.graph.scored.map(({ site }) => site)) === undefined
          ? top + Math.log(mean)
          : Number.NaN,
      paretoK: smoothed.shape,
      effectiveSampleSize: effectiveSampleSize(logWeights),
      trusted: doubtOf(logWeights, smoothed.shape) === undefined,
      evaluations,
    };
  },
});

interface Found {
  readonly info: PathInfo;
  readonly normal: PathNormal;
}

/** ln p − ln q of a draw at noise `u`; −∞ where there is no density. */
async function logWeight(
  density: UnconstrainedDensity,
  { logDeterminant }: PathNormal,
  q: Float64Array,
  u: Float64Array,
  gradient: Float64Array,
): Promise<number> {
  const logP = await density.logDensityAndGradient(q, gradient);
  const logQ = -0.5 * (logDeterminant + u.reduce((s, v) => s + v * v, u.length * Math.log(2 * Math.PI)));
  return Number.isFinite(logP) ? logP - logQ : Number.NEGATIVE_INFINITY;
}

/** Climbs from one starting point, and keeps the normal with the largest ELBO. @throws ConvergenceError when there is none */
async function follow(
  density: UnconstrainedDensity,
  path: number,
  { seed = 0, maxSteps = 1000, history = 6, elboDraws = 25, initial }: PathfinderOptions,
): Promise<Found> {
  const start = await startingPoint(density, { seed, attempt: path, values: initial });
  const noise = stream(seed, `pathfinder/${path}/elbo`);
  const scratch = new Float64Array(density.dimension);
  let climb = startLbfgs(start.q, start.logDensity, start.gradient);
  // Scales come from the curvature, at the start and where the search is stuck, so that they do not depend on the units of the data.
  const product = await hessianProduct(density);
  const measure = (): void => {
    climb = withCurvature(climb, curvatures(product, density, climb.q));
  };
  measure();
  let measured = true;
  let diagonal = climb.scales;
  let steps: readonly PathStep[] = [];
  let best: Found | undefined;
  let tried = 0;
  while (climb.iteration < maxSteps) {
    const next = await stepLbfgs((q, into) => density.logDensityAndGradient(q, into), climb);
    if (next === undefined) {
      if (measured) break;
      measure();
      measured = true;
      continue;
    }
    measured = false;
    const last = {
      step: next.q.map((v, i) => v - climb.q[i]),
      change: climb.gradient.map((g, i) => g - next.gradient[i]),
    };
    climb = next;
    if (tells(last)) {
      diagonal = nextDiagonal(diagonal, last);
      steps = [...steps, last].slice(-history);
    }
    const normal = steps.length === 0 ? undefined : pathNormal(climb.q, climb.gradient, diagonal, steps);
    if (normal === undefined) continue;
    let elbo = 0;
    for (let i = 0; i < elboDraws; i++) {
      const u = new Float64Array(density.dimension);
      fillNormal(u, noise, { step: tried++ });
      elbo += (await logWeight(density, normal, normal.at(u), u, scratch)) / elboDraws;
    }
    if (elbo > (best?.info.elbo ?? Number.NEGATIVE_INFINITY))
      best = { info: { path, steps: climb.iteration, best: climb.iteration, elbo }, normal };
    const gain = normal.mean.reduce((sum, v, i) => sum + (v - climb.q[i]) * climb.gradient[i], 0) / 2;
    if (gain < GAIN) break;
  }
  if (best === undefined) {
    throw new ConvergenceError(
      `${density.name}: no normal was found along path ${path}: after ${climb.iteration} steps uphill the density has not curved down, ` +
        "or the normals' draws have no density. Start elsewhere (initial, seed), give sites proper priors, or use nuts.",
    );
  }
  return { ...best, info: { ...best.info, steps: climb.iteration } };
}

/** Draws of indices with these weights, with replacement. */
function resample(logWeights: Float64Array, draws: number, seed: number): Int32Array {
  const top = logWeights.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let total = 0;
  const sums = logWeights.map((w) => {
    total += Math.exp(w - top);
    return total;
  });
  const uniform = new Float64Array(draws);
  fillUniform(uniform, stream(seed, "pathfinder/resample"));
  return Int32Array.from(uniform, (u) => {
    let [low, high] = [0, sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] > u * total) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}
