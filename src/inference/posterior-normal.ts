/** Where an automatic guide starts: a normal approximation of the posterior, in unconstrained coordinates. */
import { hostWork } from "../compile/index.ts";
import { ConvergenceError, TightboundError, UsageError } from "../errors.ts";
import type { Program } from "../program/index.ts";
import { factorRows, isParameter } from "../tensor/index.ts";
import { curvatures, type HessianProduct, hessianProduct, inverseOf, negativeHessian } from "./curvature.ts";
import {
  boundOf,
  type Draws,
  fixedDraws,
  logDeterminantOf,
  type Normals,
  nearestNormals,
} from "./mean-field.ts";
import { follow, type PathEnd } from "./path.ts";
import { type UnconstrainedDensity, unconstrainedDensity } from "./unconstrained-density.ts";
import type { SiteCoordinates } from "./unconstrained-graph.ts";

/** A normal near the posterior. */
export interface PosteriorNormal extends Normals {
  /** Which coordinates belong to which site. */
  readonly sites: readonly Pick<SiteCoordinates, "name" | "start" | "end">[];
  /**
   * Lower triangular root of a full covariance, [d, d] row by row: that of the curvature at the centre. None beyond 50 dimensions, or if
   * independent coordinates have the larger ELBO.
   */
  readonly root: Float64Array | undefined;
}

const DENSE = 50;
/** How long the search may take, in estimated nanoseconds of the host: a second or so, and a few thousand steps take longer. */
const MOST_WORK = 3e9;
const PATHS = 3;
/** The climb that follows needs no path to its last digit. */
const PATH = { maxSteps: 60, elboDraws: 5, leastGain: 1e-3 };
/** Pairs of fixed draws, and steps with them. */
const PAIRS = 12;
const CLIMB = 150;
/** Gradients that a path and a climb usually take. */
const USUAL = 40 * (1 + PATH.elboDraws);
/** Gradients that the curvature along a path costs: it is measured about three times, by up to 300 products of three gradients each. */
const curvatureWork = (dimension: number): number => 9 * Math.min(dimension, 300);
/** Scales this many times those of the path, up or down in logarithm, are no longer those of a posterior. */
const FAR = 30;

/**
 * A normal near a program's posterior. It starts from the best normal along three of `pathfinder`'s paths, with the scales that the curvature
 * has there, and climbs to the independent normals with the largest ELBO.
 *
 * @throws UsageError when the program has no density that can be searched: it sees a minibatch, has parameters of its own, is too large.
 * @throws ConvergenceError | NonFiniteError when no normal is found.
 */
export async function posteriorNormal<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  seed: number,
): Promise<PosteriorNormal> {
  // A program that has run has its parameters already; one that has not has them once its density is made.
  refuseParameters(program);
  const density = await unconstrainedDensity(program, args, { executor: "auto" });
  refuseParameters(program);
  const n = density.dimension;
  const work = hostWork([density.logDensity, ...density.derivatives]);
  const path = work * (USUAL + curvatureWork(n));
  const climb = work * 2 * PAIRS * (CLIMB / 3);
  if (path + climb > MOST_WORK) {
    throw new UsageError(
      `${program.name}: a search for its posterior would take about ${((path + climb) / 1e9).toPrecision(2)} s, too long before the first step.`,
    );
  }
  const paths = Math.min(PATHS, Math.floor((MOST_WORK - climb) / path));
  const product = await hessianProduct(density);
  const { mean, variances } = (await bestPath(density, product, paths, seed)).normal;
  const curved = curvatures(product, density, mean);
  const draws = fixedDraws(n, PAIRS, seed);
  const begin = await bestStart(density, draws, mean, [
    variances.map(Math.sqrt),
    curved.map((v, i) => Math.sqrt(v < 0 && Number.isFinite(1 / v) ? -1 / v : variances[i])),
  ]);
  const found = await nearestNormals(density, begin, draws, CLIMB);
  const lost = found.scale.findIndex(
    (v, i) => !Number.isFinite(found.centre[i]) || !(Math.abs(Math.log(v / begin.scale[i])) < FAR),
  );
  if (lost >= 0) {
    const site = density.sites.find(({ end }) => lost < end);
    throw new ConvergenceError(
      `${program.name}: no normal is near its posterior: site '${site?.name}' has no scale, as where a prior is flat.`,
    );
  }
  return { ...found, sites: density.sites, root: await fullRoot(density, product, found, draws) };
}

