/** What the page of a benchmark is made from: methods against numbers of labels, each cell the mean of several label draws. */
import type { ReportFrame } from "./types.ts";

/** Errors of one method during one training, for a curve. */
export interface ErrorCurve {
  /** The rows that errors were measured on. */
  readonly part: "test" | "validation";
  /** Parameter updates after which the error was measured, ascending. */
  readonly updates: readonly number[];
  /** Shares of those rows, one for each. */
  readonly errors: readonly (number | undefined)[];
}

/** One training: one draw of the labels. */
export interface BenchmarkDraw {
  /** Seed of the draw. */
  readonly seed: number;
  /** Share of the test rows that are misclassified, as the method is judged. */
  readonly error: number;
  /** Other errors of the same training, by name: `validation`, `Bayes' rule with 50 samples`. */
  readonly others?: Readonly<Record<string, number>>;
  /** Wall time, what the draws share left out; absent where nothing was trained for it, as for another way to use the same training. */
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
  /** Draws that were asked for, where not all are there yet. */
  readonly planned?: number;
  /** Of the trainings; nested objects become dotted names. Cells that share trainings give them once. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What the settings are of. Default the method. */
  readonly training?: string;
}

/** A training that all draws share, as M1's. */
export interface SharedStage {
  readonly name: string;
  readonly seconds: number;
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** Everything that the page shows. Rows and columns of its table come in the order in which the cells name them. */
export interface Benchmark extends ReportFrame {
  /** Whose figures stand beside ours: `Kingma et al. (2014), table 1`. */
  readonly source: string;
  /** The data and the protocol, in a sentence or two of plain text. */
  readonly protocol: string;
  /** Rows that errors are shares of. */
  readonly testRows: number;
  readonly cells: readonly BenchmarkCell[];
  readonly shared?: readonly SharedStage[];
}
