/** The independent normals nearest to a log density, for fixed draws: a deterministic objective, which L-BFGS maximises. */
import { fillNormal, stream } from "../random/index.ts";
import { type Objective, startLbfgs, stepLbfgs } from "./lbfgs.ts";
import type { UnconstrainedDensity } from "./unconstrained-density.ts";

/** Independent normals: centres and standard deviations, [d] each. */
export interface Normals {
  readonly centre: Float64Array;
  readonly scale: Float64Array;
}

/** Draws of N(0, I), in pairs of opposite signs. */
export type Draws = readonly Float64Array[];

/** `pairs` draws and their opposites. */
export function fixedDraws(dimension: number, pairs: number, seed: number): Draws {
  const source = stream(seed, "mean-field");
  return Array.from({ length: pairs }, (_, i) => {
    const z = new Float64Array(dimension);
    fillNormal(z, source, { step: i });
    return [z, z.map((v) => -v)];
  }).flat();
}

/** A climb ends when this many steps gained less than `GAIN` nats. */
const PATIENCE = 5;
const GAIN = 0.01;

/**
 * The ELBO of a normal, without its constant, by fixed draws; −∞ where one of them has no density.
 *
 * @param at from a draw of N(0, I) to one of the normal
 */
export async function boundOf(
  density: Pick<UnconstrainedDensity, "logDensityAndGradient" | "dimension">,
  draws: Draws,
  logDeterminant: number,
  at: (z: Float64Array) => Float64Array,
): Promise<number> {
  const gradient = new Float64Array(density.dimension);
  let sum = 0;
  for (const z of draws) sum += await density.logDensityAndGradient(at(z), gradient);
  const bound = sum / draws.length + logDeterminant;
  return Number.isFinite(bound) ? bound : Number.NEGATIVE_INFINITY;
}

/** ln of the product of scales. */
export const logDeterminantOf = ({ scale }: Pick<Normals, "scale">): number =>
  scale.reduce((sum, v) => sum + Math.log(v), 0);

/**
 * Maximises the ELBO of independent normals over their centres and scales, with the same draws at each step (Giordano, Ingram and Broderick
 * 2024, "Black box variational inference with a deterministic objective"). It exists where a mode does not, as in a funnel. The start's
 * scales are the units, so that the climb does not depend on those of the data.
 */
export async function nearestNormals(
  density: Pick<UnconstrainedDensity, "logDensityAndGradient" | "dimension">,
  start: Normals,
  draws: Draws,
  maxSteps: number,
): Promise<Normals> {
  const n = density.dimension;
  const slope = new Float64Array(n);
  const normals = (x: Float64Array): Normals => ({
    centre: start.centre.map((c, i) => c + start.scale[i] * x[i]),
    scale: start.scale.map((s, i) => s * Math.exp(x[n + i])),
  });
  const objective: Objective = async (x, gradient) => {
    const { centre, scale } = normals(x);
    gradient.fill(0);
    let value = 0;
    for (const z of draws) {
      const q = centre.map((c, i) => c + scale[i] * z[i]);
      value += (await density.logDensityAndGradient(q, slope)) / draws.length;
      for (let i = 0; i < n; i++) {
        gradient[i] += (start.scale[i] * slope[i]) / draws.length;
        gradient[n + i] += (scale[i] * z[i] * slope[i]) / draws.length;
      }
    }
    for (let i = 0; i < n; i++) {
      value += x[n + i];
      gradient[n + i] += 1;
    }
    return Number.isFinite(value) ? value : Number.NEGATIVE_INFINITY;
  };
  const x = new Float64Array(2 * n);
  const gradient = new Float64Array(2 * n);
  let climb = startLbfgs(x, await objective(x, gradient), gradient);
  const values = [climb.value];
  while (climb.iteration < maxSteps) {
    const next = await stepLbfgs(objective, climb);
    if (next === undefined) break;
    climb = next;
    values.push(climb.value);
    if (values.length > PATIENCE && climb.value - values[values.length - 1 - PATIENCE] < GAIN) break;
  }
  return normals(climb.q);
}
