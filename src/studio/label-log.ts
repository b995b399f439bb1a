/** The labels of a session: an append-only log with one line per action of the user. Each is on the disk before it takes effect. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { CheckpointError } from "../errors.ts";

const row = z.int().min(0);

/** One action of the user. */
export const labelEvent = z.discriminatedUnion("type", [
  /** A class is added; its index is the number of classes before it. */
  z.strictObject({ type: z.literal("class"), name: z.string().min(1).max(200) }),
  /**
   * Rows are given a class. `by`: `queue` for a row that the queue asked for, `check` for one drawn at random to measure the error, `map`
   * for one that the person picked, `bulk` for many at once.
   */
  z.strictObject({
    type: z.literal("label"),
    rows: z.array(row).min(1),
    class: z.int().min(0),
    by: z.enum(["queue", "check", "map", "bulk"]),
  }),
  /** A row is not asked for again: `skip` if its class is hard to tell, `none` if it belongs to no class. */
  z.strictObject({ type: z.literal("aside"), row, why: z.enum(["skip", "none"]) }),
  /** Takes back the last label, or the last row put aside, that is still in effect. */
  z.strictObject({ type: z.literal("undo") }),
]);
export type LabelEvent = z.output<typeof labelEvent>;

/** The state after all events of the log. */
export interface LabelState {
  readonly classes: readonly string[];
  /** The class of each labelled row, and how the label was given. */
  readonly labels: ReadonlyMap<number, { readonly class: number; readonly by: string }>;
  /** Rows put aside. */
  readonly aside: ReadonlyMap<number, "skip" | "none">;
  /** Events that can be undone. */
  readonly undoable: readonly LabelEvent[];
}

/** Applies a log's events. Rows of `given`, whose class is in the data, come first. */
export function stateOf(
  events: readonly LabelEvent[],
  given: { readonly labels: Int32Array; readonly classes: readonly string[] },
): LabelState {
  const classes = [...given.classes];
  const counting: LabelEvent[] = [];
  for (const event of events) {
    if (event.type === "class") classes.push(event.name);
    else if (event.type === "undo") counting.pop();
    else counting.push(event);
  }
  const labels = new Map<number, { class: number; by: string }>();
  given.labels.forEach((label, at) => {
    if (label >= 0) labels.set(at, { class: label, by: "data" });
  });
  const aside = new Map<number, "skip" | "none">();
  for (const event of counting) {
    if (event.type === "label") {
      for (const one of event.rows) {
        labels.set(one, { class: event.class, by: event.by });
        aside.delete(one);
      }
    } else if (event.type === "aside") {
      labels.delete(event.row);
      aside.set(event.row, event.why);
    }
  }
  return { classes, labels, aside, undoable: counting };
}

/** An open log. */
export interface LabelLog {
  readonly events: readonly LabelEvent[];
  /** Writes an event and syncs the file. When it returns, the event survives a crash or a power cut. */
  append(event: LabelEvent): void;
  close(): void;
}

/**
 * Opens a log, or creates it. An incomplete last line is removed: its event was never confirmed.
 *
 * @throws CheckpointError when a line is damaged; the message gives the file and the line.
 */
export function openLabelLog(path: string): LabelLog {
  const events: LabelEvent[] = [];
  const isNew = !existsSync(path);
  if (!isNew) {
    const bytes = readFileSync(path);
    const end = bytes.lastIndexOf(10) + 1;
    if (end < bytes.length) truncateSync(path, end);
    const lines = bytes.subarray(0, end).toString("utf8").split("\n").slice(0, -1);
    lines.forEach((line, i) => {
      events.push(parsed(line, path, i + 1));
    });
  }
  const file = openSync(path, "a");
  let size = isNew ? 0 : readFileSync(path).length;
  fsyncSync(file);
  if (isNew) syncFolder(dirname(path));
  return {
    events,
    append(event) {
      const bytes = Buffer.from(`${JSON.stringify(labelEvent.parse(event))}\n`);
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
        fsyncSync(file);
      } catch (cause) {
        // An incomplete line would make the next one unreadable.
        try {
          truncateSync(path, size);
        } catch {
          // The first error is the one to report.
        }
        throw new CheckpointError(
          `cannot write ${path}: ${cause instanceof Error ? cause.message : String(cause)}. The label was not saved; earlier ones are`,
          { cause },
        );
      }
      size += bytes.length;
      events.push(event);
    },
    close: () => closeSync(file),
  };
}

function parsed(line: string, path: string, number: number): LabelEvent {
  try {
    return labelEvent.parse(JSON.parse(line));
  } catch (cause) {
    throw new CheckpointError(
      `${path}, line ${number}: expected an action of the user, as JSON; found ${line.slice(0, 80)}. Remove the line if it was edited by hand`,
      { cause },
    );
  }
}

/** A new file survives a power cut once its folder is synced. */
function syncFolder(path: string): void {
  try {
    const folder = openSync(path, "r");
    fsyncSync(folder);
    closeSync(folder);
  } catch {
    // Some file systems cannot sync a folder; nothing can be done about that.
  }
}
