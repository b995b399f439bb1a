import { join } from "node:path";
import { writeDurably } from "../train/durable-write.ts";
import { reconstructionPicture, samplePicture, traversalPicture } from "./pictures.ts";
import { type ReportOptions, renderReport } from "./report.ts";
import type { ReportData } from "./types.ts";

/**
 * Writes `report.html`, and `reconstructions.png`, `samples.png` and `traversals.png` where the data hold them,
 * into a folder that exists. Each file is written beside its place, synced and renamed: a reader finds the
 * old file or the new one, never half of one.
 *
 * @returns the paths written, `report.html` first
 * @throws {CheckpointError} when a file cannot be written; the files before it stay written.
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
  const paths: string[] = [];
  for (const [name, content] of files) {
    const path = join(folder, name);
    await writeOutput(path, content);
    paths.push(path);
  }
  return paths;
};

/**
 * Writes one file whole or not at all.
 *
 * @throws {CheckpointError} with the path and the system's reason; what stood there before is untouched.
 */
export const writeOutput = async (path: string, content: string | Uint8Array): Promise<void> =>
  writeDurably(path, content);
