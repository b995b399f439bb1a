/** A session: a folder with the log of labels, and the model's current predictions for all rows. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { decodeRows, rowSize, rowsOf } from "../data/index.ts";
import { CheckpointError, UsageError } from "../errors.ts";
import { type RunLock, reason, takeLock, writeDurably } from "../files/index.ts";
import { openRun } from "../runs/index.ts";
import { CHECK_EVERY, drawChecks } from "./checks.ts";
import { type Chooser, chooserHere, chooserInThread } from "./chooser.ts";
import { type Features, nearestOf, principalFeatures } from "./features.ts";
import {
  calibrationErrorOf,
  type ShareEstimate,
  shareOf,
  suspectsOf,
  temperatureOf,
  tempered,
} from "./judgement.ts";
import { type LabelEvent, type LabelLog, type LabelState, openLabelLog, stateOf } from "./label-log.ts";
import { codesOf, type Learnt } from "./learner.ts";
import { type MapColumns, mapColumns, type SureRows, sureRows } from "./overview.ts";
import { loadRows, type RowsSource, type StudioRows } from "./rows.ts";
import { mostProbable } from "./simulate.ts";
import { type Teacher, teacherHere, teacherInChild } from "./teacher.ts";

/** Options of {@link openSession}. */
export interface SessionOptions {
  readonly source: RowsSource;
  /** The session's folder; a session that is already there is continued. */
  readonly folder: string;
  /** A run of `vae` or `m1` on the same rows. */
  readonly run?: string;
  /** Passes over the rows in a lesson that starts from scratch. */
  readonly epochs?: number;
  /** Whether to train in this process. Default false: in a child process. */
  readonly here?: boolean;
}

/** A row that the queue asks for. A `check` row was drawn at random: it measures the error and is not used for training. */
export interface Asked {
  readonly row: number;
  readonly by: "queue" | "check";
}

/** One lesson, as the Progress view shows it. */
export interface ProgressPoint {
  readonly labels: number;
  readonly seconds: number;
  readonly error?: ShareEstimate;
}

/** Number of rows that the queue keeps ready. More are chosen when half are used, so that fast labelling does not empty it. */
const READY = 20;
/** Labelled rows that are shown beside a row. */
const NEAREST = 5;

/**
 * Opens a session's folder, or creates it.
 *
 * @throws CheckpointError when it is a session on other data, or damaged.
 * @throws BusyError when another process has it open.
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { source, folder, run } = options;
  const rows = await loadRows(source);
  mkdirSync(folder, { recursive: true });
  // Two processes that write to one log would undo each other's labels.
  const lock = takeLock(folder);
  try {
    checkData(join(folder, "session.json"), source, rows);
    const log = openLabelLog(join(folder, "labels.jsonl"));
    const features =
      run === undefined ? await principalFeatures(rows.rows) : await codesOf(await openRun(run), rows.rows);
    const teacher = options.here ? await teacherHere(options, rows) : teacherInChild(options);
    const chooser = options.here ? chooserHere(features) : chooserInThread(features);
    const session = new Session({ rows, log, features, teacher, chooser, folder, lock });
    await session.chooseMore();
    return session;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Writes the description of the session, or compares it with the existing one. @throws CheckpointError when it is a session on other data,
 * or cannot be read.
 */
function checkData(about: string, source: RowsSource, { rows }: StudioRows): void {
  const own = { format: "tightbound studio session", source, rows: rows.rows, shape: rows.shape };
  if (!existsSync(about)) {
    writeDurably(about, `${JSON.stringify(own, null, 2)}\n`);
    return;
  }
  let found: Partial<typeof own> | null;
  try {
    found = JSON.parse(readFileSync(about, "utf8"));
  } catch (cause) {
    throw new CheckpointError(
      `${about}: expected the description of a session, as JSON: ${reason(cause)}. Give another \`out\``,
      { cause },
    );
  }
  if (!isDeepStrictEqual(found, JSON.parse(JSON.stringify(own)))) {
    throw new CheckpointError(
      `${about}: expected a session on ${source.spec} (${own.rows} rows); found one on ${found?.source?.spec} (${found?.rows} rows), or with other options. Give another \`out\``,
    );
  }
}

/** What a session is made of. */
interface SessionParts {
  readonly rows: StudioRows;
  readonly log: LabelLog;
  readonly features: Features;
  readonly teacher: Teacher;
  readonly chooser: Chooser;
  readonly folder: string;
  readonly lock: RunLock;
}

