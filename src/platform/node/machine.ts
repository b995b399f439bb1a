/** The machine: byte order, cores, memory, name. */
import { availableParallelism, totalmem } from "node:os";
import process from "node:process";

export { hostname } from "node:os";
export const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Number of cores that this process may use. */
export const cores = (): number => availableParallelism();

/** Bytes of memory that this process may use: those of the machine, or the limit of its container. */
export const memoryBytes = (): number => {
  // Without a limit this is 0, or more than the machine has.
  const allowed = process.constrainedMemory?.() ?? 0;
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
};
