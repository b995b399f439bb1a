import type { ArrayValue } from "../compile/index.ts";
import { ConvergenceError } from "../errors.ts";
import { anything, checkOptions, mapped, type OptionRules, positive, whole } from "../options.ts";
import type { Program } from "../program/index.ts";
import { fillNormal, stream } from "../random/index.ts";
import { factorRows, solveRows } from "../tensor/index.ts";
import { hessianProduct, inverseOf, negativeHessian } from "./curvature.ts";
import { elementNames } from "./element-names.ts";
import { type FittedProgram, fittedProgram } from "./fitted.ts";
import { type MapOptions, map, searched } from "./map.ts";
import { doubtOf, smoothWeights } from "./pareto-smoothing.ts";
import { flatSite } from "./proper.ts";
import type { UnconstrainedDensity } from "./unconstrained-density.ts";

/** Options of {@link laplace}: how to find the mode, and how many draws to make. */
export interface LaplaceOptions extends Omit<MapOptions, "space" | "device"> {
  /** Draws from the normal, at least 25. Default 1000. */
  readonly draws?: number;
}

const laplaceRules: OptionRules<LaplaceOptions> = {
  draws: whole(25),
  parameters: mapped("values by parameter, such as the parameters of svi(…).run"),
  executor: anything,
  precision: anything,
  threads: whole(1),
  tolerance: positive,
  maxSteps: whole(1),
  seed: anything,
  initial: mapped("values by site"),
};

/** A normal approximation of a posterior, in unconstrained coordinates. */
export interface LaplaceResult {
  readonly method: "laplace";
  /** The program whose posterior it approximates. */
  readonly fitted: FittedProgram;
  /** Values of latent and deterministic sites at its centre, the mode of the coordinates' density. */
  readonly mode: ReadonlyMap<string, ArrayValue>;
  /** The centre, [d], and its covariance, [d, d] row by row: the inverse of minus the Hessian there. */
  readonly coordinates: Float64Array;
  readonly covariance: Float64Array;
  /**
   * ln p(q̂, x) + ½ d ln 2π − ½ ln |−H|, nats: an estimate of the log evidence, exact for a normal posterior, not a bound. NaN where a
   * latent site has a flat prior: there is no evidence then.
   */
  readonly logEvidence: number;
  /** Draws of latent and deterministic sites, [draws, …site]. */
  readonly values: ReadonlyMap<string, ArrayValue>;
  /**
   * k̂ of the draws as importance samples (see `importance`): above 0.7 the posterior is not close to the normal, and neither the draws nor
   * the evidence can be trusted.
   */
  readonly paretoK: number;
  /** Whether k̂ is below the limit for this number of draws, and the effective sample size is large enough (see `importance`). */
  readonly trusted: boolean;
}

/** What `laplace` returns: the Laplace approximation of one program. */
export interface LaplaceRunner<A extends readonly unknown[]> {
  readonly method: "laplace";
  readonly program: Program<A>;
  /**
   * @throws ConvergenceError when no mode is found, or the density is not concave there; the message names the direction.
   * @throws UsageError when there are fewer than 25 draws.
   */
  run(args: A, options?: LaplaceOptions): Promise<LaplaceResult>;
}

/** Pivots below this fraction of the diagonal are rounding: the density does not depend on that direction. */
const FLAT = 1e-10;

/**
 * The Laplace approximation: a normal at the mode of the posterior in unconstrained coordinates, its precision minus the Hessian, taken
 * exactly from the graph's second derivatives, one product of Hessian and vector for each dimension. Cheap, and good when there are many
 * data and the posterior has one rounded peak. It knows nothing of the posterior away from the mode.
 *
 * @example
 * const { logEvidence, values, paretoK } = await laplace(coin).run([flips]);
 */
