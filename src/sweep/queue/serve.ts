/** A worker of the queue: takes runs, and trains each as a process of its own, so that its own event loop stays free. */
import { mkdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { BusyError, QueueError } from "../../errors.ts";
import { reason } from "../../files/index.ts";
import { type Ending, sweepIn } from "../folder.ts";
import { type Plan, type PlannedRun, runsOf } from "../plan.ts";
import { type RunPlace, trainRun, type WorkOptions, wantOfSpace } from "../work.ts";
import { pack } from "./archive.ts";
import { answer, archiveKey, KEPT, PREFIX, progress, QUEUE, type Task, task } from "./job.ts";
import type { Job } from "./packages.ts";
import type { QueueServer } from "./server.ts";

export interface ServeOptions
  extends Pick<WorkOptions, "jobs" | "threads" | "command" | "env" | "stop" | "kill"> {
  readonly version: string;
  /** A name for this worker, such as that of its machine. */
  readonly name: string;
  /** Runs are trained in folders under this one, and nowhere else. */
  readonly root: string;
  /** A worker that is not heard of for so long is taken for dead, and its runs go to others. In seconds. */
  readonly lease: number;
  /** @throws when a plan has a setting that this program does not know, or a value that it refuses. */
  readonly check: (plan: Plan) => void;
  readonly onBegin?: (run: string, folder: string) => void;
  readonly onEnd?: (run: string, ending: Ending | undefined) => void;
}

/** A worker that dies is no fault of the run, however often. */
const STALLS = 1_000_000;

const real = (path: string): string | undefined => {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
};

const isUnder = (path: string, root: string): boolean =>
  path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);

/** Where the run is trained: in the sweep's own folder if it is on a disk that this worker has under its root, else in one of its own. */
function placeOf({ sweep, out, run, plan }: Task, root: string): RunPlace & { readonly isShared: boolean } {
  const top = realpathSync(root);
  const there = real(out);
  const isShared = there !== undefined && isUnder(there, top) && sweepIn(there) === sweep;
  if (!isShared && plan === undefined) {
    throw new QueueError(
      `worker: ${out} is not under ${top} on this machine, and a run whose settings are written down is trained where it is. Start the worker with ` +
        "a --root that holds it, on the same disk.",
    );
  }
  const folder = isShared ? there : join(top, `sweep-${sweep}`);
  const own = real(join(folder, run));
  if (own !== undefined && !isUnder(own, top))
    throw new QueueError(`worker: ${join(folder, run)} is a link to ${own}, which is not under ${top}.`);
  mkdirSync(join(folder, "logs"), { recursive: true });
  return { folder: join(folder, run), log: join(folder, "logs", `${run}.txt`), isShared };
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** The run of a task, if this program would make the same of it. @throws QueueError */
function runOf(
  data: unknown,
  { version, name, check }: ServeOptions,
): { readonly task: Task; readonly run: PlannedRun } {
  const parsed = task.safeParse(data);
  if (!parsed.success)
    throw new QueueError(
      `worker ${name}: the job cannot be read; it is not of a sweep of version ${version}.`,
    );
  if (parsed.data.version !== version) {
    throw new QueueError(
      `worker ${name} has version ${version} of the program, and the sweep was begun by ${parsed.data.version}: their runs could differ. ` +
        "Install the same version on every machine.",
    );
  }
  if (parsed.data.plan === undefined)
    return { task: parsed.data, run: { name: parsed.data.run, values: {} } };
  check(parsed.data.plan);
  const run = runsOf(parsed.data.plan).find((one) => one.name === parsed.data.run);
  if (run === undefined) throw new QueueError(`worker ${name}: the plan has no run ${parsed.data.run}.`);
  return { task: parsed.data, run };
}

/**
 * Works until it is asked to stop; its trainings then stop after their step and their jobs go back to the queue.
 * @throws QueueError when this machine's disk is full: the runs go back to the queue, since every other would fail here as well.
 */
export async function serve(server: QueueServer, options: ServeOptions): Promise<void> {
  const { name, jobs, root, lease, stop, onBegin, onEnd } = options;
  mkdirSync(resolve(root), { recursive: true });
  const store = server.connect();
  const connection = server.connect();
  const { DelayedError, Worker } = server.bull;
  const full = new AbortController();
  let why = "";

  const process = async (job: Job, token?: string): Promise<unknown> => {
    const answered = (ending: Ending, archived = false) => answer.parse({ ending, worker: name, archived });
    let ending: Ending | undefined;
    let archived = false;
    let place: ReturnType<typeof placeOf> | undefined;
    try {
      const { task, run } = runOf(job.data, options);
      place = placeOf(task, root);
      onBegin?.(run.name, place.folder);
      ending = await trainRun(task.plan, run, place, {
        ...options,
        cwd: isFolder(task.cwd) ? task.cwd : resolve(root),
        onProgress: (_, { epoch, epochs }) =>
          void job.updateProgress(progress.parse({ epoch, epochs, worker: name })).catch(() => undefined),
      });
      if (ending?.state === "done" && !place.isShared) {
        await store.set(archiveKey(job.id ?? ""), Buffer.from(pack(place.folder)), "EX", KEPT);
        archived = true;
        rmSync(place.folder, { recursive: true, force: true });
      }
    } catch (error) {
      // A process has the folder, such as that of a worker that was taken for dead: another try comes later.
      if (error instanceof BusyError && !stop.aborted) throw error;
      if (!stop.aborted) ending = { state: "failed", message: reason(error) };
    }
    // On a shared disk it is the sweep's, and no other worker has more room.
    if (ending?.state === "failed" && place?.isShared !== true) {
      const space = wantOfSpace(place?.folder ?? join(resolve(root), job.name), ending.message);
      if (space !== undefined) {
        ending = undefined;
        why = space;
        full.abort();
        // What is half written here would only take the room of others.
        if (place !== undefined) rmSync(place.folder, { recursive: true, force: true });
      }
    }
    if (ending === undefined) {
      await job.moveToDelayed(Date.now(), token);
      onEnd?.(job.name, undefined);
      throw new DelayedError();
    }
    onEnd?.(job.name, ending);
    return answered(ending, archived);
  };

  const worker = new Worker(QUEUE, process, {
    connection,
    prefix: PREFIX,
    name,
    concurrency: jobs,
    lockDuration: lease * 1000,
    stalledInterval: lease * 500,
    maxStalledCount: STALLS,
  });
  worker.on("error", () => undefined);
  await new Promise<void>((resolve) => {
    for (const signal of [stop, full.signal]) {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    }
  });
  await worker.close();
  for (const one of [store, connection]) one.disconnect();
  if (full.signal.aborted)
    throw new QueueError(
      `worker ${name}: ${why} Its run went back to the queue. Free space under ${resolve(root)}, or choose another --root, and start it again.`,
    );
}
