import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "#platform/files";
import { basename, dirname, join } from "#platform/paths";
import { pid, threadId } from "#platform/processes";
import { CheckpointError } from "../errors.ts";
import { processLives } from "./process.ts";

/**
 * Replaces a file whole or not at all: a temporary file beside it is written, synced and renamed, and the folder is synced. If the process
 * is killed or the power fails at any moment, the path holds the old contents or the new. If writing fails, the temporary file is
 * removed. Temporary files of killed processes are removed first.
 *
 * We do not use write-file-atomic: its version 6 does sync, but it writes once and does not notice a short write, so on
 * a disk that fills up it renames half a file over a good one. It does not sync the folder either.
 *
 * @throws CheckpointError with the path and the reason, such as a full disk.
 */
export const writeDurably = (path: string, content: Uint8Array | string): void => {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const temporary = `${path}.${pid}-${threadId}.tmp`;
  try {
    removeStaleTemporaries(dirname(path), basename(path));
    const file = openSync(temporary, "w");
    try {
      writeAll(file, bytes);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (cause) {
    discard(temporary);
    throw writeError(
      path,
      cause,
      existsSync(path) ? "The file that was there is untouched" : "Nothing was written",
    );
  }
  syncFolder(dirname(path));
};

/**
 * Appends a line and syncs the file. If that fails, the file is as it was.
 *
 * @throws CheckpointError with the path and the reason, such as a full disk.
 */
export const appendDurably = (path: string, content: string | Uint8Array): void => {
  let before: number | undefined;
  try {
    before = existsSync(path) ? statSync(path).size : undefined;
    const file = openSync(path, "a");
    try {
      writeAll(file, typeof content === "string" ? Buffer.from(content) : content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (before === undefined) syncFolder(dirname(path));
  } catch (cause) {
    try {
      if (before !== undefined) truncateSync(path, before);
    } catch {
      // The cause says more. The next reader drops a line that was cut short.
    }
    throw writeError(path, cause, "The earlier contents of the file are untouched");
  }
};

/**
 * Removes temporary files that killed processes left while {@link writeDurably} was running.
 *
 * @param target the name of one file; if not given, all files in the folder
 */
export const removeStaleTemporaries = (folder: string, target?: string): void => {
  for (const name of readdirSync(folder)) {
    const parts = TEMPORARY.exec(name);
    if (parts === null || (target !== undefined && parts[1] !== target)) continue;
    const owner = Number(parts[2]);
    // Skip files of this process: another of its threads may be writing.
    const stale = owner === pid ? Number(parts[3]) === threadId : !processLives(owner);
    if (stale) rmSync(join(folder, name), { force: true });
  }
};

/** The name of the file that a temporary file was to replace; undefined for other names. */
export const targetOfTemporary = (name: string): string | undefined => TEMPORARY.exec(name)?.[1];

const TEMPORARY = /^(.+)\.(\d+)-(\d+)\.tmp$/;

/** Writes everything. `write` may write less than it is given: on a disk that fills up, the first of two calls succeeds in part. */
const writeAll = (file: number, bytes: Uint8Array): void => {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, Math.min(bytes.length - done, 2 ** 30));
  }
};

/** Syncs a folder: only then does a rename survive a power failure. */
const syncFolder = (path: string): void => {
  try {
    const folder = openSync(path, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } catch {
    // Windows, and some network file systems, cannot sync a folder. The rename itself is done and cannot be
    // undone, so there is nothing to report that a caller could act on.
  }
};

const discard = (path: string): void => {
  try {
    rmSync(path, { force: true });
  } catch {
    // Report the original failure, not this one.
  }
};

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full. Free some space and try again",
  EDQUOT: "the disk quota is used up. Free some space and try again",
  EFBIG: "the file is larger than this system allows. Raise the limit (ulimit -f) and try again",
  ENOENT: "its folder does not exist. Create it first",
  ENOTDIR: "its folder is not a folder. Check the path",
  EISDIR: "a folder is in its place. Check the path",
  EACCES: "no permission to write there. Choose another folder",
  EPERM: "no permission to write there. Choose another folder",
  EROFS: "the file system is read-only. Choose another folder",
};

/** The error for a failure of the file system. */
export const writeError = (path: string, cause: unknown, state: string): CheckpointError =>
  new CheckpointError(`cannot write ${path}: ${reason(cause)}. ${state}`, { cause });

/** The reason of a failure, in words if the code is known. */
export const reason = (cause: unknown, reasons: Readonly<Record<string, string>> = REASONS): string => {
  if (!(cause instanceof Error)) return String(cause);
  return ("code" in cause ? reasons[String(cause.code)] : undefined) ?? cause.message;
};
