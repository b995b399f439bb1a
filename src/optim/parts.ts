/** The part of the arena that each rank updates. */
import type { OwnFloat32Array } from "../arrays.ts";
import type { Ranks } from "../mpi/index.ts";
import type { Arena, ArenaPart } from "./arena.ts";
import type { ArenaLayout } from "./layout.ts";

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
