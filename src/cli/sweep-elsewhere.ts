/** Sweeps that other machines train: workers of a queue, or a job array of Slurm. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { UsageError } from "../errors.ts";
import { writeDurably } from "../files/index.ts";
import {
  dispatch,
  type Ending,
  type Plan,
  type PlannedRun,
  type QueueServer,
  type RunProgress,
  type SweepFolder,
  slurmScript,
} from "../sweep/index.ts";
import { version } from "../version.ts";
import type { Say, Terminal } from "./terminal.ts";
import type { SweepOptions } from "./verbs/sweep.ts";

/** @throws UsageError for flags of two ways to train a sweep. */
export function refuseContradictions({ queue, slurm, dryRun, jobs }: SweepOptions): void {
  if (queue !== undefined && slurm === true)
    throw new UsageError("--queue contradicts --slurm: workers of a queue train the runs, or Slurm does.");
  if (queue !== undefined && jobs !== undefined)
    throw new UsageError(
      "--jobs contradicts --queue: each worker says with its own --jobs how many runs it trains at a time.",
    );
  if (dryRun === true && slurm !== true)
    throw new UsageError("--dry-run: it prints the script of --slurm; give both, or neither.");
}

/** Who is told how the runs are doing. */
export interface Listener {
  progress(run: PlannedRun, progress: RunProgress): void;
  end(run: PlannedRun, ending: Ending): void;
}

/** Has the runs trained by workers, and says once if there are none. */
export function onQueue(
  server: QueueServer,
  plan: Plan | undefined,
  sweep: SweepFolder,
  { stop, say, ...listener }: { readonly stop: AbortSignal; readonly say: Say } & Listener,
): Promise<void> {
  return dispatch(server, plan, sweep, {
    version: version(),
    cwd: process.cwd(),
    stop,
    onProgress: listener.progress,
    onEnd: listener.end,
    onWorkers(count) {
      say(
        count === 0
          ? `No worker is connected. Start one on each machine: tightbound worker --queue ${server.shown}`
          : `${count} ${count === 1 ? "worker is" : "workers are"} connected.`,
      );
    },
  });
}

/** Writes the script of a job array and submits it, or prints it. */
export function submit(
  plan: Plan,
  sweep: SweepFolder,
  {
    command,
    jobs,
    dryRun,
  }: { readonly command: readonly string[]; readonly jobs?: number; readonly dryRun: boolean },
  terminal: Terminal,
  say: Say,
): void {
  if (sweep.runs.every(({ name }) => sweep.ended.get(name)?.state === "done")) {
    say("All runs are done; there is nothing to submit.");
    return;
  }
  const threads = Number(plan.settings.threads ?? 1);
  const script = slurmScript(plan, sweep, {
    command,
    cwd: process.cwd(),
    threads,
    ...(jobs !== undefined && { jobs }),
  });
  if (dryRun) {
    terminal.out.write(script);
    return;
  }
  const path = join(sweep.path, "logs", "slurm.sh");
  writeDurably(path, script);
  const { status, error, stdout, stderr } = spawnSync("sbatch", ["--parsable", path], { encoding: "utf8" });
  if (error !== undefined || status !== 0) {
    throw new UsageError(
      `--slurm: expected sbatch to take ${path}; ${error === undefined ? `it says: ${stderr.trim()}` : `it cannot be started: ${error.message}`}. ` +
        "Submit the script on a machine of the cluster, or use --queue.",
    );
  }
  say(
    `Submitted as job ${stdout.trim()}. When it has ended, repeat the command without --slurm to collect the runs.`,
  );
}
