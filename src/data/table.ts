/** Tables of numbers and words, with missing cells and partly labelled rows: reading them and encoding them as features. */

import { basename } from "#platform/paths";
import { DataError } from "../errors.ts";
import { checkOptions } from "../options.ts";
import {
  type CsvRecord,
  quoted,
  type RecordOptions,
  type RecordVisitor,
  readRecords,
  recordRules,
} from "./csv-records.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import { encodeCell } from "./table-cells.ts";
import { readTableRecords, type TableRecords } from "./table-file.ts";
import {
  type ColumnKind,
  featureLayout,
  isBlock,
  type TableColumn,
  type TablePreprocessing,
} from "./table-preprocessing.ts";
import { throwProblems } from "./table-problems.ts";

/** Cells that stand for a missing value: what spreadsheets, databases and other programs write for one. */
const MISSING = new Set([
  "",
  "NA",
  "N/A",
  "n/a",
  "<NA>",
  "NaN",
  "nan",
  "-NaN",
  "-nan",
  "NaT",
  "NULL",
  "null",
  "Null",
  "?",
  "#N/A",
  "#NA",
  "#DIV/0!",
  "#VALUE!",
  "#REF!",
  "#NAME?",
  "#NUM!",
  "#NULL!",
]);

/** A table as text. */
export interface TextTable {
  readonly path: string;
  readonly columns: readonly string[];
  /** Trimmed cells; "" for a missing value; whole numbers without decimals, so `2.0` is `2`. */
  readonly rows: readonly (readonly string[])[];
  /** The line on which each row ends, counted from 1. In a file without lines: the number of the row. */
  readonly lines: readonly number[];
  /** What `lines` counts. */
  readonly rowNoun: "line" | "row";
  /** The columns whose cells are numbers in the file, not text. They are written like 1234.5, whatever the decimal separator of text. */
  readonly numbers?: ReadonlySet<string>;
  /** How many cells of a column say NA, which counts as missing, but could be a word. */
  readonly notAvailable?: ReadonlyMap<string, number>;
  /** Notes for the user on how it was read. */
  readonly notes?: readonly string[];
}

/**
 * Reads a table: text (comma-, semicolon-, tab- or bar-separated), JSON lines, a JSON list or Parquet, gzipped or not. Blank cells, the words
 * NA, N/A, n/a, NaN, NaT and NULL, a question mark and errors of spreadsheets such as #DIV/0! mean missing.
 *
 * @throws DataError when the file is missing or not well-formed, has no rows, has two columns with the same name, or has rows of different
 * lengths.
 * @throws UsageError for an option that does not apply to the file.
 */
export const readTable = async (path: string, options: RecordOptions = {}): Promise<TextTable> => {
  checkOptions("readTable", options, recordRules);
  const table = new TextTableBuilder();
  return table.finish(path, await readTableRecords(path, options, table));
};

/** {@link readTable} for text, synchronously. */
export const readTextTable = (path: string, options: RecordOptions = {}): TextTable => {
  const table = new TextTableBuilder();
  return table.finish(path, { notes: readRecords(path, options, table), rowNoun: "line" });
};

/** Collects rows as text. */
class TextTableBuilder implements RecordVisitor {
  #columns: readonly string[] = [];
  readonly #rows: string[][] = [];
  readonly #lines: number[] = [];
  /** Whether a column has numbers, and whether it has text. */
  #numbers: boolean[] = [];
  #text: boolean[] = [];
  readonly #notAvailable = new Map<string, number>();

  begin(columns: readonly string[]): void {
    this.#columns = columns.map(composed);
    this.#numbers = columns.map(() => false);
    this.#text = columns.map(() => false);
  }

  add({ cells, line, numbers }: CsvRecord): void {
    const row = cells.map(canonical);
    this.#rows.push(row);
    this.#lines.push(line);
    row.forEach((cell, i) => {
      if (cell === "") {
        const name = this.#columns[i];
        if (cells[i].trim() === "NA") this.#notAvailable.set(name, (this.#notAvailable.get(name) ?? 0) + 1);
        return;
      }
      if (numbers?.[i]) this.#numbers[i] = true;
      else this.#text[i] = true;
    });
  }

