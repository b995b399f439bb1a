/** What a report shows of a model of a table: its columns real and sampled, and rows beside their reconstructions. */
import { type Dataset, decodeRows, rowSize, rowsOf, type TablePreprocessing } from "../../data/index.ts";
import { type ColumnValues, type TableRows, tableCells } from "../../report/index.ts";
import type { Trained } from "./trained.ts";

/** Rows that the model draws, and rows of the data that they are compared with, at most. */
const SAMPLES = 1000;
const MOST_REAL = 5000;
/** Rows beside their reconstructions. */
const PAIRS = 8;

const DAY = 86_400_000;

/** Columns and reconstructions; no columns for a model without a prior. */
export async function tableFigures(
  trained: Trained,
  rows: Dataset,
  preprocessing: TablePreprocessing,
): Promise<{ readonly columns?: readonly ColumnValues[]; readonly tableRows: TableRows }> {
  const count = Math.min(PAIRS, rows.rows);
  const pairs = await trained.reconstruct(
    rows,
    Array.from({ length: count }, (_, i) => i),
  );
  // The model's rows have zeros where values are missing; the data's have NaN, which is shown as a gap.
  const originals = rowsOf(
    rows,
    Array.from({ length: count }, (_, i) => i),
    new Float32Array(count * rowSize(rows.shape)),
  );
  const { columns: names, values } = tableCells(rows, originals, preprocessing);
  const { rowNames, rowNoun } = rows;
  const tableRows: TableRows = {
    columns: names,
    names: Array.from({ length: count }, (_, i) => rowNames?.[i] ?? String(i)),
    ...(rowNoun !== undefined && { rowNoun }),
    originals: values,
    reconstructions: tableCells(rows, pairs.reconstructions, preprocessing).values,
  };
  if (trained.model.kind !== "vae") return { tableRows };
  const real = Math.min(MOST_REAL, rows.rows);
  const x = rowsOf(
    rows,
    Array.from({ length: real }, (_, i) => i),
    new Float32Array(real * rowSize(rows.shape)),
  );
  const sampled = await trained.sample(SAMPLES, trained.settings.seed);
  return {
    tableRows,
    columns: columnsOf(decodeRows(x, preprocessing), decodeRows(sampled, preprocessing), preprocessing),
  };
}

type Cell = string | number;

function columnsOf(
  real: readonly (readonly Cell[])[],
  sampled: readonly (readonly Cell[])[],
  { columns }: TablePreprocessing,
): readonly ColumnValues[] {
  return columns.map((column, at) => {
    // A day is a number, counted from 1970, so that days have a histogram.
    const plain = (cell: Cell): Cell =>
      column.kind === "date" && typeof cell === "string" ? Math.round(Date.parse(cell) / DAY) : cell;
    const cells = (rows: readonly (readonly Cell[])[]): readonly Cell[] =>
      rows
        .map((row) => row[at])
        .filter((cell) => cell !== "" && !Number.isNaN(cell))
        .map(plain);
    return {
      name: column.kind === "date" ? `${column.name}, days since 1970` : column.name,
      real: cells(real),
      sampled: cells(sampled),
      ...(column.kind === "ordinal" && { categories: column.categories }),
    };
  });
}
