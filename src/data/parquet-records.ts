/** Rows of a Parquet file, by hyparquet. */
import { createRequire, pathToFileURL } from "#platform/modules";
import { Worker } from "#platform/processes";
import { DataError } from "../errors.ts";
import { quoted, type RecordVisitor } from "./csv-records.ts";
import { MAX_BYTES, readBytes, type SizeLimit } from "./file.ts";
import { MOST_CELLS } from "./json-records.ts";

/**
 * What reads, in a thread of its own. A damaged file may ask hyparquet for a run of 2^31 values, or for any memory; a thread can be ended and
 * has a limit of its own. It is text, since a thread begins with a file or with text, and this one must be the same for sources and for
 * what is built of them.
 */
const READER = `
const { parentPort, workerData } = require("node:worker_threads");
const zlib = require("node:zlib");
const { url, file, maxBytes, chunk } = workerData;
const fits = (size) => {
  if (Number.isInteger(size) && size >= 0 && size <= maxBytes) return size;
  throw new Error("a page of " + size + " bytes, where " + maxBytes + " are allowed");
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

/** What the thread says, in this order: the columns, rows, the end; or that it failed. */
interface Message {
  readonly columns?: readonly { readonly name: string; readonly nested: boolean }[];
  readonly rows?: number;
  readonly held?: number;
  /** Ways of packing that are not read. */
  readonly packed?: readonly string[];
  readonly values?: readonly (readonly unknown[])[];
  readonly done?: true;
  readonly failed?: string;
}

/** Rows that one message brings. */
const CHUNK = 4096;

/** Seconds without a word after which a file is damaged: far more than reading takes, at 1 MB a second. */
const patience = (bytes: number): number => 8 + bytes / 1e6;
/** The thread's memory in MiB: numbers and words take more than their bytes in the file. */
const memory = (bytes: number): number => Math.min(256 + (40 * bytes) / 2 ** 20, 8192);

/**
 * Reads the rows of a Parquet file: numbers, words, booleans, dates and times. Null, and NaN, is no value.
 *
 * @throws DataError when the file is missing, no Parquet, damaged, packed in a way that is not read, or has columns of lists or objects
 * (the message names them).
 */
export const readParquetRecords = async (
  path: string,
  limit: SizeLimit,
  visitor: RecordVisitor,
): Promise<void> => {
  const { maxBytes = MAX_BYTES } = limit;
  const bytes = readBytes(path, limit);
  const file = new Uint8Array(bytes).buffer;
  const url = pathToFileURL(createRequire(import.meta.url).resolve("hyparquet")).href;
  const thread = new Worker(READER, {
    eval: true,
    workerData: { url, file, maxBytes, chunk: CHUNK },
    transferList: [file],
    resourceLimits: { maxOldGenerationSizeMb: memory(bytes.length) },
  });
  const damaged = (why: string): DataError =>
    new DataError(`${path}: not well-formed Parquet (${why}). Write the file again.`);
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      let names: readonly string[] = [];
      let line = 0;
      const wait = (): void => {
        clearTimeout(timer);
        const seconds = patience(bytes.length);
        timer = setTimeout(() => reject(damaged(`reading it does not end`)), 1000 * seconds);
      };
      wait();
      thread.on("error", ({ message }) => reject(damaged(message)));
      thread.on("exit", () => reject(damaged("its reader ended")));
      thread.on("message", (message: Message) => {
        try {
          wait();
          if (message.failed !== undefined) throw damaged(message.failed);
          if (message.columns !== undefined) {
            checkColumns(path, message);
            names = message.columns.map(({ name }) => name);
            visitor.begin(names);
            thread.postMessage("go on");
          }
          for (const values of message.values ?? []) {
            line++;
            const cells = values.map((value, i) =>
              cellOf(value, () => `${path}, row ${line}, column "${names[i]}"`),
            );
            visitor.add({ cells, line });
          }
          if (message.done) resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
};

const checkColumns = (path: string, { columns = [], rows = 0, held, packed = [] }: Message): void => {
  const nested = columns.filter((column) => column.nested);
  if (nested.length > 0) {
    throw new DataError(
      `${path}: expected columns of numbers, words and dates; found lists or objects in ${quoted(nested.map(({ name }) => name))}. ` +
        "Give each of their values a column of its own, or leave the columns out of the file.",
    );
  }
  if (!Number.isSafeInteger(rows) || rows < 0 || rows !== held) {
    throw new DataError(`${path}: not well-formed Parquet (${rows} rows, in groups of ${held} together).`);
  }
  if (rows * columns.length > MOST_CELLS) {
    throw new DataError(
      `${path}: ${rows} rows of ${columns.length} columns are ${rows * columns.length} cells; expected at most ${MOST_CELLS}. Split the file.`,
    );
  }
  if (packed.length > 0) {
    const newer = packed.includes("ZSTD")
      ? ` Node.js unpacks Zstandard from version 22.15 on; this is ${process.version}.`
      : "";
    throw new DataError(
      `${path}: its pages are packed by ${packed.join(" and ")}, which is not read.${newer} Write the file with compression="snappy".`,
    );
  }
};

const cellOf = (value: unknown, where: () => string): string => {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
  if (typeof value === "string" || typeof value === "bigint" || typeof value === "boolean") {
    return String(value);
  }
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) {
      throw new DataError(`${where()}: expected a date, found one out of range.`);
    }
    return value
      .toISOString()
      .replace(/T00:00:00\.000Z$/, "")
      .replace(/\.000Z$/, "Z");
  }
  throw new DataError(
    `${where()}: expected a number, a word, a date or nothing; found ${value instanceof Uint8Array ? "bytes" : "an object"}. Leave the column out of the file.`,
  );
};
