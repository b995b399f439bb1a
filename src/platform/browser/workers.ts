/** Workers of chains: Web Workers. */
import type { ChainThread, ChainThreadEvents } from "../node/workers.ts";

export type { ChainThread, ChainThreadEvents };

export const hasWorkers = typeof Worker === "function";

export const startWorker = ({ onMessage, onFailure }: ChainThreadEvents): ChainThread => {
  let started = false;
  // Must stay one expression: bundlers look for this pattern, and make a separate file of the worker.
  const worker = new Worker(new URL("../../inference/mcmc/chain-worker.js", import.meta.url), {
    type: "module",
  });
  worker.onerror = (event) => onFailure(event.message || "it did not load", started);
  worker.onmessageerror = () => onFailure("a message could not be read", started);
  worker.onmessage = ({ data }) => {
    started = true;
    onMessage(data);
  };
  return {
    post: (message) => worker.postMessage(message),
    terminate: async () => worker.terminate(),
  };
};

export const answerParent = (
  onMessage: (message: never, answer: (message: unknown) => void) => void,
): void => {
  globalThis.onmessage = ({ data }: MessageEvent) =>
    onMessage(data as never, (answer) => globalThis.postMessage(answer));
};
