/** Rows of a Parquet file, by hyparquet. */
import { DataError } from "../errors.ts";
import { quoted, type RecordVisitor } from "./csv-records.ts";
import { MAX_BYTES, readBytes, type SizeLimit } from "./file.ts";
import { MOST_CELLS } from "./json-records.ts";
import { dateCell, readInThread, type ThreadMessage } from "./reader-thread.ts";

/** The reader, for `readInThread`. hyparquet can read a run of 2^31 values. */
const READER = `
const { parentPort, workerData } = require("node:worker_threads");
const zlib = require("node:zlib");
const { url, file, maxBytes, chunk } = workerData;
const fits = (size) => {
  if (Number.isInteger(size) && size >= 0 && size <= maxBytes) return size;
  throw new Error("a page of " + size + " bytes; at most " + maxBytes + " are allowed");
};
const whole = (unpack) => (input, size) => new Uint8Array(unpack(input, { maxOutputLength: fits(size) || 1 }));
(async () => {
  const { parquetMetadata, parquetReadObjects, parquetSchema, snappyUncompress } = await import(url);
  const compressors = {
    SNAPPY(input, size) {
      const out = new Uint8Array(fits(size));
      snappyUncompress(input, out);
      return out;
    },
    GZIP: whole(zlib.gunzipSync),
    BROTLI: whole(zlib.brotliDecompressSync),
    ...(zlib.zstdDecompressSync && { ZSTD: whole(zlib.zstdDecompressSync) }),
  };
  const metadata = parquetMetadata(file);
  const columns = parquetSchema(metadata).children.map(({ element, children }) => ({
    name: element.name,
    nested: children.length > 0 || element.repetition_type === "REPEATED",
  }));
  const codecs = [...new Set(metadata.row_groups.flatMap((group) => group.columns.map((column) => column.meta_data.codec)))];
  const rows = Number(metadata.num_rows);
  const held = metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  parentPort.postMessage({ columns, rows, held, packed: codecs.filter((codec) => codec !== "UNCOMPRESSED" && !compressors[codec]) });
  await new Promise((resolve) => parentPort.once("message", resolve));
  for (let start = 0; start < rows; start += chunk) {
    const objects = await parquetReadObjects({ file, metadata, compressors, rowStart: start, rowEnd: Math.min(start + chunk, rows) });
    parentPort.postMessage({ values: objects.map((row) => columns.map(({ name }) => row[name])) });
  }
  parentPort.postMessage({ done: true });
})().catch((error) => parentPort.postMessage({ failed: String(error && error.message) }));
`;

/** Messages of the thread, in this order: the columns, rows, the end; or a failure. */
interface Message extends ThreadMessage {
  readonly columns?: readonly { readonly name: string; readonly nested: boolean }[];
  readonly rows?: number;
  readonly held?: number;
  /** Compressions that cannot be read. */
  readonly packed?: readonly string[];
  readonly values?: readonly (readonly unknown[])[];
}

/** Rows per message. */
const CHUNK = 4096;

/**
 * Reads the rows of a Parquet file: numbers, words, booleans, dates and times. Null and NaN count as missing.
 *
 * @throws DataError when the file is missing, damaged or not Parquet, has a compression that cannot be read, or has columns of lists or
 * objects (the message names them).
 */
export const readParquetRecords = async (
  path: string,
  limit: SizeLimit,
  visitor: RecordVisitor,
): Promise<void> => {
  const { maxBytes = MAX_BYTES } = limit;
  let names: readonly string[] = [];
  let line = 0;
  await readInThread<Message>(READER, {
    package: "hyparquet",
    bytes: readBytes(path, limit),
    data: { maxBytes, chunk: CHUNK },
    damaged: (why) => new DataError(`${path}: not well-formed Parquet (${why}). Write the file again.`),
    receive(message, reply) {
      if (message.columns !== undefined) {
        checkColumns(path, message);
        names = message.columns.map(({ name }) => name);
        visitor.begin(names);
        reply("go on");
      }
      for (const values of message.values ?? []) {
        line++;
        const cells = values.map((value, i) =>
          cellOf(value, () => `${path}, row ${line}, column "${names[i]}"`),
        );
        const numbers = values.map((value) => typeof value === "number" || typeof value === "bigint");
        visitor.add({ cells, line, numbers });
      }
    },
  });
};

const checkColumns = (path: string, { columns = [], rows = 0, held, packed = [] }: Message): void => {
  const nested = columns.filter((column) => column.nested);
  if (nested.length > 0) {
    throw new DataError(
      `${path}: expected columns of numbers, words and dates; found lists or objects in ${quoted(nested.map(({ name }) => name))}. ` +
        "Give each of their values its own column, or leave the columns out of the file.",
    );
  }
  if (!Number.isSafeInteger(rows) || rows < 0 || rows !== held) {
    throw new DataError(
      `${path}: not well-formed Parquet (${rows} rows, but its groups have ${held} in all).`,
    );
  }
  if (rows * columns.length > MOST_CELLS) {
    throw new DataError(
      `${path}: ${rows} rows of ${columns.length} columns have ${rows * columns.length} cells; expected at most ${MOST_CELLS}. Split the file.`,
    );
  }
  if (packed.length > 0) {
    const newer = packed.includes("ZSTD")
      ? ` Node.js can unpack Zstandard from version 22.15 on; this is ${process.version}.`
      : "";
    throw new DataError(
      `${path}: its pages are compressed with ${packed.join(" and ")}, which cannot be read.${newer} Write the file with compression="snappy".`,
    );
  }
};

const cellOf = (value: unknown, where: () => string): string => {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
  if (typeof value === "string" || typeof value === "bigint" || typeof value === "boolean") {
    return String(value);
  }
  if (value instanceof Date) return dateCell(value, where);
  throw new DataError(
    `${where()}: expected a number, a word, a date or null; found ${value instanceof Uint8Array ? "bytes" : "an object"}. Leave the column out of the file.`,
  );
};
