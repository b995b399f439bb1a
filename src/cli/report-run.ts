/** Makes the report of a run: measures it, writes the files, and prints a summary. */
import { hasLabels } from "../data/index.ts";
import { learnsFromLabels, type RunData } from "../kinds/index.ts";
import { rowPictures, writeReport } from "../report/index.ts";
import { openRun, shownRows } from "../runs/index.ts";
import { figureLines, figuresJson } from "./figures.ts";
import { type MeasureFlags, measured, type Output } from "./measuring.ts";

/** The figures that a report was made from. */
export interface Reported {
  /** Absent if errors are wanted and no test row is labelled. */
  readonly figures: Readonly<Record<string, unknown>> | undefined;
  readonly files: readonly string[];
}

/** The number of rows that the plots of codes show. */
const MOST_PICTURED = 2000;

/** Measures the run, writes `report.html` and the pictures to its folder, and prints their paths. */
export async function makeReport(
  path: string,
  data: RunData,
  output: Output,
  flags: MeasureFlags = {},
): Promise<Reported> {
  const opened = await openRun(path);
  const { settings } = opened.run;
  const { rows, part } = shownRows(data);
  const { validation, test } = data;
  // A model that learns from labels is measured only if there are test labels.
  const judged = learnsFromLabels(settings) ? test !== undefined && hasLabels(test) : true;
  const found = judged
    ? await measured(opened, rows, output, flags, { full: true, ...(validation && { validation }) })
    : undefined;
  const report = await opened.kind.report(opened, { part, rows, data, ...(found && { measured: found }) });
  for (const line of found ? figureLines(found) : []) output.say(line);
  const named = { ...report, rows: rowPictures(rows, MOST_PICTURED) };
  const files = await writeReport(path, named, { seed: settings.train.seed });
  for (const file of files) output.say(`Written: ${file}`);
  return { figures: found && figuresJson(found), files };
}