/** @throws UsageError when a program is known to have parameters of its own. */
function refuseParameters(program: Pick<Program, "name" | "parameters">): void {
  const own = program.parameters().find(({ tensor }) => isParameter(tensor) && tensor.attributes.trainable);
  if (own !== undefined)
    throw new UsageError(`${program.name}: its posterior moves with its own parameter '${own.name}'.`);
}

/** Along a funnel, scales from the curvature at one point can be too large at others: smaller ones are tried too. */
const SHRUNK = [1, 0.3, 0.1, 0.01];

/** The start with the largest ELBO among scales, and smaller ones. @throws ConvergenceError when none has one. */
async function bestStart(
  density: UnconstrainedDensity,
  draws: Draws,
  centre: Float64Array,
  scales: readonly Float64Array[],
): Promise<Normals> {
  let best = Number.NEGATIVE_INFINITY;
  let found: Normals | undefined;
  for (const whole of scales) {
    for (const factor of SHRUNK) {
      const scale = whole.map((v) => factor * v);
      const bound = await boundOf(density, draws, logDeterminantOf({ scale }), (z) =>
        centre.map((c, i) => c + scale[i] * z[i]),
      );
      if (bound > best) {
        best = bound;
        found = { centre, scale };
      }
    }
  }
  if (found === undefined)
    throw new ConvergenceError(`${density.name}: draws around the best point found have no finite density.`);
  return found;
}

/** The root of the covariance that the curvature at the centre has, if its ELBO is larger than that of independent coordinates. */
async function fullRoot(
  density: UnconstrainedDensity,
  product: HessianProduct,
  normals: Normals,
  draws: Draws,
): Promise<Float64Array | undefined> {
  const n = density.dimension;
  if (n > DENSE) return undefined;
  const { centre, scale } = normals;
  const root = rootOfInverse(negativeHessian(product, density, centre), n);
  if (root === undefined) return undefined;
  const logDeterminant = Array.from({ length: n }, (_, i) => Math.log(root[i * n + i])).reduce(
    (a, b) => a + b,
    0,
  );
  const full = await boundOf(density, draws, logDeterminant, (z) =>
    centre.map((c, i) => {
      let sum = c;
      for (let j = 0; j <= i; j++) sum += root[i * n + j] * z[j];
      return sum;
    }),
  );
  const apart = await boundOf(density, draws, logDeterminantOf(normals), (z) =>
    centre.map((c, i) => c + scale[i] * z[i]),
  );
  return full > apart ? root : undefined;
}

async function bestPath(
  density: UnconstrainedDensity,
  product: HessianProduct,
  paths: number,
  seed: number,
): Promise<PathEnd> {
  let best: PathEnd | undefined;
  let failure: unknown;
  for (let path = 0; path < paths; path++) {
    try {
      const found = await follow(density, product, path, { ...PATH, seed });
      if (best === undefined || found.info.elbo > best.info.elbo) best = found;
    } catch (error) {
      if (!(error instanceof TightboundError)) throw error;
      failure = error;
    }
  }
  if (best === undefined) throw failure;
  return best;
}

/** Lower triangular L with L Lᵀ = P⁻¹; undefined if P is not positive definite, to rounding. */
function rootOfInverse(precision: Float64Array, n: number): Float64Array | undefined {
  const root = new Float64Array(n * n);
  if (!precision.every(Number.isFinite) || factorRows(root, precision, 0, n) < n) return undefined;
  const lower = new Float64Array(n * n);
  if (factorRows(lower, inverseOf(root, n), 0, n) < n || !lower.every(Number.isFinite)) return undefined;
  for (let i = 0; i < n; i++) lower.fill(0, i * n + i + 1, (i + 1) * n);
  return lower;
}
