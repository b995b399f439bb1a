import { basename } from "node:path";
import { type Info, parse } from "csv-parse/sync";
import { DataError } from "../errors.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import { messageOf, readBytes } from "./file.ts";

export interface CsvOptions {
  /** By default the file's name. */
  readonly name?: string;
  /** The column of class names, which then is no feature. An empty cell means unlabelled. */
  readonly labelColumn?: string;
  /**
   * Whether the first line names the columns. By default it does when one of its cells is no number while the
   * cell below is one, or when it has no numbers at all. Without a header the columns are called "0", "1", ….
   */
  readonly header?: boolean;
}

/** A record of the file and the line, counted from 1, on which it ends. */
type CsvRecord = { readonly cells: readonly string[]; readonly line: number };

/**
 * Reads a table of numbers from comma-, semicolon- or tab-separated text (the first line tells), gzipped or not.
 * Values become float32.
 *
 * @throws DataError when the file is missing, has no rows, or the label column does not exist; and with the line
 * and column name, for a row with more or fewer cells than the first, an empty cell, or a cell that is no finite
 * number.
 */
export const readCsv = (path: string, options: CsvOptions = {}): Dataset => {
  const bytes = readBytes(path);
  const table = new TableBuilder(path, options);
  // Two records decide whether there is a header, so the first waits for the second.
  let first: CsvRecord | undefined;
  let second = false;
  const begin = (next?: CsvRecord) => {
    if (!first) return;
    const named = options.header ?? isHeader(first.cells, next?.cells);
    table.begin(named ? first.cells.map((cell) => cell.trim()) : first.cells.map((_, i) => String(i)));
    if (!named) table.add(first);
  };
  eachRecord(path, bytes, (record) => {
    if (!first) {
      first = record;
      return;
    }
    if (!second) begin(record);
    second = true;
    table.add(record);
  });
  if (!second) begin();
  return table.finish();
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

const isNumber = (cell: string | undefined): boolean =>
  cell !== undefined && cell.trim() !== "" && !Number.isNaN(Number(cell));

const isHeader = (first: readonly string[], next: readonly string[] | undefined): boolean =>
  first.every((cell) => !isNumber(cell)) ||
  first.some((cell, i) => !isNumber(cell) && next !== undefined && isNumber(next[i]));

/** Collects numbers and labels row by row: the file's text is never all held as strings. */
class TableBuilder {
  readonly #path: string;
  readonly #options: CsvOptions;
  #columns: readonly string[] = [];
  #labelAt = -1;
  #values = new Float32Array(1024);
  #length = 0;
  readonly #labels: string[] = [];
  #rows = 0;

  constructor(path: string, options: CsvOptions) {
    this.#path = path;
    this.#options = options;
  }

  begin(columns: readonly string[]): void {
    const { labelColumn } = this.#options;
    this.#columns = columns;
    if (labelColumn === undefined) return;
    this.#labelAt = columns.indexOf(labelColumn);
    if (this.#labelAt < 0) {
      throw new DataError(
        `${this.#path}: expected a column "${labelColumn}" with the labels; found ${quoted(columns)}.`,
      );
    }
    if (columns.length === 1) {
      throw new DataError(`${this.#path}: has no column but the labels, "${labelColumn}".`);
    }
  }

  add({ cells, line }: CsvRecord): void {
    const columns = this.#columns;
    if (cells.length !== columns.length) {
      const missing = columns[cells.length];
      throw new DataError(
        `${this.#path}, line ${line}: expected ${columns.length} cells, as on the first line; found ` +
          `${cells.length}${missing === undefined ? "" : `, with nothing for column "${missing}"`}.`,
      );
    }
    this.#reserve(cells.length);
    for (let i = 0; i < cells.length; i++) {
      const cell = (cells[i] as string).trim();
      if (i === this.#labelAt) {
        this.#labels.push(cell);
        continue;
      }
      const value = Math.fround(Number(cell));
      if (cell === "" || !Number.isFinite(value)) {
        const found = cell === "" ? "an empty cell" : `"${cell}"`;
        throw new DataError(
          `${this.#path}, line ${line}, column "${columns[i]}": expected a finite number, found ${found}.`,
        );
      }
      this.#values[this.#length++] = value;
    }
    this.#rows++;
  }

  finish(): Dataset {
    const path = this.#path;
    if (this.#rows === 0) {
      const what =
        this.#columns.length > 0 ? `found only the header ${quoted(this.#columns)}` : "found an empty file";
      throw new DataError(`${path}: expected rows of numbers, ${what}.`);
    }
    const columns = this.#columns.filter((_, i) => i !== this.#labelAt);
    return createDataset({
      name: this.#options.name ?? basename(path),
      source: path,
      rows: this.#rows,
      shape: [columns.length],
      x: this.#values.slice(0, this.#length),
      columns,
      ...(this.#labelAt >= 0 && indexLabels(this.#labels)),
    });
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#values.length) return;
    const grown = new Float32Array(2 * (this.#length + count));
    grown.set(this.#values);
    this.#values = grown;
  }
}

const quoted = (names: readonly string[]): string => {
  const shown = names.slice(0, 10).map((name) => `"${name}"`);
  return names.length > 10 ? `${shown.join(", ")} and ${names.length - 10} more` : shown.join(", ");
};

/** Classes in numeric order where all are numbers, otherwise by code unit; an empty cell is unlabelled. */
const indexLabels = (
  cells: readonly string[],
): { readonly labels: Int32Array; readonly classes: readonly string[] } => {
  const distinct = [...new Set(cells.filter((cell) => cell !== ""))];
  const classes = distinct.every(isNumber) ? distinct.sort((a, b) => Number(a) - Number(b)) : distinct.sort();
  const index = new Map(classes.map((name, i) => [name, i]));
  return { labels: Int32Array.from(cells, (cell) => index.get(cell) ?? -1), classes };
};
