/** Memories whose kernels work on several threads. */
import { cores } from "#platform/machine";
import { sharedMemories, startThreads } from "#platform/threads";
import { type Kernels, sharedModule } from "./module.ts";
import { inBlocks, onThreads, passNames } from "./passes.ts";

/** A memory with the kernels on it, and their threads. */
export interface ThreadedMemory {
  readonly buffer: ArrayBuffer;
  readonly kernels: Kernels;
  /** How many chunks other threads than the calling one have done so far. */
  helped(): number;
  /** Ends the threads. */
  release(): void;
}

/** Allocates a memory of so many pages; undefined when the machine does not provide it. */
export type ThreadedMemories = (pages: number) => ThreadedMemory | undefined;

/** Fewer parameters are updated on one thread: that takes a quarter of a millisecond, of which waking others would leave little to save. */
const FEWEST_PARAMETERS = 2 ** 18;

/** More threads do not make an update faster: its arrays do not come from memory any sooner. */
const MOST_THREADS = 8;

/**
 * How to allocate a memory in which `threads` threads update `parameters` parameters; undefined where that does not pay, or cannot be done because
 * the optional package koffi is not installed. What the kernels compute is the same either way, bit for bit.
 *
 * @param threads default: one for each core
 */
export async function threadsFor(
  parameters: number,
  threads = cores(),
): Promise<ThreadedMemories | undefined> {
  const count = Math.min(threads, MOST_THREADS);
  if (parameters < FEWEST_PARAMETERS || count < 2) return undefined;
  const allocate = await sharedMemories();
  if (allocate === undefined) return undefined;
  return (pages) => {
    const shared = allocate(pages);
    if (shared === undefined) return undefined;
    const { memory, buffer } = shared;
    const module = sharedModule();
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    const running = startThreads(module, memory, passNames, count - 1);
    const kernels = onThreads(inBlocks(exports as unknown as Kernels), running, count);
    return { buffer, kernels, helped: () => running.helped, release: () => running.release() };
  };
}
