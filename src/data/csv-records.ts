import { type Info, parse } from "#platform/csv";
import { DataError } from "../errors.ts";
import { anything, type OptionRules } from "../options.ts";
import { delimiterOf, guessHeader, isNumber } from "./csv-dialect.ts";
import { messageOf, readBytes, type SizeLimit } from "./file.ts";
import type { Decimal } from "./table-numbers.ts";
import { decodeText } from "./text-encoding.ts";

export { isNumber };

/** A record of the file, and the line on which it ends, counted from 1. */
export type CsvRecord = {
  readonly cells: readonly string[];
  readonly line: number;
  /** In files that tell numbers from words: whether each cell is a number, which is then written like 1234.5. */
  readonly numbers?: readonly boolean[];
};

/** Receives the columns, and then each record under them. */
export interface RecordVisitor {
  begin(columns: readonly string[]): void;
  add(record: CsvRecord): void;
}

/** How text is read as records. */
export interface RecordOptions extends SizeLimit {
  /**
   * Whether the first line names the columns. Default: yes if one of its cells is not a number while the cell below is one, if it has no
   * numbers at all, or if it counts up in ones, as years do, and no line below does. Without a header the columns are called "0", "1", ….
   */
  readonly header?: boolean;
  /**
   * The encoding, by its name in the Encoding Standard, such as `windows-1251`. Default: that of the byte order mark; without one, UTF-8 if
   * the bytes are well-formed, otherwise windows-1252, with a note.
   */
  readonly encoding?: string;
}

/** The options of the readers of tables. */
export const recordRules: OptionRules<RecordOptions> = {
  header: anything,
  encoding: anything,
  maxBytes: anything,
};

/** How numbers are written in a table that is read as plain numbers. */
export interface NumberOptions {
  /** The decimal separator; the other of comma and point groups thousands. Default: a point, without groups. */
  readonly decimal?: Decimal;
}

/** How many records are examined to decide whether the first one names the columns. */
const LOOKED_AT = 20;

/**
 * Reads comma-, semicolon-, tab- or bar-separated text (the delimiter is detected), gzipped or not, record by record, so that the whole text is
 * never held as strings.
 *
 * @returns notes for the user on how the file was read
 * @throws DataError when the file is missing, empty or not CSV; for two columns with the same name; and, naming the line, for a record with
 * more or fewer cells than the first.
 */
export const readRecords = (
  path: string,
  { header, encoding, ...limit }: RecordOptions,
  visitor: RecordVisitor,
): readonly string[] => {
  const { utf8, note } = decodeText(readBytes(path, limit), path, encoding);
  const records = underHeader(path, header, "line", visitor);
  eachRecord(path, utf8, records.add);
  return [...(note === undefined ? [] : [note]), ...records.end()];
};

/**
 * Takes records one by one, decides from the first of them whether the very first one names the columns, and passes them on.
 *
 * @param options.noun what messages call a record's place
 * @returns `add`, and `end`, which returns notes for the user
 */
export const underHeader = (
  path: string,
  header: boolean | undefined,
  noun: "line" | "row",
  visitor: RecordVisitor,
): { add(record: CsvRecord): void; end(): readonly string[] } => {
  const notes: string[] = [];
  let columns: readonly string[] = [];
  let blank = 0;
  const pass = (record: CsvRecord) => {
    // A line of blanks is an empty line; one with the right number of blank cells is a row without a value.
    if (record.cells.length === 1 && columns.length > 1 && record.cells[0].trim() === "") {
      blank++;
      return;
    }
    checkLength(path, record, columns, noun);
    visitor.add(record);
  };
  // The first records wait until there are enough of them to decide whether there is a header.
  let waiting: CsvRecord[] | undefined = [];
  const begin = (): void => {
    const [first, ...rest] = waiting ?? [];
    waiting = undefined;
    if (first === undefined) return;
    const { named, guessed } =
      header === undefined
        ? guessHeader(
            first.cells,
            rest.map(({ cells }) => cells),
          )
        : { named: header };
    columns = named ? first.cells.map((cell) => cell.trim()) : first.cells.map((_, i) => String(i));
    if (guessed) {
      notes.push(
        named
          ? `${path}: the first ${noun}, ${quoted(columns)}, was read as the names of the columns. If it holds values, set \`header: false\`.`
          : `${path}: the first ${noun}, ${quoted(first.cells)}, was read as values, because later ones have them too. If it names the columns, set \`header: true\`.`,
      );
    }
    checkNames(path, columns);
    visitor.begin(columns);
    for (const record of named ? rest : [first, ...rest]) pass(record);
  };
  return {
    add(record) {
      if (waiting === undefined) return pass(record);
      waiting.push(record);
      if (waiting.length > LOOKED_AT) begin();
    },
    end() {
      begin();
      if (blank > 0) notes.push(`${path}: ${blank} blank ${noun}${blank === 1 ? " is" : "s are"} left out.`);
      return notes;
    },
  };
};

const checkNames = (path: string, columns: readonly string[]): void => {
  const seen = new Map<string, number>();
  columns.forEach((name, i) => {
    const before = seen.get(name);
    if (name !== "" && before !== undefined) {
      throw new DataError(
        `${path}: expected columns with different names; found "${name}" twice, as columns ${before + 1} and ${i + 1}. Rename one of them, or, if these are values, set \`header: false\`.`,
      );
    }
    seen.set(name, i);
  });
};

const checkLength = (
  path: string,
  { cells, line }: CsvRecord,
  columns: readonly string[],
  noun: "line" | "row",
): void => {
  if (cells.length === columns.length) return;
  const missing = columns[cells.length];
  const title =
    columns.length === 1 || columns[0].startsWith("#")
      ? ` Delete titles and comments above the names of the columns.`
      : "";
  throw new DataError(
    `${path}, ${noun} ${line}: expected ${columns.length} cells, as on the first ${noun}; found ` +
      `${cells.length}${missing === undefined ? "" : `, with nothing for column "${missing}"`}.${title}`,
  );
};

const eachRecord = (path: string, bytes: Uint8Array, visit: (record: CsvRecord) => void): void => {
  // A first line such as sep=; tells Excel the delimiter.
  const told = /^sep=(.)\r?\n/.exec(Buffer.from(bytes.subarray(0, 8)).toString("latin1"));
  const body = told === null ? bytes : bytes.subarray(told[0].length);
  const skipped = told === null ? 0 : 1;
  try {
    parse(body, {
      bom: true,
      delimiter: told?.[1] ?? delimiterOf(body, /\.tsv(\.gz)?$/i.test(path) ? "\t" : undefined),
      skip_empty_lines: true,
      // Rows of the wrong length are reported here, because the names of the columns are known here.
      relax_column_count: true,
      on_record: (cells: string[], info: Pick<Info, "lines">) => {
        visit({ cells, line: info.lines + skipped });
        return null;
      },
    });
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`${path}: not well-formed CSV. ${messageOf(cause)}.`, { cause });
  }
};

/** Up to ten names in quotation marks, and the number of the others. */
export const quoted = (names: readonly string[]): string => {
  const shown = names.slice(0, 10).map((name) => `"${name}"`);
  return names.length > 10 ? `${shown.join(", ")} and ${names.length - 10} more` : shown.join(", ");
};

/** The distinct names, in numeric order if all are numbers, otherwise by code unit. */
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