/** An open session. */
export class Session {
  readonly rows: StudioRows;
  readonly folder: string;
  readonly features: Features;
  readonly #lock: RunLock;
  readonly #log: LabelLog;
  readonly #teacher: Teacher;
  readonly #chooser: Chooser;
  /** Rows drawn at random at the start, in the order in which they are asked for. */
  readonly #checks: readonly number[];
  readonly #checkSet: ReadonlySet<number>;
  readonly #listeners = new Set<() => void>();
  #state: LabelState;
  #learnt: Learnt | undefined;
  #ready: Asked[] = [];
  #asked = 0;
  #choosing: Promise<void> | undefined;
  #learning = false;
  #behind = false;
  #problem: string | undefined;
  #progress: ProgressPoint[] = [];

  constructor({ rows, log, features, teacher, chooser, folder, lock }: SessionParts) {
    this.#lock = lock;
    this.#chooser = chooser;
    this.rows = rows;
    this.folder = folder;
    this.features = features;
    this.#log = log;
    this.#teacher = teacher;
    this.#checks = drawChecks(rows.rows.rows);
    this.#checkSet = new Set(this.#checks);
    this.#state = stateOf(log.events, { labels: rows.given, classes: rows.classes });
    this.#behind = this.#state.labels.size > 0;
  }

  get state(): LabelState {
    return this.#state;
  }

  get learnt(): Learnt | undefined {
    return this.#learnt;
  }

  /** Calls the listener after each label and each lesson. Returns a function that removes it. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Saves an event; when this returns, it is on the disk. @throws UsageError for a row or a class that does not exist. */
  record(event: LabelEvent): void {
    this.#check(event);
    this.#log.append(event);
    const before = this.#state;
    this.#state = stateOf(this.#log.events, { labels: this.rows.given, classes: this.rows.classes });
    if (event.type === "undo") {
      const undone = before.undoable.at(-1);
      const row =
        undone?.type === "label" ? undone.rows[0] : undone?.type === "aside" ? undone.row : undefined;
      const by = undone?.type === "label" && undone.by === "check" ? "check" : "queue";
      if (row !== undefined) this.#ready.unshift({ row, by });
    }
    this.#ready = this.#ready.filter(({ row }) => this.#isOpen(row));
    if (event.type !== "class") this.#behind = true;
    this.#tell();
    if (this.#ready.length < READY / 2) void this.chooseMore();
  }

  /** The row to ask for now, if any is left. */
  next(): Asked | undefined {
    return this.#ready[0];
  }

  /** Fills the queue anew with what the model knows now. While rows are being chosen, a second call waits for the same rows. */
  chooseMore(): Promise<void> {
    this.#choosing ??= this.#refill()
      .catch((error: unknown) => {
        this.#problem = error instanceof Error ? error.message : String(error);
      })
      .finally(() => {
        this.#choosing = undefined;
        this.#tell();
      });
    return this.#choosing;
  }

