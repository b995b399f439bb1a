/** Rows of a sheet of an Excel workbook, by hucre. */
import { DataError } from "../errors.ts";
import { type CsvRecord, type RecordOptions, type RecordVisitor, underHeader } from "./csv-records.ts";
import { MAX_BYTES, readBytes } from "./file.ts";
import { MOST_CELLS } from "./json-records.ts";
import { dateCell, readInThread, type ThreadMessage } from "./reader-thread.ts";
import { zipEntries } from "./zip.ts";

/** The reader, for `readInThread`. Cells that a value alone does not describe are { formula } or { error }. */
const READER = `
const { parentPort, workerData } = require("node:worker_threads");
const { url, file, chunk } = workerData;
(async () => {
  const { readXlsx } = await import(url);
  const shown = [];
  const { sheets } = await readXlsx(new Uint8Array(file), {
    sheets: ({ name, hidden, veryHidden }) => !hidden && !veryHidden && shown.push(name) === 1,
  });
  const [sheet] = sheets;
  if (sheet === undefined) throw new Error("no sheet is shown");
  const columns = sheet.rows.reduce((width, row) => row.length > width ? row.length : width, 0);
  const merged = (sheet.merges ?? []).map(({ startRow, startCol }) => [startRow + 1, startCol]);
  parentPort.postMessage({ sheet: sheet.name, others: shown.slice(1), rows: sheet.rows.length, columns, merged });
  await new Promise((resolve) => parentPort.once("message", resolve));
  for (const [place, { type, value, formula }] of sheet.cells ?? []) {
    const [row, column] = place.split(",").map(Number);
    if (sheet.rows[row] === undefined) continue;
    if (type === "error") sheet.rows[row][column] = { error: String(value) };
    else if (formula !== undefined && (value === null || value === undefined)) sheet.rows[row][column] = { formula };
  }
  for (let start = 0; start < sheet.rows.length; start += chunk) {
    const values = sheet.rows.slice(start, start + chunk);
    parentPort.postMessage({ values });
  }
  parentPort.postMessage({ done: true });
})().catch((error) => parentPort.postMessage({ failed: String(error && error.message) }));
`;

/** Messages of the thread, in this order: the sheet, rows, the end; or a failure. */
interface Message extends ThreadMessage {
  readonly sheet?: string;
  /** The other sheets that are shown. */
  readonly others?: readonly string[];
  readonly rows?: number;
  readonly columns?: number;
  /** Row, counted from 1, and column, counted from 0, of the first cell of each merged range. */
  readonly merged?: readonly (readonly [row: number, column: number])[];
  readonly values?: readonly (readonly unknown[])[];
}

/** Rows per message. */
const CHUNK = 4096;

/**
 * Reads the first sheet of an Excel workbook (.xlsx, .xlsm): numbers, words, booleans, dates and times, and results of formulas. Blank cells
 * and errors such as #N/A count as missing; blank rows are left out.
 *
 * @returns notes for the user: other sheets, merged cells, and cells with errors
 * @throws DataError when the file is missing, damaged, encrypted or not a workbook, and, naming the cell, for a formula whose result is not
 * in the file.
 */
