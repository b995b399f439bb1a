/**
 * Readers of other packages, each in a thread of its own. Such a reader may trust its files: a damaged one can make it loop, or allocate any
 * amount of memory. A thread can be ended and has its own memory limit.
 */
import { createRequire, pathToFileURL } from "#platform/modules";
import { Worker } from "#platform/processes";
import { DataError } from "../errors.ts";

/** After this many seconds without a message the file counts as damaged: much longer than reading takes, at 1 MB per second. */
const patience = (bytes: number): number => 8 + bytes / 1e6;
/** The thread's memory in MiB: numbers and words take more bytes in memory than in the file. */
const memory = (bytes: number): number => Math.min(256 + (40 * bytes) / 2 ** 20, 8192);

/** What every reader may say. */
export interface ThreadMessage {
  readonly done?: true;
  readonly failed?: string;
}

/**
 * Runs a reader until it says `done`.
 *
 * @param reader its program as text, because a thread starts from a file or from text, and the path of a file would differ between the
 * sources and the build. It is given `workerData` with `url`, the address of the package, `file`, the bytes, and what `data` holds.
 * @param options.unpacked how many bytes the file has when it is unpacked. Default: as many as it is given.
 * @throws DataError, made by `damaged`, when the reader fails, ends, or says nothing for long; and what `receive` throws
 */
export const readInThread = async <M extends ThreadMessage>(
  reader: string,
  options: {
    readonly package: string;
    readonly bytes: Uint8Array;
    readonly unpacked?: number;
    readonly data?: Readonly<Record<string, unknown>>;
    readonly damaged: (why: string) => DataError;
    readonly receive: (message: M, reply: (answer: string) => void) => void;
  },
): Promise<void> => {
  const { bytes, unpacked = bytes.length, damaged, receive } = options;
  const file = new Uint8Array(bytes).buffer;
  const url = pathToFileURL(createRequire(import.meta.url).resolve(options.package)).href;
  const thread = new Worker(reader, {
    eval: true,
    workerData: { ...options.data, url, file },
    transferList: [file],
    resourceLimits: { maxOldGenerationSizeMb: memory(unpacked) },
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const wait = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => reject(damaged("reading it did not end")), 1000 * patience(unpacked));
      };
      wait();
      thread.on("error", ({ message }) => reject(damaged(message)));
      thread.on("exit", () => reject(damaged("its reader ended")));
      thread.on("message", (message: M) => {
        try {
          wait();
          if (message.failed !== undefined) throw damaged(message.failed);
          receive(message, (answer) => thread.postMessage(answer));
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

/** A date as text: without its time if that is midnight. @throws DataError when there is no such date */
export const dateCell = (value: Date, where: () => string): string => {
  if (Number.isNaN(value.getTime())) {
    throw new DataError(`${where()}: expected a date, found one out of range.`);
  }
  return value
    .toISOString()
    .replace(/T00:00:00\.000Z$/, "")
    .replace(/\.000Z$/, "Z");
};
