import { decodeCell } from "./table-cells.ts";
import { featuresOf, type TablePreprocessing } from "./table-preprocessing.ts";

/**
 * Converts rows of features back to cells, in the order of the preprocessing's columns: numbers in their own units, dates, the name of the
 * category with the largest value, and "" for a missing value (NaN).
 *
 * ```ts
 * decodeRows(await trained.sample(10), preprocessing); // [[46.2, 17.1, "Biscoe"], …]
 * ```
 */
export const decodeRows = (
  values: Float32Array,
  { columns }: Pick<TablePreprocessing, "columns">,
): (string | number)[][] => {
  const rows: (string | number)[][] = [];
  for (let at = 0; at < values.length; ) {
    rows.push(
      columns.map((column) => {
        const width = featuresOf(column);
        at += width;
        return decodeCell(column, values.subarray(at - width, at));
      }),
    );
  }
  return rows;
};
