/** `tightbound report`: one self-contained page about a run, and its pictures. */
import type { Command } from "commander";
import { ceilings } from "../../limits.ts";
import type { MeasureFlags } from "../measuring.ts";
import { rowsOrAll, whole } from "../parse.ts";
import { type Context, printJson, speaker } from "../terminal.ts";

interface Options extends MeasureFlags {
  readonly json?: true;
  readonly quiet?: true;
}

const EXAMPLES = `
Writes report.html to the run's folder. If the data are images, it also writes reconstructions.png, samples.png and
traversals.png, and for m2 and m1m2 analogies.png and class-samples.png.

If the run has no test rows, the report shows the training rows, without errors.

Examples:
  $ tightbound report runs/mnist-vae-1
  $ tightbound report runs/mnist-vae-1 --samples 5000 --rows all
  $ tightbound report runs/mnist-m1m2-1 --bayes-samples 50 --bayes-rows 2000`;

export function define(command: Command, context: Context): void {
  command
    .option(
      "--samples <k>",
      "importance samples for the log-likelihood",
      whole(1, ceilings.importanceSamples),
      500,
    )
    .option("--rows <n>", "rows used for the log-likelihood, or all", rowsOrAll, 2000)
    .option(
      "--bayes-samples <k>",
      "importance samples for Bayes' rule; 0 skips it",
      whole(0, ceilings.importanceSamples),
      20,
    )
    .option("--bayes-rows <n>", "rows classified by Bayes' rule, or all", rowsOrAll, "all")
    .option("--json", "print one JSON object")
    .option("--quiet", "print nothing but errors")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { json, quiet, ...measures }: Options) => {
      const { readRun, reloadData } = await import("../../runs/index.ts");
      const { makeReport } = await import("../report-run.ts");
      const { terminal } = context;
      const options = { ...(json && { json }), ...(quiet && { quiet }) };
      const output = { terminal, options, say: speaker(terminal, options) };
      const data = await reloadData(readRun(path).settings);
      const { figures, files } = await makeReport(path, data, output, measures);
      if (json) printJson(terminal, { run: path, ...figures, files });
    });
}
