/** Workers of chains: threads of Node. */
import { parentPort, Worker } from "node:worker_threads";

/** A worker, seen from the thread that started it. */
export interface ChainThread {
  post(message: unknown): void;
  terminate(): Promise<unknown>;
}

/** What the thread that started a worker hears of it. */
export interface ChainThreadEvents {
  onMessage(message: unknown): void;
  /** It failed, or ended before it was told to; `started` says whether it ever ran. */
  onFailure(reason: unknown, started: boolean): void;
}

/** The file that a worker starts from, in the sources' folder of chains. */
const FILE = new URL("../../inference/mcmc/chain-worker.js", import.meta.url);

/** Whether there is a file for workers to start from. Sources under a test runner or a loader have none that a bare worker could read. */
export const hasWorkers = import.meta.url.startsWith("file:") && import.meta.url.endsWith(".js");

export const startWorker = ({ onMessage, onFailure }: ChainThreadEvents): ChainThread => {
  // Flags of the process are not for the worker: `--input-type` and `--eval` would keep it from starting.
  const worker = new Worker(FILE, { execArgv: [] });
  worker.on("error", (error) => onFailure(error, true));
  worker.on("messageerror", (error) => onFailure(error, true));
  // A worker that ends without a message (memory, a signal, process.exit in a loader) is only noticed here.
  worker.on("exit", (code) => onFailure(`exit code ${code}`, true));
  worker.on("message", onMessage);
  return { post: (message) => worker.postMessage(message), terminate: () => worker.terminate() };
};

/** The other end, in a worker: listens, and returns how to answer. Nothing happens in a thread that is no worker. */
export const answerParent = (
  onMessage: (message: never, answer: (message: unknown) => void) => void,
): void => {
  parentPort?.on("message", (message) =>
    onMessage(message as never, (answer) => parentPort?.postMessage(answer)),
  );
};
