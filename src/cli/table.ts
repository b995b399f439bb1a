/** Numbers as files: CSV (RFC 4180) and NumPy's `.npy`, version 1.0. */
import { endianness } from "node:os";

export interface Table {
  readonly columns: readonly string[];
  readonly rows: Iterable<readonly (string | number)[]>;
}

/** How cells are written. */
export interface CsvOutput {
  /** Write words unchanged, for a program to read back. Default false: see {@link toCsv}. */
  readonly rawCells?: boolean;
}

/**
 * Lines end in `\n`; cells that hold a comma, a quote or a line break are quoted. A word that a spreadsheet would run as a formula (it
 * begins with =, +, -, @, a tab or a carriage return) gets an apostrophe before it, since words come from files that others wrote.
 */
export const toCsv = ({ columns, rows }: Table, { rawCells = false }: CsvOutput = {}): string => {
  const write = (value: string | number) =>
    cell(typeof value === "string" && !rawCells ? guarded(value) : value);
  const lines = [columns.map(write).join(",")];
  for (const row of rows) lines.push(row.map(write).join(","));
  return `${lines.join("\n")}\n`;
};

/** A number is not a formula, even as a name. */
const guarded = (word: string): string =>
  /^[=+\-@\t\r]/.test(word) && !/^[+-]?\d+(\.\d+)?$/.test(word) ? `'${word}` : word;

/** Numbers are float32 in memory, so nine digits are enough to identify them. */
const cell = (value: string | number): string => {
  if (typeof value === "number") {
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(9)));
  }
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
};

/** Row-major numbers of a shape. */
export const toNpy = (data: Float32Array | Int32Array, shape: readonly number[]): Uint8Array => {
  const order = endianness() === "LE" ? "<" : ">";
  const descr = `${order}${data instanceof Float32Array ? "f4" : "i4"}`;
  // A tuple with one element has a comma at its end.
  const tuple = `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Ten bytes precede the header, which ends, with its newline, on a multiple of 64.
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  return Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]),
    Buffer.from(header, "latin1"),
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  ]);
};

/** Rows of a row-major matrix. */
export function* matrixRows(values: Float32Array, width: number): Generator<number[]> {
  for (let start = 0; start < values.length; start += width) {
    yield [...values.subarray(start, start + width)];
  }
}
