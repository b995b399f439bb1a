/** What is finished, in a file of JSON lines, so that a run that was stopped goes on. */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Comparison } from "./compare.ts";

interface Entry {
  /** Of everything that the comparison depends on. */
  readonly key: string;
  readonly comparison: Comparison;
}

/** A digest of all files in folders: results of other programs, data or library are not taken for these. */
export function digestOf(folders: readonly string[]): string {
  const hash = createHash("sha256");
  for (const folder of folders) {
    for (const path of (readdirSync(folder, { recursive: true }) as string[]).sort()) {
      if (/\.(js|json|gz)$/.test(path)) hash.update(path).update(readFileSync(join(folder, path)));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

/** Comparisons in a log with this key, by posterior. A last line that was cut short is none. */
export function readLog(path: string, key: string): Map<string, Comparison> {
  const finished = new Map<string, Comparison>();
  if (!existsSync(path)) return finished;
  for (const line of readFileSync(path, "utf8").split("\n")) {
    let entry: Entry;
    try {
      entry = JSON.parse(line) as Entry;
    } catch {
      continue;
    }
    if (entry.key === key) finished.set(entry.comparison.posterior, entry.comparison);
  }
  return finished;
}

/** Adds a comparison, on a line of its own whatever the last one looks like. */
export function appendLog(path: string, key: string, comparison: Comparison): void {
  mkdirSync(dirname(path), { recursive: true });
  const before = existsSync(path) ? readFileSync(path, "utf8") : "";
  const lineBreak = before === "" || before.endsWith("\n") ? "" : "\n";
  appendFileSync(path, `${lineBreak}${JSON.stringify({ key, comparison } satisfies Entry)}\n`);
}
