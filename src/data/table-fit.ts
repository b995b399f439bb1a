import { DataError, UsageError } from "../errors.ts";
import { anything, checkOptions, type OptionRules } from "../options.ts";
import { isNumber, quoted, sortedNames } from "./csv-records.ts";
import type { RowIndices } from "./dataset.ts";
import { columnOf, placeOf, type TextTable, toNumber } from "./table.ts";
import type { TableColumn, TablePreprocessing } from "./table-preprocessing.ts";

/** Which columns of a table are labels, categories, or nothing. */
export interface TableOptions {
  /** The column of class names, which then is no feature. A missing cell means unlabelled. */
  readonly labelColumn?: string;
  /** Columns whose values are categories (of the label column: classes), whatever they look like. */
  readonly categorical?: readonly string[];
  /** Columns that are no features. */
  readonly ignore?: readonly string[];
}

/** What {@link fitTable} may be told. */
export const tableRules: OptionRules<TableOptions> = {
  labelColumn: anything,
  categorical: anything,
  ignore: anything,
};

/** What {@link fitTable} decided. */
export interface TableFit {
  readonly preprocessing: TablePreprocessing;
  /** What a person should be told: columns left out, and why. */
  readonly notes: readonly string[];
}

/** More words than this in one column are text or identifiers, not categories. */
const MOST_CATEGORIES = 100;
/** Rows from which on a column of words that are all different is taken for identifiers. */
const LEAST_FOR_IDENTIFIERS = 20;
/** More classes than this, all of them numbers, are a quantity to be predicted, not classes. */
const MOST_NUMERIC_CLASSES = 20;

/**
 * Decides how a table's columns become features. A column of numbers is standardised; one of words, or of two different
 * values, is categorical. Left out, with a note, are columns without a name and those that tell nothing (no value, or one
 * only). What looks like a mistake is refused with the ways out: a number misspelt, identifiers among the features,
 * quantities for classes.
 *
 * ```ts
 * const table = await readTable("penguins.csv");
 * const { preprocessing, notes } = fitTable(table, { labelColumn: "species", ignore: ["year"] });
 * const { dataset } = encodeTable(table, preprocessing);
 * ```
 *
 * @param rows the rows that means and standard deviations are taken of, where others are held out; default all. Kinds,
 * categories and classes come from all rows.
 * @throws UsageError for an option that names no column.
 * @throws DataError as above, and when no column is left.
 */
export const fitTable = (table: TextTable, options: TableOptions = {}, rows?: RowIndices): TableFit => {
  checkOptions("fitTable", options, tableRules);
  const { path, columns } = table;
  const { labelColumn, categorical = [], ignore = [] } = options;
  for (const [option, names] of Object.entries({ categorical, ignore })) {
    const known = new Set(columns);
    const unknown = names.find((name) => !known.has(name));
    if (unknown === undefined) continue;
    throw new UsageError(`${option}: ${path} has no column "${unknown}"; found ${quoted(columns)}.`);
  }
  const labels = labelColumn === undefined ? undefined : fitLabels(table, labelColumn, options);
  const notes: string[] = [...(table.notes ?? [])];
  const [left, words] = [new Set(ignore), new Set(categorical)];
  const kept = columns
    .filter((name) => name !== labelColumn && !left.has(name))
    .flatMap((name) => {
      const column = name === "" ? "it has no name" : fitColumn(table, name, words.has(name), rows);
      if (typeof column !== "string") return [column];
      notes.push(`${path}: column "${name}" is left out: ${column}.`);
      return [];
    });
  if (kept.length === 0) {
    const why = notes.length > 0 ? ` ${notes.join(" ")}` : "";
    throw new DataError(`${path}: no column is left to learn from, of ${quoted(columns)}.${why}`);
  }
  const ordered = [
    ...kept.filter(({ kind }) => kind === "numeric"),
    ...kept.filter(({ kind }) => kind === "categorical"),
  ];
  return { preprocessing: { columns: ordered, ...(labels && { labels }) }, notes };
};

/** The column, or why it is left out. */
const fitColumn = (
  table: TextTable,
  name: string,
  categorical: boolean,
  rows: RowIndices | undefined,
): TableColumn | string => {
  const cells = columnOf(table, name, "");
  const categories = sortedNames(cells.filter((cell) => cell !== ""));
  if (categories.length === 0) return "every cell is missing";
  if (categories.length === 1) return `every value is "${categories[0]}"`;
  const numbers = cells.filter(isNumber).length;
  const values = cells.filter((cell) => cell !== "").length;
  if (categorical || (categories.length === 2 && (numbers === values || numbers === 0))) {
    return { kind: "categorical", name, categories: [...categories] };
  }
  if (numbers === values) return standardise(table, name, cells, rows);
  if (2 * numbers > values) {
    const row = cells.findIndex((cell) => cell !== "" && !isNumber(cell));
    throw new DataError(
      `${placeOf(table, row)}, column "${name}": expected a number, as in ${numbers} other cells of the ` +
        `column; found "${cells[row]}". Correct the cell or leave it blank, or declare the column categorical or ignored ` +
        `(--categorical ${name}, --ignore ${name}).`,
    );
  }
  if (
    categories.length > MOST_CATEGORIES ||
    (values >= LEAST_FOR_IDENTIFIERS && categories.length === values)
  ) {
    const comma = /^[+-]?\d+,\d+$/.test(categories[0]) ? " Numbers need a decimal point." : "";
    throw new DataError(
      `${table.path}, column "${name}": ${categories.length} different words in ${values} cells, such as ` +
        `"${categories[0]}", look like text or identifiers, not categories. Declare the column ignored, or categorical ` +
        `if it is (--ignore ${name}, --categorical ${name}).${comma}`,
    );
  }
  return { kind: "categorical", name, categories: [...categories] };
};

const standardise = (
  table: TextTable,
  name: string,
  cells: readonly string[],
  rows: RowIndices | undefined,
): TableColumn => {
  const all = cells.map((cell, row) =>
    cell === "" ? Number.NaN : toNumber(cell, () => `${placeOf(table, row)}, column "${name}"`),
  );
  const of = rows === undefined ? all : Array.from(rows, (row) => all[row]);
  const { mean, sd } = moments(of);
  // A column may be constant in the rows asked for and not in all.
  return { kind: "numeric", name, ...(sd > 0 ? { mean, sd } : moments(all)) };
};

/** Mean and standard deviation (divisor n) of the values that are there. */
const moments = (values: readonly number[]): { readonly mean: number; readonly sd: number } => {
  const there = values.filter((value) => !Number.isNaN(value));
  const mean = there.reduce((total, value) => total + value, 0) / there.length;
  const squares = there.reduce((total, value) => total + (value - mean) ** 2, 0);
  return { mean, sd: Math.sqrt(squares / there.length) };
};

const fitLabels = (
  table: TextTable,
  column: string,
  { categorical = [] }: TableOptions,
): { column: string; classes: string[] } => {
  const cells = columnOf(table, column, " with the labels").filter((cell) => cell !== "");
  const classes = sortedNames(cells);
  const many =
    classes.length > MOST_NUMERIC_CLASSES || classes.some((name) => !Number.isInteger(Number(name)));
  if (!categorical.includes(column) && classes.length > 0 && classes.every(isNumber) && many) {
    throw new DataError(
      `${table.path}, column "${column}": the labels look like a quantity, not like classes: ${classes.length} different ` +
        `numbers from ${classes[0]} to ${classes.at(-1)}. If each of them is a class, declare the column categorical ` +
        `(--categorical ${column}).`,
    );
  }
  return { column, classes: [...classes] };
};
