import {
  DIVERGENCE,
  type Kernel,
  kick,
  kickAndDrift,
  type Mover,
  newMover,
  type Point,
  place,
  pointAt,
  type Querying,
  type Randomness,
  type Transition,
} from "./kernel.ts";
import { kineticEnergy, type Metric, toMomentum, velocity } from "./metric.ts";

/** Largest number of leapfrog steps in a trajectory: a step size that shrinks to zero must not make it endless. */
const MOST_STEPS = 1024;

/** A mover, momentum at the start and a velocity. */
interface Memory {
  readonly z: Mover;
  readonly p: Float64Array;
  readonly v: Float64Array;
}

const newMemory = (n: number): Memory => ({
  z: newMover(n),
  p: new Float64Array(n),
  v: new Float64Array(n),
});

/** One transition: a function of the module, as that of NUTS is. */
function* transition(
  { z, p, v }: Memory,
  time: number,
  point: Point,
  metric: Metric,
  stepSize: number,
  random: Randomness,
): Querying<Transition> {
  random.normals(p);
  toMomentum(metric, p);
  velocity(metric, p, v);
  const initial = kineticEnergy(p, v) - point.logDensity;
  place(z, point, p);
  const steps = Math.min(MOST_STEPS, Math.max(1, Math.round((2 * time * random.uniform()) / stepSize)));
  let energy = initial;
  let leapfrogs = 0;
  for (; leapfrogs < steps && !(energy - initial > DIVERGENCE); leapfrogs++) {
    kickAndDrift(z, metric, stepSize, v);
    z.logDensity = yield z;
    kick(z, stepSize);
    velocity(metric, z.p, v);
    const reached = kineticEnergy(z.p, v) - z.logDensity;
    energy = Number.isNaN(reached) ? Number.POSITIVE_INFINITY : reached;
  }
  const divergent = energy - initial > DIVERGENCE;
  const acceptance = divergent ? 0 : Math.min(1, Math.exp(initial - energy));
  const accepted = random.uniform() < acceptance;
  return {
    point: accepted ? pointAt(z) : point,
    info: { acceptance, divergent, treeDepth: 0, leapfrogs, energy: accepted ? energy : initial },
  };
}

/**
 * The transition of Hamiltonian Monte Carlo with a static trajectory (Duane et al. 1987; Neal 2011): leapfrog steps over a time, and an
 * accept step on the energy error. The time is drawn anew for each transition, uniform on (0, 2 · `time`), because a fixed one can be
 * near a period of some coordinate and then never leaves it (Mackenzie 1989).
 */
export function hmcKernel({ time = Math.PI / 2 }: { readonly time?: number } = {}): Kernel {
  let memory = newMemory(0);
  return (point, metric, stepSize, random) => {
    if (memory.p.length !== point.q.length) memory = newMemory(point.q.length);
    return transition(memory, time, point, metric, stepSize, random);
  };
}
