/** The sweep's side of the queue: gives its runs to workers, and writes down how they ended. */
import { resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { QueueError } from "../../errors.ts";
import type { Ending, SweepFolder } from "../folder.ts";
import type { PlannedRun } from "../plan.ts";
import type { Planned, RunProgress } from "../work.ts";
import { unpack } from "./archive.ts";
import { answer, archiveKey, jobId, KEPT, PREFIX, progress, QUEUE, type Task } from "./job.ts";
import type { Queue, Redis } from "./packages.ts";
import type { QueueServer } from "./server.ts";

/** What the sweep says of itself, and who is told of its progress. */
export interface DispatchOptions {
  readonly version: string;
  /** Where relative paths of the plan begin. */
  readonly cwd: string;
  readonly onProgress?: (run: PlannedRun, progress: RunProgress & { readonly worker: string }) => void;
  readonly onEnd?: (run: PlannedRun, ending: Ending, worker: string) => void;
  /** Called when no worker is connected, and again when one is. */
  readonly onWorkers?: (count: number) => void;
  /** Stops waiting; workers go on. */
  readonly stop: AbortSignal;
}

/** How often the state of all jobs is asked for, in ms: an event may be lost while a connection is. */
const LOOKS_EVERY = 2000;

/** A worker that cannot train now, because a process has the folder, lets another try after this time in ms, and so often. */
const RETRY = { delay: 5000, attempts: 1000 };

interface Pending {
  readonly run: PlannedRun;
  readonly task: Task;
}

/** How a job ended, once it has; its run's folder is fetched if it is in the store. */
async function endOf(
  queue: Queue,
  id: string,
  folder: string,
  redis: Redis,
): Promise<{ readonly ending: Ending; readonly worker: string } | undefined> {
  const state = await queue.getJobState(id);
  if (state !== "completed" && state !== "failed") return undefined;
  // Read after its state: what was read before may lack the answer of a job that has just ended.
  const job = await queue.getJob(id);
  if (job === undefined) return undefined;
  const failed = (message: string, worker = "") => ({
    ending: { state: "failed", message } as const,
    worker,
  });
  if (state === "failed") return failed(job.failedReason ?? "its worker does not say why");
  const parsed = answer.safeParse(job.returnvalue);
  if (!parsed.success) return failed("its worker's answer cannot be read");
  const { ending, worker, archived } = parsed.data;
  if (!archived) return { ending, worker };
  const bytes = await redis.getBuffer(archiveKey(id));
  if (bytes === null) return failed("its folder is no longer in the queue's store", worker);
  unpack(bytes, folder);
  return { ending, worker };
}

const addTo = (queue: Queue, id: string, task: Task): Promise<unknown> =>
  queue.add(task.run, task, {
    jobId: id,
    attempts: RETRY.attempts,
    backoff: { type: "fixed", delay: RETRY.delay },
    removeOnComplete: { age: KEPT },
    removeOnFail: { age: KEPT },
  });

/**
 * Has every run that is not done trained by workers of the queue. A job's id names sweep and run, so that a sweep that is repeated finds its
 * own, and a run that two workers have trained counts once.
 */
export async function dispatch(
  server: QueueServer,
  plan: Planned,
  sweep: SweepFolder,
  { version, cwd, onProgress, onEnd, onWorkers, stop }: DispatchOptions,
): Promise<void> {
  const redis = server.connect();
  const queue = new server.bull.Queue(QUEUE, { connection: redis, prefix: PREFIX });
  const eventsOf = server.connect();
  const events = new server.bull.QueueEvents(QUEUE, { connection: eventsOf, prefix: PREFIX });
  // Connections come back by themselves.
  queue.on("error", () => undefined);
  events.on("error", () => undefined);
  const pending = new Map<string, Pending>();
  for (const [i, run] of sweep.runs.entries()) {
    if (sweep.ended.get(run.name)?.state === "done") continue;
    const task = {
      version,
      sweep: sweep.id,
      ...(plan && { plan }),
      run: run.name,
      out: resolve(sweep.path),
      cwd,
    };
    pending.set(jobId(sweep.id, i), { run, task });
  }
  let heard: (() => void) | undefined;
  const collect = async (id: string): Promise<void> => {
    const known = pending.get(id);
    if (known === undefined) return;
    const job = await queue.getJob(id);
    if (job === undefined) {
      await addTo(queue, id, known.task);
      return;
    }
    const end = await endOf(queue, id, sweep.folderOf(known.run), redis);
    // Another look may have been quicker.
    if (end === undefined || !pending.delete(id)) return;
    sweep.end(known.run, end.ending);
    onEnd?.(known.run, end.ending, end.worker);
    await job.remove().catch(() => undefined);
    await redis.del(archiveKey(id));
  };
  // One after the other, so that a run's end is written once.
  let last: Promise<void> = Promise.resolve();
  let failure: unknown;
  const soon = (id: string): void => {
    last = last
      .then(() => collect(id))
      .catch((error) => {
        failure ??= error;
      })
      .then(() => heard?.());
  };
  events.on("completed", ({ jobId: id }) => soon(id));
  events.on("failed", ({ jobId: id }) => soon(id));
  events.on("progress", ({ jobId: id, data }) => {
    const known = pending.get(id);
    const told = progress.safeParse(data);
    if (known !== undefined && told.success) onProgress?.(known.run, told.data);
  });
  try {
    await events.waitUntilReady();
    let workers = -1;
    while (pending.size > 0 && !stop.aborted) {
      for (const id of [...pending.keys()]) soon(id);
      await last;
      if (failure !== undefined) throw failure;
      const count = await queue.getWorkersCount();
      if (count !== workers) onWorkers?.(count);
      workers = count;
      if (pending.size === 0) break;
      await Promise.race([
        wait(LOOKS_EVERY, undefined, { signal: stop }).catch(() => undefined),
        new Promise<void>((resolve) => {
          heard = () => {
            if (pending.size === 0 || failure !== undefined) resolve();
          };
        }),
      ]);
    }
  } catch (error) {
    if (error instanceof Error && /Connection is closed/.test(error.message))
      throw new QueueError(
        `queue: the connection to ${server.shown} was closed. Repeat the command to go on.`,
      );
    throw error;
  } finally {
    await Promise.allSettled([events.close(), queue.close()]);
    for (const connection of [redis, eventsOf]) connection.disconnect();
  }
}
