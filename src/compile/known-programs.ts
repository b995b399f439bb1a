/** Compiled programs that are kept for the next graph that computes the same, with the machine code that V8 has made for them. */
import type { HostRun } from "./generated-code.ts";
import { type GraphKey, sameKey } from "./graph-key.ts";

/** A program on arrays of its own. Whoever runs it copies its leaves there and its results back: runs are synchronous, so that any number can share it. */
export interface KnownProgram {
  readonly leaves: readonly Float64Array[];
  readonly outputs: readonly Float64Array[];
  readonly run: HostRun;
  /** Number of loops and kernels. */
  readonly nodes: number;
  /** Numbers in its arrays. */
  readonly size: number;
}

/** Limits of what is kept: programs, and the numbers in their arrays (16 MiB). */
const MOST_PROGRAMS = 64;
const MOST_NUMBERS = 2 ** 21;

interface Entry {
  readonly key: GraphKey;
  readonly program: KnownProgram;
}

/** By the text of their graphs; the one used last is the last. */
const known = new Map<string, Entry>();
let numbers = 0;

function forget(text: string): void {
  numbers -= known.get(text)?.program.size ?? 0;
  known.delete(text);
}

/** The program of a graph, made only if none is known. */
export function knownProgram(key: GraphKey, make: () => KnownProgram): KnownProgram {
  const found = known.get(key.text);
  const entry = found !== undefined && sameKey(found.key, key) ? found : { key, program: make() };
  forget(key.text);
  if (entry.program.size > MOST_NUMBERS) return entry.program;
  known.set(key.text, entry);
  numbers += entry.program.size;
  for (const text of known.keys()) {
    if (known.size <= MOST_PROGRAMS && numbers <= MOST_NUMBERS) break;
    forget(text);
  }
  return entry.program;
}
