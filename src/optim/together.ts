/** One step on several ranks: the gradient and the figures are means over the ranks, each of which has its own rows. */
import type { OwnFloat32Array } from "../arrays.ts";
import { type NoisePart, topological } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import type { Ranks } from "../mpi/index.ts";
import { isNoise, isOfOneProcess, isOverRanks, someNode, type Tensor } from "../tensor/index.ts";
import type { Arena, ArenaPart } from "./arena.ts";
import type { ArenaLayout } from "./layout.ts";
import type { Objective } from "./step.ts";

/** Ranks that take one step together, and which axis of each noise has the rows that they share. */
export interface Together {
  readonly ranks: Ranks;
  /** By site; a site that is not here has the same noise on every rank. */
  readonly axes: ReadonlyMap<string, number>;
}

/** Whether some of the outputs need a mean over ranks. */
export const needsRanks = (outputs: readonly Tensor[]): boolean => someNode(outputs, isOverRanks);

/** The part of the noise that this rank draws. */
export const partOf = (together: Together | undefined): NoisePart | undefined =>
  together && { rank: together.ranks.rank, size: together.ranks.size, axes: together.axes };

const outputsOf = ({ loss, metrics, updates }: Objective): readonly Tensor[] => [
  loss,
  ...Object.values(metrics),
  ...(updates?.values() ?? []),
];

const noisesOf = (objective: Objective): ReadonlyMap<string, Tensor> =>
  new Map(
    topological(outputsOf(objective))
      .filter(isNoise)
      .map((leaf) => [leaf.attributes.site, leaf] as const),
  );

/**
 * Finds the axes of rows by comparing the objective of one rank's rows with that of the whole minibatch: where a noise is larger in the
 * whole, it has a row's number there. Each rank then draws the part of the whole minibatch's noise that belongs to its rows, so that
 * the draws do not depend on the number of ranks. Undefined for one rank.
 *
 * @param own the objective of this rank's rows
 * @param whole the objective of the rows of all ranks
 * @throws UsageError when a noise is not simply longer in the whole.
 */
export function togetherOf(ranks: Ranks, own: Objective, whole: () => Objective): Together | undefined {
  if (ranks.size === 1) return undefined;
  if (someNode(outputsOf(own), isOfOneProcess)) {
    throw new UsageError(
      `step: batch normalisation or free bits of this objective would be of the rows of each of ${ranks.size} ranks, not of the whole minibatch. Trace it with ` +
        "`trainingContext({ ranks: ranks.size })`, given to layers and to `elbo`.",
    );
  }
  const all = noisesOf(whole());
  const axes = new Map<string, number>();
  for (const [site, leaf] of noisesOf(own)) {
    const shape = all.get(site)?.shape;
    const differing = leaf.shape.flatMap((extent, axis) => (shape?.[axis] === extent ? [] : [axis]));
    if (shape !== undefined && shape.length === leaf.shape.length && differing.length === 0) continue;
    const [axis] = differing;
    if (
      shape?.length !== leaf.shape.length ||
      differing.length !== 1 ||
      shape[axis] !== leaf.shape[axis] * ranks.size
    ) {
      throw new UsageError(
        `noise '${site}': expected shape [${leaf.shape.join(", ")}] of a rank's rows to be ${ranks.size} times longer in one axis for the whole ` +
          `minibatch; found ${shape === undefined ? "no such noise" : `[${shape.join(", ")}]`}. Such a program cannot be trained by several ranks.`,
      );
    }
    axes.set(site, axis);
  }
  return { ranks, axes };
}

/** Replaces scalars by their means over ranks. */
export function meanOverRanks(ranks: Pick<Ranks, "size" | "sum">, values: readonly Float32Array[]): void {
  const sums = Float64Array.from(values, ([value]) => value);
  ranks.sum(sums);
  values.forEach((value, i) => {
    value[0] = sums[i] / ranks.size;
  });
}

/** Floats in 64 bytes: a part begins where a line of the cache does. */
const LINE = 16;

/**
 * The parameters in as many parts as there are ranks. The work of the optimiser is shared: each rank gets the sum over ranks of the gradients of
 * its part, updates that part, and gets the parameters of the others. This sends as many bytes as a sum that every rank gets whole.
 */
export class Parts {
  /** How many floats the part of each rank has. */
  readonly counts: Int32Array;
  readonly #ranks: Ranks;
  readonly #start: number;
  /** What the others send of their gradients of this part, in their order. */
  readonly #received: OwnFloat32Array;
  /** The sum over ranks, in place of the first that was received. */
  readonly #own: OwnFloat32Array;
  /** Whether the last step's gradients and moments are on their own rank alone. */
  #apart = false;

  /** How many floats the largest part has. */
  static largest(length: number, size: number): number {
    return Math.ceil(length / size / LINE) * LINE;
  }

  /** How many floats a rank receives at most. */
  static room(length: number, size: number): number {
    return (size - 1) * Parts.largest(length, size);
  }

  /** @param room for {@link Parts.room} floats, in the arena's memory */
  constructor({ length }: ArenaLayout, ranks: Ranks, room: OwnFloat32Array) {
    const most = Parts.largest(length, ranks.size);
    const start = (rank: number): number => Math.min(length, rank * most);
    this.counts = Int32Array.from({ length: ranks.size }, (_, rank) => start(rank + 1) - start(rank));
    this.#ranks = ranks;
    this.#start = start(ranks.rank);
    const count = this.counts[ranks.rank];
    this.#received = room.subarray(0, (ranks.size - 1) * count);
    this.#own = room.subarray(0, count);
  }

  /** This rank's part. */
  get own(): ArenaPart {
    return { start: this.#start, end: this.#start + this.#own.length, gradients: this.#own };
  }

  /**
   * Sums the gradients of each part on its rank. MPI has a call for this too; that each rank sends the parts and adds what it gets takes half as long
   * on one machine, sends the same bytes, and adds in the order of the ranks, whatever the library.
   */
  sum({ flat, kernels }: Arena): void {
    const { rank, size } = this.#ranks;
    const count = this.#own.length;
    this.#ranks.exchange(flat.gradients, this.#received, this.counts);
    const mine = flat.gradients.byteOffset + 4 * this.#start;
    const addend = (place: number): number => this.#received.byteOffset + 4 * place * count;
    // The sum begins as what the first of the others has sent; this rank's own gradients follow those of the ranks before it.
    if (rank <= 1) kernels.addTo(this.#own.byteOffset, mine, count);
    for (let place = 1; place < size - 1; place++) {
      kernels.addTo(this.#own.byteOffset, addend(place), count);
      if (place === rank - 1) kernels.addTo(this.#own.byteOffset, mine, count);
    }
    this.#apart = true;
  }

  /** Gives every rank the parameters of all parts. */
  share({ flat }: Arena): void {
    this.#ranks.allGather(flat.parameters, this.counts);
  }

  /** Gives every rank the last step's gradients and the moments of all parts. */
  gather(arena: Arena): void {
    if (!this.#apart) return;
    const { gradients, moments } = arena.flat;
    gradients.set(this.#own, this.#start);
    for (const buffer of [gradients, ...moments.values()]) this.#ranks.allGather(buffer, this.counts);
    arena.gathered();
    this.#apart = false;
  }

  /** Whether the last step's gradients are whole here. */
  get whole(): boolean {
    return !this.#apart;
  }
}
