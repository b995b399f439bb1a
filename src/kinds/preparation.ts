/** What makes inputs of an exported model out of raw rows: plain data beside its files. */
import { featureLayout, type TablePreprocessing } from "../data/index.ts";
import { learnsFromLabels, type RunSettings } from "./run-settings.ts";

/** How raw rows become what an exported model takes: `input.json`. */
export interface Preparation {
  readonly format: "tightbound input";
  readonly version: 1;
  /** Shape of a row; a model takes its values in one line: [rows, product of the shape]. */
  readonly shape: readonly number[];
  /** Factor of what is stored of an image, such as 1/255 for bytes; absent of a table. */
  readonly scale?: number;
  /**
   * Of a table, in the order of its features: a number is (value − mean) / sd, a category a block of zeros with a 1 for its own. What is
   * missing is NaN.
   */
  readonly columns?: TablePreprocessing["columns"];
  /** Names of the features, of a table. */
  readonly features?: readonly string[];
  /** Names of the classes, in the order of the probabilities and of one-hot `y`. */
  readonly classes?: readonly string[];
}

/** What the rows of a run were before the model saw them. */
export function preparationOf(settings: RunSettings): Preparation {
  const { data, model } = settings;
  const { table } = data;
  return {
    format: "tightbound input",
    version: 1,
    shape: model.shape,
    ...(table
      ? { columns: table.preprocessing.columns, features: featureLayout(table.preprocessing).names }
      : model.shape.length > 1 && { scale: 1 / 255 }),
    ...(learnsFromLabels(settings) && { classes: settings.labels.classes }),
  };
}
