/** Learns from the labels of a session and from all unlabelled rows: M2 on tables, M1+M2 on images. */
import { type Dataset, rowSize, select } from "../data/index.ts";
import { InternalError, UsageError } from "../errors.ts";
import {
  type BaseDeclaration,
  type ByClass,
  declarationOf,
  type Kind,
  kindOf,
  listed,
  type RunSettings,
  remember,
  Trained,
  type TrainedClassifier,
  TrainedM1,
} from "../kinds/index.ts";
import { permutation } from "../random/index.ts";
import { type GivenSettings, newRun, type OpenedRun } from "../runs/index.ts";
import { version } from "../version.ts";
import type { Features } from "./features.ts";
import type { StudioRows } from "./rows.ts";

/** Labels to learn from. */
export interface Lesson {
  /** The class of each row, as an index into `classes`; -1 if it has no label. */
  readonly labels: Int32Array;
  readonly classes: readonly string[];
  /** Rows whose mutual information is wanted, for the strategy `informative`. Default: none. */
  readonly judged?: readonly number[];
  /** Whether to start from scratch and make as many passes over all rows as a run of the kind would, however long that takes. Default false. */
  readonly thorough?: boolean;
}

/** How far a lesson is. */
export interface LessonProgress {
  readonly epoch: number;
  readonly epochs: number;
}

/** Callbacks of a lesson, and a signal to stop it. */
export interface LessonHooks {
  /** Called after each pass over the rows. */
  readonly onEpoch?: (progress: LessonProgress) => void;
  /** Ends the lesson, which then has no result: the model stays as it was. */
  readonly signal?: AbortSignal;
}

/** The model's predictions after a lesson. */
export interface Learnt {
  /** The classes that have labels, in the order of the lesson. */
  readonly classes: readonly string[];
  /** [rows, classes]. */
  readonly probabilities: Float32Array;
  /** The mutual information of the rows that the lesson names, in nats; NaN for the others. */
  readonly information?: Float32Array;
  /** Seconds of training and of prediction. */
  readonly seconds: number;
  /** Rows that the lesson went over: all, or some, if it started from the previous one. */
  readonly studied: number;
  /** Passes over them. */
  readonly epochs: number;
  /** Mean bound on log p(x) over the last pass, in nats. */
  readonly bound: number;
}

/** A row as every class that has labels, by the model of the last lesson. */
export type Explained = ByClass & { readonly classes: readonly string[] };

/** Options of {@link Learner}. */
export interface LearnerOptions {
  /** A run of `vae` or `m1` on the same rows; M2 then learns from its codes. Default: none, M2 learns from the rows. */
  readonly base?: OpenedRun;
  /**
   * Settings that replace the kind's defaults, such as `{ train: { epochs: 20 } }`. Default: none; passes are then those of the kind, or as many
   * as a person waits for if there are many rows.
   */
  readonly given?: GivenSettings;
  /** Whether a lesson starts from the parameters of the previous one, and makes fewer passes. Default true. */
  readonly warm?: boolean;
  /** Seed of the parameters and the noise. Default 0. */
  readonly seed?: number;
}

/** The kinds that are trained, on rows and on the codes of a run. */
const [ON_ROWS, ON_CODES] = ["m2", "m1m2"];

/** The runs that the kind on codes can be built on. */
const below = ((): BaseDeclaration => {
  const { base } = declarationOf(ON_CODES);
  if (base === undefined) throw new InternalError(`${ON_CODES} is not built on another kind`);
  return base;
})();

const notBelow = ({ run, kind }: OpenedRun): UsageError =>
  new UsageError(
    `${run.path}: expected a run of ${listed(below.kinds, "or")}, whose codes can be used as features; found one of ${kind.declaration.name}.`,
  );

/** @throws UsageError unless the run has codes for these rows. */
export function checkBase(base: OpenedRun, { rows }: StudioRows): void {
  const [own, found] = [rows.shape, base.run.settings.model.shape];
  if (own.join() !== found.join()) {
    throw new UsageError(
      `${base.run.path}: expected a run on rows of shape [${own.join(", ")}], like those of ${rows.name}; found [${found.join(", ")}].`,
    );
  }
  if (!below.kinds.includes(base.kind.declaration.name)) throw notBelow(base);
}

/** Passes of a lesson that starts from the previous one, as a share of those in the settings. */
const WARM_SHARE = 1 / 4;

/**
 * Rows times passes of a lesson from scratch, and its fewest passes, unless the number of passes is given: half a minute for 60,000 digits on one
 * core. In fewer passes M1+M2 does not find the classes.
 */