  /** Spreadsheets write rows that were emptied as nothing but commas. */
  #emptyRows(path: string, rowNoun: TextTable["rowNoun"]): readonly string[] {
    if (this.#columns.length < 2) return [];
    const empty = this.#rows.flatMap((row, i) => (row.every((cell) => cell === "") ? [this.#lines[i]] : []));
    if (empty.length === 0) return [];
    return [
      empty.length === 1
        ? `${path}: 1 row has no values (on ${rowNoun} ${empty[0]}). If it is not data, delete it.`
        : `${path}: ${empty.length} rows have no values (the first on ${rowNoun} ${empty[0]}). If they are not data, delete them.`,
    ];
  }

  finish(path: string, { notes, rowNoun }: TableRecords): TextTable {
    const columns = this.#columns;
    const numbers = new Set(columns.filter((_, i) => this.#numbers[i] && !this.#text[i]));
    if (this.#rows.length > 0) {
      const said = [...notes, ...this.#emptyRows(path, rowNoun)];
      return {
        path,
        columns,
        rows: this.#rows,
        lines: this.#lines,
        rowNoun,
        ...(numbers.size > 0 && { numbers }),
        ...(this.#notAvailable.size > 0 && { notAvailable: this.#notAvailable }),
        ...(said.length > 0 && { notes: said }),
      };
    }
    const what = columns.length > 0 ? `only the header ${quoted(columns)}` : "an empty file";
    throw new DataError([`${path}: expected rows, found ${what}.`, ...notes].join(" "));
  }
}

/** Letters with accents as one character each: some systems write ö as o and two dots, which looks the same but is another word. */
const composed = (text: string): string => (/\p{M}/u.test(text) ? text.normalize("NFC") : text);

/**
 * Some programs store integers with missing values as floats, and write 2 as 2.0 or 2,0. Three zeros stay, because they may be thousands:
 * 2.000 is two thousand where commas are decimal.
 */
const canonical = (cell: string): string => {
  const trimmed = composed(cell.trim());
  return MISSING.has(trimmed) ? "" : trimmed.replace(/^([+-]?\d+)[.,](?:0|00|0{4,})$/, "$1");
};

/** A column as its cells in this table are read: numbers of the file are not text with a decimal comma. */
export const asWritten = (table: TextTable, column: TableColumn): TableColumn =>
  "decimal" in column && table.numbers?.has(column.name) ? { ...column, decimal: undefined } : column;

/** The position of each column. Searching the list of names for each of 100,000 columns would take half a minute. */
const places = new WeakMap<readonly string[], ReadonlyMap<string, number>>();

const placesOf = (columns: readonly string[]): ReadonlyMap<string, number> => {
  const known = places.get(columns);
  if (known !== undefined) return known;
  const made = new Map<string, number>();
  columns.forEach((name, i) => {
    if (!made.has(name)) made.set(name, i);
  });
  places.set(columns, made);
  return made;
};

/** `penguins.csv, line 157`. */
export const placeOf = ({ path, rowNoun, lines }: TextTable, row: number): string =>
  `${path}, ${rowNoun} ${lines[row]}`;

/** The cells of a column. */
export const columnOf = (
  { path, columns, rows }: TextTable,
  name: string,
  what: string,
): readonly string[] => {
  const at = placesOf(columns).get(name);
  if (at !== undefined) return rows.map((row) => row[at]);
  throw new DataError(`${path}: expected a column "${name}"${what}; found ${quoted(columns)}.`);
};

/** Rows as features, and notes for the user. */
export interface EncodedTable {
  readonly dataset: Dataset;
  readonly notes: readonly string[];
}

/**
 * Encodes a table's rows as features in the same way as those of the training table. Missing cells are 0 in `observed`, and 0 in `x`: the
 * mean of a standardised column, and no category in a block. Columns that are not used are left out, with a note. The label column may be
 * missing; rows without a class have label -1.
 *
 * ```ts
 * const { dataset } = encodeTable(await readTable("new.csv"), preprocessing);
 * ```
 *
 * @throws DataError when a column is missing; and, naming line, column and value, for a cell that is not a number where one is expected,
 * and for a category or class that the training table did not have.
 */
export const encodeTable = (table: TextTable, preprocessing: TablePreprocessing): EncodedTable => {
  const { path, columns, rows } = table;
  const { features, names, columns: places } = featureLayout(preprocessing);
  const x = new Float32Array(rows.length * features);
  const observed = new Uint8Array(x.length);
  const problems: string[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      problems.push(error.message);
      return undefined;
    }
  };
  preprocessing.columns.forEach((column, i) => {
    const { start } = places[i];
    attempt(() => {
      const cells = columnOf(table, column.name, " as in the training table");
      encodeColumn(table, column, cells, (row, values) => {
        const at = row * features + start;
        x.set(values, at);
        observed.fill(1, at, at + values.length);
      });
    });
  });
  const { labels, id } = preprocessing;
  const classes =
    labels && columns.includes(labels.column) ? attempt(() => classesOf(table, labels)) : undefined;
  throwProblems(path, problems);
  const known = new Set([...preprocessing.columns.map((column) => column.name), labels?.column, id]);
  const unused = columns.filter((column) => !known.has(column));
  const named = id !== undefined && columns.includes(id);
  const dataset = createDataset({
    name: basename(path),
    source: path,
    shape: [features],
    x,
    observed,
    columns: names,
    rowNames: named
      ? columnOf(table, id, "").map((cell, row) => cell || `${table.rowNoun} ${table.lines[row]}`)
      : table.lines.map(String),
    rowNoun: named ? id : table.rowNoun,
    ...classes,
  });
  const notes = [
    ...(table.notes ?? []),
    ...(unused.length > 0 ? [`${path}: not used: ${quoted(unused)}.`] : []),
    ...(id !== undefined && !named
      ? [`${path}: has no column "${id}" with the ids; rows are named by their ${table.rowNoun}s.`]
      : []),
  ];
  return { dataset, notes };
};

/** @throws DataError with the first cell that does not fit the column, and the number of such cells */
const encodeColumn = (
  table: TextTable,
  column: TableColumn,
  cells: readonly string[],
  put: (row: number, values: readonly number[]) => void,
): void => {
  let first: { readonly row: number; readonly expected: string } | undefined;
  let wrong = 0;
  const written = asWritten(table, column);
  cells.forEach((cell, row) => {
    if (cell === "") return;
    const encoded = encodeCell(written, cell);
    if ("values" in encoded) put(row, encoded.values);
    else {
      wrong++;
      first ??= { row, expected: encoded.expected };
    }
  });
  if (first === undefined) return;
  const { row, expected } = first;
  throw new DataError(
    `${placeOf(table, row)}, column "${column.name}": expected ${expected}${isBlock(column) ? "; " : ", "}found "${cells[row]}"` +
      `${wrong > 1 ? ` (${wrong} such cells in all)` : ""}. Correct the cell, or leave it blank: it then counts as missing.`,
  );
};

const classesOf = (
  table: TextTable,
  { column, classes }: NonNullable<TablePreprocessing["labels"]>,
): { readonly labels: Int32Array; readonly classes: readonly string[] } => {
  const index = new Map(classes.map((name, i) => [name, i]));
  const labels = Int32Array.from(columnOf(table, column, ""), (cell, row) => {
    const label = cell === "" ? -1 : index.get(cell);
    if (label !== undefined) return label;
    throw new DataError(
      `${placeOf(table, row)}, column "${column}": expected one of the classes ${quoted(classes)}, or a ` +
        `blank cell; found "${cell}".`,
    );
  });
  return { labels, classes };
};

/** A summary of a table's columns. */
export interface TableSummary {
  /** Number of columns of each kind. */
  readonly kinds: Readonly<Partial<Record<ColumnKind, number>>>;
  /** Number of missing cells. */
  readonly missing: number;
}

/** Counts the columns of a table, and the missing cells of rows that were encoded by its preprocessing. */
export const summarise = (
  { rows, observed }: Dataset,
  preprocessing: Pick<TablePreprocessing, "columns">,
): TableSummary => {
  const { features, columns } = featureLayout(preprocessing);
  const kinds: Partial<Record<ColumnKind, number>> = {};
  for (const { kind } of preprocessing.columns) kinds[kind] = (kinds[kind] ?? 0) + 1;
  let missing = 0;
  for (let row = 0; row < rows; row++) {
    for (const { start } of columns) if (observed?.[row * features + start] === 0) missing++;
  }
  return { kinds, missing };
};
