import { readFileSync, readlinkSync } from "node:fs";
import { kill } from "node:process";

/** Whether a process of this machine, seen from this one, runs under the number. */
export const processLives = (pid: number): boolean => {
  try {
    kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
};

/** The boot of the kernel that runs this process: two machines, or one before and after a restart, differ. */
export const bootId = (): string | undefined => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
};

/** The namespace in which this process's number counts: each container has its own. */
export const processNamespace = (): string | undefined => {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return undefined;
  }
};

/**
 * When a process started, as text that differs between two processes that have the same number one after the
 * other (numbers are used again; in a container, after every restart). Undefined where the system does not say.
 */
export const processStart = (pid: number): string | undefined => {
  try {
    // proc(5): field 22, in clock ticks since boot. The second field, a name in brackets, may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return `${bootId()}/${fields[19]}`;
  } catch {
    return undefined;
  }
};
