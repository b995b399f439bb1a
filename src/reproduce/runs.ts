/** Runs that are trained where they are not, and gone on with where they stopped. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { CheckpointError, UsageError } from "../errors.ts";
import { type Json, loadCheckpoint, reason, runFolder, toJson, writeDurably } from "../files/index.ts";
import { kindOf, type RunData, type RunSettings } from "../kinds/index.ts";
import { type RunHooks, readRun, resumeRun, startRun } from "../runs/index.ts";

/** Settings, however deep, that say where and by how many threads the work is done, not what is done. */
const INCIDENTAL: readonly string[] = ["threads", "from"];
/**
 * Settings without what only says when and how they were asked for, how many threads share the work, and in which folder M1 lay, which
 * may have been moved since. What M1 is, the settings say.
 */
const essence = ({ version: _, createdAt: __, command: ___, ...rest }: RunSettings): unknown =>
  JSON.parse(JSON.stringify(rest), (key, value: unknown) => (INCIDENTAL.includes(key) ? undefined : value));

/** The first field in which two plain objects differ, as `train.epochs`. */
function firstDifference(a: unknown, b: unknown, path = ""): string | undefined {
  if (isDeepStrictEqual(a, b)) return undefined;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return path;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const [left, right] = [a, b].map((side) => (side as Record<string, unknown>)[key]);
    const found = firstDifference(left, right, path === "" ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return path;
}

/** Whether a run's last epoch is done, and the files are there that its kind needs. */
const isDone = async (path: string): Promise<boolean> => {
  const run = readRun(path);
  const { train, model } = run.settings;
  if (!existsSync(run.checkpoint) || loadCheckpoint(run.checkpoint).epoch < train.epochs) return false;
  return (await kindOf(model.model)).isComplete?.(run) ?? true;
};

/**
 * Trains a run to its end: from the start, from where it stopped, or not at all.
 * @returns false when the hooks' signal stopped it.
 * @throws UsageError when the folder holds a run of other settings; the message names the first that differs.
 * @throws BusyError when another process trains it.
 */
export async function completeRun(
  path: string,
  settings: RunSettings,
  data: RunData,
  hooks: RunHooks,
): Promise<boolean> {
  if (!existsSync(runFolder(path).config)) return (await startRun(path, settings, data, hooks)).completed;
  const found = readRun(path).settings;
  const difference = firstDifference(essence(settings), essence(found));
  if (difference !== undefined) {
    throw new UsageError(
      `${path}: expected a run of the settings that are asked for now, found one that differs in "${difference}". ` +
        "Give another --out, or move that folder away.",
    );
  }
  if (await isDone(path)) return true;
  return (await resumeRun(path, data, hooks)).completed;
}

/**
 * A run's figures, kept in a file of its folder once they are computed. Those that are not complete, as of a run that was made
 * before there was one of them, are computed again.
 * @throws CheckpointError when the file is damaged.
 */
export async function keptFigures<T extends { readonly [key: string]: Json }>(
  path: string,
  compute: () => Promise<T>,
  isComplete: (figures: T) => boolean = () => true,
): Promise<T> {
  const file = join(path, "figures.json");
  const kept = existsSync(file) ? readFigures<T>(file) : undefined;
  if (kept !== undefined && isComplete(kept)) return kept;
  const figures = await compute();
  writeDurably(file, `${toJson(figures, file, 2)}\n`);
  return figures;
}

function readFigures<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch (cause) {
    throw new CheckpointError(
      `${file}: expected figures of a run as JSON: ${reason(cause, {})}. Delete it: they are computed again`,
      { cause },
    );
  }
}
