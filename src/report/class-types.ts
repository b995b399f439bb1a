/** What a report shows of a model that classifies, as plain data. Shares and probabilities go from 0 to 1. */
import type { ImageStack } from "./types.ts";

/** A test row, and what the model makes of it. */
export interface ClassifiedRow {
  /** Number of the row in the test set, counted from 0. */
  readonly row: number;
  /** What the row is called, where rows have names: its file, its line, its id. */
  readonly name?: string;
  /** Index of the class, and the probability it was given. */
  readonly predicted: number;
  readonly probability: number;
  /** Index of the true class; absent where it is not known. */
  readonly truth?: number;
}

/** The rows whose prediction has the least probability, the least first. */
export interface LeastSure {
  readonly rows: readonly ClassifiedRow[];
  /** What their names are: `file`, `line`, or a column of ids. */
  readonly rowNoun?: string;
  /** In the order of `rows`, where rows are images. */
  readonly images?: ImageStack;
  /** In the order of `rows`, where rows are those of a table: a text for each column. */
  readonly cells?: { readonly columns: readonly string[]; readonly values: readonly (readonly string[])[] };
}

/** Images in rows of one length, named by class. */
export interface ClassImages {
  readonly images: ImageStack;
  readonly classes: readonly string[];
}

/** What a model that classifies was given, and what it makes of rows; how well it does is measured. */
export interface ClassificationResults {
  readonly classes: readonly string[];
  /** Training rows whose label the model was given, and those it had without. */
  readonly labelled: number;
  readonly unlabelled: number;
  /** Seed of the draw that chose the labelled rows. */
  readonly labelSeed?: number;
  readonly leastSure?: LeastSure;
  /** A row per test image: the image itself, then its style drawn as every class. `rows × (1 + classes)` images. */
  readonly analogies?: ClassImages;
  /** A row per class, each column with one draw of the style. `classes × columns` images. */
  readonly samples?: ClassImages;
}
