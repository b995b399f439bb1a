/** Combining marks, as in R̂, have no width. */
const width = (cell: string): number => [...cell.normalize("NFD").replace(/\p{M}/gu, "")].length;

/**
 * Rows of words under a header, each column as wide as its longest cell: what `explain()` returns.
 * @param numbersFrom the first column that is aligned right; default none
 */
export function inColumns(
  rows: readonly (readonly string[])[],
  numbersFrom = Number.POSITIVE_INFINITY,
): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => width(row[i]))));
  return rows
    .map((row) =>
      row
        .map((cell, i) => {
          const gap = " ".repeat(widths[i] - width(cell));
          return i < numbersFrom ? cell + gap : gap + cell;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
