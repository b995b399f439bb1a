/** `tightbound evaluate`: the bound, its terms and the log-likelihood of held-out data. */
import type { Command } from "commander";
import { type DataOptions, dataOptions } from "./data-options.ts";
import { rowsOrAll, whole } from "./parse.ts";
import { type Context, printJson, speaker } from "./terminal.ts";

interface Options extends DataOptions {
  readonly samples: number;
  readonly rows: number | "all";
  readonly json?: true;
}

const EXAMPLES = `
The log-likelihood is estimated with the posterior as proposal (Burda et al., 2015); more samples bring it closer from
below. It and the importance-weighted bounds are of the first --rows rows, the ELBO and its terms of all.

Examples:
  $ tightbound evaluate runs/mnist-vae-1
  $ tightbound evaluate runs/mnist-vae-1 --samples 1000 --rows all --json
  $ tightbound evaluate runs/mnist-vae-1 --data more-digits/`;

export function addEvaluate(program: Command, context: Context): void {
  const command = program
    .command("evaluate")
    .description("ELBO, its terms, log-likelihood and active units on held-out data")
    .argument("<run>", "folder of a run")
    .option("--samples <k>", "importance samples of the log-likelihood", whole(1), 500)
    .option("--rows <n>", "rows of the log-likelihood, or all", rowsOrAll, 2000);
  dataOptions(command)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { samples, rows, json, ...where }: Options) => {
      const { isSemiSupervised, openTrained, readRun } = await import("../run/index.ts");
      const { askedRows } = await import("./data.ts");
      if (isSemiSupervised(readRun(path).settings)) {
        const { evaluateClassifier } = await import("./evaluate-classifier.ts");
        await evaluateClassifier(path, where, json === true, context);
        return;
      }
      const { assessAloud } = await import("./report-run.ts");
      const { figuresOf, summaryLines } = await import("./summary.ts");
      const { run, trained, epoch } = await openTrained(path);
      const test = await askedRows(run.settings, where);
      const { terminal } = context;
      const options = { json: json === true };
      const say = speaker(terminal, options);
      const figures = figuresOf(
        await assessAloud(
          { trained, test },
          { terminal, options, say },
          {
            importanceSamples: samples,
            likelihoodRows: rows === "all" ? test.rows : rows,
          },
        ),
      );
      if (json) {
        printJson(terminal, { run: path, model: trained.model.kind, data: test.name, epoch, ...figures });
      } else {
        say(`${path}, after epoch ${epoch}, on ${test.name}:`);
        for (const line of summaryLines(figures)) say(line);
      }
    });
}
