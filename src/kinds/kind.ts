/**
 * A kind of model, as everything above it knows it: the command line, `config.json`, reports, the reproduction of papers, `train` and
 * `open` of the library. None of these names a kind.
 *
 * A kind is a folder with two sides. `settings.ts` declares what it is, and is read whenever a command line is: it loads no library.
 * `kind.ts` is what it does. A new kind is such a folder, and one line in `registry.ts`.
 */
import type { Dataset, TablePreprocessing } from "../data/index.ts";
import type { Json, RunFolder } from "../files/index.ts";
import type { ParameterValues } from "../models/index.ts";
import type { NamedParameter } from "../nn/index.ts";
import type { Measured, ReportData, Traversals } from "../report/index.ts";
import type { Progress, Trainer } from "../train/index.ts";
import type { RunSettings } from "./run-settings.ts";
import type { Table, Tree } from "./settings/setting.ts";

// What a kind is

/** The verbs that a kind may have beside those that all have: train, evaluate, report. */
export const verbNames = ["sample", "reconstruct", "traverse", "encode", "classify", "export"] as const;
/** A verb that some kinds have. */
export type VerbName = (typeof verbNames)[number];

/** What a kind is: read when a command line is, without its code. */
export interface Declaration {
  /** The first word of `train`, and `model.model` in `config.json`. */
  readonly name: string;
  /** As a heading names it. */
  readonly title: string;
  /** What it is, for a list of kinds. */
  readonly summary: string;
  /** All its settings: `model`, `train`, and what else it has. `labels` makes it a kind that learns from labels. */
  readonly settings: Readonly<Record<string, Table>>;
  /** Whether a run of it learns from labels, by what was given. By default it does where it has settings of labels. */
  learnsFromLabels?(given: Tree): boolean;
  /** Why it has not the flags and the verbs that others have, by flag (`--beta`) or verb (`sample`). */
  readonly lacks?: Readonly<Record<string, string>>;
  /** What settings must hold together: `path: what was expected, what was found`. */
  readonly constraint?: (settings: { readonly train: object }) => string | undefined;
  /** Last hand on the settings of a new run, given and defaults together: what follows from others. */
  settle?(settings: Tree): void;
  /** Settings that older versions wrote and nothing reads, by path. */
  readonly retired?: readonly string[];
  /** The verbs it has, each with the options that are its own. */
  readonly verbs: Readonly<Partial<Record<VerbName, Table>>>;
  /** Files that it adds to a run's folder. */
  readonly files?: readonly string[];
  /** The run that it is built on, where it is. */
  readonly base?: BaseDeclaration;
  /** What it does. */
  load(): Promise<Kind>;
}

/** A run that another is built on: trained first, or taken as it is. */
export interface BaseDeclaration {
  /** What it is called: `M1`. */
  readonly title: string;
  /** The setting that says which run is taken. */
  readonly from: string;
  /** Kinds whose runs can be taken. */
  readonly kinds: readonly string[];
  /** The folder within the run where it is; absent: its training is the run's own. */
  readonly folder?: string;
  /** Beginnings of the settings that a taken run decides. */
  readonly decides: readonly string[];
  /** These settings, from those of the run that is taken. */
  taken(found: RunSettings): Tree;
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
  /** Current values of all parameters; while it trains they are live. */
  readonly parameters: ParameterValues;
}

/** The rows of a run, in their parts. */
export interface RunData {
  readonly train: Dataset;
  /** Absent where too few rows are labelled to spare some. */
  readonly test?: Dataset;
  /** How test rows were held out, where the data have no test part. */
  readonly heldOut?: HeldOut;
  /** Labelled rows that are kept out of `train`. */
  readonly validation?: Dataset;
  /** Of a table: how its columns became features. */
  readonly preprocessing?: TablePreprocessing;
  /** What a person should be told of the data. */
  readonly notes?: readonly string[];
}

/** How rows were held out to test. */
export interface HeldOut {
  /** 0 where no rows are. */
  readonly testFraction: number;
  readonly labelledTest: boolean;
}

