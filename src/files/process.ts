import { readFileSync, readlinkSync } from "#platform/files";
import { kill } from "#platform/processes";

/** Whether this process can see a process with this number on this machine. */
export const processLives = (pid: number): boolean => {
  try {
    kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, but as another user.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
};

/** The kernel's boot id. It differs between machines, and on one machine after a restart. */
export const bootId = (): string | undefined => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
};

/** The namespace of this process's number: each container has its own. */
export const processNamespace = (): string | undefined => {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return undefined;
  }
};

/**
 * The start time of a process, as text. It distinguishes two processes that had the same number one after the
 * other (numbers are reused; in a container, after every restart). Undefined if the system does not tell.
 */
export const processStart = (pid: number): string | undefined => {
  try {
    // proc(5): field 22, in clock ticks since boot. The second field, a name in brackets, may contain anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return `${bootId()}/${fields[19]}`;
  } catch {
    return undefined;
  }
};
