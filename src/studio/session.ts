/** A session: the log of labels, lessons as labels come in, and the rows to ask for. */
import { join } from "node:path";
import { UsageError } from "../errors.ts";
import type { RunLock } from "../files/index.ts";
import { drawChecks } from "./checks.ts";
import type { Chooser } from "./chooser.ts";
import { type Delivered, delivered } from "./delivered.ts";
import type { Features } from "./features.ts";
import type { ShareEstimate } from "./judgement.ts";
import { type LabelEvent, type LabelLog, type LabelState, stateOf } from "./label-log.ts";
import type { Explained, Learnt, LessonProgress } from "./learner.ts";
import { MapPlaces } from "./map-places.ts";
import { Outliers } from "./outliers.ts";
import { candidatesOf } from "./queue.ts";
import { type Asked, Ready } from "./ready.ts";
import type { StudioRows } from "./rows.ts";
import type { SeeingProgress } from "./seeing.ts";
import { readSettings, type SessionSettings, writeSettings } from "./settings.ts";
import { Stabilising, type Stability } from "./stopping.ts";
import type { Teacher } from "./teacher.ts";

/** One lesson, as the Progress view shows it. */
export interface ProgressPoint {
  readonly labels: number;
  readonly seconds: number;
  /** Mean bound on log p(x) over the lesson's last pass, in nats. */
  readonly bound: number;
  readonly error?: ShareEstimate;
}

/** What learns and chooses in a session. M1, when it is trained, brings others. */
export interface SessionTools {
  readonly features: Features;
  readonly teacher: Teacher;
  readonly chooser: Chooser;
}

/** What a session is made of. */
export interface SessionParts extends SessionTools {
  readonly rows: StudioRows;
  readonly log: LabelLog;
  readonly folder: string;
  readonly lock: RunLock;
  /** Makes UMAP's map of features. */
  readonly umap: (features: Features) => Promise<Float32Array>;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** An open session. */
export class Session {
  readonly rows: StudioRows;
  readonly folder: string;
  readonly places: MapPlaces;
  readonly outliers = new Outliers();
  readonly #lock: RunLock;
  readonly #log: LabelLog;
  /** Rows drawn at random at the start, in the order in which they are asked for. */
  readonly #checks: readonly number[];
  readonly #checkSet: ReadonlySet<number>;
  readonly #listeners = new Set<() => void>();
  readonly #ready: Ready;
  readonly #stabilising = new Stabilising();
  readonly #settingsFile: string;
  #tools: SessionTools;
  #settings: SessionSettings;
  #state: LabelState;
  #learnt: Learnt | undefined;
  #delivered: Delivered | undefined;
  #choosing: Promise<void> | undefined;
  #learning: Promise<void> | undefined;
  #behind = false;
  /** Whether a thorough lesson was asked for, and how far it is. */
  #isThorough = false;
  #thorough: LessonProgress | undefined;
  #problem: string | undefined;
  #progress: ProgressPoint[] = [];
  #seeing: SeeingProgress | undefined;
  #stopSeeing: () => void = () => undefined;
  #isClosed = false;
  /** Whether other tools wait for the lesson to end. */
  #isChanging = false;

