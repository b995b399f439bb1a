/** Processes that train one model together. */

/** What processes of one training do together. Every rank must make the same calls in the same order. */
export interface Ranks {
  /** This process's number, from 0. Rank 0 writes the run. */
  readonly rank: number;
  /** How many processes there are. */
  readonly size: number;
  /** Threads of this rank where nothing else is said: its share of the machine's cores. Absent: all cores. */
  readonly threads?: number;
  /** Replaces the values by their sums over all ranks, element by element; the result is the same on every rank. */
  sum(values: Float32Array | Float64Array): void;
  /**
   * Sums over all ranks, and gives each rank one part of the sum: part r, `counts[r]` values, is written to `own` of rank r. The values
   * stay as they are.
   */
  reduceScatter(values: Float32Array, own: Float32Array, counts: Int32Array): void;
  /** Gives every rank all parts: part r, `counts[r]` values, is in its place on rank r. */
  allGather(values: Float32Array, counts: Int32Array): void;
  /** Replaces the bytes by those of rank 0. */
  broadcast(bytes: Uint8Array): void;
  /** One text from each rank, in their order, on every rank. */
  gather(text: string): readonly string[];
  /** Waits until every rank is here. */
  barrier(): void;
}

/** One process by itself. */
export const alone: Ranks = {
  rank: 0,
  size: 1,
  sum: () => undefined,
  reduceScatter: (values, own) => own.set(values),
  allGather: () => undefined,
  broadcast: () => undefined,
  gather: (text) => [text],
  barrier: () => undefined,
};

/** The value that rank 0 has, on every rank. */
export function fromFirst<T>(ranks: Ranks, value: T): T {
  if (ranks.size === 1) return value;
  const [text] = ranks.gather(ranks.rank === 0 ? JSON.stringify({ value }) : "");
  return (JSON.parse(text) as { value: T }).value;
}

/** Whether it is so on any rank. */
export function anyOf(ranks: Ranks, here: boolean): boolean {
  if (ranks.size === 1) return here;
  const count = Float64Array.of(Number(here));
  ranks.sum(count);
  return count[0] > 0;
}
