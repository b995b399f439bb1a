/** The data of a page that compares runs: plain numbers and words, in the order of the runs. */
import type { EpochRecord, ReportFrame } from "./types.ts";

/** One run among those compared. */
export interface ComparedRun {
  /** A short name that no other run has. */
  readonly name: string;
  /** The run's folder. */
  readonly path: string;
  /** What was trained, and on what: `M2 on digits`. */
  readonly title: string;
  readonly history: readonly EpochRecord[];
  /** The epoch that the run opens as: the last, or the best where training stopped early. 0 if none is done. */
  readonly epoch: number;
  /** Epochs that were asked for. */
  readonly planned: number;
}

/** A figure of every run at its epoch. */
export interface ComparedFigure {
  /** `test error`. */
  readonly name: string;
  /** Shares are shown as percentages. */
  readonly unit: "share" | "nats" | "count" | "seconds";
  /** Whether a smaller value is better. Absent: it is neither. */
  readonly better?: "smaller" | "larger";
  /** In the order of the runs; undefined where a run has no such figure. */
  readonly values: readonly (number | undefined)[];
}

/** A setting in which runs differ. */
export interface DifferingSetting {
  /** Its path: `train.lr`. */
  readonly name: string;
  /** In the order of the runs; undefined where a run has no such setting. */
  readonly values: readonly (string | undefined)[];
}

/** Runs beside each other. */
export interface Comparison extends ReportFrame {
  readonly runs: readonly ComparedRun[];
  readonly settings: readonly DifferingSetting[];
  readonly figures: readonly ComparedFigure[];
  /** The best run by a figure of validation rows. Absent if the runs have none that can be compared. */
  readonly best?: { readonly run: number; readonly figure: string };
  /** What to bear in mind: what the runs do not share, and why there is no best one. */
  readonly remarks: readonly string[];
}
