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
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { pid } from "node:process";
import { threadId } from "node:worker_threads";
import { CheckpointError } from "../errors.ts";
import { processLives } from "./process.ts";

/**
 * Replaces a file whole or not at all: written beside its place, synced, renamed, and the folder synced. Killed or
 * out of power at any moment, the path holds the old contents or the new. On failure the new file's remains are
 * removed. Remains of killed processes are removed first.
 *
 * Not write-file-atomic: its version 6 does sync, but writes once and takes a short write for the whole, so on
 * a disk that fills up it renames half a file over a good one. Nor does it sync the folder.
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
 * Appends a line and syncs the file; when that fails the file is as it was.
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
      // The cause says more; a line cut short is dropped by the next reader.
    }
    throw writeError(path, cause, "What the file held before is untouched");
  }
};

/**
 * Removes what killed processes left of files that {@link writeDurably} was writing.
 *
 * @param target the name of one file; without it, all in the folder
 */
export const removeStaleTemporaries = (folder: string, target?: string): void => {
  for (const name of readdirSync(folder)) {
    const parts = TEMPORARY.exec(name);
    if (parts === null || (target !== undefined && parts[1] !== target)) continue;
    const owner = Number(parts[2]);
    // Another thread of this process may be writing; this one is not.
    const stale = owner === pid ? Number(parts[3]) === threadId : !processLives(owner);
    if (stale) rmSync(join(folder, name), { force: true });
  }
};

/** The name of the file that a temporary one was to become; undefined for other names. */
export const targetOfTemporary = (name: string): string | undefined => TEMPORARY.exec(name)?.[1];

const TEMPORARY = /^(.+)\.(\d+)-(\d+)\.tmp$/;

/** `write` may take less than it is given: on a disk that fills up, the first of two calls succeeds in part. */
const writeAll = (file: number, bytes: Uint8Array): void => {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, Math.min(bytes.length - done, 2 ** 30));
  }
};

/** A rename outlasts a power cut once the folder is on the disk. */
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
    // The failure that brought us here is the one to report.
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

/** What went wrong, in words where the code is known. */
export const reason = (cause: unknown, reasons: Readonly<Record<string, string>> = REASONS): string => {
  if (!(cause instanceof Error)) return String(cause);
  return ("code" in cause ? reasons[String(cause.code)] : undefined) ?? cause.message;
};
