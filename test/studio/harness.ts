import { writeFileSync } from "node:fs";
import { fillNormal, stream } from "../../src/random/index.ts";

export const kinds = ["red", "green", "blue"] as const;

/** The class of a row of {@link writeBlobs}. */
export const kindOf = (row: number): number => row % 3;

/** A table of three far clusters, in turn. */
export function writeBlobs(path: string, rows: number): void {
  const noise = new Float32Array(2 * rows);
  fillNormal(noise, stream(5, "blobs"));
  const lines = Array.from({ length: rows }, (_, i) => {
    const kind = kindOf(i);
    return `item ${i},${(noise[2 * i] + 8 * kind).toFixed(3)},${(noise[2 * i + 1] - 8 * (kind % 2)).toFixed(3)}`;
  });
  writeFileSync(path, ["item,a,b", ...lines, ""].join("\n"));
}
