/** The machine: byte order, cores, memory, name. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import process from "node:process";

export { hostname } from "node:os";
export const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Number of cores that this process may use. */
export const cores = (): number => availableParallelism();

/** Number of cores of the machine, whether this process may use them or not. */
export const allCores = (): number => cpus().length;

/** The numbers of the cores that this process may use; undefined where the system does not say. */
export const coreNumbers = (): readonly number[] | undefined => {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return list?.split(",").flatMap((range) => {
      const [first, last = first] = range.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
  } catch {
    return undefined;
  }
};

/** Bytes of memory that this process may use: those of the machine, or the limit of its container. */
export const memoryBytes = (): number => {
  // Without a limit this is 0, or more than the machine has.
  const allowed = process.constrainedMemory?.() ?? 0;
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
};
