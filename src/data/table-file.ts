/** Which files are tables, and how each is read. */
import { UsageError } from "../errors.ts";
import { type RecordOptions, type RecordVisitor, readRecords } from "./csv-records.ts";
import { readJsonRecords } from "./json-records.ts";

type Format = "text" | "json" | "parquet" | "workbook";

const FORMATS: readonly (readonly [ending: RegExp, format: Format])[] = [
  [/\.[ct]sv$/, "text"],
  [/\.(jsonl|ndjson|json)$/, "json"],
  [/\.(parquet|pq)$/, "parquet"],
  [/\.xls[xm]$/, "workbook"],
];

const formatOf = (path: string): Format | undefined => {
  const name = path.toLowerCase().replace(/\.gz$/, "");
  return FORMATS.find(([ending]) => ending.test(name))?.[1];
};

/** Kinds of files that hold tables, for messages. */
export const TABLE_KINDS = ".csv, .tsv, .jsonl, .json, .parquet or .xlsx";

/** Whether a file is a table, by its name. */
export const isTableFile = (path: string): boolean => formatOf(path) !== undefined;

/** For a table of another program, how to convert it into one that can be read; undefined for other files. */
export const howToSave = (path: string): string | undefined => {
  const name = path.toLowerCase();
  if (/\.(xls|xlsb|ods|numbers)$/.test(name)) {
    return "Workbooks of this kind cannot be read: save it as .xlsx, or the sheet as CSV (decimal commas are understood), and give that file.";
  }
  if (
    /\.(arrow|feather|orc|avro|h5|hdf5|mat|rds|rdata|sav|dta|sas7bdat|sqlite3?|db|pkl|pickle|pt)$/.test(name)
  ) {
    return "Files of this kind cannot be read: save the table as CSV or Parquet, or the array as .npy.";
  }
  return undefined;
};

/** Notes for the user on how a file was read, and what messages count: lines or rows. */
export interface TableRecords {
  readonly notes: readonly string[];
  readonly rowNoun: "line" | "row";
}

/**
 * Reads a table of any kind record by record: text, JSON lines, a JSON list, Parquet or the first sheet of an Excel workbook, gzipped or not. The name of the file decides which.
 *
 * @throws UsageError for an option that does not apply to the file.
 * @throws DataError as {@link readRecords}, {@link readJsonRecords}, `readParquetRecords` and `readWorkbookRecords`.
 */
export const readTableRecords = async (
  path: string,
  options: RecordOptions,
  visitor: RecordVisitor,
): Promise<TableRecords> => {
  const format = formatOf(path) ?? "text";
  const { header, encoding, ...limit } = options;
  if (format === "text") return { notes: readRecords(path, options, visitor), rowNoun: "line" };
  if (format === "workbook") {
    if (encoding !== undefined)
      throw new UsageError(`encoding: does not apply to ${path}, whose text is always UTF-8.`);
    const { readWorkbookRecords } = await import("./workbook-records.ts");
    const { encoding: _, ...rest } = options;
    return { notes: await readWorkbookRecords(path, rest, visitor), rowNoun: "row" };
  }
  if (header !== undefined)
    throw new UsageError(`header: does not apply to ${path}, which names its columns itself.`);
  if (format === "json")
    return readJsonRecords(path, { ...limit, ...(encoding !== undefined && { encoding }) }, visitor);
  if (encoding !== undefined)
    throw new UsageError(`encoding: does not apply to ${path}, whose text is always UTF-8.`);
  const { readParquetRecords } = await import("./parquet-records.ts");
  await readParquetRecords(path, limit, visitor);
  return { notes: [], rowNoun: "row" };
};

/** Those of the options that apply to this file: rows of another kind of file than the first may be read with the options of the first. */
export const applicable = (path: string, { header, encoding, maxBytes }: RecordOptions): RecordOptions => {
  const format = formatOf(path) ?? "text";
  return {
    ...(header !== undefined && (format === "text" || format === "workbook") && { header }),
    ...(encoding !== undefined && (format === "text" || format === "json") && { encoding }),
    ...(maxBytes !== undefined && { maxBytes }),
  };
};
