/** Chains in worker threads. A chain is a pure function of its job, so where it runs only changes the time. */
import type { Worker } from "node:worker_threads";
import { InternalError } from "../../errors.ts";
import type { PortableDensity } from "../portable-density.ts";
import type { FromWorker, ToWorker } from "./chain-worker.ts";
import type { ChainJob, ChainProgress, ChainRun } from "./run-chain.ts";

/** How many chains can run in parallel here: the number of cores, or 1 if there are no worker threads or no compiled file to start. */
export async function parallelism(): Promise<number> {
  // Sources run under a test runner or a loader have no file that a bare worker could start from.
  if (!import.meta.url.startsWith("file:") || !import.meta.url.endsWith(".js")) return 1;
  try {
    const { availableParallelism } = await import("node:os");
    return availableParallelism();
  } catch {
    return 1;
  }
}

/** Runs each job in one of `count` workers. The first error ends all. */
export async function runInWorkers(
  density: PortableDensity,
  jobs: readonly ChainJob[],
  count: number,
  onProgress?: (progress: ChainProgress) => void,
): Promise<ChainRun[]> {
  const { Worker: Thread } = await import("node:worker_threads");
  const runs: ChainRun[] = [];
  let next = 0;
  const work = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      let at = -1;
      const send = (message: ToWorker): void => worker.postMessage(message);
      const take = (): void => {
        at = next++;
        if (at < jobs.length) send({ kind: "job", job: jobs[at] });
        else resolve();
      };
      worker.on("error", reject);
      // A worker that ends without a message (memory, a signal, process.exit in a loader) is only noticed here.
      worker.on("exit", (code) =>
        reject(
          new InternalError(
            `a worker of chain ${at} ended with exit code ${code} before its chain did; set workers: 1.`,
          ),
        ),
      );
      worker.on("messageerror", reject);
      worker.on("message", (message: FromWorker) => {
        try {
          if (message.kind === "progress") onProgress?.(message.progress);
          else {
            runs[at] = message.run;
            take();
          }
        } catch (error) {
          // If a caller's onProgress throws, the run fails with that error, as it does without workers.
          reject(error);
        }
      });
      send({ kind: "density", density });
      take();
    });
  const workers = Array.from(
    { length: Math.min(count, jobs.length) },
    // Flags of the process are not for the worker: `--input-type` and `--eval` would keep it from starting.
    () => new Thread(new URL("./chain-worker.js", import.meta.url), { execArgv: [] }),
  );
  try {
    await Promise.all(workers.map(work));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return runs;
}
