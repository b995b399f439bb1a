/** Gathers the rows that a model is least sure of. */
import { type Dataset, rowSize, rowsOf, type TablePreprocessing } from "../../data/index.ts";
import { imageStack, type LeastSure, tableCells } from "../../report/index.ts";
import type { Classified } from "../kind.ts";

/** A dataset, the names of its classes, and what a model says of each row. */
export interface ClassifiedData extends Classified {
  readonly dataset: Dataset;
  readonly classes: readonly string[];
}

const MOST_UNSURE = 24;

/**
 * The rows whose prediction has the least probability, the least first.
 *
 * @param preprocessing of a table: what its columns were before they became features
 */
export function leastSure(
  { dataset, classes, probabilities, predicted }: Required<ClassifiedData>,
  preprocessing?: TablePreprocessing,
): LeastSure {
  const confidence = Float32Array.from(predicted, (k, row) => probabilities[row * classes.length + k]);
  const rows = Array.from(confidence.keys())
    .sort((a, b) => confidence[a] - confidence[b] || a - b)
    .slice(0, MOST_UNSURE);
  const x = rowsOf(dataset, rows, new Float32Array(rows.length * rowSize(dataset.shape)));
  const images = imageStack(x, dataset.shape);
  return {
    rows: rows.map((row) => {
      const truth = dataset.labels?.[row] ?? -1;
      return { row, predicted: predicted[row], probability: confidence[row], ...(truth >= 0 && { truth }) };
    }),
    ...(images ? { images } : { cells: tableCells(dataset, x, preprocessing) }),
  };
}
