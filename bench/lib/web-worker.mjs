// jax-js spreads its kernels over threads if the browser's `Worker` exists. Node has no such global,
// only `worker_threads`; this implements the part of `Worker` that jax-js needs with `worker_threads`.
import { resolveObjectURL } from "node:buffer";
import { Worker as Thread } from "node:worker_threads";

const PRELUDE = `
const { parentPort } = require("node:worker_threads");
globalThis.self = globalThis;
globalThis.postMessage = (message) => parentPort.postMessage(message);
parentPort.on("message", (data) => globalThis.onmessage({ data }));
`;

class WebWorker {
  #thread;
  #starting;

  constructor(url) {
    this.#starting = this.#start(url);
  }

  async #start(url) {
    const source = await resolveObjectURL(url).text();
    this.#thread = new Thread(PRELUDE + source, { eval: true });
    this.#thread.on("message", (data) => this.onmessage?.({ data }));
    this.#thread.on("error", (error) => this.onerror?.(error));
  }

  postMessage(message) {
    if (this.#thread) this.#thread.postMessage(message);
    else this.#starting.then(() => this.#thread.postMessage(message));
  }
}

/** The number of threads to offer; with 0, Node is not changed. */
const workers = Number(process.env.JAXJS_WORKERS ?? 0);

if (workers > 0) {
  globalThis.Worker = WebWorker;
  Object.defineProperty(globalThis, "navigator", {
    value: { hardwareConcurrency: workers },
    configurable: true,
  });
}
