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

/**
 * A starting point of a log density: the given values of sites, or the first of 100 random points whose density and gradient are finite.
 *
 * @param attempt which of the seed's points to begin with: chains of one seed take points of their own
 * @throws NonFiniteError naming the site whose log density is not finite, its value, its parameters and the way out.
 */
export async function startingPoint(
  density: UnconstrainedDensity,
  {
    seed,
    attempt = 0,
    values,
  }: { readonly seed: number; readonly attempt?: number; readonly values?: SiteValues | undefined },
): Promise<StartingPoint> {
  const gradient = new Float64Array(density.dimension);
  const given = values === undefined ? undefined : await density.unconstrain(values);
  const tries = given === undefined ? TRIES : 1;
  for (let i = 0; ; i++) {
    const q = given ?? density.initial(seed, attempt * TRIES + i);
    const logDensity = await density.logDensityAndGradient(q, gradient);
    if (Number.isFinite(logDensity) && gradient.every(Number.isFinite)) {
      return given === undefined
        ? await intoRange(density, { q, logDensity, gradient })
        : { q, logDensity, gradient };
    }
    if (i + 1 < tries) continue;
    const where =
      given === undefined
        ? `none of ${TRIES} random starting points (seed ${seed}) has a finite density and gradient; at the last, `
        : "at the given starting values, ";
    throw new NonFiniteError(`${density.name}: ${where}${await whatIsWrong(density, q, gradient)}`);
  }
}

/** A log density beyond this is not known to a thousandth of a nat in double precision. */
const RESOLVED = 1e-3 / Number.EPSILON;
const CLIMBS = 100;

/**
 * A random point can be so far from data in large units that differences of its log density are rounding. Steps uphill, until they are
 * not: no further, so that chains still start apart.
 */
async function intoRange(density: UnconstrainedDensity, start: StartingPoint): Promise<StartingPoint> {
  let climb = startLbfgs(start.q, start.logDensity, start.gradient);
  for (let i = 0; i < CLIMBS && Math.abs(climb.value) > RESOLVED; i++) {
    const next = await stepLbfgs((q, gradient) => density.logDensityAndGradient(q, gradient), climb);
    if (next === undefined) break;
    climb = next;
  }
  return { q: climb.q, logDensity: climb.value, gradient: climb.gradient };
}

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
