import { z } from "zod";
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
} from "#platform/files";
import { hostname } from "#platform/machine";
import { resolve } from "#platform/paths";
import { pid, threadId } from "#platform/processes";
import { BusyError } from "../errors.ts";
import { writeError } from "./durable-write.ts";
import { lockInKernel } from "./kernel-lock.ts";
import { bootId, processLives, processNamespace, processStart } from "./process.ts";

/** A lock on a folder, so that only this process writes to it. */
export interface RunLock {
  /** Releases the folder. Calling it more than once is harmless. */
  release(): void;
}

/** The file that names the process that holds a folder. */
export const LOCK_NAME = "lock";

/** `start` begins with the boot id, `space` is the namespace of the number; `by` says whether the kernel holds the lock or only this file. */
const OWNER = z.object({
  pid: z.int(),
  host: z.string(),
  start: z.string().optional(),
  space: z.string().optional(),
  by: z.enum(["kernel", "file"]).optional(),
});
type Owner = z.output<typeof OWNER>;

/** Paths that this process has locked by the file alone. If the system does not tell start times, its own number in a file proves nothing. */
const locked = new Set<string>();

/** An empty lock file older than this (milliseconds) belongs to a process that was killed before it wrote. */
const WRITTEN_BY = 10_000;

/**
 * Takes the lock of a folder: the file `lock`, locked by the kernel if possible; it contains the process that holds it.
 * The lock of a process that no longer runs is taken over.
 *
 * @throws BusyError naming the process that holds the lock, and what to do.
 */
export const takeLock = (folder: string): RunLock => {
  const path = resolve(folder, LOCK_NAME);
  // Another process that held the file may remove it between our opening and locking it. Then there is a new file, or none.
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
  throw busy(path, "other processes keep taking and releasing it");
};

/** Undefined if the lock was released in between, or belonged to a dead process and is now removed. */
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
      // Remove the file before unlocking it: a process that has opened it by then sees that it is no longer the one at the path.
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
    // Do not remove it if someone removed the lock by hand and another process has taken it since.
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

/** The lock file, which is made if there is none; undefined if another process made or removed it in between. */
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

/** Whether the open file is the one at the path. */
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

/** The owner named in a lock with this content; undefined if no process holds it any more. */
const whoHas = (
  content: string,
  path: string,
  { kernelSaysFree }: { readonly kernelSaysFree: boolean },
): string | undefined => {
  const owner = parse(content);
  // It was only partly written, by a process that was killed.
  if (owner === undefined) return kernelSaysFree ? undefined : nameOf(owner);
  const boot = owner.start?.split("/")[0];
  const here = bootId();
  if (boot !== undefined && here !== undefined && boot !== here) {
    // This machine before a restart, or another machine, whose locks this kernel may not know.
    return owner.host === hostname() ? undefined : nameOf(owner);
  }
  if (kernelSaysFree && owner.by === "kernel") return undefined;
  const visible = owner.space === undefined ? owner.host === hostname() : owner.space === processNamespace();
  if (!visible) return nameOf(owner);
  // The number may have been reused by another process, or by this one.
  const same =
    owner.start === undefined
      ? owner.pid !== pid || locked.has(path)
      : owner.start === processStart(owner.pid);
  return same && processLives(owner.pid) ? nameOf(owner) : undefined;
};

const beingWritten = (file: number): string | undefined =>
  Date.now() - fstatSync(file).mtimeMs < WRITTEN_BY ? "another process is taking it" : undefined;

const nameOf = (owner: Owner | undefined): string => {
  if (owner === undefined) return "the file does not say which process has it";
  if (owner.host !== hostname()) return `process ${owner.pid} on ${owner.host} has it`;
  const elsewhere = owner.space !== undefined && owner.space !== processNamespace();
  return `process ${owner.pid} ${elsewhere ? "in another container " : ""}on this machine has it`;
};

/**
 * Two processes may find the same stale lock, and the slower one could remove the lock that the faster one has made since. So the file is
 * moved away, checked, and put back if it is not the one that was found.
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
