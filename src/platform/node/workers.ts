/** Workers of chains: threads of Node. */
import { parentPort, Worker } from "node:worker_threads";

/** A worker, seen from the thread that started it. */
export interface ChainThread {
  post(message: unknown): void;
  terminate(): Promise<unknown>;
}

/** What the thread that started a worker is notified of. */
export interface ChainThreadEvents {
  onMessage(message: unknown): void;
  /** The worker failed, or ended by itself; `started` says whether it ever ran. */
  onFailure(reason: unknown, started: boolean): void;
}

/** The file that a worker starts from. */
const FILE = new URL("../../inference/mcmc/chain-worker.js", import.meta.url);

/**
 * Whether there is a file that workers can start from. Not when the sources run under a test runner or a loader, because a plain worker
 * cannot read them.
 */
export const hasWorkers = import.meta.url.startsWith("file:") && import.meta.url.endsWith(".js");

export const startWorker = ({ onMessage, onFailure }: ChainThreadEvents): ChainThread => {
  // The worker does not get the flags of the process: with `--input-type` or `--eval` it would not start.
  const worker = new Worker(FILE, { execArgv: [] });
  worker.on("error", (error) => onFailure(error, true));
  worker.on("messageerror", (error) => onFailure(error, true));
  // A worker that ends without a message (memory, a signal, process.exit in a loader) is only noticed here.
  worker.on("exit", (code) => onFailure(`exit code ${code}`, true));
  worker.on("message", onMessage);
  return { post: (message) => worker.postMessage(message), terminate: () => worker.terminate() };
};

/** The other end, in a worker: passes each message on, with a function to answer it. Does nothing in a thread that is not a worker. */
export const answerParent = (
  onMessage: (message: never, answer: (message: unknown) => void) => void,
): void => {
  parentPort?.on("message", (message) =>
    onMessage(message as never, (answer) => parentPort?.postMessage(answer)),
  );
};
