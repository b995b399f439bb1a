/**
 * The contract of a kind of model. It is all that the command line, `config.json`, reports, the reproduction of papers, and the library's
 * `train` and `open` know of a kind: none of them names one.
 *
 * A kind is a folder with two files. `settings.ts` declares what it is. It is loaded for every command line, so it must load no library.
 * `kind.ts` is what it does. To add a kind, write such a folder and add a line to `registry.ts`.
 */
import type { Dataset, TablePreprocessing } from "../data/index.ts";
import type { Json, RunFolder } from "../files/index.ts";
import type { ParameterValues } from "../models/index.ts";
import type { Ranks } from "../mpi/index.ts";
import type { NamedParameter } from "../nn/index.ts";
import type { Measured, ReportData, Traversals } from "../report/index.ts";
import type { Progress, Trainer } from "../train/index.ts";
import type { RunSettings } from "./run-settings.ts";
import type { Table, Tree } from "./settings/setting.ts";

// What a kind is

/** The verbs that a kind may have. All kinds have train, evaluate and report. */
export const verbNames = [
  "sample",
  "reconstruct",
  "traverse",
  "encode",
  "impute",
  "classify",
  "export",
] as const;
/** A verb that some kinds have. */
export type VerbName = (typeof verbNames)[number];

/** What a kind is: loaded for every command line, without the kind's code. */
export interface Declaration {
  /** The first word of `train`, and `model.model` in `config.json`. */
  readonly name: string;
  /** Its name in headings. */
  readonly title: string;
  /** One line for the list of kinds. */
  readonly summary: string;
  /** All its settings: `model`, `train` and others. A kind with `labels` learns from labels. */
  readonly settings: Readonly<Record<string, Table>>;
  /** Whether a run with these settings learns from labels. Default: it does if the kind has settings of labels. */
  learnsFromLabels?(given: Tree): boolean;
  /** Why it does not have some flags and verbs of other kinds, by flag (`--beta`) or verb (`sample`). */
  readonly lacks?: Readonly<Record<string, string>>;
  /** Checks settings that depend on each other. Returns the problem, as `path: what was expected, what was found`. */
  readonly constraint?: (settings: { readonly train: object }) => string | undefined;
  /** Completes the settings of a new run: derives the settings that follow from others, given ones and defaults. */
  complete?(settings: Tree): void;
  /** Paths of settings that older versions wrote and nothing reads any more. */
  readonly retired?: readonly string[];
  /** The verbs it has, each with the options it adds to that verb. */
  readonly verbs: Readonly<Partial<Record<VerbName, Table>>>;
  /** Files it adds to a run's folder. */
  readonly files?: readonly string[];
  /** The run it is built on, if any. */
  readonly base?: BaseDeclaration;
  /** What it does. */
  load(): Promise<Kind>;
}

/** A run that another is built on. It is trained first, or reused from an earlier run. */
export interface BaseDeclaration {
  /** Its name in messages: `M1`. */
  readonly title: string;
  /** The setting that names the run to reuse. */
  readonly from: string;
  /** Kinds whose runs can be reused. */
  readonly kinds: readonly string[];
  /** Its folder within the run. Absent: its training is the run's own. */
  readonly folder?: string;
  /** Prefixes of the settings that a reused run decides. */
  readonly decides: readonly string[];
  /** Those settings, from the settings of the reused run. */
  settingsFrom(found: RunSettings): Tree;
}

// What a kind does

/** A model that can be trained: plain data and the functions that read it. */
export interface Model {
  /** The name of its kind. */
  readonly kind: string;
  /** Parameters that are trained, and buffers. */
  readonly parameters: readonly NamedParameter[];
}

/** A model with its parameters: what a user holds after training, or after opening a run. */
export interface TrainedModel {
  readonly model: Model;
  /** Current values of all parameters. They change while it trains. */
  readonly parameters: ParameterValues;
}

/** The rows of a run, by part. */
export interface RunData {
  readonly train: Dataset;
  /** Absent if too few rows are labelled to hold any out. */
  readonly test?: Dataset;
  /** How test rows were held out, if the data have no test part. */
  readonly heldOut?: HeldOut;
  /** Labelled rows that are kept out of `train`. */
  readonly validation?: Dataset;
  /** For a table: how its columns became features. */
  readonly preprocessing?: TablePreprocessing;
  /** What to tell the user about the data. */
  readonly notes?: readonly string[];
}

