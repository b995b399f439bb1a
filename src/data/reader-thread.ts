/**
 * Readers of other packages, each in a thread of its own. Such a reader may trust its files: a damaged one can make it loop, or allocate any
 * amount of memory. A thread can be ended and has its own memory limit.
 */
import { createRequire, pathToFileURL } from "#platform/modules";
import { cpuUsage, Worker } from "#platform/processes";
import { DataError } from "../errors.ts";

/**
 * After this many seconds without a message the file counts as damaged: much longer than reading takes, at 1 MB per second. They are seconds in which
 * the thread computes or waits for nothing. On a machine that is busy with other work it gets few of the seconds on the wall.
 */
const patienceOf = (bytes: number): number => 8 + bytes / 1e6;
/** So many times as long on the wall is too long whatever the reason. */
const LONGEST = 50;
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
    /** Seconds. Default: by the number of bytes. */
    readonly patience?: number;
    readonly damaged: (why: string) => DataError;
    readonly receive: (message: M, reply: (answer: string) => void) => void;
  },
): Promise<void> => {
  const { bytes, unpacked = bytes.length, patience = patienceOf(unpacked), damaged, receive } = options;
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
      /** Milliseconds: on the wall, of processors that this process used, and in which the thread's loop had nothing to do. */
      const spent = () => {
        const { user, system } = cpuUsage();
        const { idle } = thread.performance.eventLoopUtilization();
        return { wall: performance.now(), computed: (user + system) / 1000, idle };
      };
      let last = spent();
      timer = setInterval(() => {
        const now = spent();
        const [wall, computed, idle] = (["wall", "computed", "idle"] as const).map(
          (of) => now[of] - last[of],
        );
        const most = 1000 * patience;
        if (wall > most && (computed > most || idle > most || wall > LONGEST * most))
          reject(damaged("reading it did not end"));
      }, 100 * Math.min(patience, 10));
      thread.on("error", ({ message }) => reject(damaged(message)));
      thread.on("exit", () => reject(damaged("its reader ended")));
      thread.on("message", (message: M) => {
        try {
          last = spent();
          if (message.failed !== undefined) throw damaged(message.failed);
          receive(message, (answer) => thread.postMessage(answer));
          if (message.done) resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
  } finally {
    clearInterval(timer);
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