const COLD = { work: 240_000, epochs: 4 };

/**
 * Rows that a lesson goes over when it starts from the previous one, labelled rows included; others are drawn anew for each lesson. A person
 * waits for it: 60,000 digits take some ten seconds on one core.
 */
const MOST_WARM_ROWS = 20_000;

/** Rows × features × classes above which M2's bounds of all rows would take minutes. */
const MOST_WORK = 1e8;

/** Rows with at most this many values are trained on one thread. */
const NARROW = 100;

/** A model that is trained lesson by lesson. */
export class Learner {
  readonly #rows: StudioRows;
  readonly #options: LearnerOptions;
  #m1Bounds: Promise<Float32Array> | undefined;
  #lessons = 0;
  #last:
    | { readonly trained: TrainedClassifier; readonly values: ReadonlyMap<string, Float32Array> }
    | undefined;

  constructor(rows: StudioRows, options: LearnerOptions = {}) {
    this.#rows = rows;
    this.#options = options;
    const { base } = options;
    if (base !== undefined) checkBase(base, rows);
  }

  /** The kind of model that it trains. */
  get kind(): string {
    return this.#options.base === undefined ? ON_ROWS : ON_CODES;
  }

  /** The model of the last lesson. */
  get trained(): TrainedClassifier | undefined {
    return this.#last?.trained;
  }

  /**
   * Trains on the labels and predicts all rows. Undefined if fewer than two classes have labels, because there is nothing to learn from, and
   * after the signal.
   */
  async learn(lesson: Lesson, { onEpoch, signal }: LessonHooks = {}): Promise<Learnt | undefined> {
    const { labels, classes, judged, thorough = false } = lesson;
    const started = performance.now();
    const used = classes.map((_, k) => k).filter((k) => labels.includes(k));
    if (used.length < 2) return undefined;
    const names = used.map((k) => classes[k]);
    const labelled = {
      ...this.#rows.rows,
      labels: labels.map((label) => used.indexOf(label)),
      classes: names,
    };
    const kind = (await kindOf(this.kind)) as Kind;
    const before = thorough ? undefined : this.#before(names);
    const settings = this.#settings(labelled, { thorough, isWarm: before !== undefined });
    const base = this.#options.base?.trained;
    const model = await kind.build(settings, { train: labelled }, base);
    const studied = before === undefined ? labelled : this.#studied(labelled);
    const { trainer, trained } = await kind.training(model, studied, settings.train);
    for (const { name, tensor } of model.parameters) {
      const value = before?.get(name);
      if (value?.length === tensor.size) trainer.trainStep.value(name).set(value);
    }
    let bound = Number.NaN;
    const isWhole = await trainer.run({
      onEpoch({ means, epoch }) {
        bound = means.elbo ?? -(means.loss ?? Number.NaN);
        onEpoch?.({ epoch, epochs: settings.train.epochs });
      },
      ...(signal && { signal }),
    });
    if (!isWhole) {
      trainer.trainStep.release();
      return undefined;
    }
    const { epoch, step } = trainer.progress;
    remember(trained, { settings, epoch, step });
    const { probabilities } = await (trained as TrainedClassifier).classify(labelled);
    const information =
      judged === undefined ? undefined : await this.#informationOf(trained as TrainedClassifier, judged);
    const values = new Map(
      model.parameters.map(({ name }) => [name, Float32Array.from(trainer.trainStep.value(name))]),
    );
    this.#last = { trained: trained as TrainedClassifier, values };
    this.#lessons++;
    return {
      classes: names,
      probabilities,
      ...(information && { information }),
      seconds: (performance.now() - started) / 1000,
      studied: studied.rows,
      epochs: settings.train.epochs,
      bound,
    };
  }

