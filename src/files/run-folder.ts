import { z } from "zod";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
} from "#platform/files";
import { join } from "#platform/paths";
import { BusyError, CheckpointError, TightboundError, UsageError } from "../errors.ts";
import { version } from "../version.ts";
import {
  reason,
  removeStaleTemporaries,
  targetOfTemporary,
  writeDurably,
  writeError,
} from "./durable-write.ts";
import { type Json, shortJson, toJson } from "./json.ts";
import { LOCK_NAME, type RunLock, takeLock } from "./run-lock.ts";
import { unknownField } from "./settings-match.ts";

/** The paths of a run's files. All except `config.json` may not exist yet. */
export interface RunFolder {
  readonly path: string;
  readonly config: string;
  readonly metrics: string;
  readonly checkpoint: string;
  /** The checkpoint of the best epoch on validation rows, if training stops by them. This is what opening the run gives. */
  readonly best: string;
  /** A folder of PNGs. */
  readonly images: string;
  readonly report: string;
}

/** The additional files of some kinds of runs. */
export interface OwnedFiles {
  readonly files?: readonly string[];
  /** Folders of the runs that this run is built on. */
  readonly folders?: readonly string[];
}

/** Files in a run's folder that a run may replace. All others belong to the user. */
const OWN_FILES: readonly string[] = [
  "config.json",
  "metrics.jsonl",
  "events.out.tfevents.tightbound",
  "checkpoint.safetensors",
  "best.safetensors",
  "report.html",
  "reconstructions.png",
  "samples.png",
  "traversals.png",
  "latent.png",
  "analogies.png",
  "class-samples.png",
  "figures.json",
  "samples.csv",
  "reconstructions.csv",
  "traversals.csv",
  "latents.csv",
  "predictions.csv",
  "latents.npy",
  "latents.labels.npy",
  "encoder.onnx",
  "decoder.onnx",
];
const CONFIG = "config.json";
const IMAGES = "images";

/** In `config.json`. It distinguishes a run from any other folder that has such a file. */
const FORMAT = "tightbound run";

/** The paths of a run's files. Nothing is checked. */
export const runFolder = (path: string): RunFolder => ({
  path,
  config: join(path, CONFIG),
  metrics: join(path, "metrics.jsonl"),
  checkpoint: join(path, "checkpoint.safetensors"),
  best: join(path, "best.safetensors"),
  images: join(path, IMAGES),
  report: join(path, "report.html"),
});

/**
 * Makes the folder of a new run, including parents, writes its `config.json`, and locks it for this process.
 *
 * @param overwrite replace the run that is there: its files are removed, others in the folder are kept
 * @param owned additional files and folders of this kind of run
 * @throws UsageError when the folder contains a run and `overwrite` is false, or files but no run: those are never
 * touched. The message lists files and says what to do.
 * @throws CheckpointError when the folder cannot be made or written, or another process trains in it.
 */
export const createRun = (
  path: string,
  config: { readonly [key: string]: Json },
  { overwrite = false, ...owned }: { readonly overwrite?: boolean } & OwnedFiles = {},
): RunFolder & { readonly lock: RunLock } => {
  // Before anything is changed: a number that is not finite is refused here.
  const json = `${toJson({ format: FORMAT, ...config }, "config", 2)}\n`;
  makeFolder(path);
  refuseOthers(path, overwrite, owned);
  const folder = runFolder(path);
  const lock = takeLock(path);
  try {
    // Check again: another process may have come and gone in between.
    refuseOthers(path, overwrite, owned);
    removeStaleTemporaries(path);
    removeRun(folder, owned);
    // Remove config.json last, so that a folder whose removal was interrupted is still recognised as a run.
    writeDurably(folder.config, json);
  } catch (error) {
    lock.release();
    throw error instanceof TightboundError ? error : writeError(path, error, "The run was not started");
  }
  return { ...folder, lock };
};

/**
 * Opens the folder of a run to read it. To resume it, call {@link lockRun} afterwards.
 *
 * ```ts
 * const run = openRun("runs/a", z.object({ latent: z.int().positive() }));
 * run.settings.latent;
 * ```
 *
 * @param schema of the settings that `createRun` was given. A field that it does not know, for example from a newer version, is refused: to
 * drop a setting is to change it. A field that an older version called by another name must be accepted under both names, or renamed by
 * `upgrade`.
 * @throws CheckpointError when there is no such folder, it contains no run, or `config.json` is damaged, does not
 * fit the schema, or has an unknown field; the message names file and field.
 * @param upgrade renames and removes fields that older versions wrote
 */