  /** Trains as long as there are new labels. */
  async learn(): Promise<void> {
    if (this.#learning) return;
    this.#learning = true;
    try {
      while (this.#behind) {
        this.#behind = false;
        const { classes, labels } = this.#state;
        const lesson = new Int32Array(this.rows.rows.rows).fill(-1);
        for (const [row, label] of labels) if (label.by !== "check") lesson[row] = label.class;
        this.#tell();
        const learnt = await this.#teacher.learn({ labels: lesson, classes });
        this.#problem = undefined;
        if (learnt === undefined) continue;
        this.#learnt = learnt;
        const error = this.error();
        this.#progress.push({ labels: labels.size, seconds: learnt.seconds, ...(error && { error }) });
        await this.#choosing;
        await this.chooseMore();
      }
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
    } finally {
      this.#learning = false;
      this.#tell();
    }
  }

  /** What the page always shows. */
  summary() {
    const { classes, labels, aside, undoable } = this.#state;
    const perClass = classes.map(() => 0);
    for (const label of labels.values()) perClass[label.class]++;
    const known = this.#known();
    const next = this.next();
    return {
      name: this.rows.rows.name,
      rows: this.rows.rows.rows,
      image: this.rows.rows.kind === "image",
      classes,
      perClass,
      labelled: labels.size,
      aside: aside.size,
      undoable: undoable.length,
      learning: this.#learning,
      choosing: this.#choosing !== undefined,
      ...(this.#problem !== undefined && { problem: this.#problem }),
      lessons: this.#progress.length,
      progress: this.#progress,
      ...(known && {
        checked: known.labels.length,
        calibrationError: calibrationErrorOf(known.probabilities, known.labels, known.classes),
      }),
      next: next && this.row(next.row, next.by),
    };
  }

  /** A row: its name, its cells, and the model's prediction. */
  row(row: number, by: Asked["by"] | "map" = "map") {
    if (!this.#isRow(row))
      throw new UsageError(`row: expected a number from 0 to ${this.rows.rows.rows - 1}; found ${row}.`);
    const { rows, preprocessing } = this.rows;
    const label = this.#state.labels.get(row);
    const learnt = this.#learnt;
    const width = rowSize(rows.shape);
    const cells =
      preprocessing &&
      [...decodeRows(rowsOf(rows, [row], new Float32Array(width)), preprocessing)][0].map((cell, i) => ({
        name: preprocessing.columns[i].name,
        cell: rows.observed?.[row * width + i] === 0 ? "" : String(cell),
      }));
    return {
      row,
      by,
      name: rows.rowNames?.[row] ?? String(row),
      noun: rows.rowNoun ?? "row",
      ...(cells && { cells }),
      ...(label && { label: label.class }),
      ...(learnt && {
        probabilities: learnt.classes.map((name, k) => ({
          name,
          probability: this.#calibrated(learnt)[row * learnt.classes.length + k],
        })),
      }),
    };
  }

  /** A row, and the labelled rows whose features are nearest to its own. */
  rowAndNearest(row: number) {
    const shown = this.row(row);
    const near = nearestOf(this.features, row, this.#state.labels.keys(), NEAREST);
    return { ...shown, nearest: near.map((other) => this.row(other)) };
  }

  /** Positions, labels, predictions and entropies of all rows, for the map. A class is -1 without one. */
  map(): MapColumns {
    return mapColumns(this.features, this.rows.rows.rows, this.#state, this.#learnt);
  }

  /** For each class the rows without a label that the model gives it with at least this probability, and some of them drawn at random. */
  sure(least: number): readonly SureRows[] {
    const learnt = this.#learnt;
    if (learnt === undefined) return [];
    // Check rows are for people to label: they measure what the model says.
    const isOpen = (row: number) => this.#isOpen(row) && !this.#checkSet.has(row);
    return sureRows(
      { ...learnt, probabilities: this.#calibrated(learnt) },
      this.#state.classes,
      isOpen,
      least,
    );
  }

  /** The error on check rows, which were drawn at random and are not used for training. */
  error(): ShareEstimate | undefined {
    const learnt = this.#learnt;
    if (learnt === undefined) return undefined;
    let wrong = 0;
    let rows = 0;
    for (const [row, label] of this.#state.labels) {
      if (label.by !== "check") continue;
      rows++;
      const predicted = learnt.classes[mostProbable(learnt.probabilities, row, learnt.classes.length)];
      if (predicted !== this.#state.classes[label.class]) wrong++;
    }
    return shareOf(wrong, rows);
  }

  /** Labels that disagree with the model. */
  suspects() {
    const learnt = this.#learnt;
    if (learnt === undefined) return [];
    const labels = new Map<number, number>();
    for (const [row, label] of this.#state.labels) {
      const place = learnt.classes.indexOf(this.#state.classes[label.class]);
      if (place >= 0) labels.set(row, place);
    }
    return suspectsOf(this.features, learnt.probabilities, learnt.classes.length, labels).map(
      ({ given, likely, support, row }) => ({
        ...this.row(row),
        given: learnt.classes[given],
        likely: learnt.classes[likely],
        support,
      }),
    );
  }

  /** Labels and predictions as columns, for files. */
  results() {
    const learnt = this.#learnt;
    const { rows, rowNames, rowNoun } = this.rows.rows;
    const { labels, classes } = this.#state;
    const name = (row: number): string | number => rowNames?.[row] ?? row;
    const p = learnt && this.#calibrated(learnt);
    return {
      rowColumn: rowNames ? (rowNoun ?? "file") : "row",
      labels: Array.from(labels, ([row, label]) => ({
        name: name(row),
        class: classes[label.class],
        by: label.by,
      })),
      ...(learnt &&
        p && {
          classes: learnt.classes,
          predictions: Array.from({ length: rows }, (_, row) => ({
            name: name(row),
            class: learnt.classes[mostProbable(p, row, learnt.classes.length)],
            probabilities: Array.from(
              p.subarray(row * learnt.classes.length, (row + 1) * learnt.classes.length),
            ),
          })),
        }),
    };
  }

  close(): void {
    this.#teacher.close();
    this.#chooser.close();
    this.#log.close();
    this.#lock.release();
  }

  /** Probabilities of the check rows whose classes the model knows, with their labels. */
  #known() {
    const learnt = this.#learnt;
    if (learnt === undefined) return undefined;
    const width = learnt.classes.length;
    const rows = [...this.#state.labels].flatMap(([row, { by, class: label }]) => {
      const place = by === "check" ? learnt.classes.indexOf(this.#state.classes[label]) : -1;
      return place < 0 ? [] : [{ row, place }];
    });
    return {
      classes: width,
      labels: Int32Array.from(rows, ({ place }) => place),
      probabilities: Float32Array.from(
        rows.flatMap(({ row }) => [...learnt.probabilities.subarray(row * width, (row + 1) * width)]),
      ),
    };
  }

  #temperatures = new WeakMap<Learnt, { readonly labels: number; readonly p: Float32Array }>();

  /** Probabilities of all rows, with the temperature fitted to the check rows. */
  #calibrated(learnt: Learnt): Float32Array {
    const known = this.#known();
    const cached = this.#temperatures.get(learnt);
    if (known === undefined) return learnt.probabilities;
    if (cached?.labels === known.labels.length) return cached.p;
    const temperature = temperatureOf(known.probabilities, known.labels, known.classes);
    const p =
      temperature === 1 ? learnt.probabilities : tempered(learnt.probabilities, known.classes, temperature);
    this.#temperatures.set(learnt, { labels: known.labels.length, p });
    return p;
  }

  #isRow(row: number): boolean {
    return Number.isInteger(row) && row >= 0 && row < this.rows.rows.rows;
  }

  #isOpen(row: number): boolean {
    return !this.#state.labels.has(row) && !this.#state.aside.has(row);
  }

  #check(event: LabelEvent): void {
    const { classes, undoable } = this.#state;
    if (event.type === "class" && classes.includes(event.name)) {
      throw new UsageError(`there is already a class "${event.name}".`);
    }
    if (event.type === "undo" && undoable.length === 0) throw new UsageError("there is nothing to undo.");
    const rows = event.type === "label" ? event.rows : event.type === "aside" ? [event.row] : [];
    const wrong = rows.find((row) => !this.#isRow(row));
    if (wrong !== undefined)
      throw new UsageError(`row: expected a number from 0 to ${this.rows.rows.rows - 1}; found ${wrong}.`);
    if (event.type !== "label") return;
    if (event.class >= classes.length) {
      throw new UsageError(`class: expected a number from 0 to ${classes.length - 1}; found ${event.class}.`);
    }
    // Rows that a user picked, or the queue chose, are not a random draw: they would bias the error.
    if (event.by === "check" && event.rows.some((row) => !this.#checkSet.has(row))) {
      throw new UsageError("only rows that were drawn at random can be used to measure the error.");
    }
  }

  /** Rows that the model chooses, with a random one after every third. */
  async #refill(): Promise<void> {
    const { labels, aside } = this.#state;
    const learnt = this.#learnt;
    const chosen = await this.#chooser.choose({
      rows: this.rows.rows.rows,
      labelled: new Set(labels.keys()),
      excluded: new Set([...aside.keys(), ...this.#checkSet]),
      classes: new Set(Array.from(labels.values(), (label) => label.class)).size,
      ...(learnt && { probabilities: learnt.probabilities }),
      count: READY,
    });
    const ready: Asked[] = [];
    // The row that is being looked at stays. Others may have got a label since the choice began.
    const [first] = this.#ready;
    if (first !== undefined && this.#isOpen(first.row)) ready.push(first);
    const isNew = (row: number): boolean => row !== first?.row && this.#isOpen(row);
    const queue = chosen.filter(isNew);
    const random = this.#checks.filter(isNew);
    while (ready.length < READY && (queue.length > 0 || random.length > 0)) {
      const isCheck = (++this.#asked % CHECK_EVERY === 0 && random.length > 0) || queue.length === 0;
      const row = isCheck ? random.shift() : queue.shift();
      if (row !== undefined) ready.push({ row, by: isCheck ? "check" : "queue" });
    }
    this.#ready = ready;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
