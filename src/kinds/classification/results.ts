/** A classifier's results, for a report. */
import { type Dataset, select } from "../../data/index.ts";
import type { ClassificationResults } from "../../report/index.ts";
import type { Classified, Shown } from "../kind.ts";
import { labelledPart } from "../labelled-part.ts";
import type { LabelSettings, RunSettings } from "../run-settings.ts";
import { leastSure } from "./least-sure.ts";

/** Training rows whose label the model saw. */
export function labelledRows(train: Dataset): Dataset {
  const { labels = new Int32Array(0) } = train;
  return select(
    train,
    Array.from(labels.keys()).filter((row) => labels[row] >= 0),
  );
}

/** The training rows as the model saw them, and those whose label it saw. */
export function labelledData(
  { data }: Shown,
  labels: LabelSettings,
): { readonly train: Dataset; readonly labelled: Dataset } {
  const train = labelledPart(data.train, labels);
  return { train, labelled: labelledRows(train) };
}

/** The labelled rows, and the rows it is least sure of. */
export function classificationResults(
  { data, labels }: RunSettings & { readonly labels: LabelSettings },
  { rows }: Shown,
  { predicted, probabilities }: Classified,
  { train, labelled }: { readonly train: Dataset; readonly labelled: Dataset },
): ClassificationResults {
  const { classes } = labels;
  return {
    classes,
    labelled: labelled.rows,
    unlabelled: train.rows - labelled.rows,
    ...(labels.count !== undefined && { labelSeed: labels.seed }),
    ...(probabilities && {
      leastSure: leastSure({ dataset: rows, classes, predicted, probabilities }, data.table?.preprocessing),
    }),
  };
}
