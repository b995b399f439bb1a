import { basename } from "#platform/paths";
import { DataError } from "../errors.ts";
import { anything, checkOptions, type OptionRules } from "../options.ts";
import {
  type CsvRecord,
  classIndices,
  type NumberOptions,
  quoted,
  type RecordOptions,
  type RecordVisitor,
  readRecords,
} from "./csv-records.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import { readTableRecords, type TableRecords } from "./table-file.ts";
import { numberIn } from "./table-numbers.ts";

/** How a CSV file is read. */
export interface CsvOptions extends RecordOptions, NumberOptions {
  /** Default: the file's name. */
  readonly name?: string;
  /** The column of class names, which is then not a feature. An empty cell means unlabelled. */
  readonly labelColumn?: string;
  /** The column that names the rows, which is then not a feature. Default: rows are named by their lines. */
  readonly id?: string;
}

const rules: OptionRules<CsvOptions> = {
  name: anything,
  labelColumn: anything,
  id: anything,
  decimal: anything,
  header: anything,
  encoding: anything,
  maxBytes: anything,
};

/**
 * Reads a table of numbers from comma-, semicolon-, tab- or bar-separated text (the delimiter is detected), gzipped or not. Values become
 * float32.
 *
 * @throws DataError when the file is missing or has no rows, or when the label column does not exist; and, naming the line and column, for
 * a row with more or fewer cells than the first, an empty cell, or a cell that is not a finite number.
 */
export const readCsv = (path: string, options: CsvOptions = {}): Dataset => {
  checkOptions("readCsv", options, rules);
  const table = new TableBuilder(path, options);
  return table.finish({ notes: readRecords(path, options, table), rowNoun: "line" });
};

/** {@link readCsv} for a table of any kind. @throws DataError as {@link readCsv} does */
export const readNumbers = async (path: string, options: CsvOptions = {}): Promise<Dataset> => {
  const table = new TableBuilder(path, options);
  return table.finish(await readTableRecords(path, options, table));
};

/** Collects numbers and labels row by row, so that the whole text is never held as strings. */
class TableBuilder implements RecordVisitor {
  readonly #path: string;
  readonly #options: CsvOptions;
  #columns: readonly string[] = [];
  #labelAt = -1;
  #idAt = -1;
  #values = new Float32Array(1024);
  #length = 0;
  readonly #labels: string[] = [];
  readonly #names: string[] = [];
  #rows = 0;

  constructor(path: string, options: CsvOptions) {
    this.#path = path;
    this.#options = options;
  }

  begin(columns: readonly string[]): void {
    const { labelColumn, id } = this.#options;
    this.#columns = columns;
    if (id !== undefined) {
      this.#idAt = columns.indexOf(id);
      if (this.#idAt < 0) {
        throw new DataError(
          `${this.#path}: expected a column "${id}" with the ids; found ${quoted(columns)}.`,
        );
      }
    }
    if (labelColumn === undefined) return;
    this.#labelAt = columns.indexOf(labelColumn);
    if (this.#labelAt < 0) {
      throw new DataError(
        `${this.#path}: expected a column "${labelColumn}" with the labels; found ${quoted(columns)}.`,
      );
    }
    if (columns.length === 1) {
      throw new DataError(
        `${this.#path}: has only one column, the labels ("${labelColumn}"). Expected at least one column of numbers.`,
      );
    }
  }

  add({ cells, line, numbers }: CsvRecord): void {
    const columns = this.#columns;
    this.#reserve(cells.length);
    let name = String(line);
    for (let i = 0; i < cells.length; i++) {
      const cell = (cells[i] as string).trim();
      if (i === this.#labelAt) {
        this.#labels.push(cell);
        continue;
      }
      if (i === this.#idAt) {
        name = cell || `line ${line}`;
        continue;
      }
      const value = Math.fround(numberIn(cell, numbers?.[i] ? undefined : this.#options.decimal));
      if (cell === "" || !Number.isFinite(value)) {
        const found = cell === "" ? "an empty cell" : `"${cell}"`;
        throw new DataError(
          `${this.#path}, line ${line}, column "${columns[i]}": expected a finite number, found ${found}.`,
        );
      }
      this.#values[this.#length++] = value;
    }
    this.#names.push(name);
    this.#rows++;
  }

  finish({ notes, rowNoun }: TableRecords): Dataset {
    const path = this.#path;
    if (this.#rows === 0) {
      const what =
        this.#columns.length > 0 ? `found only the header ${quoted(this.#columns)}` : "found an empty file";
      throw new DataError(`${path}: expected rows of numbers, ${what}.`);
    }
    const columns = this.#columns.filter((_, i) => i !== this.#labelAt && i !== this.#idAt);
    return createDataset({
      name: this.#options.name ?? basename(path),
      source: path,
      rows: this.#rows,
      shape: [columns.length],
      x: this.#values.slice(0, this.#length),
      columns,
      rowNames: this.#names,
      rowNoun: this.#options.id ?? rowNoun,
      ...(notes.length > 0 && { notes }),
      ...(this.#labelAt >= 0 && classIndices(this.#labels)),
    });
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#values.length) return;
    const grown = new Float32Array(2 * (this.#length + count));
    grown.set(this.#values);
    this.#values = grown;
  }
}