/** A trainer, and the model as it trains. */
export interface Training<T> {
  readonly trainer: Trainer;
  readonly trained: T;
}

/** Named figures. */
export type Terms = { readonly [name: string]: number };

/** What is measured after an epoch, a line of `metrics.jsonl`. */
export interface EpochFigures {
  /** Means over the steps of the epoch. */
  readonly train: Terms;
  readonly test: Terms;
  /** Where rows are held out to validate. */
  readonly validation?: Terms;
  readonly activeUnits?: number;
  readonly beta?: number;
}

/** A run that can be used. */
export interface Opened<S extends RunSettings = RunSettings, T extends TrainedModel = TrainedModel> {
  readonly run: RunFolder & { readonly settings: S };
  readonly trained: T;
  /** Epochs that it was trained for. */
  readonly epoch: number;
}

/** What is stored of a run, for its model to be built again. */
export interface Stored<S extends RunSettings> {
  readonly run: RunFolder & { readonly settings: S };
  /** The checkpoint's values of a model's parameters. @throws CheckpointError when it is of another architecture. */
  valuesOf(parameters: readonly NamedParameter[]): ParameterValues;
  /** What `built` said when it was saved. */
  readonly built: { readonly [key: string]: Json };
  /** The run that it is built on, where that has a folder of its own. */
  readonly base?: TrainedModel;
}

/** What to measure beside what costs little. */
export interface MeasureOptions {
  /** Rows held out to validate, whose error is told beside the test's. */
  readonly validation?: Dataset;
  /** Importance samples of the log-likelihood. Default 500. */
  readonly samples?: number;
  /** The log-likelihood is of the first rows only. Default 2000. */
  readonly rows?: number;
  /** Importance samples of Bayes' rule; 0 leaves it out. Default 20. */
  readonly bayesSamples?: number;
  /** Bayes' rule is asked of the first rows only. Default all. */
  readonly bayesRows?: number;
  /** Also what takes long and only a report shows. Default false. */
  readonly full?: boolean;
  /** Called as the work goes on, with a line that says how far it is. */
  readonly onProgress?: (line: string) => void;
}

/** Rows that a report shows, and the figures that were measured of them. */
export interface Shown {
  /** Whether the rows were held out, or, where none were, those of training. */
  readonly part: "test" | "training";
  readonly rows: Dataset;
  readonly data: RunData;
  /** Absent where errors are asked for and no row is labelled. */
  readonly measured?: Measured;
}

/** Values of options that a kind adds to a verb, by the names in its table. */
export type VerbOptions = Readonly<Record<string, unknown>>;

/** Rows that a model drew. */
export interface Drawn {
  /** [rows, features]. */
  readonly values: Float32Array;
  readonly count: number;
  /** Columns of a picture, where rows of it mean something. */
  readonly columns?: number;
  /** Cells before the features of a row, by column. */
  readonly heads?: {
    readonly names: readonly string[];
    /** The cells of a row. */
    cells(row: number): readonly (string | number)[];
  };
  /** What they are, after their number: `samples of each of 10 classes`. */
  readonly noun: string;
  /** What `--json` says beside the count. */
  readonly json?: Readonly<Record<string, unknown>>;
}

/** What a classifier says of each row. */
export interface Classified {
  /** Class indices. */
  readonly predicted: Int32Array;
  /** [rows, classes]; absent where a classifier gives none. */
  readonly probabilities?: Float32Array;
}

/** A graph to be written as an ONNX file, and what it should compute. */
export interface Exported {
  /** Name of the file without its ending: `encoder`. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly inputs: readonly {
    readonly name: string;
    /** [rows, width]; `batch` where the number of rows is free. */
    readonly shape: readonly [number | "batch", number];
    /** Values to try it on: draws of this distribution, or a 1 among zeros in each row. */
    readonly tried: "uniform" | "normal" | "one-hot";
  }[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly (number | "batch")[] }[];
  /** The library's own results for inputs by name, of any number of rows. */
  compute(inputs: Readonly<Record<string, Float32Array>>): Promise<Readonly<Record<string, Float32Array>>>;
}

