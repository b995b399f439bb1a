/** Runs of `tightbound reproduce` that processes of this machine train, or workers of a queue. */
import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../errors.ts";
import type { Kingma2014Hooks, Part } from "../reproduce/index.ts";
import { connectQueue, type Ending, openPrepared, type PlannedRun, workThrough } from "../sweep/index.ts";
import { version } from "../version.ts";
import { CHILD_OF_SWEEP } from "./sweep-child.ts";
import { onQueue } from "./sweep-elsewhere.ts";
import type { Say } from "./terminal.ts";
import type { ReproduceOptions } from "./verbs/reproduce.ts";

/**
 * Trains the parts by processes or workers, if the user asked for them.
 * @throws UsageError when both are given; QueueError when Redis does not answer, before anything is trained.
 */
export async function elsewhereOf(
  { workers, queue }: ReproduceOptions,
  out: string,
  { stop, kill, say }: { readonly stop: AbortSignal; readonly kill: AbortSignal; readonly say: Say },
): Promise<Kingma2014Hooks["elsewhere"]> {
  if (workers !== undefined && queue !== undefined)
    throw new UsageError(
      "--workers contradicts --queue: processes of this machine train the runs, or workers of a queue.",
    );
  if (workers === undefined && queue === undefined) return undefined;
  const server =
    queue === undefined ? undefined : await connectQueue(queue, process.env.TIGHTBOUND_QUEUE_PASSWORD);
  const tell = (run: PlannedRun, ending: Ending): void =>
    say(
      ending.state === "done"
        ? `${run.name}: trained.`
        : `${run.name}: failed: ${ending.message.split("\n").at(-1)}`,
    );
  const jobs = workers ?? 1;
  // Together all cores; a worker of a queue may train as many runs at a time as it likes.
  const threads = workers === undefined ? 1 : Math.max(1, Math.floor(availableParallelism() / jobs));
  const train = async (parts: readonly Part[], onDone: (part: Part) => void): Promise<void> => {
    if (parts.length === 0) return;
    const names = parts.map(({ path }) => basename(path));
    const end = (run: PlannedRun, ending: Ending): void => {
      tell(run, ending);
      const part = parts[names.indexOf(run.name)];
      if (ending.state === "done" && part !== undefined) onDone(part);
    };
    const folder = openPrepared(out, names, version());
    say(
      `${names.length} runs in ${out}; ${server === undefined ? `${jobs} at a time` : `trained by the workers of ${server.shown}`}.`,
    );
    if (server !== undefined)
      return onQueue(server, undefined, folder, { stop, say, progress: () => undefined, end });
    await workThrough(undefined, folder, {
      jobs,
      threads,
      command: [process.execPath, fileURLToPath(new URL("./main.js", import.meta.url))],
      env: { ...process.env, [CHILD_OF_SWEEP]: "1" },
      stop,
      kill,
      onBegin: ({ name }) => say(`${name}: training.`),
      onEnd: end,
    });
  };
  return { threads: (part, of) => (workers === undefined ? 1 : threads * coresOf(part, of, jobs)), train };
}

/**
 * The share of a run in the cores, in units of an equal share among `jobs` runs. Where all runs take about as long, the last ones have the
 * cores that would be idle beside them. It depends on the plan alone and not on the clock, because sums of floats depend on the number of threads.
 */
export function coresOf(part: Part, of: readonly Part[], jobs: number): number {
  const last = of.length % jobs;
  const alike = of.every(({ method, labels }) => method === part.method && labels === part.labels);
  return alike && of.indexOf(part) >= of.length - last ? Math.floor(jobs / last) : 1;
}
