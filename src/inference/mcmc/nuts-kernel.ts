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
import { holdsTogether, join, newPiece, type Piece, reverse, setLeaf } from "./trajectory.ts";
import { logAddExp } from "./vectors.ts";

/** The memory of a kernel's transitions, and what the present one has done. */
class Trajectory {
  readonly dimension: number;
  readonly forwards: Mover;
  readonly backwards: Mover;
  /** Momentum at the start, and a velocity. */
  readonly p: Float64Array;
  readonly v: Float64Array;
  /** All leaves so far but those of the pieces that are growing. */
  readonly whole: Piece;
  /** Of each depth, a piece that waits for its neighbour, or memory for one. */
  readonly #waiting: Piece[];
  #spare: Piece;
  #initial = Number.NaN;
  leapfrogs = 0;
  acceptances = Number.NaN;
  divergent = false;

  constructor(dimension: number) {
    this.dimension = dimension;
    this.forwards = newMover(dimension);
    this.backwards = newMover(dimension);
    this.p = new Float64Array(dimension);
    this.v = new Float64Array(dimension);
    this.whole = newPiece(dimension);
    this.#waiting = [newPiece(dimension)];
    this.#spare = newPiece(dimension);
  }

  begin(point: Point, metric: Metric, random: Randomness): void {
    const { p, v } = this;
    random.normals(p);
    toMomentum(metric, p);
    velocity(metric, p, v);
    this.#initial = kineticEnergy(p, v) - point.logDensity;
    place(this.forwards, point, p);
    place(this.backwards, point, p);
    setLeaf(this.whole, point, p, v, 0, this.#initial);
    this.leapfrogs = 0;
    this.acceptances = 0;
    this.divergent = false;
  }

  /** Leaf number `leaf` of what grows, joined to the pieces of its size. @returns whether the trajectory neither turns nor diverges there. */
  grow(leaf: number, z: Mover, metric: Metric, random: Randomness): boolean {
    velocity(metric, z.p, this.v);
    const energy = kineticEnergy(z.p, this.v) - z.logDensity;
    // If the density or momentum is NaN, the trajectory has left the support.
    const error = Number.isNaN(energy) ? Number.POSITIVE_INFINITY : energy - this.#initial;
    this.leapfrogs++;
    this.acceptances += Math.min(1, Math.exp(-error));
    if (error > DIVERGENCE) {
      this.divergent = true;
      return false;
    }
    const waiting = this.#waiting;
    let piece = this.#spare;
    setLeaf(piece, z, z.p, this.v, -error, energy);
    let depth = 0;
    // The bits of its number say at which depths a piece waits.
    for (; (leaf >> depth) & 1; depth++) {
      const left = waiting[depth];
      if (!holdsTogether(left, piece)) {
        this.#spare = piece;
        return false;
      }
      join(left, piece, piece.logWeight - logAddExp(left.logWeight, piece.logWeight), random);
      waiting[depth] = piece;
      piece = left;
    }
    this.#spare = depth < waiting.length ? waiting[depth] : newPiece(this.dimension);
    waiting[depth] = piece;
    return true;
  }

  /** Joins what has grown to the whole. @returns whether the whole does not turn. */
  double(direction: 1 | -1, random: Randomness): boolean {
    const { whole } = this;
    const grown = this.#waiting[whole.depth];
    if (direction < 0) reverse(whole);
    const goes = holdsTogether(whole, grown);
    // Biased towards the new half: away from where the trajectory began.
    join(whole, grown, grown.logWeight - whole.logWeight, random);
    if (direction < 0) reverse(whole);
    return goes;
  }
}

/**
 * One transition. It is a function of the module and not of each kernel, because generators of different functions have different hidden classes:
 * with one of its own for every chain, V8 would compile all that calls them again, and then for no class in particular.
 */
function* transition(
  memory: Trajectory,
  maxTreeDepth: number,
  point: Point,
  metric: Metric,
  stepSize: number,
  random: Randomness,
): Querying<Transition> {
  const { whole, v } = memory;
  memory.begin(point, metric, random);
  let goes = true;
  while (goes && whole.depth < maxTreeDepth) {
    const direction = random.uniform() < 0.5 ? -1 : 1;
    const z = direction > 0 ? memory.forwards : memory.backwards;
    const step = direction * stepSize;
    const leaves = 2 ** whole.depth;
    for (let leaf = 0; goes && leaf < leaves; leaf++) {
      kickAndDrift(z, metric, step, v);
      z.logDensity = yield z;
      kick(z, step);
      goes = memory.grow(leaf, z, metric, random);
    }
    if (goes) goes = memory.double(direction, random);
  }
  const { acceptances, leapfrogs, divergent } = memory;
  return {
    point: whole.moved ? pointAt(whole) : point,
    info: {
      acceptance: acceptances / Math.max(1, leapfrogs),
      divergent,
      treeDepth: whole.depth,
      leapfrogs,
      energy: whole.energy,
    },
  };
}

/**
 * The transition of the no-U-turn sampler (Hoffman and Gelman 2014) with multinomial sampling of the trajectory and the generalised
 * U-turn criterion (Betancourt 2017, "A conceptual introduction to Hamiltonian Monte Carlo", appendix A). A trajectory doubles,
 * forwards or backwards, until it turns, diverges, or has `maxTreeDepth` doublings.
 *
 * Subtrees are built leaf by leaf, like a binary counter: two pieces of equal size become one, which is the paper's recursion
 * without recursive calls. At most 2^maxTreeDepth − 1 gradients; memory for maxTreeDepth pieces, which is kept from transition to transition:
 * a leapfrog step allocates nothing.
 */
export function nutsKernel({ maxTreeDepth = 10 }: { readonly maxTreeDepth?: number } = {}): Kernel {
  let memory = new Trajectory(0);
  return (point, metric, stepSize, random) => {
    if (memory.dimension !== point.q.length) memory = new Trajectory(point.q.length);
    return transition(memory, maxTreeDepth, point, metric, stepSize, random);
  };
}
