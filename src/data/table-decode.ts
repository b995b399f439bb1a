import type { TablePreprocessing } from "./table-preprocessing.ts";

/** A number in the units of its column: more digits than a ten-thousandth of a standard deviation are noise. */
const inUnits = (value: number, mean: number, sd: number): number => {
  const decimals = Math.min(Math.max(4 - Math.floor(Math.log10(sd)), 0), 100);
  return Number((value * sd + mean).toFixed(decimals));
};

/** The index of the first largest value. */
const largest = (values: Float32Array): number =>
  values.reduce((best, value, i) => (value > values[best] ? i : best), 0);

/**
 * Rows of features back as cells, in the order of the preprocessing's columns: numbers in their own units, of categories the name of
 * the one with the largest value, and "" where a value is missing (NaN).
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
        if (column.kind === "numeric") {
          const value = values[at++];
          return Number.isNaN(value) ? "" : inUnits(value, column.mean, column.sd);
        }
        const block = values.subarray(at, at + column.categories.length);
        at += block.length;
        return block.some(Number.isNaN) ? "" : column.categories[largest(block)];
      }),
    );
  }
  return rows;
};
