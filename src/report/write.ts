import { join } from "#platform/paths";
import { writeDurably } from "../files/index.ts";
import { renderBenchmark } from "./benchmark.ts";
import { benchmarkMarkdown } from "./benchmark-table.ts";
import type { Benchmark } from "./benchmark-types.ts";
import {
  analogyPicture,
  classSamplePicture,
  reconstructionPicture,
  samplePicture,
  traversalPicture,
} from "./pictures.ts";
import { type ReportOptions, renderReport } from "./report.ts";
import type { ReportData } from "./types.ts";

/**
 * Writes `report.html`, and `reconstructions.png`, `samples.png`, `traversals.png`, `analogies.png` and `class-samples.png` if the data
 * have them, to an existing folder. Each file is written under another name, synced and renamed: readers find the old file or the new one,
 * never half of one.
 *
 * @returns the paths written, `report.html` first
 * @throws CheckpointError when a file cannot be written; the files before it stay written.
 */
export const writeReport = async (
  folder: string,
  data: ReportData,
  options: ReportOptions = {},
): Promise<readonly string[]> => {
  const { originals, reconstructions, samples, traversals } = data;
  const files: [string, string | Uint8Array][] = [["report.html", await renderReport(data, options)]];
  if (originals && reconstructions && originals.count > 0 && reconstructions.count > 0) {
    files.push(["reconstructions.png", reconstructionPicture(originals, reconstructions).png]);
  }
  if (samples && samples.count > 0) files.push(["samples.png", samplePicture(samples).png]);
  if (traversals && traversals.images.count > 0)
    files.push(["traversals.png", traversalPicture(traversals).png]);
  const { analogies, samples: classSamples } = data.classification ?? {};
  if (analogies && analogies.images.count > 0) files.push(["analogies.png", analogyPicture(analogies).png]);
  if (classSamples && classSamples.images.count > 0) {
    files.push(["class-samples.png", classSamplePicture(classSamples).png]);
  }
  const paths: string[] = [];
  for (const [name, content] of files) {
    const path = join(folder, name);
    await writeOutput(path, content);
    paths.push(path);
  }
  return paths;
};

/**
 * Writes `report.html` and `table.md`, the page of a benchmark and its tables as text, to an existing folder. Each file is written whole or
 * not at all.
 *
 * @returns the paths written
 * @throws CheckpointError when a file cannot be written.
 */
export const writeBenchmark = async (folder: string, benchmark: Benchmark): Promise<readonly string[]> => {
  const paths = [join(folder, "report.html"), join(folder, "table.md")] as const;
  await writeOutput(paths[0], await renderBenchmark(benchmark));
  await writeOutput(paths[1], benchmarkMarkdown(benchmark));
  return paths;
};

/**
 * Writes one file whole or not at all.
 *
 * @throws CheckpointError when it cannot be written, with the path and the system's reason; an old file is untouched.
 */
export const writeOutput = async (path: string, content: string | Uint8Array): Promise<void> =>
  writeDurably(path, content);
