import { type Info, parse } from "csv-parse/sync";
import { DataError } from "../errors.ts";
import { messageOf, readBytes } from "./file.ts";

/** A record of the file and the line, counted from 1, on which it ends. */
export type CsvRecord = { readonly cells: readonly string[]; readonly line: number };

/** What is told of the columns, and then of each record under them. */
export interface RecordVisitor {
  begin(columns: readonly string[]): void;
  add(record: CsvRecord): void;
}

/**
 * Reads comma-, semicolon- or tab-separated text (the first line tells), gzipped or not, record by record: the file's
 * text is never all held as strings. Without a header the columns are called "0", "1", ….
 *
 * @param header whether the first line names the columns; by default it does when one of its cells is no number while
 * the cell below is one, or when it has no numbers at all.
 * @throws DataError when the file is missing or empty, or no CSV; with the line, for a record with more or fewer cells
 * than the first.
 */
export const readRecords = (path: string, header: boolean | undefined, visitor: RecordVisitor): void => {
  let columns: readonly string[] = [];
  const add = (record: CsvRecord) => {
    checkLength(path, record, columns);
    visitor.add(record);
  };
  // Two records decide whether there is a header, so the first waits for the second.
  let first: CsvRecord | undefined;
  let second = false;
  const begin = (next?: CsvRecord) => {
    if (!first) return;
    const named = header ?? isHeader(first.cells, next?.cells);
    columns = named ? first.cells.map((cell) => cell.trim()) : first.cells.map((_, i) => String(i));
    visitor.begin(columns);
    if (!named) add(first);
  };
  eachRecord(path, readBytes(path), (record) => {
    if (!first) {
      first = record;
      return;
    }
    if (!second) begin(record);
    second = true;
    add(record);
  });
  if (!second) begin();
};

const checkLength = (path: string, { cells, line }: CsvRecord, columns: readonly string[]): void => {
  if (cells.length === columns.length) return;
  const missing = columns[cells.length];
  throw new DataError(
    `${path}, line ${line}: expected ${columns.length} cells, as on the first line; found ` +
      `${cells.length}${missing === undefined ? "" : `, with nothing for column "${missing}"`}.`,
  );
};

const eachRecord = (path: string, bytes: Uint8Array, visit: (record: CsvRecord) => void): void => {
  try {
    parse(bytes, {
      bom: true,
      delimiter: delimiterOf(bytes),
      skip_empty_lines: true,
      // Ragged rows are ours to report: we know the columns' names.
      relax_column_count: true,
      on_record: (cells: string[], info: Pick<Info, "lines">) => {
        visit({ cells, line: info.lines });
        return null;
      },
    });
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`${path}: not well-formed CSV. ${messageOf(cause)}.`, { cause });
  }
};

const delimiterOf = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0x0a);
  const line = Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString("utf8");
  const count = (delimiter: string) => line.split(delimiter).length;
  return [";", "\t"].reduce((best, next) => (count(next) > count(best) ? next : best), ",");
};

export const isNumber = (cell: string | undefined): boolean =>
  cell !== undefined && cell.trim() !== "" && !Number.isNaN(Number(cell));

const isHeader = (first: readonly string[], next: readonly string[] | undefined): boolean =>
  first.every((cell) => !isNumber(cell)) ||
  first.some((cell, i) => !isNumber(cell) && next !== undefined && isNumber(next[i]));

/** Up to ten names in quotation marks, and how many more there are. */
export const quoted = (names: readonly string[]): string => {
  const shown = names.slice(0, 10).map((name) => `"${name}"`);
  return names.length > 10 ? `${shown.join(", ")} and ${names.length - 10} more` : shown.join(", ");
};

/** The distinct names, in numeric order where all are numbers, otherwise by code unit. */
export const sortedNames = (cells: Iterable<string>): readonly string[] => {
  const distinct = [...new Set(cells)];
  return distinct.every(isNumber) ? distinct.sort((a, b) => Number(a) - Number(b)) : distinct.sort();
};

/** Classes and the index of each cell's class; an empty cell is unlabelled, -1. */
export const classIndices = (
  cells: readonly string[],
): { readonly labels: Int32Array; readonly classes: readonly string[] } => {
  const classes = sortedNames(cells.filter((cell) => cell !== ""));
  const index = new Map(classes.map((name, i) => [name, i]));
  return { labels: Int32Array.from(cells, (cell) => index.get(cell) ?? -1), classes };
};
