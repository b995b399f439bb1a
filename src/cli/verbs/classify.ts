/** `tightbound classify`: the class of every row, and the probability of each class, as a table. */
import type { Command } from "commander";
import { type DataOptions, dataOptions, RAW_CELLS } from "../data-options.ts";
import { optionOf, verbFlags, verbOptions } from "../flags.ts";
import { type Context, printJson, speaker } from "../terminal.ts";

interface Options extends DataOptions {
  readonly out?: string;
  readonly rawCells?: true;
  readonly json?: true;
}

const EXAMPLES = `
Writes one line per row, in the order of the data: the row's number, counted from 0 (for a table its line in the file
or its id, for images the file's name), its class, and the probability of each class. A new table needs columns of the same names as the
run's own, in any order; the label column is optional. If the data have labels, the error is printed.
The classifiers svm, linear-svm and transductive-svm of m1 give no probabilities.

Examples:
  $ tightbound classify runs/mnist-m1m2-1
  $ tightbound classify runs/mnist-m1m2-1 --data new-digits.npy --out predictions.csv
  $ tightbound classify runs/mnist-m1-1 --classifier logistic
  $ tightbound classify runs/penguins-m2-1 --data new.csv --out predictions.csv
  $ tightbound classify runs/photos-m2-1 --data photos/unlabelled`;

export function define(command: Command, context: Context): void {
  dataOptions(command).option("--out <file>", "a .csv file (default: predictions.csv in the run's folder)");
  for (const flag of verbFlags("classify")) command.addOption(optionOf(flag));
  command
    .option(...RAW_CELLS)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(
      async (path: string, { out = `${path}/predictions.csv`, rawCells, json, ...options }: Options) => {
        const { hasLabels } = await import("../../data/index.ts");
        const { declarationOf, learnsFromLabels } = await import("../../kinds/index.ts");
        const { InternalError } = await import("../../errors.ts");
        const { checkVerb, openRun, readRun } = await import("../../runs/index.ts");
        const { confusionMatrix, errorRate } = await import("../../models/index.ts");
        const { requestedRows } = await import("../data.ts");
        const { checkExtension, save } = await import("../output.ts");
        const { toCsv } = await import("../table.ts");
        const { grouped, percent } = await import("../terminal.ts");
        checkExtension(out, [".csv"], "predictions");
        const { settings, ...folder } = readRun(path);
        checkVerb({ ...folder, settings }, "classify");
        const asked = verbOptions("classify", declarationOf(settings.model.model), { ...options });
        const { kind, trained } = await openRun(path);
        if (kind.classify === undefined || !learnsFromLabels(settings)) {
          throw new InternalError(`${settings.model.model} declares classify but does not implement it`);
        }
        const say = speaker(context.terminal, { json: json === true });
        // If no rows are held out, classify all rows.
        const all = options.data === undefined && settings.data.testRows === 0;
        const data = await requestedRows(kind, settings, { ...(all && { part: "all" }), ...options }, say);
        const { predicted, probabilities } = await kind.classify(trained, data, asked);
        const { classes } = settings.labels;
        const width = classes.length;
        const { rowNames, rowNoun = "file" } = data;
        const table = {
          columns: [
            rowNames ? rowNoun : "row",
            "class",
            ...(probabilities ? classes.map((name) => `p(${name})`) : []),
          ],
          rows: Array.from(predicted, (label, row) => [
            rowNames?.[row] ?? row,
            classes[label],
            ...(probabilities?.subarray(row * width, (row + 1) * width) ?? []),
          ]),
        };
        await save(out, toCsv(table, { rawCells: rawCells === true }));
        const { tellTrainingRows } = await import("../training-rows.ts");
        const remembered =
          options.data !== undefined && hasLabels(data)
            ? await tellTrainingRows(settings, data, say)
            : undefined;
        const error =
          hasLabels(data) && data.labels ? errorRate(confusionMatrix(data.labels, predicted, width)) : null;
        if (json) {
          printJson(context.terminal, {
            run: path,
            data: data.name,
            rows: data.rows,
            classes,
            error,
            ...(remembered !== undefined && { trainingRows: remembered }),
            file: out,
          });
          return;
        }
        say(`${grouped(data.rows)} rows of ${data.name} classified, written to ${out}`);
        if (error !== null) say(`${percent(error)} of the labelled ones have another class.`);
      },
    );
}
