/**
 * Chooses rows for a session in a separate thread. Clustering takes longer than a user wants to wait for the next row, and the main thread
 * has to answer requests.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { InternalError } from "../errors.ts";
import type { Features } from "./features.ts";
import { chooseRows, type QueueState, type Strategy } from "./queue.ts";

/** What is known when rows are chosen, apart from their features, and how many are chosen in which way. */
export type Choice = Omit<QueueState, "features"> & { readonly count: number; readonly strategy: Strategy };

/** Chooses rows for a session. */
export interface Chooser {
  choose(choice: Choice): Promise<readonly number[]>;
  close(): void;
}

/** The rows of one choice. */
export const chosenRows = (features: Features, { count, strategy, ...state }: Choice): readonly number[] =>
  chooseRows({ ...state, features }, { strategy, count, seed: 0 });

/** Chooses in this thread. */
export const chooserHere = (features: Features): Chooser => ({
  choose: async (choice) => chosenRows(features, choice),
  close: () => undefined,
});

/** Chooses in another thread; one choice at a time. */
export function chooserInThread(features: Features): Chooser {
  const worker = new Worker(new URL("./chooser-thread.js", import.meta.url), {
    workerData: features,
    execArgv: [],
  });
  // The thread keeps the process alive only while a choice is pending.
  worker.unref();
  return {
    async choose(choice) {
      const over = new AbortController();
      const { signal } = over;
      // `once` rethrows an error of the thread. A thread that has ended sends no answer.
      const ended = once(worker, "exit", { signal }).then(([code]) => {
        throw new InternalError(`the thread that chooses rows ended with ${code}`);
      });
      worker.ref();
      worker.postMessage(choice);
      try {
        const [rows] = await Promise.race([once(worker, "message", { signal }), ended]);
        return rows as readonly number[];
      } finally {
        over.abort();
        worker.unref();
      }
    },
    close: () => void worker.terminate(),
  };
}
