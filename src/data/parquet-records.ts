/** Rows of a Parquet file, by hyparquet. */
import { createRequire, pathToFileURL } from "#platform/modules";
import { Worker } from "#platform/processes";
import { DataError } from "../errors.ts";
import { quoted, type RecordVisitor } from "./csv-records.ts";
import { MAX_BYTES, readBytes, type SizeLimit } from "./file.ts";
import { MOST_CELLS } from "./json-records.ts";

/**
 * The reader, which runs in its own thread. A damaged file can make hyparquet read a run of 2^31 values, or allocate any amount of memory;
 * a thread can be ended and has its own memory limit. It is text because a thread starts from a file or from text, and the path of a file
 * would differ between the sources and the build.
 */
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
interface Message {
  readonly columns?: readonly { readonly name: string; readonly nested: boolean }[];
  readonly rows?: number;
  readonly held?: number;
  /** Compressions that cannot be read. */
  readonly packed?: readonly string[];
  readonly values?: readonly (readonly unknown[])[];
  readonly done?: true;
  readonly failed?: string;
}

/** Rows per message. */
const CHUNK = 4096;

/** After this many seconds without a message the file counts as damaged: much longer than reading takes, at 1 MB per second. */
const patience = (bytes: number): number => 8 + bytes / 1e6;
/** The thread's memory in MiB: numbers and words take more bytes in memory than in the file. */
const memory = (bytes: number): number => Math.min(256 + (40 * bytes) / 2 ** 20, 8192);

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
        timer = setTimeout(() => reject(damaged(`reading it did not end`)), 1000 * seconds);
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
    `${where()}: expected a number, a word, a date or null; found ${value instanceof Uint8Array ? "bytes" : "an object"}. Leave the column out of the file.`,
  );
};
