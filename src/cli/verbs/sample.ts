/** `tightbound sample`: draws from the prior, decoded. */
import type { Command } from "commander";
import { ceilings } from "../../limits.ts";
import { RAW_CELLS } from "../data-options.ts";
import { optionOf, verbFlags, verbOptions } from "../flags.ts";
import { whole } from "../parse.ts";
import { type Context, printJson, speaker } from "../terminal.ts";

interface Options {
  readonly count?: number;
  readonly seed: number;
  readonly out?: string;
  readonly rawCells?: true;
  readonly json?: true;
}

const EXAMPLES = `
Draws z from the prior and writes the means of p(x|z): one picture of all images, or their values with a .csv file. For a
table it writes rows drawn from p(x|z), as a CSV file with the table's columns.

For m2 and m1m2: --count draws of every class, one row of the picture per class, with the same style z down each column.

Examples:
  $ tightbound sample runs/mnist-vae-1
  $ tightbound sample runs/mnist-vae-1 --count 100 --seed 7 --out samples.png`;

export function define(command: Command, context: Context): void {
  command
    .option(
      "--count <n>",
      "how many (default: 64, or 10 of each class if the model has classes)",
      whole(1, ceilings.drawn),
    )
    .option("--seed <n>", "seed of the draws", whole(0), 0)
    .option("--out <file>", "a .png or .csv file (default: samples.png or samples.csv in the run's folder)");
  for (const flag of verbFlags("sample")) command.addOption(optionOf(flag));
  command
    .option(...RAW_CELLS)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { count: asked, seed, out, rawCells, json, ...options }: Options) => {
      const { declarationOf } = await import("../../kinds/index.ts");
      const { InternalError } = await import("../../errors.ts");
      const { checkVerb, openRun, readRun } = await import("../../runs/index.ts");
      const { featureTable, imagesOf, savePictureOrTable, target } = await import("../output.ts");
      const { samplePicture } = await import("../../report/pictures.ts");
      const read = readRun(path);
      const { settings } = read;
      checkVerb(read, "sample");
      const own = verbOptions("sample", declarationOf(settings.model.model), options);
      const where = target(settings, path, "samples", out);
      const { kind, trained } = await openRun(path);
      const drawn = await kind.sample?.(trained, {
        ...own,
        seed,
        ...(asked !== undefined && { count: asked }),
      });
      if (drawn === undefined)
        throw new InternalError(`${settings.model.model} declares sample but does not implement it`);
      const { values, count, columns, heads, noun } = drawn;
      await savePictureOrTable(
        { ...where, rawCells: rawCells === true },
        imagesOf(settings, values),
        (images) => samplePicture(images, columns),
        () => featureTable(settings, heads?.names ?? [], values, heads?.cells ?? (() => [])),
      );
      if (json) printJson(context.terminal, { run: path, count, seed, ...drawn.json, file: where.path });
      else speaker(context.terminal, {})(`${count} ${noun} written to ${where.path}`);
    });
}
