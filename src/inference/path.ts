/** One path of Pathfinder: steps uphill, each with a normal approximation. */
import { ConvergenceError } from "../errors.ts";
import { fillNormal, stream } from "../random/index.ts";
import { curvatures, type HessianProduct } from "./curvature.ts";
import { startLbfgs, stepLbfgs } from "./lbfgs.ts";
import { withCurvature } from "./map.ts";
import { nextDiagonal, type PathNormal, type PathStep, pathNormal, tells } from "./path-normal.ts";
import { startingPoint } from "./starting-point.ts";
import type { SiteValues, UnconstrainedDensity } from "./unconstrained-density.ts";

/** How long a path is, and how its normals are made and judged; the options of `pathfinder` say more. */
export interface PathOptions {
  readonly maxSteps?: number;
  readonly history?: number;
  readonly elboDraws?: number;
  readonly initial?: SiteValues;
  readonly seed?: number;
  /** A path ends when a Newton step, with the curvature from the path's last steps, would gain less than this, in nats. Default 1e-8. */
  readonly leastGain?: number;
}

/** One path of `pathfinder`. */
export interface PathInfo {
  /** Counted from 0. */
  readonly path: number;
  /** Number of steps. */
  readonly steps: number;
  /** The step whose normal has the largest ELBO. */
  readonly best: number;
  /** That ELBO in nats, estimated from `elboDraws` draws. */
  readonly elbo: number;
}

/** A path, and its best normal. */
export interface PathEnd {
  readonly info: PathInfo;
  readonly normal: PathNormal;
}

/** ln p − ln q of a draw with noise `u`; −∞ if the density is 0 there. */
export async function logWeight(
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
export async function follow(
  density: UnconstrainedDensity,
  product: HessianProduct,
  path: number,
  { seed = 0, maxSteps = 1000, history = 6, elboDraws = 25, initial, leastGain = 1e-8 }: PathOptions,
): Promise<PathEnd> {
  const start = await startingPoint(density, { seed, attempt: path, values: initial });
  const noise = stream(seed, `pathfinder/${path}/elbo`);
  const scratch = new Float64Array(density.dimension);
  let climb = startLbfgs(start.q, start.logDensity, start.gradient);
  // Scales come from the curvature at the start, and again when the search is stuck, so that they do not depend on the units of the data.
  const measure = (): void => {
    climb = withCurvature(climb, curvatures(product, density, climb.q));
  };
  measure();
  let measured = true;
  let diagonal = climb.scales;
  let steps: readonly PathStep[] = [];
  let best: PathEnd | undefined;
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
    if (gain < leastGain) break;
  }
  if (best === undefined) {
    throw new ConvergenceError(
      `${density.name}: no normal was found along path ${path}: after ${climb.iteration} steps the density has not curved down, or it is 0 at the draws ` +
        "of the normals. Start elsewhere (initial, seed), give sites proper priors, or use nuts.",
    );
  }
  return { ...best, info: { ...best.info, steps: climb.iteration } };
}
