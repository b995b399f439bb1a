/** The flags of `train` for data and settings, which a sweep's plan can use too. */
import type { Command } from "commander";
import { columnNames, columnTypePairs, oneOf, share, whole } from "../kinds/index.ts";
import { optionOf, trainFlags } from "./flags.ts";
import { optionFor } from "./parse.ts";
import { readingFlags } from "./reading-flags.ts";

/** Adds them to a verb, described for one kind or for all. */
export function trainSettings(command: Command, kind?: string): void {
  command
    .option("--data <spec>", "mnist, or the path of data")
    .option(
      "--label-file <path>",
      "file of class indices, for data in an IDX or .npy file, or names of classes in a .npy file",
    )
    .option("--label-column <name>", "the column of class names in a table; a blank cell is unlabelled")
    .addOption(
      optionFor(
        "--categorical",
        columnNames,
        "columns of a table that contain categories, separated by commas",
      ),
    )
    .addOption(optionFor("--ignore", columnNames, "columns of a table to leave out, separated by commas"))
    .option(
      "--id <column>",
      "the column of a table that names its rows, in predictions and messages (default: lines)",
    )
    .addOption(
      optionFor(
        "--type",
        columnTypePairs,
        "types of columns that would be detected as another type: number, positive, bounded:0..10, count, ordinal:low<high, categorical, date:dmy",
      ),
    )
    .addOption(
      optionFor(
        "--decimal",
        oneOf([".", ","]),
        "decimal separator of the numbers in a table; the other one groups thousands (default: detected)",
      ),
    )
    .addOption(
      optionFor(
        "--test-fraction",
        share,
        "share of rows to hold out for testing, if the data have no test part (default: 0.1; none if fewer than 100 rows are labelled)",
      ),
    )
    .addOption(optionFor("--validation", whole(1), "labelled rows to hold out for validation (default: 0)"))
    .addOption(optionFor("--validation-seed", whole(0), "seed for drawing the validation rows (default: 0)"));
  readingFlags(command);
  for (const flag of trainFlags) command.addOption(optionOf(flag, kind));
}
