import { NonFiniteError } from "../errors.ts";
import { startLbfgs, stepLbfgs } from "./lbfgs.ts";
import type { SiteValues, UnconstrainedDensity } from "./unconstrained-density.ts";

/** Where an algorithm begins: coordinates of finite density and gradient. */
export interface StartingPoint {
  readonly q: Float64Array;
  readonly logDensity: number;
  readonly gradient: Float64Array;
}

/** Number of random points to try; the same as Stan's. */
const TRIES = 100;

/** How well differences of a log density must be known, in nats. */
const RESOLUTION = 1e-3;
const CLIMBS = 100;
/** Number of random points from which to climb until the density is resolved. */
const CLIMBERS = 10;

/** Which starting point is wanted. */
export interface StartingPointOptions {
  readonly seed: number;
  /** Which of the seed's points to begin with: chains of one seed take points of their own. Default 0. */
  readonly attempt?: number;
  /** Values of the sites, instead of a random point. */
  readonly values?: SiteValues | undefined;
  /** Whether the algorithm compares log densities, as a sampler does: then no random point will do at which they are rounding. Default false. */
  readonly compares?: boolean;
}

/**
 * A starting point of a log density: the given values of sites, or the first of 100 random points whose density and gradient are finite. From
 * random points so far from the data that differences of the log density are rounding, it climbs until they are not: no further, so that
 * chains still start apart. If the climb gets stuck, as where a recursion explodes, it starts again from the next random point.
 *
 * @throws NonFiniteError naming the site whose log density is not finite, its value, its parameters and the way out; or, for an algorithm that
 * compares log densities, when they are rounding wherever it climbed to.
 */
export async function startingPoint(
  density: UnconstrainedDensity,
  { seed, attempt = 0, values, compares = false }: StartingPointOptions,
): Promise<StartingPoint> {
  const gradient = new Float64Array(density.dimension);
  const given = values === undefined ? undefined : await density.unconstrain(values);
  const tries = given === undefined ? TRIES : 1;
  const climbed: StartingPoint[] = [];
  for (let i = 0; i < tries && climbed.length < CLIMBERS; i++) {
    const q = given ?? density.initial(seed, attempt * TRIES + i);
    const logDensity = await density.logDensityAndGradient(q, gradient);
    if (!Number.isFinite(logDensity) || !gradient.every(Number.isFinite)) continue;
    const start = { q, logDensity, gradient: gradient.slice() };
    if (given !== undefined) return start;
    const end = await intoRange(density, start);
    if (isResolved(end)) return end;
    climbed.push(end);
  }
  if (climbed.length > 0) {
    const best = climbed.reduce((a, b) => (b.logDensity > a.logDensity ? b : a));
    if (compares) throw unresolved(density, seed, best, climbed.length);
    return best;
  }
  const q = given ?? density.initial(seed, attempt * TRIES + tries - 1);
  await density.logDensityAndGradient(q, gradient);
  const where =
    given === undefined
      ? `none of ${TRIES} random starting points (seed ${seed}) has a finite density and gradient; at the last, `
      : "at the given starting values, ";
  throw new NonFiniteError(`${density.name}: ${where}${await whatIsWrong(density, q, gradient)}`);
}

/** By how much a log density is rounded at a point: as a number itself, and because its coordinates are. In nats. */
const roundingAt = ({ q, logDensity, gradient }: StartingPoint): number =>
  Number.EPSILON * gradient.reduce((sum, g, i) => sum + Math.abs(g * q[i]), Math.abs(logDensity));

const isResolved = (point: StartingPoint): boolean => roundingAt(point) <= RESOLUTION;

/** Steps uphill, until differences of the log density are more than rounding, or there is no step up. */
async function intoRange(density: UnconstrainedDensity, start: StartingPoint): Promise<StartingPoint> {
  let climb = startLbfgs(start.q, start.logDensity, start.gradient);
  let point = start;
  for (let i = 0; i < CLIMBS && !isResolved(point); i++) {
    const next = await stepLbfgs((q, gradient) => density.logDensityAndGradient(q, gradient), climb);
    if (next === undefined) break;
    climb = next;
    point = { q: climb.q, logDensity: climb.value, gradient: climb.gradient };
  }
  return point;
}

const unresolved = (
  { name }: UnconstrainedDensity,
  seed: number,
  best: StartingPoint,
  points: number,
): NonFiniteError =>
  new NonFiniteError(
    `${name}: expected a starting point where differences of the log density can be computed; the best that ${points} random ones (seed ${seed}) lead to has ` +
      `${best.logDensity.toPrecision(3)}, which double precision only knows to within ${roundingAt(best).toPrecision(1)} nats. Give starting values near the data ` +
      "(`initial`), look for a scale that is fixed and far too small for the data, or rescale the data.",
  );

async function whatIsWrong(
  density: UnconstrainedDensity,
  q: Float64Array,
  gradient: Float64Array,
): Promise<string> {
  const fault = await density.explain(q);
  if (fault !== undefined) return fault;
  const site = density.sites.find(({ start, end }) => !gradient.subarray(start, end).every(Number.isFinite));
  return site === undefined
    ? "every site's log density is finite, and their sum is not: rescale the data."
    : `the density is finite and its gradient in site '${site.name}' is not: look for √ or log of something that can be zero there.`;
}
