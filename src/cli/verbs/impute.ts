/** `tightbound impute`: missing cells of a table, filled by the posterior. */
import type { Command } from "commander";
import { part, whole } from "../../kinds/index.ts";
import { ceilings } from "../../limits.ts";
import { RAW_CELLS } from "../data-options.ts";
import type { ImputeFlags } from "../imputing.ts";
import { optionFor } from "../parse.ts";
import type { Context } from "../terminal.ts";

const EXAMPLES = `
The file must have the columns of the table that the run was trained on. The command writes the same file with its blank cells
filled, in the columns that the model knows. Each row begins with its line number, unless the run names rows by an id.

Codes z are drawn from q(z|x) of the known cells and weighted by p(x, z)/q(z|x) (Mattei and Frellsen, 2019). By default a cell is
its posterior mean, and a category the most probable one. With --draws every cell is a draw, and the file has that many
completions of each row. To measure the accuracy, a tenth of the known cells are hidden and filled too; for comparison they are also
filled with means and from the nearest rows.

Examples:
  $ tightbound impute runs/penguins-vae-1 --data gaps.csv
  $ tightbound impute runs/penguins-vae-1 --data gaps.csv --draws 5 --out completions.csv`;

export function define(command: Command, context: Context): void {
  command
    .option("--data <file>", "a table with gaps (default: the run's own)")
    .addOption(
      optionFor(
        "--draws",
        whole(1),
        "completions of each row, drawn from the posterior (default: one, with means)",
      ),
    )
    .addOption(
      optionFor(
        "--samples",
        whole(1, ceilings.importanceSamples),
        "importance samples of z for each row (default: 200)",
      ),
    )
    .addOption(
      optionFor("--seed", whole(0), "seed of the draws, and of the cells that are hidden (default: 0)"),
    )
    .addOption(
      optionFor(
        "--check",
        part,
        "share of the known cells to hide and fill, to measure the accuracy",
      ).default(0.1),
    )
    .option("--no-check", "hide none")
    .option("--out <file>", "a .csv file (default: imputed.csv in the run's folder)")
    .option(...RAW_CELLS)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(
      async (
        path: string,
        { check, ...options }: Omit<ImputeFlags, "check"> & { check: number | boolean },
      ) => {
        const { imputeVerb } = await import("../imputing.ts");
        await imputeVerb(path, { ...options, check: Number(check) }, context);
      },
    );
}
