/** What a report shows for a model that classifies, as plain data. Shares and probabilities go from 0 to 1. */
import type { ImageStack } from "./types.ts";

/** A test row, and the model's prediction. */
export interface ClassifiedRow {
  /** Number of the row in the test set, counted from 0. */
  readonly row: number;
  /** What the row is called, where rows have names: its file, its line, its id. */
  readonly name?: string;
  /** Index of the predicted class, and its probability. */
  readonly predicted: number;
  readonly probability: number;
  /** Index of the true class; absent if unknown. */
  readonly truth?: number;
}

/** The rows whose predicted class has the lowest probability, lowest first. */
export interface LeastSure {
  readonly rows: readonly ClassifiedRow[];
  /** What their names are: `file`, `line`, or a column of ids. */
  readonly rowNoun?: string;
  /** In the order of `rows`, if rows are images. */
  readonly images?: ImageStack;
  /** In the order of `rows`, if rows are those of a table: one text per column. */
  readonly cells?: { readonly columns: readonly string[]; readonly values: readonly (readonly string[])[] };
}

/** Images in rows of equal length, named by class. */
export interface ClassImages {
  readonly images: ImageStack;
  readonly classes: readonly string[];
}

/** The labels that a model saw, and its predictions. Its errors are in the measured figures. */
export interface ClassificationResults {
  readonly classes: readonly string[];
  /** Numbers of training rows with and without a label. */
  readonly labelled: number;
  readonly unlabelled: number;
  /** Seed of the draw that chose the labelled rows. */
  readonly labelSeed?: number;
  readonly leastSure?: LeastSure;
  /** One row per test image: the image itself, then its style in every class. `rows × (1 + classes)` images. */
  readonly analogies?: ClassImages;
  /** A row per class, each column with one draw of the style. `classes × columns` images. */
  readonly samples?: ClassImages;
}
