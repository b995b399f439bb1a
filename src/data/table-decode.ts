import { decodeCell } from "./table-cells.ts";
import { featuresOf, type TablePreprocessing } from "./table-preprocessing.ts";

/**
 * Rows of features back as cells, in the order of the preprocessing's columns: numbers in their own units, dates, of categories the name
 * of the one with the largest value, and "" where a value is missing (NaN).
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