/** How test rows were held out. */
export interface HeldOut {
  /** 0 if no rows are held out. */
  readonly testFraction: number;
  readonly labelledTest: boolean;
}

/** A trainer, and the model that it trains. */
export interface Training<T> {
  readonly trainer: Trainer;
  readonly trained: T;
}

/** Named figures. */
export type Terms = { readonly [name: string]: number };

/** The figures of an epoch: a line of `metrics.jsonl`. */
export interface EpochFigures {
  /** Means over the steps of the epoch. */
  readonly train: Terms;
  readonly test: Terms;
  /** Present if there are validation rows. */
  readonly validation?: Terms;
  readonly activeUnits?: number;
  readonly beta?: number;
}

/** An opened run. */
export interface Opened<S extends RunSettings = RunSettings, T extends TrainedModel = TrainedModel> {
  readonly run: RunFolder & { readonly settings: S };
  readonly trained: T;
  /** Number of epochs it was trained for. */
  readonly epoch: number;
}

/** What a run stores to rebuild its model. */
export interface Stored<S extends RunSettings> {
  readonly run: RunFolder & { readonly settings: S };
  /** The checkpoint's values of a model's parameters. @throws CheckpointError when they belong to another architecture. */
  valuesOf(parameters: readonly NamedParameter[]): ParameterValues;
  /** What `built` returned when it was saved. */
  readonly built: { readonly [key: string]: Json };
  /** The run it is built on, if that has its own folder. */
  readonly base?: TrainedModel;
}

/** What to measure besides the cheap figures. */
export interface MeasureOptions {
  /** Validation rows, whose error is reported beside the test error. */
  readonly validation?: Dataset;
  /** Importance samples for the log-likelihood. Default 500. */
  readonly samples?: number;
  /** Rows used for the log-likelihood, from the first. Default 2000. */
  readonly rows?: number;
  /** Importance samples for Bayes' rule; 0 skips it. Default 20. */
  readonly bayesSamples?: number;
  /** Rows classified by Bayes' rule, from the first. Default all. */
  readonly bayesRows?: number;
  /** Whether to measure also what takes long and only a report shows. Default false. */
  readonly full?: boolean;
  /** Called during the work with a line about its progress. */
  readonly onProgress?: (line: string) => void;
}

/** The rows that a report shows, and their figures. */
export interface Shown {
  /** "test" for held-out rows, "training" if no rows were held out. */
  readonly part: "test" | "training";
  readonly rows: Dataset;
  readonly data: RunData;
  /** Absent if errors are wanted and no row is labelled. */
  readonly measured?: Measured;
}

/** Values of the options that a kind adds to a verb, by their names in its table. */
export type VerbOptions = Readonly<Record<string, unknown>>;

/** How missing values are filled. */
export interface ImputeOptions {
  /** Completions of each row, drawn from the posterior. By default one, of posterior means. */
  readonly draws?: number;
  /** Importance samples of z for each row. Default 200. */
  readonly samples?: number;
  /** Seed of the draws. Default 0. */
  readonly seed?: number;
}

/** Rows that a model drew. */
export interface Drawn {
  /** [rows, features]. */
  readonly values: Float32Array;
  readonly count: number;
  /** Columns of the picture, if its rows mean something. */
  readonly columns?: number;
  /** Cells that go before the features of each row. */
  readonly heads?: {
    readonly names: readonly string[];
    /** The cells of a row. */
    cells(row: number): readonly (string | number)[];
  };
  /** What they are, to follow their number: `samples of each of 10 classes`. */
  readonly noun: string;
  /** What `--json` adds to the count. */
  readonly json?: Readonly<Record<string, unknown>>;
}

/** A classifier's prediction for each row. */
export interface Classified {
  /** Class indices. */
  readonly predicted: Int32Array;
  /** [rows, classes]; absent if the classifier gives none. */
  readonly probabilities?: Float32Array;
}