export const readWorkbookRecords = async (
  path: string,
  { header, maxBytes = MAX_BYTES }: RecordOptions,
  visitor: RecordVisitor,
): Promise<readonly string[]> => {
  const bytes = readBytes(path, { maxBytes });
  // The container of workbooks with a password, and of .xls.
  if (bytes[0] === 0xd0 && bytes[1] === 0xcf && bytes[2] === 0x11 && bytes[3] === 0xe0) {
    throw new DataError(
      `${path}: this workbook has a password, or the format of Excel 97–2003. Save it in Excel without a password as .xlsx.`,
    );
  }
  // Unpacked once here, because these entries are checked: sizes before memory is taken, checksums after.
  let left = maxBytes;
  for (const entry of zipEntries(path, bytes)) left -= entry.content(left).length;
  const notes: string[] = [];
  const records = underHeader(path, header, "row", visitor);
  const errors: string[] = [];
  let [line, width] = [0, 0];
  const kept: CsvRecord[] = [];
  await readInThread<Message>(READER, {
    package: "hucre/xlsx",
    bytes,
    unpacked: maxBytes - left,
    data: { chunk: CHUNK },
    damaged: (why) =>
      new DataError(`${path}: not a well-formed workbook (${why}). Save it again, or save the sheet as CSV.`),
    receive({ sheet, others = [], rows = 0, columns = 0, merged = [], values = [] }, reply) {
      if (sheet !== undefined) {
        if (rows * columns > MOST_CELLS) {
          throw new DataError(
            `${path}: sheet "${sheet}" reaches over ${rows} rows and ${columns} columns, ${rows * columns} cells; expected at most ${MOST_CELLS}. Delete the cells far from the table.`,
          );
        }
        if (others.length > 0) notes.push(otherSheets(path, sheet, others));
        if (merged.length > 0) {
          const [[row, column]] = merged;
          notes.push(
            `${path}: ${merged.length === 1 ? "cells are merged" : `cells are merged in ${merged.length} places`}, such as from ${cellName(row, column)} on. Only the first has the value; the others count as missing. Split them and fill them in Excel if they should have it too.`,
          );
        }
        reply("go on");
      }
      for (const row of values) {
        line++;
        const cells = row.map((value, i) => {
          const where = () => `${path}, cell ${cellName(line, i)}`;
          if (isError(value)) errors.push(`${cellName(line, i)}: ${value.error}`);
          return cellOf(value, where);
        });
        if (cells.every((cell) => cell === "")) continue;
        // Cells that only have a format make a sheet wider than its table.
        width = Math.max(width, cells.findLastIndex((cell) => cell !== "") + 1);
        kept.push({ cells, line, numbers: row.map((value) => typeof value === "number") });
      }
    },
  });
  for (const { cells, line: at, numbers } of kept) {
    records.add({
      cells: Array.from({ length: width }, (_, i) => cells[i] ?? ""),
      line: at,
      ...(numbers && { numbers }),
    });
  }
  if (errors.length > 0) {
    notes.push(
      `${path}: ${errors.length === 1 ? "a cell holds an error" : `${errors.length} cells hold errors`} (${errors.slice(0, 3).join(", ")}${errors.length > 3 ? ", …" : ""}); they count as missing.`,
    );
  }
  return [...notes, ...records.end()];
};

const otherSheets = (path: string, sheet: string, others: readonly string[]): string =>
  `${path}: read the sheet "${sheet}", the first of ${others.length + 1}. For another, save it in a file of its own.`;

/** The name of a cell as Excel shows it: row 1, column 0 is A1. */
export const cellName = (row: number, column: number): string => {
  let letters = "";
  for (let left = column + 1; left > 0; left = Math.floor((left - 1) / 26)) {
    letters = String.fromCharCode(65 + ((left - 1) % 26)) + letters;
  }
  return `${letters}${row}`;
};

const isError = (value: unknown): value is { readonly error: string } =>
  typeof value === "object" && value !== null && "error" in value;

/** Excel stores a time of day as a date before all dates. */
const FIRST_DAY = Date.UTC(1900, 0, 1);

const cellOf = (value: unknown, where: () => string): string => {
  if (value === null || value === undefined || isError(value)) return "";
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof Date) {
    const text = dateCell(value, where);
    return value.getTime() < FIRST_DAY ? text.replace(/^.*T|Z$/g, "") : text;
  }
  if (typeof value === "object" && "formula" in value) {
    throw new DataError(
      `${where()}: the result of the formula =${String(value.formula)} is not in the file. Open the workbook in Excel or LibreOffice and save it.`,
    );
  }
  throw new DataError(`${where()}: expected a number, a word, true, false or a date. Save the sheet as CSV.`);
};
