/**
 * The data of a report: numbers, strings and typed arrays. So a report can be made from an old file, in a process without a model.
 *
 * Signs follow the field: `elbo = reconstruction - kl`, where `reconstruction` is the expected log-likelihood
 * E_q[log p(x | z)] (higher is better). A `loss` is minimised. All of them are in nats per datum.
 */
import type { ClassificationResults } from "./class-types.ts";
import type { Measured } from "./measured.ts";
import type { RowPictures } from "./row-pictures.ts";

/** One line of a run's metrics. Values that are not finite leave a gap in the curve. */
export interface EpochRecord {
  readonly epoch: number;
  readonly step: number;
  /** Wall time since the start of training. */
  readonly seconds: number;
  readonly train: TermValues;
  readonly validation?: TermValues;
  readonly test?: TermValues & { readonly logLikelihood?: number };
  readonly activeUnits?: number;
  readonly learningRate?: number;
  readonly beta?: number;
  readonly gradientNorm?: number;
}

/** The bound and its two terms, averaged over data, in nats per datum. */
export interface TermValues {
  readonly elbo?: number;
  readonly loss?: number;
  /** Absent if training recorded only the bound (importance-weighted bounds have no such term). */
  readonly reconstruction?: number;
  readonly kl?: number;
  /** For models with classes: the bounds of rows whose class is observed and of rows whose class is summed out. */
  readonly labelledElbo?: number;
  readonly unlabelledElbo?: number;
  /** Mean log q(y | x) of labelled rows. */
  readonly classification?: number;
  /** Share of labelled rows that are misclassified, 0 to 1. */
  readonly error?: number;
}

/** Images of one size. `pixels` has shape `[count, height, width, channels]`, row-major, values in [0, 1]. */
export interface ImageStack {
  readonly pixels: Float32Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

/** One row of images per dimension, one column per value of that dimension; the other dimensions are zero. */
export interface Traversals {
  /** `dimensions.length * values.length` images, row-major. */
  readonly images: ImageStack;
  readonly dimensions: readonly number[];
  /** Values of z, in standard deviations of the prior. */
  readonly values: readonly number[];
}

/** Posterior means of the test set. `points` has shape `[rows, dimensions]`, row-major. */
export interface LatentPoints {
  readonly points: Float32Array;
  readonly dimensions: number;
  /** One class index per row; -1 if the class is unknown. */
  readonly labels?: Int32Array;
  /** Names of the classes, by index. */
  readonly classes?: readonly string[];
  /** How many rows at the end are training rows whose label the model saw. Default 0. */
  readonly labelled?: number;
  /** What made the codes without seeing the labels: `the model`. Absent if it saw the labels. */
  readonly blind?: string;
  /** Whether the codes have a standard normal prior. Default true. */
  readonly prior?: boolean;
}

/** What was trained, and for how long. */
export interface ReportSummary {
  /** Number of latent dimensions. */
  readonly latent: number;
  readonly parameters: number;
  readonly trainRows: number;
  /** Number of test rows; 0 if there are none. */
  readonly testRows: number;
  /** Each training run, with wall time in seconds. */
  readonly trainings: readonly { readonly name: string; readonly seconds: number; readonly note?: string }[];
}

/** What every report has. */
export interface ReportFrame {
  readonly title: string;
  readonly subtitle?: string;
  /** The command line that made it, as typed. */
  readonly command: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly version: string;
}

/** A column of a table as it is and as the model draws it, without missing values. */
export interface ColumnValues {
  readonly name: string;
  /** Numbers, or words. */
  readonly real: readonly (number | string)[];
  readonly sampled: readonly (number | string)[];
  /** Its words in their order, where they have one. */
  readonly categories?: readonly string[];
}

/** Rows of a table and their reconstructions, as cells in the order of the columns. */
export interface TableRows {
  readonly columns: readonly string[];
  /** What the rows are called. */
  readonly names: readonly string[];
  /** What the names are: `line`, or a column of ids. */
  readonly rowNoun?: string;
  readonly originals: readonly (readonly string[])[];
  readonly reconstructions: readonly (readonly string[])[];
}

/** Everything a report of a run shows. Sections whose data are absent are left out, or say why. */
export interface ReportData extends ReportFrame {
  /** The start of a sentence about the model: `A variational autoencoder`. */
  readonly introduction: string;
  /** The rows that it shows and measures: test rows or, if there are none, training rows. Default "test". */
  readonly part?: "test" | "training";
  readonly config: Readonly<Record<string, unknown>>;
  readonly summary: ReportSummary;
  readonly history: readonly EpochRecord[];
  /** Caption of the curves. */
  readonly curves: string;
  /** What was measured of the rows. */
  readonly measured: Measured;
  readonly originals?: ImageStack;
  /** In the order of `originals`. */
  readonly reconstructions?: ImageStack;
  /** For tables: each column real and sampled. */
  readonly columns?: readonly ColumnValues[];
  /** For tables: rows beside their reconstructions. */
  readonly tableRows?: TableRows;
  /** Decoded draws from the prior. */
  readonly samples?: ImageStack;
  readonly traversals?: Traversals;
  /** The codes that reconstructions are made from; for `m1m2`, those of M1. */
  readonly latent?: LatentPoints;
  /** What the rows of `latent` and `style` are called, and how they look: shown when a point is pointed at. */
  readonly rows?: RowPictures;
  /** For models with classes: q(z | x, y) at the predicted class, the style of a row. */
  readonly style?: LatentPoints;
  /** For models that classify. */
  readonly classification?: ClassificationResults;
  /** Sentences on missing sections, each with the reason. */
  readonly omissions?: readonly string[];
}
