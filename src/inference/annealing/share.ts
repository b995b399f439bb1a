/** Chains over ranks: each has some that follow each other, and all get the results of all. */
import { UsageError } from "../../errors.ts";
import { alone, type Ranks } from "../../mpi/index.ts";

/** The chains of this rank among all. */
export interface Share {
  /** Chains of all ranks. */
  readonly chains: number;
  /** This rank's chains: the first, and how many. */
  readonly first: number;
  readonly own: number;
  /** Values of this rank's chains, `each` numbers a chain, as those of all chains; the same bits on every rank. */
  all(values: Float64Array, each: number): Float64Array;
  /** What belongs to this rank's chains of values of all, `each` numbers a chain. */
  part(values: Float64Array, each: number): Float64Array;
}

/** @throws UsageError when there are fewer chains than ranks. */
export function shareOf(chains: number, ranks: Ranks = alone): Share {
  const { rank, size } = ranks;
  if (chains < size) {
    throw new UsageError(
      `annealing: ${size} ranks cannot share ${chains} chains. Take at least as many chains as ranks.`,
    );
  }
  const start = (of: number): number => Math.floor((of * chains) / size);
  const counts = Int32Array.from({ length: size }, (_, of) => start(of + 1) - start(of));
  const first = start(rank);
  return {
    chains,
    first,
    own: counts[rank],
    all(values, each) {
      if (size === 1) return values;
      const whole = new Float64Array(chains * each);
      whole.set(values, first * each);
      // Moved as they are, a number as two floats.
      ranks.allGather(
        new Float32Array(whole.buffer),
        counts.map((count) => 2 * each * count),
      );
      return whole;
    },
    part: (values, each) => (size === 1 ? values : values.slice(first * each, (first + counts[rank]) * each)),
  };
}
