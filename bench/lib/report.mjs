import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Lines up rows of strings under a header; the first column is aligned left, the others right. */
export const table = (header, rows) => {
  const widths = header.map((_, c) => Math.max(...[header, ...rows].map((row) => row[c].length)));
  const line = (row) =>
    row.map((cell, c) => (c ? cell.padStart(widths[c]) : cell.padEnd(widths[c]))).join("  ");
  return [line(header), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(line)].join("\n");
};

export const environment = () => ({
  date: new Date().toISOString(),
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  threads: 2,
  os: `${process.platform} ${release()} ${process.arch}`,
  node: process.version,
  loadAverageAtStart: Math.round(loadavg()[0] * 100) / 100,
});

/** Writes `bench/results/NAME.json` and prints its path. */
export const save = (name, result) => {
  const folder = new URL("../results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${name}.json`, folder);
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`written: ${relative(process.cwd(), fileURLToPath(file))}\n`);
};