  /** A row as every class. Undefined before the first lesson. */
  async explain(row: number): Promise<Explained | undefined> {
    const { trained } = this;
    if (trained === undefined) return undefined;
    return { ...(await trained.byClass(select(this.#rows.rows, [row]))), classes: trained.classes };
  }

  /**
   * A lower bound on log p(x) of each row, in nats: of M1 if there is one, else of the last lesson's model. Undefined before the first lesson,
   * and if it would take M2 minutes.
   */
  bounds(): Promise<Float32Array | undefined> {
    const { rows } = this.#rows;
    const { base } = this.#options;
    const below = base?.trained instanceof TrainedM1 ? base.trained.vae : base?.trained;
    if (below instanceof Trained) {
      // M1 does not change.
      this.#m1Bounds ??= below.bounds(rows);
      return this.#m1Bounds;
    }
    const { trained } = this;
    const work = rows.rows * rowSize(rows.shape) * (trained?.classes.length ?? 0);
    return trained === undefined || work > MOST_WORK ? Promise.resolve(undefined) : trained.bounds(rows);
  }

  /** Probabilities for other rows, over the classes of the last lesson. */
  async predict(rows: Dataset): Promise<Pick<Learnt, "classes" | "probabilities"> | undefined> {
    const { trained } = this;
    if (trained === undefined) return undefined;
    const { labels: _, classes: __, ...plain } = rows;
    return { classes: trained.classes, probabilities: (await trained.classify(plain)).probabilities };
  }

  /** Writes the model as a run that `classify` and `export` accept. */
  async save(path: string): Promise<void> {
    if (this.trained === undefined) {
      throw new UsageError(
        `${path}: expected labels of at least two classes to learn from; there is no model yet.`,
      );
    }
    await this.trained.save(path, { overwrite: true });
  }

  /** [rows]: the information of some rows, NaN for the others. */
  async #informationOf(trained: TrainedClassifier, judged: readonly number[]): Promise<Float32Array> {
    const { rows } = this.#rows;
    const all = new Float32Array(rows.rows).fill(Number.NaN);
    if (judged.length === 0) return all;
    const found = await trained.information(select(rows, judged));
    judged.forEach((row, i) => {
      // Rounding can end a little below 0.
      all[row] = Math.max(0, found[i]);
    });
    return all;
  }

  /** The rows of a lesson that starts from the previous one: as many as a person waits for. */
  #studied(rows: Dataset & { readonly labels: Int32Array; readonly classes: readonly string[] }): Dataset {
    if (rows.rows <= MOST_WARM_ROWS) return rows;
    const isLabelled = (row: number): boolean => rows.labels[row] >= 0;
    const order = [...permutation(rows.rows, this.#options.seed ?? 0, this.#lessons, "studio/lesson")];
    const drawn = [...order.filter(isLabelled), ...order.filter((row) => !isLabelled(row))];
    return select(rows, drawn.slice(0, MOST_WARM_ROWS));
  }

  /** The values to start from, if the model had the same classes. */
  #before(classes: readonly string[]): ReadonlyMap<string, Float32Array> | undefined {
    const { warm = true } = this.#options;
    const same = this.#last?.trained.classes.join("\n") === classes.join("\n");
    return warm && same ? this.#last?.values : undefined;
  }

  #settings(
    labelled: Dataset,
    { thorough, isWarm }: { readonly thorough: boolean; readonly isWarm: boolean },
  ): RunSettings {
    const { base, seed = 0, given = {} } = this.#options;
    const { epochs: asked, ...train } = given.train ?? {};
    const { likelihood, binarize, described } = this.#rows;
    const origin = { version: version(), command: "tightbound studio" };
    const observed = base
      ? below.settingsFrom(base.run.settings)
      : { model: { likelihood }, train: { binarize } };
    const whole = newRun(
      this.kind,
      {
        ...observed,
        ...given,
        model: { ...(observed as GivenSettings).model, ...given.model },
        train: {
          ...(observed as GivenSettings).train,
          seed,
          // For a small table a step takes less time than waking a second thread.
          ...(rowSize(labelled.shape) <= NARROW && { threads: 1 }),
          ...train,
          ...(asked !== undefined && !thorough && { epochs: asked }),
        },
      },
      labelled,
      described(labelled),
      origin,
    );
    if (thorough) return whole;
    const within = (work: number): number => Math.floor(work / labelled.rows);
    const isGiven = asked !== undefined;
    const cold = isGiven
      ? whole.train.epochs
      : Math.min(whole.train.epochs, Math.max(COLD.epochs, within(COLD.work)));
    if (!isWarm) return { ...whole, train: { ...whole.train, epochs: cold } };
    // A cold start first learns what the classes are from the labels alone; a warm one already knows.
    const share = Math.ceil(cold * WARM_SHARE);
    const epochs = Math.max(1, isGiven ? share : Math.min(share, within(MOST_WARM_ROWS)));
    return {
      ...whole,
      train: { ...whole.train, epochs, warmup: 0, warmupEntropy: 0 } as RunSettings["train"],
    };
  }
}

/** The codes of rows under a run of `vae` or `m1`: posterior means of its latent variable. */
export async function codesOf(base: OpenedRun, rows: Dataset): Promise<Features> {
  const found = await base.kind.encode?.(base.trained, rows);
  if (found === undefined) throw notBelow(base);
  return { values: found.codes, width: found.width };
}
