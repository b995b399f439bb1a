import { DataError } from "../errors.ts";
import { type Dataset, rowPlace } from "./dataset.ts";

/** A dataset with classes: each row has the index of its class, or -1 if it is unlabelled. */
export interface LabelledDataset extends Dataset {
  readonly labels: Int32Array;
  readonly classes: readonly string[];
}

/**
 * The kind of learning that the labels allow. `semi-supervised`: some rows are labelled, some are not. `supervised`: every row is labelled,
 * so there are no unlabelled rows to learn from, and a semi-supervised model becomes an ordinary classifier with a generative term.
 */
export type Supervision = "semi-supervised" | "supervised";

/** How many rows of a dataset are labelled, in all and in each class. */
export interface LabelSummary {
  readonly supervision: Supervision;
  readonly labelled: number;
  readonly unlabelled: number;
  /** Labelled rows of each class, in class order. */
  readonly perClass: readonly number[];
}

/** Whether any row has a label. */
export const hasLabels = ({ labels }: Pick<Dataset, "labels">): boolean =>
  labels?.some((label) => label >= 0) ?? false;

/**
 * Checks that a dataset has classes, and returns it as such.
 *
 * @throws DataError when it has no labels, or a label that is not a class (the message names the row, counted from 0).
 */
export const withClasses = (dataset: Dataset): LabelledDataset => {
  const { labels, classes, name } = dataset;
  if (!labels || !classes) {
    throw new DataError(
      `${name}: expected labels, found none. Tables have labels in a column (labelColumn), directories of images have one ` +
        "subfolder per class, and IDX and .npy files have labels in another file (labels).",
    );
  }
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row];
    if (Number.isInteger(label) && label >= -1 && label < classes.length) continue;
    throw new DataError(
      `${name}: expected labels from 0 to ${classes.length - 1}, the classes ${classes.join(", ")}, or -1 for ` +
        `unlabelled; found ${label} at ${rowPlace(dataset, row)}.`,
    );
  }
  return { ...dataset, labels, classes };
};

/**
 * The same data with its labels as indices into another list of classes, such as that of a trained model. Classes are matched by name.
 *
 * @throws DataError when a row has a class that is not on the list.
 */
export const withClassesOf = (dataset: Dataset, classes: readonly string[]): Dataset => {
  const { labels, classes: own, name } = dataset;
  if (labels === undefined || own === undefined) return dataset;
  const places = own.map((name) => classes.indexOf(name));
  const unknown = labels.find((label) => label >= 0 && places[label] < 0);
  if (unknown !== undefined) {
    throw new DataError(
      `${name}: expected the classes that the model knows, ${classes.join(", ")}; found "${own[unknown]}".`,
    );
  }
  return { ...dataset, classes, labels: labels.map((label) => (label < 0 ? -1 : places[label])) };
};

/** Row numbers of each class, ascending, in class order. */
export const rowsByClass = ({ labels, classes }: LabelledDataset): readonly (readonly number[])[] => {
  const rows = classes.map((): number[] => []);
  labels.forEach((label, row) => {
    if (label >= 0) rows[label].push(row);
  });
  return rows;
};

/**
 * Checks that a classifier can learn from a dataset's labels, and says what kind of learning it is.
 *
 * ```ts
 * const { supervision, labelled } = checkSupervision(train); // "semi-supervised", 100
 * ```
 *
 * @throws DataError when there are no labels, no row is labelled, there is only one class, a class has no labelled row (the message names
 * it), or a label is not the index of a class.
 */
export const checkSupervision = (dataset: Dataset): LabelSummary => {
  const labelledDataset = withClasses(dataset);
  const { name, rows, classes } = labelledDataset;
  const perClass = rowsByClass(labelledDataset).map((members) => members.length);
  const labelled = perClass.reduce((total, count) => total + count, 0);
  if (labelled === 0) {
    throw new DataError(
      `${name}: expected at least one labelled row per class; none of the ${rows} rows ` +
        "is labelled. Label a few, or train a model that needs no labels (a VAE).",
    );
  }
  if (classes.length < 2) {
    throw new DataError(`${name}: expected at least two classes, found only "${classes[0]}".`);
  }
  const missing = classes.filter((_, i) => perClass[i] === 0);
  if (missing.length > 0) {
    const names = missing.map((label) => `"${label}"`).join(", ");
    throw new DataError(
      `${name}: expected at least one labelled row of every class; ${missing.length === 1 ? "class" : "classes"} ` +
        `${names} ${missing.length === 1 ? "has" : "have"} none. Label one, or leave the class out.`,
    );
  }
  const supervision = labelled === rows ? "supervised" : "semi-supervised";
  return { supervision, labelled, unlabelled: rows - labelled, perClass };
};
