import { z } from "zod";
import { existsSync, readFileSync, truncateSync } from "#platform/files";
import { CheckpointError, UsageError } from "../errors.ts";
import { appendDurably, reason, writeError } from "./durable-write.ts";

/** A value in a line of metrics. Numbers may be NaN. */
export type MetricsValue =
  | number
  | string
  | boolean
  | readonly MetricsValue[]
  | { readonly [key: string]: MetricsValue };

/** The metrics of one epoch. */
export interface EpochMetrics {
  /** Epochs completed. */
  readonly epoch: number;
  readonly [name: string]: MetricsValue | undefined;
}

/** A file of metrics that is being written. */
export interface MetricsLog {
  /** The lines so far, beginning with those of the earlier run if it was resumed. */
  readonly lines: readonly EpochMetrics[];
  /**
   * Adds the line of an epoch, and returns when it is on the disk.
   *
   * @throws CheckpointError when it cannot be written; the file is as it was.
   * @throws UsageError when the epoch is not later than the last one.
   */
  append(metrics: EpochMetrics): void;
}

/**
 * Opens a file of metrics for writing: one JSON object in each line, one line for each epoch. Lines after
 * `completedEpochs`, and a last line that was cut short by a kill, are removed. A resumed run writes them
 * again, so its file ends like that of an uninterrupted run. Append an epoch's line before its checkpoint is
 * saved; otherwise a kill between the two loses the line.
 *
 * JSON has no NaN or infinity: both are written as null, which other readers take for a missing number, and are read
 * back as NaN. Leave a field out rather than set it to null.
 *
 * ```ts
 * const log = openMetricsLog("runs/a/metrics.jsonl", { completedEpochs: 0 });
 * log.append({ epoch: 1, train: { elbo: -140.2 }, seconds: 5.1 });
 * ```
 *
 * @param completedEpochs the epoch of the checkpoint that the run continues from; 0 starts an empty file
 * @throws CheckpointError naming file and line, when a line is damaged in another way than being cut short.
 */
export const openMetricsLog = (
  path: string,
  { completedEpochs }: { readonly completedEpochs: number },
): MetricsLog => {
  const parsed = existsSync(path) ? parse(path) : [];
  const kept = parsed.filter(({ metrics }) => metrics.epoch <= completedEpochs);
  const last = kept.at(-1);
  try {
    if (existsSync(path)) truncateSync(path, last?.end ?? 0);
  } catch (cause) {
    throw writeError(path, cause, "Nothing was changed");
  }
  // An editor may have removed the last newline.
  if (last !== undefined && !last.terminated) appendDurably(path, "\n");
  const lines = kept.map(({ metrics }) => metrics);
  return {
    lines,
    append(metrics) {
      const before = lines.at(-1)?.epoch ?? 0;
      if (!(Number.isSafeInteger(metrics.epoch) && metrics.epoch > before)) {
        throw new UsageError(`${path}: expected an epoch after ${before}, found ${metrics.epoch}`);
      }
      appendDurably(path, `${JSON.stringify(metrics)}\n`);
      lines.push(metrics);
    },
  };
};

/**
 * Reads a file of metrics: one entry for each epoch, oldest first. null is read as NaN. A last line that was cut
 * short is left out. The file is not changed.
 *
 * @throws CheckpointError naming the line, when the file is missing or a line before the last is damaged.
 */
export const readMetricsLog = (path: string): readonly EpochMetrics[] =>
  parse(path).map(({ metrics }) => metrics);

interface Line {
  readonly metrics: EpochMetrics;
  /** The position after the line, including its newline. */
  readonly end: number;
  readonly terminated: boolean;
}

const parse = (path: string): readonly Line[] => {
  const bytes = read(path);
  const lines: Line[] = [];
  let start = 0;
  let previous = 0;
  for (let number = 1; start < bytes.length; number++) {
    const newline = bytes.indexOf(10, start);
    const terminated = newline >= 0;
    const end = terminated ? newline + 1 : bytes.length;
    const text = bytes.toString("utf8", start, terminated ? newline : end);
    const { metrics, problem } = parseLine(text, previous);
    if (metrics === undefined) {
      // A line was written completely if it has its newline, so only a line without one can have been cut short.
      if (!terminated) break;
      throw new CheckpointError(
        `${path}, line ${number}: expected a JSON object with an epoch after ${previous}, found ${problem}. ` +
          "Repair or remove the line",
      );
    }
    lines.push({ metrics, end, terminated });
    previous = metrics.epoch;
    start = end;
  }
  return lines;
};

const parseLine = (text: string, previous: number): { metrics?: EpochMetrics; problem?: string } => {
  const damaged = { problem: JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text) };
  let checked: ReturnType<typeof LINE.safeParse>;
  try {
    const value: unknown = JSON.parse(text, (_, field: unknown) => (field === null ? Number.NaN : field));
    checked = LINE.safeParse(value);
  } catch {
    // Not JSON, or too deeply nested for the stack.
    return damaged;
  }
  const { success, data } = checked;
  if (!success) return damaged;
  return data.epoch > previous ? { metrics: data } : { problem: `epoch ${data.epoch}` };
};

const VALUE: z.ZodType<MetricsValue> = z.lazy(() =>
  z.union([z.number(), z.nan(), z.string(), z.boolean(), z.array(VALUE), z.record(z.string(), VALUE)]),
);
const LINE = z.object({ epoch: z.int().nonnegative() }).catchall(VALUE);

const read = (path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch (cause) {
    const why = reason(cause, { ENOENT: "no such file", EACCES: "no permission to read it" });
    throw new CheckpointError(`${path}: expected the metrics of a run: ${why}`, { cause });
  }
};
