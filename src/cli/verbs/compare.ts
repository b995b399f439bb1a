/** `tightbound compare`: runs side by side. */
import type { Command } from "commander";
import { type Context, commandLine, printJson, speaker } from "../terminal.ts";
import { inFlags } from "../wording.ts";

interface Options {
  readonly report?: string;
  readonly json?: true;
}

const EXAMPLES = `
Prints the settings in which the runs differ, and their figures as stored in their folders: nothing is measured again.
The best run is the best on validation rows (--validation of train), never on test rows.

The folder of a sweep stands for its runs.

With --report FILE.html, or a folder, it also writes a page with the same tables and the curves of all runs on top of each other.

Examples:
  $ tightbound compare runs/a runs/b
  $ tightbound compare runs/mnist-* --report comparison.html
  $ tightbound compare runs/sweep
  $ tightbound compare runs/a runs/b --json`;

export function define(command: Command, context: Context): void {
  command
    .option("--report <path>", "write a page to this .html file, or comparison.html to this folder")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (paths: readonly string[], { report, json }: Options) => {
      const { compareRuns } = await import("../../runs/index.ts");
      const { runsAmong } = await import("../../sweep/index.ts");
      const { comparisonLines, renderComparison } = await import("../../report/index.ts");
      const { version } = await import("../../version.ts");
      const { terminal } = context;
      const say = speaker(terminal, { json: json === true });
      const found = compareRuns(runsAmong(paths), { command: commandLine(context.argv), version: version() });
      // The remarks name options; here they become flags.
      const comparison = { ...found, remarks: found.remarks.map((remark) => inFlags(remark, command)) };
      for (const line of comparisonLines(comparison)) say(line);
      const page = report === undefined ? undefined : pagePath(report);
      if (page !== undefined) {
        const { save } = await import("../output.ts");
        await save(page, await renderComparison(comparison), "--report");
        say(`Written: ${page}`);
      }
      if (json === true) {
        const { runs, best, ...rest } = comparison;
        printJson(terminal, {
          ...rest,
          runs,
          best: best === undefined ? null : { run: runs[best.run].path, figure: best.figure },
          ...(page !== undefined && { files: [page] }),
        });
      }
    });
}

/** A path that does not name a page is a folder. */
const pagePath = (path: string): string =>
  /\.html?$/i.test(path) ? path : `${path.replace(/\/+$/, "")}/comparison.html`;
