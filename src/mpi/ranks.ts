/** Processes that train one model together. */
import { TightboundError } from "../errors.ts";

/** What processes of one training do together. Every rank must make the same calls in the same order. */
export interface Ranks {
  /** This process's number, from 0. Rank 0 writes the run. */
  readonly rank: number;
  /** How many processes there are. */
  readonly size: number;
  /** Threads of this rank where nothing else is said: its share of the machine's cores. Absent: all cores. */
  readonly threads?: number;
  /** The machine of each rank, for messages. Absent: messages have the ranks' numbers alone. */
  readonly hosts?: readonly string[];
  /** Replaces the values by their sums over all ranks, element by element; the result is the same on every rank. */
  sum(values: Float32Array | Float64Array): void;
  /**
   * Sends every other rank its part of the values: part r, `counts[r]` values, goes to rank r. `received` gets this rank's part from each of the
   * others, one after the other in the order of the ranks. The values stay as they are.
   */
  exchange(values: Float32Array, received: Float32Array, counts: Int32Array): void;
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
  exchange: () => undefined,
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

/** A rank in messages: its number and its machine. */
export const rankName = ({ hosts }: Pick<Ranks, "hosts">, rank: number): string =>
  hosts === undefined ? `rank ${rank}` : `rank ${rank} (on ${hosts[rank]})`;

const ofAll = new WeakSet<object>();

/** Marks an error that every rank throws at the same place, so that it is reported once. Returns it. */
export const onAllRanks = <E extends Error>(error: E): E => {
  ofAll.add(error);
  return error;
};

/** Whether every rank throws this error. */
export const isOnAllRanks = (error: unknown): boolean =>
  typeof error === "object" && error !== null && ofAll.has(error);

/** A rank that could not do what all do, and why. */
export interface RankFailure {
  readonly rank: number;
  readonly message: string;
}

/**
 * Does something on every rank that may fail on some of them, such as reading a file. All ranks then fail: one that went on would wait for
 * the others in vain.
 *
 * @param refusal the error where some ranks failed, or all with different messages; where all failed alike, their error is thrown as it is
 */
export async function onEveryRank<T>(
  ranks: Ranks,
  run: () => T | Promise<T>,
  refusal: (failures: readonly RankFailure[]) => Error,
): Promise<T> {
  if (ranks.size === 1) return run();
  const outcome = await (async () => ({ value: await run() }))().catch((error: unknown) => ({ error }));
  // A fault of ours is shown with its own stack.
  const own = "error" in outcome ? outcome.error : undefined;
  const told = ranks.gather(
    JSON.stringify("error" in outcome ? { message: own instanceof Error ? own.message : String(own) } : {}),
  );
  const failures = told.flatMap((text, rank) => {
    const { message } = JSON.parse(text) as { message?: string };
    return message === undefined ? [] : [{ rank, message }];
  });
  if ("value" in outcome && failures.length === 0) return outcome.value;
  const alike = failures.length === ranks.size && new Set(told).size === 1;
  if ("error" in outcome && (alike || !(own instanceof TightboundError)))
    throw alike && own instanceof Error ? onAllRanks(own) : own;
  throw onAllRanks(refusal(failures));
}
