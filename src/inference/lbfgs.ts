/** Limited-memory BFGS: maximises a smooth function by its gradient, with curvature from its last steps. */

/** The function's value at q, its gradient written into `gradient`. */
export type Objective = (q: Float64Array, gradient: Float64Array) => number | Promise<number>;

/** A step and what it did to the gradient. */
interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  /** 1 / (change · step). */
  readonly inverse: number;
}

/** The state carried from step to step: plain data. */
export interface LbfgsState {
  readonly q: Float64Array;
  readonly value: number;
  readonly gradient: Float64Array;
  /** Squares of the coordinates' scales, by which a step along the gradient is multiplied. */
  readonly scales: Float64Array;
  /** The last steps, oldest first. */
  readonly pairs: readonly Pair[];
  readonly iteration: number;
  readonly evaluations: number;
}

/** Number of steps remembered (Nocedal and Wright 2006, section 7.2: 3 to 20). */
const MEMORY = 20;
/** Constants of the Wolfe conditions (the same, section 3.1). */
const DECREASE = 1e-4;
const CURVATURE = 0.9;
/** Values whose relative difference is below this count as equal, by default: the rounding error of sums in float64. */
const ROUNDING = 1e-10;
const HALVINGS = 60;

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

/** q + t d. */
const along = (q: Float64Array, d: Float64Array, t: number): Float64Array => {
  const to = new Float64Array(q.length);
  for (let i = 0; i < q.length; i++) to[i] = q[i] + t * d[i];
  return to;
};

const scaled = (d: Float64Array, scales: Float64Array): Float64Array => {
  const to = new Float64Array(d.length);
  for (let i = 0; i < d.length; i++) to[i] = d[i] * scales[i];
  return to;
};

export const startLbfgs = (q: Float64Array, value: number, gradient: Float64Array): LbfgsState => ({
  q: q.slice(),
  value,
  gradient: gradient.slice(),
  scales: new Float64Array(q.length).fill(1),
  pairs: [],
  iteration: 0,
  evaluations: 0,
});

/** The direction of ascent: the gradient times the inverse curvature of the last steps, by the two-loop recursion. */
function directionOf({ gradient, pairs, scales }: LbfgsState): Float64Array {
  let d: Float64Array = gradient.slice();
  const weights: number[] = [];
  for (const { step, change, inverse } of [...pairs].reverse()) {
    const weight = inverse * dot(step, d);
    weights.push(weight);
    d = along(d, change, -weight);
  }
  const last = pairs.at(-1);
  // Pairs hold curvature of an ascent: change · step is negative, and so is this scale's denominator.
  const scale = last === undefined ? 1 : -1 / (last.inverse * dot(last.change, scaled(last.change, scales)));
  d = d.map((v, i) => v * scale * scales[i]);
  pairs.forEach(({ step, change, inverse }, i) => {
    d = along(d, step, -(weights[pairs.length - 1 - i] + inverse * dot(change, d)));
  });
  return d;
}

/**
 * One step of L-BFGS (Liu and Nocedal 1989), uphill, with a line search for the weak Wolfe conditions by doubling and halving (Lewis and
 * Overton 2013). If values differ only by rounding, slopes decide (the approximate Wolfe conditions of Hager and Zhang 2005). Returns
 * nothing if no step up is found.
 */
export async function stepLbfgs(
  objective: Objective,
  state: LbfgsState,
  rounding = ROUNDING,
): Promise<LbfgsState | undefined> {
  const { q, value, gradient, iteration } = state;
  let direction = directionOf(state);
  let pairs = state.pairs;
  if (!(dot(direction, gradient) > 0)) {
    direction = scaled(gradient, state.scales);
    pairs = [];
  }
  const slope = dot(direction, gradient);
  const reached = new Float64Array(q.length);
  let evaluations = state.evaluations;
  let [low, high] = [0, Number.POSITIVE_INFINITY];
  // The first step has no scale yet: its length is at most 1.
  let t = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(slope)) : 1;
  for (let tries = 0; tries < HALVINGS; tries++) {
    const to = along(q, direction, t);
    const found = await objective(to, reached);
    evaluations++;
    const end = dot(direction, reached);
    const level = Math.abs(found - value) <= rounding * (1 + Math.abs(value));
    const enough = found >= value + DECREASE * t * slope || (level && end >= -0.8 * slope);
    if (!enough || !Number.isFinite(end)) high = t;
    else if (end > CURVATURE * slope) low = t;
    else {
      const step = along(to, q, -1);
      const change = along(reached, gradient, -1);
      const curvature = dot(change, step);
      const pair = { step, change, inverse: 1 / curvature };
      return {
        q: to,
        value: found,
        gradient: reached.slice(),
        scales: state.scales,
        pairs: curvature < 0 ? [...pairs, pair].slice(-MEMORY) : pairs,
        iteration: iteration + 1,
        evaluations,
      };
    }
    t = high === Number.POSITIVE_INFINITY ? 2 * low : (low + high) / 2;
  }
  return undefined;
}
