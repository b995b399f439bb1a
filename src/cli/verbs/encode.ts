/** `tightbound encode`: posterior means of data, as a table. */
import type { Command } from "commander";
import { type DataOptions, dataOptions, RAW_CELLS } from "../data-options.ts";
import { type Context, printJson, speaker } from "../terminal.ts";

interface Options extends DataOptions {
  readonly out?: string;
  readonly rawCells?: true;
  readonly json?: true;
}

const EXAMPLES = `
Writes the means of q(z|x), or the codes of an autoencoder: one line per row, in the order of the data. A .csv file has
the file, line or id of each row, if rows have one, then columns z0, z1, … and, if the data have labels, label. A .npy file is
float32 [rows, latent]; labels go to ….labels.npy.

Examples:
  $ tightbound encode runs/mnist-vae-1
  $ tightbound encode runs/mnist-vae-1 --part train --out latents.npy
  $ tightbound encode runs/mnist-vae-1 --data new.npy --out new.csv`;

export function define(command: Command, context: Context): void {
  dataOptions(command)
    .option("--out <file>", "a .csv or .npy file (default: latents.csv in the run's folder)")
    .option(...RAW_CELLS)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { out = `${path}/latents.csv`, rawCells, json, ...data }: Options) => {
      const { InternalError } = await import("../../errors.ts");
      const { checkVerb, openRun, readRun } = await import("../../runs/index.ts");
      const { requestedRows } = await import("../data.ts");
      const { checkExtension, save } = await import("../output.ts");
      const { matrixRows, toCsv, toNpy } = await import("../table.ts");
      checkExtension(out, [".csv", ".npy"], "latents");
      checkVerb(readRun(path), "encode");
      const { kind, run, trained } = await openRun(path);
      const say = speaker(context.terminal, { json: json === true });
      const dataset = await requestedRows(kind, run.settings, data, say);
      const encoded = await kind.encode?.(trained, dataset);
      if (encoded === undefined)
        throw new InternalError(`${run.settings.model.model} declares encode but does not implement it`);
      const { codes: means, width: latent } = encoded;
      const { labels, classes, rowNames, rowNoun = "row" } = dataset;
      const files = [out];
      if (out.toLowerCase().endsWith(".npy")) {
        await save(out, toNpy(means, [dataset.rows, latent]));
        if (labels) {
          files.push(out.replace(/\.npy$/i, ".labels.npy"));
          await save(files[1], toNpy(labels, [dataset.rows]));
        }
      } else {
        const nameOf = (row: number): string => {
          const label = labels?.[row] ?? -1;
          return label < 0 ? "" : (classes?.[label] ?? String(label));
        };
        const table = {
          columns: [
            ...(rowNames ? [rowNoun] : []),
            ...Array.from({ length: latent }, (_, d) => `z${d}`),
            ...(labels ? ["label"] : []),
          ],
          rows: (function* () {
            let row = 0;
            for (const z of matrixRows(means, latent)) {
              yield [...(rowNames ? [rowNames[row]] : []), ...z, ...(labels ? [nameOf(row)] : [])];
              row++;
            }
          })(),
        };
        await save(out, toCsv(table, { rawCells: rawCells === true }));
      }
      if (json)
        printJson(context.terminal, { run: path, data: dataset.name, rows: dataset.rows, latent, files });
      else
        speaker(
          context.terminal,
          {},
        )(
          `${dataset.rows} rows of ${dataset.name}, ${latent} numbers each, written to ${files.join(" and ")}`,
        );
    });
}
