/** `tightbound report`: one self-contained page about a run, and its pictures. */
import type { Command } from "commander";
import { rowsOrAll, whole } from "./parse.ts";
import { type Context, printJson, speaker } from "./terminal.ts";

interface Options {
  readonly samples: number;
  readonly rows: number | "all";
  readonly json?: true;
  readonly quiet?: true;
}

const EXAMPLES = `
Writes report.html, and reconstructions.png, samples.png and traversals.png where the data are images, into the folder.

Examples:
  $ tightbound report runs/mnist-vae-1
  $ tightbound report runs/mnist-vae-1 --samples 5000 --rows all`;

export function addReport(program: Command, context: Context): void {
  program
    .command("report")
    .description("evaluate a run and write report.html and its pictures")
    .argument("<run>", "folder of a run")
    .option("--samples <k>", "importance samples of the log-likelihood", whole(1), 500)
    .option("--rows <n>", "rows of the log-likelihood, or all", rowsOrAll, 2000)
    .option("--json", "print one JSON object")
    .option("--quiet", "print nothing but errors")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { samples, rows, ...options }: Options) => {
      const { openTrained, reloadData, testPart } = await import("../run/index.ts");
      const { makeReport } = await import("./report-run.ts");
      const { terminal } = context;
      const { run, trained } = await openTrained(path);
      const test = testPart(await reloadData(run.settings));
      const { figures, files } = await makeReport(
        { run, trained, test },
        { terminal, options, say: speaker(terminal, options) },
        { importanceSamples: samples, likelihoodRows: rows === "all" ? test.rows : rows },
      );
      if (options.json) printJson(terminal, { run: path, ...figures, files });
    });
}
