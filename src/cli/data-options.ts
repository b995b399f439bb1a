import type { Command } from "commander";
import { oneOf } from "../kinds/index.ts";
import { reader } from "./parse.ts";

export const parts = ["test", "train", "all"] as const;

/** Which rows a verb looks at. */
export interface DataOptions {
  readonly data?: string;
  readonly labelFile?: string;
  readonly labelColumn?: string;
  readonly part?: (typeof parts)[number];
}

/** Adds the options of {@link DataOptions} to a verb. */
export const dataOptions = (command: Command): Command =>
  command
    .option("--data <path>", "other data than the run's own, of the same shape")
    .option("--label-file <path>", "with --data: a file of class indices")
    .option("--label-column <name>", "with --data: the column of class names in a CSV file")
    .option(
      "--part <which>",
      "test | train | all (default: test; all of other data that have no test part of their own)",
      reader(oneOf(parts)),
    );

/** The option of `CsvOutput`, for verbs that write words of the data into a CSV file. */
export const RAW_CELLS = [
  "--raw-cells",
  "in a .csv file, write words as they are (default: a word that a spreadsheet would run as a formula gets an apostrophe before it)",
] as const;
