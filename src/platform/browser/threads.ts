/** A page has no memory that both its threads and the runtime can work in. */
import type { Pass, SharedMemory, Threads } from "../node/threads.ts";

export type { Pass, SharedMemory, Threads };

export const MOST_CHUNKS = 512;

export const sharedMemories = async (): Promise<undefined> => undefined;

export const startThreads = (): Threads => {
  throw new Error("a page has no threads in one memory");
};