/**
 * What a kind does. Those of the verbs are there that its declaration names.
 *
 * `S`: its settings; `M`: its model; `T`: the trained model; `W`: the same while it trains, where that is another.
 */
export interface Kind<
  S extends RunSettings = RunSettings,
  M extends Model = Model,
  T extends TrainedModel = TrainedModel,
  W extends TrainedModel = T,
> {
  readonly declaration: Declaration;
  /** Refuses rows that do not fit the settings. @throws UsageError */
  checkRows(settings: S, rows: Dataset): void;
  /** The model with fresh parameters. */
  build(settings: S, data: RunData, base?: TrainedModel): M | Promise<M>;
  /** What a checkpoint must say for the model to be built again, beside the settings. */
  built?(model: M): { readonly [key: string]: Json };
  /** The settings `model` of a model that was made in memory, and of what it is built on. Absent: such a model is not saved. */
  describe?(model: M): Tree;
  /** The trained model that a model made in memory is built on. */
  baseOf?(model: M): TrainedModel | undefined;
  /** Compiles the training of a model. @throws UsageError when the data do not fit it. */
  training(model: M, rows: Dataset, settings: S["train"]): Promise<Training<W>>;
  /** What is measured after an epoch. */
  figures(trained: W, data: RunData, settings: S, progress: Progress): Promise<EpochFigures>;
  /** The settings of the run that it is built on. */
  baseRun?(settings: S): RunSettings;
  /** The model as after training of its own, from a checkpoint that was taken from another run. */
  adopt?(stored: Stored<S>): W;
  /** What is left to do when training is complete: files that the run needs. */
  finish?(trained: W, data: RunData, run: RunFolder & { readonly settings: S }): Promise<void>;
  /** Whether all files of a completed run are there. */
  isComplete?(run: RunFolder & { readonly settings: S }): boolean;
  /** A trained model as it was stored. */
  open(stored: Stored<S>): T | Promise<T>;
  /** What `--json` says of a trained model beside its figures. */
  facts?(trained: T): Readonly<Record<string, unknown>> | Promise<Readonly<Record<string, unknown>>>;
  /** What a person should be told of a model when its training is done. */
  cautions?(trained: T, data: RunData): Promise<readonly string[]>;
  /** Whether it is measured when training ends, because its epochs do not tell how it does. */
  readonly measuredAtEnd?: boolean;
  /** Everything that `evaluate` tells. @throws UsageError when rows have no labels and errors are asked for */
  measure(trained: T, rows: Dataset, options?: MeasureOptions): Promise<Measured>;
  /** Everything that a report shows. */
  report(opened: Opened<S, T>, shown: Shown): Promise<ReportData>;

  /** Draws from the prior, decoded. */
  sample?(
    trained: T,
    asked: { readonly count?: number; readonly seed: number } & VerbOptions,
  ): Promise<Drawn>;
  /** Rows as the model sees them, and what is left of them after a passage through the code. */
  reconstruct?(
    trained: T,
    rows: Dataset,
    indices: readonly number[],
  ): Promise<{ readonly originals: Float32Array; readonly reconstructions: Float32Array }>;
  /** One latent dimension at a time, moved through the prior. Without dimensions: the most active on `rows`. */
  traverse?(
    trained: T,
    rows: () => Promise<Dataset>,
    dimensions?: readonly number[],
  ): Promise<Omit<Traversals, "images"> & { readonly pixels: Float32Array }>;
  /** Codes of rows: [rows, width]. */
  encode?(trained: T, rows: Dataset): Promise<{ readonly codes: Float32Array; readonly width: number }>;
  /** The class of every row. */
  classify?(trained: T, rows: Dataset, options: VerbOptions): Promise<Classified>;
  /** Graphs that any ONNX runtime runs, for so many rows a call, or for any number of them. */
  export?(trained: T, rows?: number): readonly Exported[];
}
