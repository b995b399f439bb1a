/** `tightbound evaluate`: the bound, its terms and the log-likelihood of held-out data. */
import type { Command } from "commander";
import { ceilings } from "../../limits.ts";
import { type DataOptions, dataOptions } from "../data-options.ts";
import { rowsOrAll, whole } from "../parse.ts";
import { type Context, printJson, speaker } from "../terminal.ts";

interface Options extends DataOptions {
  readonly samples: number;
  readonly rows: number | "all";
  readonly bayesSamples: number;
  readonly bayesRows: number | "all";
  readonly json?: true;
}

const EXAMPLES = `
The log-likelihood is estimated with the posterior as proposal (Burda et al., 2015); more samples bring it closer from
below. It and the importance-weighted bounds use the first --rows rows; the ELBO and its terms use all rows.

For a model that learnt from labels: the error of q(y|x), or of each classifier of m1; the error of Bayes' rule, with
importance samples for p(x, y); and how well the probabilities are calibrated (expected calibration error, 15 bins).

Examples:
  $ tightbound evaluate runs/mnist-vae-1
  $ tightbound evaluate runs/mnist-vae-1 --samples 1000 --rows all --json
  $ tightbound evaluate runs/mnist-vae-1 --data more-digits/`;

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
    .option("--bayes-rows <n>", "rows classified by Bayes' rule, or all", rowsOrAll, "all");
  dataOptions(command)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { samples, rows, bayesSamples, bayesRows, json, ...where }: Options) => {
      const { learnsFromLabels } = await import("../../kinds/index.ts");
      const { openRun, reloadData } = await import("../../runs/index.ts");
      const { requestedRows } = await import("../data.ts");
      const { figureLines, figuresJson } = await import("../figures.ts");
      const { measured } = await import("../measuring.ts");
      const opened = await openRun(path);
      const { kind, run, trained, epoch } = opened;
      const { settings } = run;
      const test = await requestedRows(kind, settings, where);
      // Validation rows belong to the run's own data; they do not apply to other data.
      const own =
        learnsFromLabels(settings) && where.data === undefined && settings.data.validation
          ? (await reloadData(settings)).validation
          : undefined;
      const { terminal } = context;
      const options = { json: json === true };
      const say = speaker(terminal, options);
      const { tellTrainingRows } = await import("../training-rows.ts");
      const remembered = where.data === undefined ? undefined : await tellTrainingRows(settings, test, say);
      const flags = { samples, rows, bayesSamples, bayesRows };
      const found = await measured(
        opened,
        test,
        { terminal, options, say },
        flags,
        own && { validation: own },
      );
      const { shown, count, seed, classes } = settings.labels ?? {};
      const labels = shown ?? count;
      if (json) {
        printJson(terminal, {
          run: path,
          model: settings.model.model,
          data: test.name,
          epoch,
          ...(remembered !== undefined && { trainingRows: remembered }),
          ...(settings.labels && { labels, labelSeed: seed, classes }),
          ...figuresJson(found),
          ...(await kind.facts?.(trained)),
        });
        return;
      }
      say(`${path}, after epoch ${epoch}, on ${test.name}${settings.labels ? `, ${labels} labels` : ""}:`);
      for (const line of figureLines(found)) say(line);
    });
}
