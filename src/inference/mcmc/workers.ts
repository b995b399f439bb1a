/** Chains in workers. A chain is a pure function of its job, so where it runs only changes the time. */
import { cores } from "#platform/machine";
import { type ChainThread, hasWorkers, startWorker } from "#platform/workers";
import { InternalError } from "../../errors.ts";
import { type PortableDensity, reviveDensity } from "../portable-density.ts";
import type { FromWorker, ToWorker } from "./chain-worker.ts";
import { type ChainJob, type ChainProgress, type ChainRun, runChain } from "./run-chain.ts";

/** How many chains can run in parallel here: the number of cores, or 1 if there are no workers or no compiled file to start. */
export const parallelism = (): number => (hasWorkers ? cores() : 1);

/** Why no worker began: a page whose bundler made no file for them, or that may not start any. */
class NoWorkers extends Error {}

/** Runs each job in one of `count` workers. The first error ends all. Where workers cannot start, the jobs run here, one after another. */
export async function runInWorkers(
  density: PortableDensity,
  jobs: readonly ChainJob[],
  count: number,
  onProgress?: (progress: ChainProgress) => void,
): Promise<ChainRun[]> {
  try {
    return await inWorkers(density, jobs, count, onProgress);
  } catch (error) {
    if (!(error instanceof NoWorkers)) throw error;
  }
  const revived = reviveDensity(density);
  const runs: ChainRun[] = [];
  for (const job of jobs) runs.push(await runChain(revived, job, (progress) => onProgress?.(progress)));
  return runs;
}

async function inWorkers(
  density: PortableDensity,
  jobs: readonly ChainJob[],
  count: number,
  onProgress?: (progress: ChainProgress) => void,
): Promise<ChainRun[]> {
  const runs: ChainRun[] = [];
  const threads: ChainThread[] = [];
  let next = 0;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let at = -1;
      const thread = startWorker({
        onMessage(message) {
          try {
            const heard = message as FromWorker;
            if (heard.kind === "progress") onProgress?.(heard.progress);
            else if (heard.kind === "failed") throw heard.error;
            else {
              runs[at] = heard.run;
              take();
            }
          } catch (error) {
            // If a caller's onProgress throws, the run fails with that error, as it does without workers.
            reject(error);
          }
        },
        onFailure(reason, started) {
          if (!started) reject(new NoWorkers(String(reason)));
          else if (reason instanceof Error) reject(reason);
          else
            reject(
              new InternalError(
                `a worker of chain ${at} ended with ${reason} before its chain did; set workers: 1.`,
              ),
            );
        },
      });
      threads.push(thread);
      const send = (message: ToWorker): void => thread.post(message);
      const take = (): void => {
        at = next++;
        if (at < jobs.length) send({ kind: "job", job: jobs[at] });
        else resolve();
      };
      send({ kind: "density", density });
      take();
    });
  try {
    await Promise.all(Array.from({ length: Math.min(count, jobs.length) }, work));
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
  return runs;
}