  constructor({ rows, log, folder, lock, umap, ...tools }: SessionParts) {
    this.rows = rows;
    this.folder = folder;
    this.#lock = lock;
    this.#log = log;
    this.#tools = tools;
    this.#checks = drawChecks(rows.rows.rows);
    this.#checkSet = new Set(this.#checks);
    this.#ready = new Ready(this.#checks, (row) => this.isOpen(row));
    this.#settingsFile = join(folder, "settings.json");
    this.#settings = readSettings(this.#settingsFile);
    this.#state = stateOf(log.events, { labels: rows.given, classes: rows.classes });
    this.#behind = this.#state.labels.size > 0;
    this.places = new MapPlaces(tools.features, umap, () => this.#tell());
    this.places.choose(this.#settings.layout);
  }

  get state(): LabelState {
    return this.#state;
  }

  get learnt(): Learnt | undefined {
    return this.#learnt;
  }

  get features(): Features {
    return this.#tools.features;
  }

  get settings(): SessionSettings {
    return this.#settings;
  }

  /** The predictions of the last lesson as they are delivered. Undefined before the first. */
  get delivered(): Delivered | undefined {
    if (this.#learnt !== undefined) this.#delivered ??= delivered(this.#learnt, this.#state);
    return this.#delivered;
  }

  /** What the last lessons say about more labels. */
  get stability(): Stability | undefined {
    return this.#stabilising.stability;
  }

  /** What goes on, for the page. */
  get activity() {
    return {
      learning: this.#learning !== undefined,
      choosing: this.#choosing !== undefined,
      progress: this.#progress,
      ...(this.#problem !== undefined && { problem: this.#problem }),
      ...(this.#seeing && { seeing: this.#seeing }),
      ...(this.#thorough && { thorough: this.#thorough }),
    };
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
    this.#delivered = undefined;
    if (event.type === "undo") {
      const undone = before.undoable.at(-1);
      const row =
        undone?.type === "label" ? undone.rows[0] : undone?.type === "aside" ? undone.row : undefined;
      const by = undone?.type === "label" && undone.by === "check" ? "check" : "queue";
      if (row !== undefined) this.#ready.putBack({ row, by });
    }
    this.#ready.prune();
    if (event.type !== "class") {
      this.#behind = true;
      this.stopThorough();
    }
    this.#tell();
    if (this.#ready.isLow) void this.chooseMore();
  }

  /** Changes what the person chose on the page; when this returns, it is on the disk. */
  change(settings: Partial<SessionSettings>): void {
    const before = this.#settings;
    this.#settings = { ...before, ...settings };
    writeSettings(this.#settingsFile, this.#settings);
    this.places.choose(this.#settings.layout);
    this.#tell();
    if (before.strategy === this.#settings.strategy) return;
    // The information is computed with a lesson.
    if (this.#settings.strategy === "informative" && this.#learnt !== undefined) {
      this.#behind = true;
      void this.learn();
    }
    void this.chooseMore();
  }

  /** The row to ask for now, if any is left. */
  next(): Asked | undefined {
    return this.#ready.first;
  }

  /** Whether a row has no label and was not put aside. */
  isOpen(row: number): boolean {
    return !this.#state.labels.has(row) && !this.#state.aside.has(row);
  }

  /** Whether a row measures the error. */
  isCheck(row: number): boolean {
    return this.#checkSet.has(row);
  }

  /** @throws UsageError unless it is the number of a row. */
  checkRow(row: number): void {
    const { rows } = this.rows.rows;
    if (Number.isInteger(row) && row >= 0 && row < rows) return;
    throw new UsageError(`row: expected a number from 0 to ${rows - 1}; found ${row}.`);
  }

  /** A row as every class, by the model of the last lesson. Undefined before the first. */
  explain(row: number): Promise<Explained | undefined> {
    this.checkRow(row);
    return this.#learnt === undefined ? Promise.resolve(undefined) : this.#tools.teacher.explain(row);
  }

  /** Fills the queue anew with what the model knows now. While rows are being chosen, a second call waits for the same rows. */
  chooseMore(): Promise<void> {
    this.#choosing ??= this.#refill()
      .catch((error: unknown) => {
        this.#problem = messageOf(error);
      })
      .finally(() => {
        this.#choosing = undefined;
        this.#tell();
      });
    return this.#choosing;
  }

  /** Trains as long as there are new labels. */
  learn(): Promise<void> {
    this.#learning ??= this.#lessons()
      .catch((error: unknown) => {
        if (!this.#isClosed) this.#problem = messageOf(error);
      })
      .finally(() => {
        this.#learning = undefined;
        this.#tell();
      });
    return this.#learning;
  }

  /**
   * Trains from scratch, as long as a run would, and goes on from there. A new label ends it, because what it learns from is then out of date.
   */
  async learnThoroughly(): Promise<void> {
    this.#isThorough = true;
    await this.learn();
  }

  /** Ends a thorough lesson; the model stays as it was before. */
  stopThorough(): void {
    this.#isThorough = false;
    if (this.#thorough !== undefined) this.#tools.teacher.stop();
  }

  /**
   * Goes on with other tools when they are ready: with the codes of a run, or with M1, once it is trained. Until then nothing changes.
   *
   * @param better resolves when they are ready
   * @param stop ends the work that makes them
   */
  async improve(better: Promise<SessionTools>, stop: () => void = () => undefined): Promise<void> {
    this.#stopSeeing = stop;
    let learnsAnew = false;
    try {
      const tools = await better;
      learnsAnew = tools.teacher !== this.#tools.teacher;
      this.#isChanging = learnsAnew;
      const wasThorough = this.#thorough !== undefined;
      if (learnsAnew) this.stopThorough();
      while (this.#choosing !== undefined || (learnsAnew && this.#learning !== undefined)) {
        await this.#choosing;
        if (learnsAnew) await this.#learning;
      }
      if (this.#isClosed) {
        closeTools(tools);
        return;
      }
      this.#tools.chooser.close();
      if (learnsAnew) this.#tools.teacher.close();
      this.#tools = tools;
      this.places.replace(tools.features);
      if (learnsAnew) {
        this.outliers.clear();
        this.#behind = this.#state.labels.size > 0;
        this.#isThorough = wasThorough;
      }
    } catch (error) {
      if (!this.#isClosed) this.#problem = messageOf(error);
    }
    this.#isChanging = false;
    this.#seeing = undefined;
    this.#tell();
    if (this.#isClosed) return;
    await this.chooseMore();
    // Codes alone change no lesson; the next begins when the person pauses.
    if (learnsAnew) await this.learn();
  }

  /** Says how far the training of M1 is. */
  seeing(progress: SeeingProgress): void {
    this.#seeing = progress;
    this.#tell();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopSeeing();
    closeTools(this.#tools);
    this.#log.close();
    this.#lock.release();
  }

  async #lessons(): Promise<void> {
    while ((this.#behind || this.#isThorough) && !this.#isClosed && !this.#isChanging) {
      // First what is new, which is quick.
      const thorough = !this.#behind;
      this.#behind = false;
      if (thorough) {
        this.#isThorough = false;
        this.#thorough = { epoch: 0, epochs: 0 };
      }
      const { classes, labels } = this.#state;
      const lesson = new Int32Array(this.rows.rows.rows).fill(-1);
      for (const [row, label] of labels) if (label.by !== "check") lesson[row] = label.class;
      this.#tell();
      const judged =
        this.#settings.strategy === "informative" ? candidatesOf(this.#queueState(), 0) : undefined;
      const { teacher } = this.#tools;
      const given = { labels: lesson, classes, thorough, ...(judged && { judged }) };
      const learnt = await teacher
        .learn(given, (progress) => {
          if (!thorough) return;
          this.#thorough = progress;
          this.#tell();
        })
        .finally(() => {
          this.#thorough = undefined;
        });
      this.#problem = undefined;
      if (learnt === undefined) continue;
      this.#learnt = learnt;
      this.#delivered = undefined;
      this.#stabilising.add(learnt, labels.size);
      const error = this.delivered?.error;
      const { seconds, bound } = learnt;
      this.#progress.push({ labels: labels.size, seconds, bound, ...(error && { error }) });
      this.outliers.refresh(teacher, () => this.#tell());
      await this.#choosing;
      await this.chooseMore();
    }
  }

  #check(event: LabelEvent): void {
    const { classes, undoable } = this.#state;
    if (event.type === "class" && classes.includes(event.name)) {
      throw new UsageError(`there is already a class "${event.name}".`);
    }
    if (event.type === "undo" && undoable.length === 0) throw new UsageError("there is nothing to undo.");
    const rows = event.type === "label" ? event.rows : event.type === "aside" ? [event.row] : [];
    for (const row of rows) this.checkRow(row);
    if (event.type !== "label") return;
    if (event.class >= classes.length) {
      throw new UsageError(`class: expected a number from 0 to ${classes.length - 1}; found ${event.class}.`);
    }
    // Rows that a user picked, or the queue chose, are not a random draw: they would bias the error.
    if (event.by === "check" && event.rows.some((row) => !this.isCheck(row))) {
      throw new UsageError("only rows that were drawn at random can be used to measure the error.");
    }
  }

  #queueState() {
    const { labels, aside } = this.#state;
    return {
      rows: this.rows.rows.rows,
      labelled: new Set(labels.keys()),
      excluded: new Set([...aside.keys(), ...this.#checkSet]),
    };
  }

  #refill(): Promise<void> {
    const { labels } = this.#state;
    const learnt = this.#learnt;
    return this.#ready.refill(this.#tools.chooser, {
      ...this.#queueState(),
      strategy: this.#settings.strategy,
      classes: new Set(Array.from(labels.values(), (label) => label.class)).size,
      ...(learnt && { probabilities: learnt.probabilities }),
      ...(learnt?.information && { information: learnt.information }),
    });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

const closeTools = ({ teacher, chooser }: SessionTools): void => {
  teacher.close();
  chooser.close();
};
