/** `tightbound traverse`: one latent dimension at a time moved through the prior. */
import type { Command } from "commander";
import { wholes } from "../../kinds/index.ts";
import { RAW_CELLS } from "../data-options.ts";
import { optionFor } from "../parse.ts";
import { type Context, printJson, speaker } from "../terminal.ts";

interface Options {
  readonly dimensions?: readonly number[];
  readonly out?: string;
  readonly rawCells?: true;
  readonly json?: true;
}

const EXAMPLES = `
One row per dimension, from -3 to 3 standard deviations of the prior, with the others at 0. Without --dimensions: the ten
with the largest KL on the test data, in that order.

Examples:
  $ tightbound traverse runs/mnist-vae-1
  $ tightbound traverse runs/mnist-vae-1 --dimensions 0,3 --out walk.png`;

export function define(command: Command, context: Context): void {
  command
    .addOption(
      optionFor(
        "--dimensions",
        wholes({ least: 0 }),
        "dimensions, counted from 0 (default: the ten most active)",
      ),
    )
    .option(
      "--out <file>",
      "a .png or .csv file (default: traversals.png or traversals.csv in the run's folder)",
    )
    .option(...RAW_CELLS)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { dimensions: asked, out, rawCells, json }: Options) => {
      const { InternalError } = await import("../../errors.ts");
      const { checkVerb, openRun, readRun } = await import("../../runs/index.ts");
      const { requestedRows } = await import("../data.ts");
      const { featureTable, imagesOf, savePictureOrTable, target } = await import("../output.ts");
      const { traversalPicture } = await import("../../report/pictures.ts");
      checkVerb(readRun(path), "traverse");
      const {
        kind,
        run: { settings },
        trained,
      } = await openRun(path);
      const where = target(settings, path, "traversals", out);
      const walk = await kind.traverse?.(trained, () => requestedRows(kind, settings, {}), asked);
      if (walk === undefined)
        throw new InternalError(`${settings.model.model} declares traverse but does not implement it`);
      const { pixels, dimensions, values } = walk;
      await savePictureOrTable(
        { ...where, rawCells: rawCells === true },
        imagesOf(settings, pixels),
        (images) => traversalPicture({ images, dimensions, values }),
        () =>
          featureTable(settings, ["dimension", "z"], pixels, (i) => [
            dimensions[Math.floor(i / values.length)],
            values[i % values.length],
          ]),
      );
      if (json) printJson(context.terminal, { run: path, dimensions, values, file: where.path });
      else {
        speaker(
          context.terminal,
          {},
        )(
          `Dimensions ${dimensions.join(", ")} from ${values[0]} to ${values.at(-1)} written to ${where.path}`,
        );
      }
    });
}
