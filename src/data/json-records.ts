/** Rows as JSON: one object per line, or one list of objects. */
import { DataError } from "../errors.ts";
import type { RecordVisitor } from "./csv-records.ts";
import { messageOf, readBytes, type SizeLimit } from "./file.ts";
import { decodeText } from "./text-encoding.ts";

/** The most cells that one table may have. Rows with different keys would make a vast table that is mostly empty. */
export const MOST_CELLS = 2 ** 27;

interface JsonRow {
  readonly values: Readonly<Record<string, unknown>>;
  /** The line, or for a list the row, counted from 1. */
  readonly at: number;
}

/**
 * Reads JSON lines (one object per line), or a JSON list of objects. The columns are all keys, in the order in which they first appear. A
 * row without a key, or with null for it, has no value in that column.
 *
 * @returns notes for the user on how the file was read, and what messages count: lines or rows
 * @throws DataError when the file is missing or is not JSON of one of these forms; and, naming line and column, for a list or an object in
 * a cell.
 */
export const readJsonRecords = (
  path: string,
  { encoding, ...limit }: SizeLimit & { readonly encoding?: string },
  visitor: RecordVisitor,
): { readonly notes: readonly string[]; readonly rowNoun: "line" | "row" } => {
  const { utf8, note } = decodeText(readBytes(path, limit), path, encoding);
  const text = Buffer.from(utf8.buffer, utf8.byteOffset, utf8.length)
    .toString("utf8")
    .replace(/^\ufeff/, "");
  const listed = /^\s*\[/.test(text);
  const rowNoun = listed ? "row" : "line";
  const rows = listed ? rowsOfList(path, text) : rowsOfLines(path, text);
  const columns = new Map<string, number>();
  for (const { values } of rows) {
    for (const key of Object.keys(values)) if (!columns.has(key)) columns.set(key, columns.size);
  }
  if (rows.length * columns.size > MOST_CELLS) {
    throw new DataError(
      `${path}: ${columns.size} different keys in ${rows.length} rows would make a table ` +
        `of ${rows.length * columns.size} cells; expected at most ${MOST_CELLS}. Give the rows the same keys.`,
    );
  }
  if (rows.length > 0 && columns.size === 0) {
    throw new DataError(
      `${path}: expected objects with a value for each column, such as {"weight": 4.2}; found ${rows.length} empty ones.`,
    );
  }
  visitor.begin([...columns.keys()]);
  for (const { values, at } of rows) {
    const cells = new Array<string>(columns.size).fill("");
    const numbers = new Array<boolean>(columns.size).fill(false);
    for (const [key, value] of Object.entries(values)) {
      const place = columns.get(key) ?? 0;
      cells[place] = cellOf(value, () => `${path}, ${rowNoun} ${at}, column "${key}"`);
      numbers[place] = typeof value === "number";
    }
    visitor.add({ cells, line: at, numbers });
  }
  return { notes: note === undefined ? [] : [note], rowNoun };
};

const rowsOfLines = (path: string, text: string): readonly JsonRow[] => {
  const rows: JsonRow[] = [];
  let line = 0;
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf("\n", from);
    const to = end < 0 ? text.length : end;
    const found = text.slice(from, to).trim();
    from = to + 1;
    line++;
    if (found === "") continue;
    rows.push({
      values: objectOf(parsed(found, `${path}, line ${line}`), `${path}, line ${line}`),
      at: line,
    });
  }
  return rows;
};

const rowsOfList = (path: string, text: string): readonly JsonRow[] => {
  const list = parsed(text, path);
  if (!Array.isArray(list)) throw new DataError(`${path}: expected a JSON list of rows.`);
  return list.map((row, i) => ({ values: objectOf(row, `${path}, row ${i + 1}`), at: i + 1 }));
};

/** A whole number that JavaScript would round: an id would silently become a different one. */
const LONG_NUMBER = /[:[,]\s*-?\d{16,}\s*[,}\]]/;

const parsed = (text: string, where: string): unknown => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const whole = /^\s*\{\s*$/.test(text)
      ? " The file looks like JSON over several lines: write one object per line, or a list of objects."
      : "";
    throw new DataError(`${where}: not well-formed JSON (${messageOf(cause)}).${whole}`, { cause });
  }
  const long = LONG_NUMBER.exec(text);
  if (long !== null) {
    throw new DataError(
      `${where}: the number ${long[0].replace(/[^-\d]/g, "")} has more digits than a JavaScript number can hold. If it is an id, write it as text, in quotation marks.`,
    );
  }
  return value;
};

const objectOf = (value: unknown, where: string): Readonly<Record<string, unknown>> => {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  const found = Array.isArray(value) ? "a list" : value === null ? "null" : `a ${typeof value}`;
  throw new DataError(
    `${where}: expected an object with a value for each column, such as {"weight": 4.2}; found ${found}.`,
  );
};

/** A value as text, for a cell of the table. */
const cellOf = (value: unknown, where: () => string): string => {
  if (value === null) return "";
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new DataError(
    `${where()}: expected a number, a word, true, false or null; found ${Array.isArray(value) ? "a list" : "an object"}. Give each of its ` +
      "values its own column.",
  );
};