export const laplace = <A extends readonly unknown[]>(program: Program<A>): LaplaceRunner<A> => ({
  method: "laplace",
  program,
  async run(args, options = {}) {
    checkOptions("laplace", options, laplaceRules);
    const { draws = 1000, seed = 0, ...rest } = options;
    const start = await map(program).init(args, { ...rest, seed, space: "unconstrained" });
    const { density, search } = await searched(start, rest);
    const { q: coordinates, value: logDensity } = search;
    const n = density.dimension;
    const precision = negativeHessian(await hessianProduct(density), density, coordinates);
    const root = new Float64Array(n * n);
    const rows = factorRows(root, precision, 0, n);
    const level = Array.from(
      { length: rows },
      (_, i) => root[i * n + i] ** 2 < FLAT * precision[i * n + i],
    ).indexOf(true);
    if (rows < n || level >= 0) throw notConcave(density, precision, root, level >= 0 ? level : rows);

    const logRoot = Array.from({ length: n }, (_, i) => Math.log(root[i * n + i])).reduce((a, b) => a + b);
    const flat = flatSite(density.graph.scored.map(({ site }) => site)) !== undefined;
    const logEvidence = flat ? Number.NaN : logDensity + 0.5 * n * Math.log(2 * Math.PI) - logRoot;
    return {
      method: "laplace",
      fitted: fittedProgram(program, args),
      mode: density.constrain(coordinates),
      coordinates,
      covariance: inverseOf(root, n),
      logEvidence,
      ...(await drawFrom(density, coordinates, root, { draws, seed })),
    };
  },
});

/** Draws q̂ + L⁻ᵀ z as values of sites, and their importance weights p / normal. */
async function drawFrom(
  density: UnconstrainedDensity,
  centre: Float64Array,
  root: Float64Array,
  { draws, seed }: { readonly draws: number; readonly seed: number },
): Promise<Pick<LaplaceResult, "values" | "paretoK" | "trusted">> {
  const n = centre.length;
  const source = stream(seed, "laplace");
  const coordinates = new Float64Array(draws * n);
  const logWeights = new Float64Array(draws);
  const gradient = new Float64Array(n);
  for (let i = 0; i < draws; i++) {
    const z = new Float64Array(n);
    fillNormal(z, source, { step: i });
    const size = z.reduce((s, v) => s + v * v, 0);
    solveRows(root, n, z, true);
    const q = z.map((v, j) => centre[j] + v);
    logWeights[i] = (await density.logDensityAndGradient(q, gradient)) + 0.5 * size;
    coordinates.set(q, i * n);
  }
  const { shape } = smoothWeights(logWeights);
  return {
    values: density.constrainAll(coordinates, [draws]),
    paretoK: shape,
    trusted: doubtOf(logWeights, shape) === undefined,
  };
}

/** Names a direction in which the density does not curve down: the rows that could be factored give one. */
function notConcave(
  { name, sites, dimension: n }: UnconstrainedDensity,
  precision: Float64Array,
  root: Float64Array,
  rows: number,
): ConvergenceError {
  // With A₁₁ the block that was factored and a the next column, v = (−A₁₁⁻¹ a, 1) has vᵀ A v = the pivot that failed.
  const v = precision.slice(rows * n, rows * n + rows);
  solveRows(root, n, v, false);
  const curvature = precision[rows * n + rows] - v.reduce((s, x) => s + x * x, 0);
  solveRows(root, n, v, true);
  const direction = [...v.map((x) => -x), 1];
  const length = Math.hypot(...direction);
  const elements = sites.flatMap((site) => elementNames(site.name, site.freeShape));
  const parts = direction
    .map((x, i) => ({ element: elements[i], part: x / length }))
    .filter(({ part }) => Math.abs(part) > 0.1)
    .sort((a, b) => Math.abs(b.part) - Math.abs(a.part))
    .slice(0, 3)
    .map(({ element, part }) => `${element} (${part.toFixed(2)})`);
  return new ConvergenceError(
    `${name}: the density is not concave at the mode found: along the direction of ${parts.join(", ")} its second derivative is ` +
      `${(-curvature / length ** 2).toPrecision(3)}, not below 0, so no normal fits there. It is a saddle or a ridge: start elsewhere ` +
      "(seed, initial), give the sites priors that identify them, or use nuts.",
  );
}
