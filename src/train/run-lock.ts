import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { pid } from "node:process";
import { threadId } from "node:worker_threads";
import { z } from "zod";
import { BusyError } from "../errors.ts";
import { writeError } from "./durable-write.ts";
import { processLives, processStart } from "./process.ts";

/** A folder that this process alone may write. */
export interface RunLock {
  /** Gives the folder free. More than once does no harm. */
  release(): void;
}

/** The file that says which process has a folder. */
export const LOCK_NAME = "lock";

const OWNER = z.object({ pid: z.int(), host: z.string(), start: z.string().optional() });

/** Locks that this process holds, by path. */
const held = new Set<string>();

/**
 * Takes the lock of a folder: a file `lock` with the number and host of this process. The lock of a process of this
 * machine that no longer runs is taken over.
 *
 * @throws {BusyError} naming the process that has the lock, and what to do.
 */
export const takeLock = (folder: string): RunLock => {
  const path = resolve(folder, LOCK_NAME);
  const mine = JSON.stringify({ pid, host: hostname(), start: processStart(pid) });
  if (!create(path, mine)) {
    takeOver(path);
    if (!create(path, mine)) throw busy(path, "another process took it at the same time");
  }
  held.add(path);
  return {
    release() {
      if (!held.delete(path)) return;
      // Not if someone removed the lock by hand and another process has taken it since.
      if (read(path) === mine) rmSync(path, { force: true });
    },
  };
};

/** False when there is a lock already. */
const create = (path: string, content: string): boolean => {
  try {
    writeFileSync(path, content, { flag: "wx" });
    return true;
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return false;
    // On a full disk the file is there, but empty.
    if (read(path) === "") rmSync(path, { force: true });
    throw writeError(path, cause, "The run was not started");
  }
};

/** Removes the lock of a process that is gone. */
const takeOver = (path: string): void => {
  const content = read(path);
  if (content === undefined) return;
  const owner = parse(content);
  if (owner === undefined) {
    throw busy(path, `which process has it cannot be read (found ${JSON.stringify(content.slice(0, 60))})`);
  }
  if (owner.host !== hostname()) throw busy(path, `process ${owner.pid} on ${owner.host} has it`);
  // The number may be another process's by now, or this one's own.
  const same =
    owner.start === undefined ? owner.pid !== pid || held.has(path) : owner.start === processStart(owner.pid);
  if (same && processLives(owner.pid)) throw busy(path, `process ${owner.pid} on this machine has it`);
  // Two processes may find the same stale lock: the slower one would remove the lock that the faster one has
  // made since. So it is moved away, looked at, and put back if it is not the one that was found.
  if (read(path) !== content) throw busy(path, "another process took it at the same time");
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
      "--out; if it no longer runs, delete this file",
  );

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
};

const parse = (content: string): z.output<typeof OWNER> | undefined => {
  try {
    return OWNER.safeParse(JSON.parse(content)).data;
  } catch {
    return undefined;
  }
};
