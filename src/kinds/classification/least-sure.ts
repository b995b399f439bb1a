/** Finds the rows that a model is least sure of. */
import { type Dataset, rowSize, rowsOf, type TablePreprocessing } from "../../data/index.ts";
import { imageStack, type LeastSure, tableCells } from "../../report/index.ts";
import type { Classified } from "../kind.ts";

/** A dataset, the names of its classes, and a model's prediction for each row. */
export interface ClassifiedData extends Classified {
  readonly dataset: Dataset;
  readonly classes: readonly string[];
}

const MOST_UNSURE = 24;

/**
 * The rows whose predicted class has the lowest probability, lowest first.
 *
 * @param preprocessing for a table: how its columns became features
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
      const name = dataset.rowNames?.[row];
      return {
        row,
        ...(name !== undefined && { name }),
        predicted: predicted[row],
        probability: confidence[row],
        ...(truth >= 0 && { truth }),
      };
    }),
    ...(dataset.rowNames && dataset.rowNoun !== undefined && { rowNoun: dataset.rowNoun }),
    ...(images ? { images } : { cells: tableCells(dataset, x, preprocessing) }),
  };
}
