/** Rows of features as cells of the original table. */
import { type Dataset, decodeRows, rowSize, type TablePreprocessing } from "../data/index.ts";
import type { LeastSure } from "./class-types.ts";

const MISSING = "–";

/** With a true minus sign, as everywhere in reports. */
const cell = (value: string | number): string =>
  typeof value === "string" ? value || MISSING : String(value).replaceAll("-", "\u2212");

/** Four digits are enough for a number whose column is unknown. */
const feature = (value: number): string =>
  Number.isNaN(value) ? MISSING : cell(Number(value.toPrecision(4)));

/**
 * Rows of features (NaN where a value is missing) in the units and words of their table, with a dash for a missing value. Without
 * preprocessing, each feature is a column.
 */
export function tableCells(
  { shape, columns }: Pick<Dataset, "shape" | "columns">,
  x: Float32Array,
  preprocessing?: TablePreprocessing,
): NonNullable<LeastSure["cells"]> {
  if (preprocessing !== undefined) {
    return {
      columns: preprocessing.columns.map(({ name }) => name),
      values: decodeRows(x, preprocessing).map((row) => row.map(cell)),
    };
  }
  const width = rowSize(shape);
  return {
    columns: columns ?? Array.from({ length: width }, (_, j) => String(j)),
    values: Array.from({ length: x.length / width }, (_, i) =>
      Array.from(x.subarray(i * width, (i + 1) * width), feature),
    ),
  };
}
