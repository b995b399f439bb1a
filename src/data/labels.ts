import { DataError } from "../errors.ts";
import type { Dataset } from "./dataset.ts";

// Far more than any classification dataset has: a larger "class index" means that this is another kind of file.
const MOST_CLASSES = 65_536;

/**
 * Numbers as class indices: whole numbers from 0, or -1 for an unlabelled row.
 *
 * @throws DataError for a number that is not a class index; the message gives its row, counted from 0.
 */
export const toLabels = (values: ArrayLike<number | bigint>, source: string): Int32Array => {
  const labels = new Int32Array(values.length);
  for (let i = 0; i < labels.length; i++) {
    const label = Number(values[i]);
    if (!(Number.isInteger(label) && label >= -1 && label < MOST_CLASSES)) {
      throw new DataError(
        `${source}: expected class indices from 0 to ${MOST_CLASSES - 1}, or -1 for unlabelled; ` +
          `found ${label} at row ${i}, counted from 0.`,
      );
    }
    labels[i] = label;
  }
  return labels;
};

/** A class index for each row, -1 for an unlabelled one, and the names of the classes, if they have names. */
export interface RowLabels {
  readonly labels: Int32Array;
  readonly classes?: readonly string[];
}

/** The names from `"0"` to the largest index in any of the arrays. */
export const classNames = (...labels: readonly Int32Array[]): readonly string[] => {
  let largest = -1;
  for (const array of labels) for (const label of array) if (label > largest) largest = label;
  return Array.from({ length: largest + 1 }, (_, i) => String(i));
};

/**
 * Adds labels to data.
 *
 * @throws DataError when there are not as many labels as rows; the message names both files.
 */
export const withLabels = (
  dataset: Dataset,
  { labels, classes = classNames(labels) }: RowLabels,
  paths: { readonly data: string; readonly labels: string },
): Dataset => {
  if (labels.length !== dataset.rows) {
    throw new DataError(
      `${paths.data} holds ${dataset.rows} ${dataset.kind === "image" ? "images" : "rows"} but ` +
        `${paths.labels} holds ${labels.length} labels. Expected one label per ${dataset.kind === "image" ? "image" : "row"}: do these two files belong together?`,
    );
  }
  return { ...dataset, labels, classes };
};
