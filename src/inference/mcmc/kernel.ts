/** Shared by the Monte Carlo kernels: points, requests for a density, and the leapfrog step. */
import { type Metric, velocity } from "./metric.ts";
import { type Vector, vector } from "./vectors.ts";

/** A position with its log density and gradient: never modified. */
export interface Point {
  readonly q: Readonly<Vector>;
  readonly logDensity: number;
  readonly gradient: Readonly<Vector>;
}

/** A place in phase space that a trajectory moves in place. */
export interface Mover {
  readonly q: Float64Array;
  readonly gradient: Float64Array;
  readonly p: Float64Array;
  logDensity: number;
}

/** A request of a kernel: the log density at `q`, and its gradient written into `gradient`. */
export interface Query {
  readonly q: Float64Array;
  readonly gradient: Float64Array;
}

/**
 * A computation that requests densities by yielding. It does not know whether the answer comes immediately (host) or in a promise (native),
 * so each algorithm is written once.
 */
export type Querying<T> = Generator<Query, T, number>;

/** The log density at q, its gradient written into `gradient`. */
export type Density = (q: Float64Array, gradient: Float64Array) => number | Promise<number>;

/**
 * Runs a kernel on a density: synchronously if the density is synchronous, otherwise in a promise. It is called by `call`, which V8 does not
 * compile for one density in particular: or else it would compile a sampler again when a process comes to its second density.
 */
export function drive<T>(kernel: Querying<T>, density: Density): T | Promise<T> {
  let next = kernel.next();
  while (next.done !== true) {
    const answer = density.call(undefined, next.value.q, next.value.gradient);
    if (typeof answer !== "number") return answer.then((value) => resume(kernel, density, value));
    next = kernel.next(answer);
  }
  return next.value;
}

/** A function of a value that may be in a promise; at once if it is not. */
export const after = <A, B>(value: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> =>
  value instanceof Promise ? value.then(next) : next(value);

async function resume<T>(kernel: Querying<T>, density: Density, answer: number): Promise<T> {
  let next = kernel.next(answer);
  while (next.done !== true) next = kernel.next(await density(next.value.q, next.value.gradient));
  return next.value;
}

/** A copy of a mover's position. */
export const pointAt = ({ q, logDensity, gradient }: Omit<Mover, "p">): Point => ({
  q: vector(q),
  logDensity,
  gradient: vector(gradient),
});

/** A place for a mover of so many coordinates. */
export const newMover = (dimension: number): Mover => ({
  q: new Float64Array(dimension),
  gradient: new Float64Array(dimension),
  p: new Float64Array(dimension),
  logDensity: Number.NaN,
});

/** Puts a mover at a point with a momentum, as copies. */
export function place(z: Mover, { q, logDensity, gradient }: Point, p: Float64Array): void {
  for (let i = 0; i < p.length; i++) {
    z.q[i] = q[i];
    z.gradient[i] = gradient[i];
    z.p[i] = p[i];
  }
  z.logDensity = logDensity;
}

/** Half a kick and a whole drift of a leapfrog step; a query, and {@link kick}, complete it. `v` is scratch. */
export function kickAndDrift(z: Mover, metric: Metric, stepSize: number, v: Float64Array): void {
  kick(z, stepSize);
  velocity(metric, z.p, v);
  const { q } = z;
  for (let i = 0; i < q.length; i++) q[i] += stepSize * v[i];
}

/** Half a kick: p += ½ ε ∇ log p(q). */
export function kick({ p, gradient }: Mover, stepSize: number): void {
  const half = 0.5 * stepSize;
  for (let i = 0; i < p.length; i++) p[i] += half * gradient[i];
}

/** Energy error above which leapfrog steps no longer follow the density (Betancourt 2017, section 6.2; as in Stan). */
export const DIVERGENCE = 1000;

/** What a transition reports. */
export interface TransitionInfo {
  /** Mean acceptance probability along the trajectory, used to adapt the step size. */
  readonly acceptance: number;
  readonly divergent: boolean;
  /** Number of doublings of a NUTS trajectory; 0 for static HMC. */
  readonly treeDepth: number;
  /** Number of gradients in the trajectory. */
  readonly leapfrogs: number;
  /** Energy H = −log density + kinetic of the new point, nats. */
  readonly energy: number;
}

export interface Transition {
  readonly point: Point;
  readonly info: TransitionInfo;
}

/** Random numbers of one transition. */
export interface Randomness {
  /** Fills an array with standard normals, different ones at each call. */
  normals(out: Float64Array): void;
  /** A uniform in (0, 1), another at each call. */
  uniform(): number;
}

/** A Markov kernel that leaves the density invariant. It may have memory of its own: one transition at a time. */
export type Kernel = (
  point: Point,
  metric: Metric,
  stepSize: number,
  random: Randomness,
) => Querying<Transition>;