/** A function exported as an ONNX file, with the library's own function to compare it with. */
export interface Exported {
  /** Name of the file without extension: `encoder`. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly inputs: readonly {
    readonly name: string;
    /** [rows, width]; `batch` if the number of rows is free. */
    readonly shape: readonly [number | "batch", number];
    /** Values to test it with: draws of this distribution, or one-hot rows. */
    readonly tried: "uniform" | "normal" | "one-hot";
  }[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly (number | "batch")[] }[];
  /** The library's own results, for inputs by name with any number of rows. */
  compute(inputs: Readonly<Record<string, Float32Array>>): Promise<Readonly<Record<string, Float32Array>>>;
}

/**
 * What a kind does. It has the verbs that its declaration names.
 *
 * `S`: its settings; `M`: its model; `T`: the trained model; `W`: the model while it trains, if that is another type.
 */
export interface Kind<
  S extends RunSettings = RunSettings,
  M extends Model = Model,
  T extends TrainedModel = TrainedModel,
  W extends TrainedModel = T,
> {
  readonly declaration: Declaration;
  /** Checks that rows fit the settings. @throws UsageError when they do not. */
  checkRows(settings: S, rows: Dataset): void;
  /** Builds the model with fresh parameters. */
  build(settings: S, data: RunData, base?: TrainedModel): M | Promise<M>;
  /** What a checkpoint must store, besides the settings, to rebuild the model. */
  built?(model: M): { readonly [key: string]: Json };
  /** The settings `model` of a model made in memory, and of its base. Absent: such a model cannot be saved. */
  describe?(model: M): Tree;
  /** The trained model that a model made in memory is built on. */
  baseOf?(model: M): TrainedModel | undefined;
  /** Compiles the training of a model, by one process or by ranks that share each minibatch. @throws UsageError when the data do not fit it. */
  training(model: M, rows: Dataset, settings: S["train"], ranks?: Ranks): Promise<Training<W>>;
  /** What is measured after an epoch. */
  figures(trained: W, data: RunData, settings: S, progress: Progress): Promise<EpochFigures>;
  /** The settings of the base run. */
  baseRun?(settings: S): RunSettings;
  /** The model from a checkpoint copied from another run, as if it had just been trained. */
  adopt?(stored: Stored<S>): W;
  /** Completes a run after training: writes the files it needs. */
  finish?(trained: W, data: RunData, run: RunFolder & { readonly settings: S }): Promise<void>;
  /** Whether a completed run has all its files. */
  isComplete?(run: RunFolder & { readonly settings: S }): boolean;
  /** Opens the trained model from what was stored. */
  open(stored: Stored<S>): T | Promise<T>;
  /** What `--json` adds to the figures of a trained model. */
  facts?(trained: T): Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;
  /** What a person should be told of a model when its training is done. */
  cautions?(trained: T, data: RunData): Promise<readonly string[]>;
  /** Whether to measure it when training ends, because its epochs do not show how good it is. */
  readonly measuredAtEnd?: boolean;
  /** All figures of `evaluate`. @throws UsageError when errors are wanted and the rows have no labels. */
  measure(trained: T, rows: Dataset, options?: MeasureOptions): Promise<Measured>;
  /** All that a report shows. */
  report(opened: Opened<S, T>, shown: Shown): Promise<ReportData>;

  /** Draws from the prior, decoded. */
  sample?(
    trained: T,
    asked: { readonly count?: number; readonly seed: number } & VerbOptions,
  ): Promise<Drawn>;
  /** Rows as the model sees them, and their reconstructions. */
  reconstruct?(
    trained: T,
    rows: Dataset,
    indices: readonly number[],
  ): Promise<{ readonly originals: Float32Array; readonly reconstructions: Float32Array }>;
  /** Moves one latent dimension at a time through the prior. Default dimensions: the most active on `rows`. */
  traverse?(
    trained: T,
    rows: () => Promise<Dataset>,
    dimensions?: readonly number[],
  ): Promise<Omit<Traversals, "images"> & { readonly pixels: Float32Array }>;
  /** Codes of rows: [rows, width]. */
  encode?(trained: T, rows: Dataset): Promise<{ readonly codes: Float32Array; readonly width: number }>;
  /** Rows with their missing values filled: [draws or 1, rows, features]. */
  impute?(trained: T, rows: Dataset, options: ImputeOptions): Promise<Float32Array>;
  /** Predicts the class of every row. */
  classify?(trained: T, rows: Dataset, options: VerbOptions): Promise<Classified>;
  /** Functions as ONNX files, for `rows` rows per call, or for any number. */
  export?(trained: T, rows?: number): readonly Exported[];
}
