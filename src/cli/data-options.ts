import type { Command } from "commander";
import { oneOf } from "../kinds/index.ts";
import { reader } from "./parse.ts";
import { type ResizeFlags, resizeFlags } from "./reading-flags.ts";

export const parts = ["test", "train", "all"] as const;

/** The options that select the rows that a verb uses. */
export interface DataOptions extends ResizeFlags {
  readonly data?: string;
  readonly labelFile?: string;
  readonly labelColumn?: string;
  readonly part?: (typeof parts)[number];
}

/** Adds the options of {@link DataOptions} to a verb. */
export const dataOptions = (command: Command): Command =>
  resizeFlags(
    command
      .option("--data <path>", "other data, of the same shape as the run's")
      .option("--label-file <path>", "with --data: file of class indices")
      .option("--label-column <name>", "with --data: the column of class names in a CSV file")
      .option(
        "--part <which>",
        "test | train | all (default: test; all for other data without a test part)",
        reader(oneOf(parts)),
      ),
    "with --data, images: resize them to the size that the run was trained on, such as 28x28 (default: as in training)",
  );

/** The option of `CsvOutput`, for verbs that write words from the data to a CSV file. */
export const RAW_CELLS = [
  "--raw-cells",
  "in a .csv file, write words unchanged (default: put an apostrophe before words that a spreadsheet would run as a formula)",
] as const;
