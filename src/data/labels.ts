import { DataError } from "../errors.ts";
import type { Dataset } from "./dataset.ts";

// Far above any classification data set; a larger "class index" is a sign of another kind of file.
const MOST_CLASSES = 65_536;

/**
 * Class indices from numbers: whole, from 0, with -1 for an unlabelled row.
 *
 * @throws DataError naming the row, counted from 0, of the first number that is none.
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

/** A class index for each row, -1 for an unlabelled one, and the names of the classes, where they have any. */
export interface RowLabels {
  readonly labels: Int32Array;
  readonly classes?: readonly string[];
}

/** The names `"0"` to the largest index found in any of the arrays. */
export const classNames = (...labels: readonly Int32Array[]): readonly string[] => {
  let largest = -1;
  for (const array of labels) for (const label of array) if (label > largest) largest = label;
  return Array.from({ length: largest + 1 }, (_, i) => String(i));
};

/**
 * The same data with labels.
 *
 * @throws DataError when the counts differ; the message names both files.
 */
export const withLabels = (
  dataset: Dataset,
  { labels, classes = classNames(labels) }: RowLabels,
  paths: { readonly data: string; readonly labels: string },
): Dataset => {
  if (labels.length !== dataset.rows) {
    throw new DataError(
      `${paths.data} holds ${dataset.rows} ${dataset.kind === "image" ? "images" : "rows"} but ` +
        `${paths.labels} holds ${labels.length} labels. Expected as many labels: are these two files a pair?`,
    );
  }
  return { ...dataset, labels, classes };
};
