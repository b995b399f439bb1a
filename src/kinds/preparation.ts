/** How to turn raw rows into inputs of an exported model: plain data beside its files. */
import { featureLayout, type TablePreprocessing } from "../data/index.ts";
import { learnsFromLabels, type RunSettings } from "./run-settings.ts";

/** `input.json`: how to turn raw rows into inputs of an exported model. */
export interface Preparation {
  readonly format: "tightbound input";
  readonly version: 1;
  /** Shape of a row. A model takes its values flattened: [rows, product of the shape]. */
  readonly shape: readonly number[];
  /** Factor for the stored values of an image, such as 1/255 for bytes; absent for a table. */
  readonly scale?: number;
  /**
   * For a table, its columns in the order of the features: a number becomes (value − mean) / sd, a category a one-hot block. Missing values
   * are NaN.
   */
  readonly columns?: TablePreprocessing["columns"];
  /** Names of the features; for a table. */
  readonly features?: readonly string[];
  /** Names of the classes, in the order of the probabilities and of one-hot `y`. */
  readonly classes?: readonly string[];
}

/** The preparation of a run's rows. */
export function preparationOf(settings: RunSettings): Preparation {
  const { data, model } = settings;
  const { table } = data;
  return {
    format: "tightbound input",
    version: 1,
    shape: model.shape,
    ...(table
      ? { columns: table.preprocessing.columns, features: featureLayout(table.preprocessing).names }
      : model.shape.length > 1 && { scale: data.pixelScale ?? 1 / 255 }),
    ...(learnsFromLabels(settings) && { classes: settings.labels.classes }),
  };
}
