import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { pid } from "node:process";
import { threadId } from "node:worker_threads";
import { z } from "zod";
import { BusyError } from "../errors.ts";
import { writeError } from "./durable-write.ts";
import { lockInKernel } from "./kernel-lock.ts";
import { bootId, processLives, processNamespace, processStart } from "./process.ts";

/** A lock on a folder, so that only this process writes to it. */
export interface RunLock {
  /** Releases the folder. Calling it more than once is harmless. */
  release(): void;
}

/** The file that says which process has a folder. */
export const LOCK_NAME = "lock";

/** `start` begins with the boot, `space` is the namespace of the number; `by` is who holds the lock, the kernel or this file alone. */
const OWNER = z.object({
  pid: z.int(),
  host: z.string(),
  start: z.string().optional(),
  space: z.string().optional(),
  by: z.enum(["kernel", "file"]).optional(),
});
type Owner = z.output<typeof OWNER>;

/** Paths that this process has locked by the file alone: where the system does not say when a process started, its own number says nothing. */
const locked = new Set<string>();

/** Milliseconds after which an empty lock file is that of a process which was killed before it wrote. */
const WRITTEN_BY = 10_000;

/**
 * Takes the lock of a folder: the file `lock`, locked by the kernel where that can be had, with the process that has it written inside.
 * The lock of a process that no longer runs is taken over.
 *
 * @throws BusyError naming the process that has the lock, and what to do.
 */
export const takeLock = (folder: string): RunLock => {
  const path = resolve(folder, LOCK_NAME);
  // Whoever had the file may remove it between our opening and our locking it; then there is another, or none.
  for (let attempt = 0; attempt < 10; attempt++) {
    const opened = open(path);
    if (opened === undefined) continue;
    const { file, created } = opened;
    let lock: RunLock | undefined;
    try {
      lock = takeOpened(path, file, created);
    } finally {
      // The kernel's lock lasts as long as the file is open.
      if (lock === undefined) closeSync(file);
    }
    if (lock !== undefined) return lock;
  }
  throw busy(path, "other processes take it and give it back all the time");
};

/** Undefined where the lock was given back in between, or was a dead process's and is now removed. */
const takeOpened = (path: string, file: number, created: boolean): RunLock | undefined => {
  const got = lockInKernel(file);
  const content = read(path) ?? "";
  if (got === "busy") throw busy(path, nameOf(parse(content)));
  if (got === "taken") {
    if (!isAt(path, file)) return undefined;
    const owner = whoHas(content, path, { kernelSaysFree: true });
    if (owner !== undefined) throw busy(path, owner);
    writeOwner(path, file, "kernel");
    return releasing(() => {
      // Removed before it is given back: a process that has opened it by then sees that it is no longer the one at the path.
      if (isAt(path, file)) rmSync(path, { force: true });
      closeSync(file);
    });
  }
  if (!created) {
    const owner = content === "" ? beingWritten(file) : whoHas(content, path, { kernelSaysFree: false });
    if (owner !== undefined) throw busy(path, owner);
    removeStale(path, content);
    return undefined;
  }
  const mine = writeOwner(path, file, "file");
  locked.add(path);
  return releasing(() => {
    locked.delete(path);
    // Not if someone removed the lock by hand and another process has taken it since.
    if (read(path) === mine) rmSync(path, { force: true });
    closeSync(file);
  });
};

const releasing = (release: () => void): RunLock => {
  let taken = true;
  return {
    release() {
      if (taken) release();
      taken = false;
    },
  };
};

/** The lock file, made where there is none; undefined where it was made or removed by another in between. */
const open = (path: string): { readonly file: number; readonly created: boolean } | undefined => {
  for (const [flags, created] of [
    ["wx+", true],
    ["r+", false],
  ] as const) {
    try {
      return { file: openSync(path, flags), created };
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
      if (code !== (created ? "EEXIST" : "ENOENT")) throw writeError(path, cause, "The run was not started");
    }
  }
  return undefined;
};

/** Whether the file that is open is the one at the path. */
const isAt = (path: string, file: number): boolean => {
  const there = statSync(path, { throwIfNoEntry: false });
  const opened = fstatSync(file);
  return there?.ino === opened.ino && there.dev === opened.dev;
};

const writeOwner = (path: string, file: number, by: "kernel" | "file"): string => {
  const owner: Owner = {
    pid,
    host: hostname(),
    start: processStart(pid),
    space: processNamespace(),
    by,
  };
  const content = JSON.stringify(owner);
  try {
    ftruncateSync(file);
    writeSync(file, content, 0);
    fsyncSync(file);
  } catch (cause) {
    rmSync(path, { force: true });
    throw writeError(path, cause, "The run was not started");
  }
  return content;
};

/** The owner of a lock with this content; undefined if nobody holds it any more. */
const whoHas = (
  content: string,
  path: string,
  { kernelSaysFree }: { readonly kernelSaysFree: boolean },
): string | undefined => {
  const owner = parse(content);
  // Written in part, by a process that was killed.
  if (owner === undefined) return kernelSaysFree ? undefined : nameOf(owner);
  const boot = owner.start?.split("/")[0];
  const here = bootId();
  if (boot !== undefined && here !== undefined && boot !== here) {
    // This machine before it was started again, or another one, whose locks this kernel may not know.
    return owner.host === hostname() ? undefined : nameOf(owner);
  }
  if (kernelSaysFree && owner.by === "kernel") return undefined;
  const visible = owner.space === undefined ? owner.host === hostname() : owner.space === processNamespace();
  if (!visible) return nameOf(owner);
  // The number may be another process's by now, or this one's own.
  const same =
    owner.start === undefined
      ? owner.pid !== pid || locked.has(path)
      : owner.start === processStart(owner.pid);
  return same && processLives(owner.pid) ? nameOf(owner) : undefined;
};

const beingWritten = (file: number): string | undefined =>
  Date.now() - fstatSync(file).mtimeMs < WRITTEN_BY ? "another process is taking it" : undefined;

const nameOf = (owner: Owner | undefined): string => {
  if (owner === undefined) return "which process has it cannot be read";
  if (owner.host !== hostname()) return `process ${owner.pid} on ${owner.host} has it`;
  const elsewhere = owner.space !== undefined && owner.space !== processNamespace();
  return `process ${owner.pid} ${elsewhere ? "in another container " : ""}on this machine has it`;
};

/**
 * Two processes may find the same stale lock: the slower one would remove the lock that the faster one has made since. So it is moved
 * away, looked at, and put back if it is not the one that was found.
 */
const removeStale = (path: string, content: string): void => {
  const aside = `${path}.${pid}-${threadId}.tmp`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (read(aside) !== content) {
    renameSync(aside, path);
    throw busy(path, "another process took it at the same time");
  }
  rmSync(aside, { force: true });
};

const busy = (path: string, who: string): BusyError =>
  new BusyError(
    `${path}: expected a run that no other process is training: ${who}. Wait for it to end or choose another ` +
      "`out`; if it no longer runs, delete this file",
  );

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

const parse = (content: string): Owner | undefined => {
  try {
    return OWNER.safeParse(JSON.parse(content)).data;
  } catch {
    return undefined;
  }
};
