import {
  DIVERGENCE,
  type Kernel,
  kick,
  kickAndDrift,
  moverAt,
  type Point,
  pointAt,
  type Querying,
  type Randomness,
  type Transition,
} from "./kernel.ts";
import { kineticEnergy, type Metric, toMomentum, velocity } from "./metric.ts";
import { dot, logAddExp, sum, type Vector, vector } from "./vectors.ts";

/** An end of a trajectory: momentum p and velocity p♯ = M⁻¹ p. */
interface End {
  readonly p: Vector;
  readonly v: Vector;
}

/** A piece of trajectory, with its leaves in the order in which they were reached. */
interface Tree {
  readonly depth: number;
  readonly first: End;
  readonly last: End;
  /** ρ: the sum of its momenta. */
  readonly rho: Vector;
  /** ln Σ exp(H₀ − H) over its leaves. */
  readonly logWeight: number;
  /** One of its leaves, drawn with these weights, and its energy. */
  readonly proposal: Point;
  readonly energy: number;
}

/** Whether the ends of a trajectory still move apart: ρ · p♯ > 0 (Betancourt 2017, appendix A.4.2). */
const goesOn = (rho: Vector, a: End, b: End): boolean => dot(rho, a.v) > 0 && dot(rho, b.v) > 0;

/** Whether two neighbouring pieces, and the seam between them, make no U-turn (the seam as in Stan since 2.21). */
const holdsTogether = (a: Tree, b: Tree, rho: Vector): boolean =>
  goesOn(rho, a.first, b.last) &&
  goesOn(sum(a.rho, b.first.p), a.first, b.first) &&
  goesOn(sum(b.rho, a.last.p), a.last, b.last);

/** Joins two pieces. The proposal is that of `b` with probability exp(logChance). */
function join(a: Tree, b: Tree, rho: Vector, logChance: number, random: Randomness): Tree {
  const taken = logChance >= 0 || Math.log(random.uniform()) < logChance ? b : a;
  return {
    depth: a.depth + 1,
    first: a.first,
    last: b.last,
    rho,
    logWeight: logAddExp(a.logWeight, b.logWeight),
    proposal: taken.proposal,
    energy: taken.energy,
  };
}

const reversed = (tree: Tree): Tree => ({ ...tree, first: tree.last, last: tree.first });

/**
 * The transition of the no-U-turn sampler (Hoffman and Gelman 2014) with multinomial sampling of the trajectory and the generalised
 * U-turn criterion (Betancourt 2017, "A conceptual introduction to Hamiltonian Monte Carlo", appendix A). A trajectory doubles,
 * forwards or backwards, until it turns, diverges, or has `maxTreeDepth` doublings.
 *
 * Subtrees are built leaf by leaf on a stack, like a binary counter: two pieces of equal size become one, which is the paper's recursion
 * without recursive calls. At most 2^maxTreeDepth − 1 gradients; memory for maxTreeDepth pieces.
 */
export const nutsKernel = ({ maxTreeDepth = 10 }: { readonly maxTreeDepth?: number } = {}): Kernel =>
  function* (point: Point, metric: Metric, stepSize: number, random: Randomness): Querying<Transition> {
    const p = random.normals(point.q.length);
    toMomentum(metric, p);
    const endOf = (momentum: Vector): End => {
      const v = new Array<number>(momentum.length);
      velocity(metric, momentum, v);
      return { p: momentum, v };
    };
    const start = endOf(p);
    const initial = kineticEnergy(start.p, start.v) - point.logDensity;
    const edges = { forwards: moverAt(point, p), backwards: moverAt(point, p) };
    const scratch = vector(p);
    let leapfrogs = 0;
    let acceptances = 0;
    let divergent = false;

    /** `2^depth` more leaves at an end, or nothing if they turn or diverge. */
    function* grow(depth: number, direction: 1 | -1): Querying<Tree | undefined> {
      const z = direction > 0 ? edges.forwards : edges.backwards;
      const stack: Tree[] = [];
      for (let leaf = 0; leaf < 2 ** depth; leaf++) {
        kickAndDrift(z, metric, direction * stepSize, scratch);
        z.logDensity = yield z;
        kick(z, direction * stepSize);
        const end = endOf(vector(z.p));
        const energy = kineticEnergy(end.p, end.v) - z.logDensity;
        // If the density or momentum is NaN, the trajectory has left the support.
        const error = Number.isNaN(energy) ? Number.POSITIVE_INFINITY : energy - initial;
        leapfrogs++;
        acceptances += Math.min(1, Math.exp(-error));
        if (error > DIVERGENCE) {
          divergent = true;
          return undefined;
        }
        let tree: Tree = {
          depth: 0,
          first: end,
          last: end,
          rho: end.p,
          logWeight: -error,
          proposal: pointAt(z),
          energy,
        };
        for (let left = stack.at(-1); left?.depth === tree.depth; left = stack.at(-1)) {
          const rho = sum(left.rho, tree.rho);
          if (!holdsTogether(left, tree, rho)) return undefined;
          const chance = tree.logWeight - logAddExp(left.logWeight, tree.logWeight);
          tree = join(left, tree, rho, chance, random);
          stack.pop();
        }
        stack.push(tree);
      }
      return stack[0];
    }

    let tree: Tree = {
      depth: 0,
      first: start,
      last: start,
      rho: p,
      logWeight: 0,
      proposal: point,
      energy: initial,
    };
    while (tree.depth < maxTreeDepth) {
      const direction = random.uniform() < 0.5 ? -1 : 1;
      const more: Tree | undefined = yield* grow(tree.depth, direction);
      if (more === undefined) break;
      const base: Tree = direction > 0 ? tree : reversed(tree);
      const rho = sum(base.rho, more.rho);
      const goes = holdsTogether(base, more, rho);
      // Biased towards the new half: away from where the trajectory began.
      const joined = join(base, more, rho, more.logWeight - base.logWeight, random);
      tree = direction > 0 ? joined : reversed(joined);
      if (!goes) break;
    }
    return {
      point: tree.proposal,
      info: {
        acceptance: acceptances / Math.max(1, leapfrogs),
        divergent,
        treeDepth: tree.depth,
        leapfrogs,
        energy: tree.energy,
      },
    };
  };
