import type { ArrayValue } from "../compile/index.ts";
import { TightboundError, UsageError } from "../errors.ts";
import { anything, callback, checkOptions, mapped, type OptionRules, whole } from "../options.ts";
import type { Program } from "../program/index.ts";
import { checkSeed, fillNormal, fillUniform, stream } from "../random/index.ts";
import { hessianProduct } from "./curvature.ts";
import { type FittedProgram, fittedProgram } from "./fitted.ts";
import { doubtOf, effectiveSampleSize, smoothWeights } from "./pareto-smoothing.ts";
import { follow, logWeight, type PathEnd, type PathInfo } from "./path.ts";
import { flatSite } from "./proper.ts";
import {
  type SiteValues,
  type UnconstrainedDensity,
  type UnconstrainedDensityOptions,
  unconstrainedDensity,
} from "./unconstrained-density.ts";

export type { PathInfo };

/** Options of {@link pathfinder}: the number of paths, their length, and the number of draws. */
export interface PathfinderOptions
  extends Pick<UnconstrainedDensityOptions, "parameters" | "executor" | "precision" | "threads"> {
  /** Number of paths, each from its own random starting point. Default 4. */
  readonly paths?: number;
  /** Number of draws that are returned, at least 25; each path proposes the same number. Default 1000. */
  readonly draws?: number;
  /** Number of draws for the ELBO of each normal along a path. Default 25. */
  readonly elboDraws?: number;
  /** The most steps of a path. Default 1000. */
  readonly maxSteps?: number;
  /** Number of past steps that the covariance of a normal is computed from. Default 6. */
  readonly history?: number;
  /** Values of latent sites at which every path starts. Default: random points, drawn with `seed`. */
  readonly initial?: SiteValues;
  /** Seed of the starting points and the draws. Default 0. */
  readonly seed?: number;
  /** Called after each path. */
  readonly onPath?: (info: PathInfo) => void;
}

const pathfinderRules: OptionRules<PathfinderOptions> = {
  paths: whole(1),
  draws: whole(25),
  elboDraws: whole(1),
  maxSteps: whole(1),
  history: whole(1),
  initial: mapped("values by site"),
  seed: anything,
  onPath: callback,
  parameters: mapped("values by parameter, such as the parameters of svi(…).run"),
  executor: anything,
  precision: anything,
  threads: whole(1),
};

/** Draws from the best normal approximations of the posterior along the paths. */
export interface PathfinderResult {
  readonly method: "pathfinder";
  /** The program whose posterior is approximated. */
  readonly fitted: FittedProgram;
  /** Draws of latent and deterministic sites, [draws, …site], resampled by their importance weights. A draw can occur more than once. */
  readonly values: ReadonlyMap<string, ArrayValue>;
  /** Starting values of latent sites for as many chains as there are paths: `nuts(model).run(args, { initial: starts })`. */
  readonly starts: readonly ReadonlyMap<string, ArrayValue>[];
  /** The paths that found a normal. */
  readonly paths: readonly PathInfo[];
  /** For each of the other paths, a message that says why it found none. */
  readonly failures: readonly string[];
  /**
   * Estimate of the log evidence in nats: ln of the mean importance weight. NaN if a latent site has a flat prior, because there is no
   * evidence then.
   */
  readonly logEvidence: number;
  /** k̂ of all proposed draws as importance samples (see `importance`). */
  readonly paretoK: number;
  /** The effective sample size: the number of independent draws that the weighted draws are worth. */
  readonly effectiveSampleSize: number;
  /** Whether k̂ is below the limit for this number of draws, and the effective sample size is large enough (see `importance`). */
  readonly trusted: boolean;
  /** Number of evaluations of the density, with and without its gradient. */
  readonly evaluations: number;
}

/** What `pathfinder` returns. */
export interface PathfinderRunner<A extends readonly unknown[]> {
  readonly method: "pathfinder";
  readonly program: Program<A>;
  /**
   * @throws ConvergenceError when no path finds a normal.
   * @throws NonFiniteError when no starting point has a finite density and gradient.
   * @throws UsageError when an option is out of range.
   */
  run(args: A, options?: PathfinderOptions): Promise<PathfinderResult>;
}

/**
 * Pathfinder (Zhang, Carpenter, Gelman and Vehtari 2022, "Pathfinder: Parallel quasi-Newton variational inference"): L-BFGS climbs the log
 * density from random points. Every step gives a normal approximation, and draws come from the one with the largest ELBO. The draws of all
 * paths are weighted by p / q with a smoothed tail and resampled. It needs hundreds of gradients where `nuts` needs tens of thousands. Use
 * it for a first look at a posterior, and for starting points of chains. `paretoK` and `trusted` say whether the draws represent the
 * posterior. If there is no mode (for example, a scale that shrinks to 0), a path can still pass good normals on its way.
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
    const product = await hessianProduct(density);
    const found: PathEnd[] = [];
    const failures: TightboundError[] = [];
    for (let path = 0; path < paths; path++) {
      try {
        const one = await follow(counted, product, path, options);
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
    const values = density.constrainAll(coordinates, [draws]);
    const latent = new Set(density.sites.map(({ name }) => name));
    const top = logWeights.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const mean = logWeights.reduce((sum, w) => sum + Math.exp(w - top), 0) / logWeights.length;
    return {
      method: "pathfinder",
      fitted: fittedProgram(program, args),
      values,
      // Resampled draws have no order; the starts are spaced evenly among them.
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

/** Draws indices with these weights, with replacement. */
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
