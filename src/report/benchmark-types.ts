/** The data of a benchmark's page: methods by numbers of labels, each cell the mean of several label draws. */
import type { ReportFrame } from "./types.ts";

/** Errors of one method during one training run, for a curve. */
export interface ErrorCurve {
  /** The rows that errors were measured on. */
  readonly part: "test" | "validation";
  /** Parameter updates after which the error was measured, ascending. */
  readonly updates: readonly number[];
  /** Shares of those rows, one for each. */
  readonly errors: readonly (number | undefined)[];
}

/** One training run: one draw of the labels. */
export interface BenchmarkDraw {
  /** Seed of the draw. */
  readonly seed: number;
  /** Share of test rows misclassified; the main error of the method. */
  readonly error: number;
  /** Other errors of the same training, by name: `validation`, `Bayes' rule with 50 samples`. */
  readonly others?: Readonly<Record<string, number>>;
  /** Wall time in seconds, excluding what draws share. Absent if nothing was trained for it, as for another way to use the same training run. */
  readonly seconds?: number;
  readonly curve?: ErrorCurve;
}

/** A figure of the paper, as a share. */
export interface PublishedError {
  readonly error: number;
  /** What the paper gives after ±. */
  readonly spread?: number;
}

/** A method at a number of labels: what was published, what was measured here, or both. */
export interface BenchmarkCell {
  readonly method: string;
  readonly labels: number;
  readonly published?: PublishedError;
  readonly draws?: readonly BenchmarkDraw[];
  /** Number of draws requested, if not all are done yet. */
  readonly planned?: number;
  /** Settings of the training runs; nested objects become dotted names. Cells that share runs give them once. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What the settings belong to. Default the method. */
  readonly training?: string;
}

/** A training run that all draws share, such as M1's. */
export interface SharedStage {
  readonly name: string;
  readonly seconds: number;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Everything that the page shows. Rows and columns of its table are in the order in which the cells name them. */
export interface Benchmark extends ReportFrame {
  /** The source of the published figures: `Kingma et al. (2014), table 1`. */
  readonly source: string;
  /** The data and the protocol, in a sentence or two of plain text. */
  readonly protocol: string;
  /** Number of rows that errors are shares of. */
  readonly testRows: number;
  readonly cells: readonly BenchmarkCell[];
  readonly shared?: readonly SharedStage[];
}
