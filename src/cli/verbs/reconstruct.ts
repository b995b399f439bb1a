/** `tightbound reconstruct`: data beside their reconstructions. */
import type { Command } from "commander";
import { type DataOptions, dataOptions, RAW_CELLS } from "../data-options.ts";
import { whole } from "../parse.ts";
import { type Context, printJson, speaker } from "../terminal.ts";

interface Options extends DataOptions {
  readonly count: number;
  readonly out?: string;
  readonly rawCells?: true;
  readonly json?: true;
}

/** The largest number of pairs in a picture: more would be too small to see. */
const MOST_PICTURED = 40;

const EXAMPLES = `
Images are drawn in one picture, each original above its reconstruction. Rows of a table are written to a CSV file, each
original before its reconstruction. If the run was trained on binary draws of grey pixels, the originals are such draws.

Examples:
  $ tightbound reconstruct runs/mnist-vae-1
  $ tightbound reconstruct runs/mnist-vae-1 --count 40 --out pairs.png
  $ tightbound reconstruct runs/mnist-vae-1 --data more-digits.npy`;

export function define(command: Command, context: Context): void {
  command.option("--count <n>", "how many rows, from the first; at most 40 in a picture", whole(1), 20);
  dataOptions(command)
    .option(
      "--out <file>",
      "a .png or .csv file (default: reconstructions.png or reconstructions.csv in the run's folder)",
    )
    .option(...RAW_CELLS)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { count: asked, out, rawCells, json, ...data }: Options) => {
      const { InternalError } = await import("../../errors.ts");
      const { checkVerb, openRun, readRun } = await import("../../runs/index.ts");
      const { requestedRows } = await import("../data.ts");
      const { featureTable, imagesOf, savePictureOrTable, target } = await import("../output.ts");
      const { reconstructionPicture } = await import("../../report/pictures.ts");
      checkVerb(readRun(path), "reconstruct");
      const {
        kind,
        run: { settings },
        trained,
      } = await openRun(path);
      const where = target(settings, path, "reconstructions", out);
      const rows = await requestedRows(kind, settings, data);
      const count = Math.min(asked, rows.rows, where.picture ? MOST_PICTURED : asked);
      const found = await kind.reconstruct?.(
        trained,
        rows,
        Array.from({ length: count }, (_, i) => i),
      );
      if (found === undefined)
        throw new InternalError(`${settings.model.model} declares reconstruct but does not implement it`);
      const { originals, reconstructions } = found;
      const before = imagesOf(settings, originals);
      await savePictureOrTable(
        { ...where, rawCells: rawCells === true },
        imagesOf(settings, reconstructions),
        (after) => reconstructionPicture(before ?? after, after),
        () => {
          const width = originals.length / count;
          const both = new Float32Array(2 * originals.length);
          for (let i = 0; i < count; i++) {
            both.set(originals.subarray(i * width, (i + 1) * width), 2 * i * width);
            both.set(reconstructions.subarray(i * width, (i + 1) * width), (2 * i + 1) * width);
          }
          const { rowNames, rowNoun = "row" } = rows;
          return featureTable(settings, [rowNames ? rowNoun : "row", "is"], both, (i) => [
            rowNames?.[Math.floor(i / 2)] ?? Math.floor(i / 2),
            i % 2 === 0 ? "original" : "reconstruction",
          ]);
        },
      );
      if (json) printJson(context.terminal, { run: path, data: rows.name, count, file: where.path });
      else
        speaker(
          context.terminal,
          {},
        )(`${count} rows of ${rows.name} and their reconstructions written to ${where.path}`);
    });
}
