/** Works through a sweep: several runs at a time, each in its own process. */
import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { BusyError } from "../errors.ts";
import { takeLock } from "../files/index.ts";
import { type ChildEnd, lastLines, runChild } from "./child.ts";
import type { Ending, SweepFolder } from "./folder.ts";
import { type Plan, type PlannedRun, trainArguments } from "./plan.ts";

/** What is trained: runs of a plan, or, without one, runs whose settings are in their folders already. */
export type Planned = Plan | undefined;

/** The progress of a run, as its process reports it. */
export interface RunProgress {
  readonly epoch: number;
  readonly epochs: number;
}

export interface WorkOptions {
  /** Runs at a time. */
  readonly jobs: number;
  /** Threads of a run, if the plan does not set them. */
  readonly threads: number;
  /** The command that starts the program. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths of the plan begin. Default: the folder of this process. */
  readonly cwd?: string;
  readonly onBegin?: (run: PlannedRun) => void;
  readonly onProgress?: (run: PlannedRun, progress: RunProgress) => void;
  readonly onEnd?: (run: PlannedRun, ending: Ending) => void;
  readonly stop: AbortSignal;
  readonly kill: AbortSignal;
}

/** How often a run is continued if its process is killed from outside. */
const CONTINUED = 3;

/** How long the process of an earlier sweep may take to notice that the sweep is gone, in ms. */
const LEFT_WITHIN = 30_000;

/** Exit codes of a training that was asked to stop. */
const STOPPED: readonly (number | null)[] = [129, 130, 143];

/** Waits until no process of an earlier, killed sweep trains in this folder. @throws BusyError */
async function free(folder: string, stop: AbortSignal): Promise<void> {
  if (!existsSync(folder)) return;
  const until = Date.now() + LEFT_WITHIN;
  for (;;) {
    try {
      takeLock(folder).release();
      return;
    } catch (error) {
      if (!(error instanceof BusyError) || Date.now() > until || stop.aborted) throw error;
      await wait(100);
    }
  }
}

const NO_SPACE = /the disk is full|quota is used up|ENOSPC|EDQUOT/;
/** A block of a file system: with less, not even a message can be written. */
const BLOCK = 4096;

/** Why a run in this folder failed, if it was for want of space on its disk. */
export function wantOfSpace(folder: string, message: string): string | undefined {
  const told = NO_SPACE.exec(message)?.[0];
  if (told !== undefined) return message;
  let free = Number.POSITIVE_INFINITY;
  try {
    const { bfree, bsize } = statfsSync(dirname(folder));
    free = bfree * bsize;
  } catch {}
  // The log may be on the same disk, and then has no word of it.
  return free < BLOCK ? `${folder}: the disk is full.` : undefined;
}

/** How a run ended; undefined if it was asked to stop, or should be continued. */
function endingOf({ code, signal, out }: ChildEnd, { folder, log }: RunPlace): Ending | undefined {
  if (code === 0) {
    try {
      return { state: "done", outcome: JSON.parse(out) as Record<string, unknown> };
    } catch {
      return { state: "failed", message: "it printed no results" };
    }
  }
  if (signal !== null || STOPPED.includes(code)) return undefined;
  const told = lastLines(log);
  return { state: "failed", message: wantOfSpace(folder, told) ?? (told || `exit code ${code}`) };
}

/** Where a run is trained, and the file that its error stream is added to. */
export interface RunPlace {
  readonly folder: string;
  readonly log: string;
}

/**
 * Trains a run as a process, from its checkpoint if it has one.
 * @returns how it ended; undefined if it was asked to stop
 * @throws BusyError when another process trains in its folder and does not end.
 */
export async function trainRun(
  plan: Planned,
  run: PlannedRun,
  { folder, log }: RunPlace,
  options: Omit<WorkOptions, "jobs" | "onBegin" | "onEnd">,
): Promise<Ending | undefined> {
  const { command, env, cwd, stop, kill, onProgress } = options;
  const ownThreads = plan !== undefined && ("threads" in plan.settings || "threads" in run.values);
  for (let attempt = 0; attempt <= CONTINUED && !stop.aborted; attempt++) {
    await free(folder, stop);
    // From then on the settings are in the folder.
    const begun = existsSync(`${folder}/config.json`);
    if (!begun && plan === undefined)
      return { state: "failed", message: `${folder} has no settings of a run` };
    const args = begun
      ? ["train", "--resume", folder]
      : [
          ...(plan === undefined ? [] : trainArguments(plan, run)),
          ...(ownThreads ? [] : [`--threads=${options.threads}`]),
          `--out=${folder}`,
        ];
    const end = await runChild({
      command,
      args: [...args, "--json"],
      env,
      ...(cwd !== undefined && { cwd }),
      log,
      onMessage: (message) => onProgress?.(run, message as RunProgress),
      stop,
      kill,
    });
    const ending = endingOf(end, { folder, log });
    if (ending !== undefined) return ending;
  }
  return stop.aborted
    ? undefined
    : { state: "failed", message: `its process was killed ${CONTINUED + 1} times` };
}

/** Trains every run that is not done. If one fails, the others are still trained. */
export async function workThrough(plan: Planned, sweep: SweepFolder, options: WorkOptions): Promise<void> {
  const waiting = sweep.runs.filter(({ name }) => sweep.ended.get(name)?.state !== "done");
  const worker = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined && !options.stop.aborted; run = waiting.shift()) {
      options.onBegin?.(run);
      let ending: Ending | undefined;
      try {
        const place = { folder: sweep.folderOf(run), log: sweep.logOf(run) };
        ending = await trainRun(plan, run, place, options);
      } catch (error) {
        ending = { state: "failed", message: error instanceof Error ? error.message : String(error) };
      }
      if (ending === undefined) return;
      sweep.end(run, ending);
      options.onEnd?.(run, ending);
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, waiting.length) }, worker));
}
