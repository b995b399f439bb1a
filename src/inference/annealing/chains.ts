/** Chains that move along a path, all rows at once: transitions that leave a density invariant, and their step sizes. */
import { fillNormal, fillUniform, stream } from "../../random/index.ts";
import type { AnnealedPath } from "./path.ts";

/** Settings of the chains' transitions. */
export interface Settings {
  /** Inverse temperatures, from 0 to 1. */
  readonly betas: readonly number[];
  readonly leapfrogs: number;
  readonly targetAcceptance: number;
  readonly seed: number;
}

/** Positions of the chains, and the densities there. */
export interface State {
  readonly q: Float64Array;
  /** The density at the last evaluated temperature. */
  readonly gradient: Float64Array;
  readonly value: Float64Array;
}

/** Evaluates the path at q and copies the results into a state. Returns the increments. */
export async function moveTo(
  path: AnnealedPath,
  state: State,
  beta: number,
  other: number,
): Promise<Float64Array> {
  const { value, gradient, increment } = await path.evaluate(state.q, beta, other);
  state.value.set(value);
  state.gradient.set(gradient);
  return Float64Array.from(increment);
}

/**
 * Noise for one purpose: transition n uses the n-th momentum and uniforms. A rank draws what belongs to its chains of the noise of all, so that
 * a chain does not depend on the number of ranks.
 */
export function noiseOf(seed: number, use: string, path: AnnealedPath) {
  const momenta = stream(seed, `annealing/${use}/momentum`);
  const uniforms = stream(seed, `annealing/${use}/uniform`);
  const momentum = new Float64Array(path.dimension);
  const uniform = new Float64Array(path.rows);
  const jitter = new Float64Array(1);
  const { rows, sites, share } = path;
  const { chains, first, own } = share;
  let step = 0;
  return () => {
    for (const { start, end } of sites) {
      // A site has its values of all chains after those of the sites before it.
      const each = (end - start) / own;
      const before = (start / own) * chains + first * each;
      fillNormal(momentum.subarray(start, end), momenta, { step, first: before });
    }
    fillUniform(uniform, uniforms, { step, first: first * (rows / own) });
    fillUniform(jitter, uniforms, { step, first: chains * (rows / own) });
    step++;
    return { momentum, uniform, jitter: jitter[0] };
  };
}

/**
 * One transition of Hamiltonian Monte Carlo for every row at once, each accepted on its own (Neal 2011); the state is changed in place.
 * Returns the rows' acceptance probabilities.
 *
 * @param stepSizes for each datum, the same for all chains
 */
export async function transition(
  path: AnnealedPath,
  state: State,
  beta: number,
  stepSizes: Float64Array,
  { leapfrogs }: Settings,
  noise: ReturnType<typeof noiseOf>,
): Promise<Float64Array> {
  const { owner, rows } = path;
  const { momentum: p, uniform, jitter: drawn } = noise();
  // Vary the adapted step size, equally for all rows: a fixed time could be a period of some coordinate.
  const jitter = 0.8 + 0.4 * drawn;
  const stepOf = Float64Array.from({ length: rows }, (_, r) => jitter * stepSizes[r % stepSizes.length]);
  const kinetic = (): Float64Array => {
    const energy = new Float64Array(rows);
    for (let i = 0; i < p.length; i++) energy[owner[i]] += 0.5 * p[i] * p[i];
    return energy;
  };
  const kick = (gradient: ArrayLike<number>, factor: number): void => {
    for (let i = 0; i < p.length; i++) p[i] += factor * stepOf[owner[i]] * gradient[i];
  };
  const before = kinetic().map((k, r) => k - state.value[r]);
  const q = state.q.slice();
  kick(state.gradient, 0.5);
  let reached = await drift();
  for (let l = 1; l < leapfrogs; l++) {
    kick(reached.gradient, 1);
    reached = await drift();
  }
  kick(reached.gradient, 0.5);
  const { value, gradient } = reached;
  const acceptance = kinetic().map((k, r) => {
    const ratio = Math.exp(before[r] - (k - value[r]));
    return Number.isNaN(ratio) ? 0 : Math.min(1, ratio);
  });
  const accepted = acceptance.map((a, r) => Number(uniform[r] < a));
  for (let i = 0; i < q.length; i++) {
    if (accepted[owner[i]] === 0) continue;
    state.q[i] = q[i];
    state.gradient[i] = gradient[i];
  }
  accepted.forEach((yes, r) => {
    if (yes === 1) state.value[r] = value[r];
  });
  return acceptance;

  function drift() {
    for (let i = 0; i < q.length; i++) q[i] += stepOf[owner[i]] * p[i];
    return path.evaluate(q, beta, beta);
  }
}

export const emptyState = (path: AnnealedPath, q: Float64Array): State => ({
  q,
  gradient: new Float64Array(path.dimension),
  value: new Float64Array(path.rows),
});

/** Largest number of temperatures in the pilot run; its transitions at the first and at each later temperature. */
const PILOT_TEMPERATURES = 25;
const PILOT_FIRST = 20;
const PILOT_EACH = 2;
/** Largest number of leapfrog steps of its transitions: beyond it the energy error hardly grows. */
const PILOT_LEAPFROGS = 5;

/**
 * Step sizes for each temperature and datum, from a run whose draws are discarded. Adapting to the chains themselves would not leave their
 * density invariant, and their weights would be invalid.
 */
export async function pilot(path: AnnealedPath, settings: Settings): Promise<readonly Float64Array[]> {
  const { betas, targetAcceptance, seed } = settings;
  const state = emptyState(path, await path.start(seed + 1)());
  const noise = noiseOf(seed, "pilot", path);
  const brief = { ...settings, leapfrogs: Math.min(settings.leapfrogs, PILOT_LEAPFROGS) };
  const { share } = path;
  const data = path.rows / share.own;
  const logSteps = new Float64Array(data).fill(Math.log(0.5));
  const every = Math.max(1, Math.ceil((betas.length - 1) / PILOT_TEMPERATURES));
  const found: Float64Array[] = [];
  for (let t = 0; t < betas.length; t++) {
    if (t === 0 || t % every === 0 || t === betas.length - 1) {
      await moveTo(path, state, betas[t], betas[t]);
      for (let i = 0; i < (t === 0 ? PILOT_FIRST : PILOT_EACH); i++) {
        const acceptance = await transition(path, state, betas[t], logSteps.map(Math.exp), brief, noise);
        // Step sizes are those of all chains, added up in their order on every rank.
        share.all(acceptance, data).forEach((a, r) => {
          logSteps[r % data] += (a - targetAcceptance) / share.chains;
        });
      }
    }
    found.push(logSteps.map(Math.exp));
  }
  return found;
}
