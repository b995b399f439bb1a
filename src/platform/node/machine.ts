/** The machine: byte order, cores, memory, name. */
import { availableParallelism, totalmem } from "node:os";
import process from "node:process";

export { hostname } from "node:os";
export const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Cores that this process may use. */
export const cores = (): number => availableParallelism();

/** Bytes of memory that this process may use: the machine's, or what its container is given of them. */
export const memoryBytes = (): number => {
  // 0 or a number beyond all memory where nothing is limited.
  const allowed = process.constrainedMemory?.() ?? 0;
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
};
