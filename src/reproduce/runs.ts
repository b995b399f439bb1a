/** Trains runs that do not exist yet, and continues those that were stopped. */
import { isDeepStrictEqual } from "#platform/equality";
import { existsSync, readFileSync } from "#platform/files";
import { join } from "#platform/paths";
import { CheckpointError, UsageError } from "../errors.ts";
import {
  clearRemains,
  type Json,
  loadCheckpoint,
  reason,
  runFolder,
  toJson,
  writeDurably,
} from "../files/index.ts";
import { kindOf, type RunData, type RunSettings } from "../kinds/index.ts";
import { prepareRun, type RunHooks, readRun, resumeRun, startRun } from "../runs/index.ts";

/** Settings, at any depth, that say where and with how many threads the work is done. They do not affect the result. */
const INCIDENTAL: readonly string[] = ["threads", "from"];
/**
 * Settings without those that do not affect the result: when and by which command they were given, the number of threads, and the folder of
 * M1, which may have been moved since. M1 itself is described by the other settings.
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

/** Whether a run's last epoch is done and all files that its kind needs exist. */
const isDone = async (path: string): Promise<boolean> => {
  const run = readRun(path);
  const { train, model } = run.settings;
  if (!existsSync(run.checkpoint) || loadCheckpoint(run.checkpoint).epoch < train.epochs) return false;
  return (await kindOf(model.model)).isComplete?.(run) ?? true;
};

/** Whether a run is still to be trained, by this process or another; its settings are then in its folder. */
export async function isToTrain(path: string, settings: RunSettings, data: RunData): Promise<boolean> {
  if (existsSync(runFolder(path).config)) return !(await isDone(path));
  await prepareRun(path, settings, data);
  return true;
}

/**
 * Trains a run to its end: from the start, from where it stopped, or not at all.
 * @returns false when the hooks' signal stopped it.
 * @throws UsageError when the folder contains a run with other settings; the message names the first that differs.
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
      `${path}: expected a run with the settings given now, found one that differs in "${difference}". ` +
        "Give another --out, or move that folder away.",
    );
  }
  if (await isDone(path)) {
    clearRemains(runFolder(path));
    return true;
  }
  return (await resumeRun(path, data, hooks)).completed;
}

/**
 * A run's figures, which are kept in a file of its folder once they are computed. If a figure is missing, because an older version did
 * not have it, they are computed again.
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
      `${file}: expected figures of a run as JSON: ${reason(cause, {})}. Delete it, and they are computed again`,
      { cause },
    );
  }
}