export const openRun = <S extends z.ZodType>(
  path: string,
  schema: S,
  upgrade: (config: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>> = (config) =>
    config,
): RunFolder & { readonly settings: z.output<S> } => {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || !stats.isDirectory()) {
    throw new CheckpointError(
      `${path}: expected the folder of a run, found ${stats === undefined ? "nothing there" : "a file"}. ` +
        "Give the folder that training wrote (`out`)",
    );
  }
  const folder = runFolder(path);
  const names = list(path);
  if (!names.includes(CONFIG)) {
    throw new CheckpointError(
      `${path}: expected the folder of a run, with a ${CONFIG}; found ${shortList(names)}. ` +
        "Give the folder that training wrote (`out`)",
    );
  }
  const { format, ...written } = readConfig(folder.config);
  if (format !== FORMAT) {
    throw new CheckpointError(
      `${folder.config}: expected "format" to be "${FORMAT}", found ${shortJson(format)}. ` +
        "The file is another program's",
    );
  }
  const config = upgrade(written);
  const { success, data, error } = schema.safeParse(config);
  if (!success) {
    const problems = error.issues.map(({ path: field, message }) =>
      field.length === 0 ? message : `field "${z.core.toDotPath(field)}": ${message}`,
    );
    throw new CheckpointError(`${folder.config}: ${problems.join("; ")}`);
  }
  const unknown = unknownField(config, data);
  if (unknown !== undefined) {
    const by =
      typeof config.version === "string" ? `version ${config.version} of tightbound` : "another program";
    throw new CheckpointError(
      `${folder.config}: the field "${unknown}" is not known to this version of tightbound, ${version()}; the file was written by ` +
        `${by}. Use the version that wrote it, or correct the file`,
    );
  }
  return { ...folder, settings: data };
};

/**
 * Locks a run for this process, so that no other process trains in it, and removes temporary files of a killed process.
 *
 * @throws CheckpointError naming the process that holds the lock.
 */
export const lockRun = ({ path }: RunFolder): RunLock => {
  const lock = takeLock(path);
  removeStaleTemporaries(path);
  return lock;
};

/** Removes what a killed process left in a run that needs no more work: its lock and unfinished files. A run that is being written is left alone. */
export const clearRemains = (run: RunFolder): void => {
  if (!existsSync(join(run.path, LOCK_NAME))) return;
  try {
    lockRun(run).release();
  } catch (cause) {
    if (!(cause instanceof BusyError)) throw cause;
  }
};

const refuseOthers = (path: string, overwrite: boolean, owned: OwnedFiles): void => {
  const names = list(path);
  if (isRun(path)) {
    if (!overwrite) {
      throw new UsageError(
        `${path} already contains a run (${shortList(names.filter((name) => isOwn(name, owned)))}). Expected a new or empty folder: choose ` +
          "another with `out`, continue this run with `resume`, or replace it with `overwrite`.",
      );
    }
  } else {
    const others = names.filter((name) => !isRemains(name, owned));
    if (others.length > 0) {
      throw new UsageError(
        `${path} is not empty and does not contain a run (${shortList(others)}). Expected a new or empty folder, or with ` +
          "`overwrite` one that holds a run: choose another with `out`. Nothing was touched.",
      );
    }
  }
};

const makeFolder = (path: string): void => {
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    const why = reason(cause, {
      EEXIST: "a file of that name is there. Choose another `out`",
      ENOTDIR: "a part of the path is a file. Choose another `out`",
      EACCES: "no permission to write there. Choose another `out`",
      EROFS: "the file system is read-only. Choose another `out`",
      ENOSPC: "the disk is full. Free some space and try again",
    });
    throw new CheckpointError(`cannot make the folder ${path}: ${why}`, { cause });
  }
};

const list = (path: string): readonly string[] => {
  try {
    return readdirSync(path).sort();
  } catch (cause) {
    throw new CheckpointError(`${path}: cannot be read: ${reason(cause, {})}`, { cause });
  }
};

const isOwn = (name: string, { files = [], folders = [] }: OwnedFiles): boolean =>
  [...OWN_FILES, ...files, ...folders, IMAGES].includes(name);

/** The files that a run leaves behind if it was killed before it wrote its config. */
const isRemains = (name: string, { files = [] }: OwnedFiles): boolean =>
  name === LOCK_NAME || [...OWN_FILES, ...files, LOCK_NAME].includes(targetOfTemporary(name) ?? "");

const isRun = (path: string): boolean => {
  try {
    return readConfig(join(path, CONFIG)).format === FORMAT;
  } catch {
    return false;
  }
};

const readConfig = (path: string): Readonly<Record<string, unknown>> => {
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new CheckpointError(`${path}: expected the settings of a run as JSON: ${reason(cause, {})}`, {
      cause,
    });
  }
  const { success, data } = z.record(z.string(), z.unknown()).safeParse(config);
  if (success) return data;
  throw new CheckpointError(`${path}: expected the settings of a run as a JSON object, found another value`);
};

const removeRun = ({ path, images }: RunFolder, owned: OwnedFiles): void => {
  const { files = [], folders = [] } = owned;
  for (const name of [...OWN_FILES, ...files]) {
    if (name !== CONFIG) rmSync(join(path, name), { force: true });
  }
  // Do not follow links: their targets do not belong to the run.
  for (const inner of folders.map((name) => join(path, name))) {
    if (!isRun(inner) || !lstatSync(inner).isDirectory()) continue;
    removeRun(runFolder(inner), owned);
    rmSync(join(inner, CONFIG), { force: true });
    if (list(inner).length === 0) rmdirSync(inner);
  }
  if (lstatSync(images, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  for (const name of readdirSync(images)) {
    if (name.endsWith(".png")) rmSync(join(images, name));
  }
  if (readdirSync(images).length === 0) rmdirSync(images);
};

/** Up to eight names, and the number of the rest. */
const shortList = (names: readonly string[]): string => {
  if (names.length === 0) return "an empty folder";
  const shown = names.slice(0, 8).join(", ");
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
};
