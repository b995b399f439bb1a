/** A run's metrics, for a report. */

import { type EpochMetrics, type RunFolder, readMetricsLog } from "../files/index.ts";
import type { EpochRecord } from "../report/index.ts";

/** One entry per epoch. @throws CheckpointError when the file is missing or damaged. */
export const readHistory = ({ metrics }: Pick<RunFolder, "metrics">): readonly EpochRecord[] =>
  readMetricsLog(metrics).map(epochRecord);

/** A line of metrics, for a report. Terms that the run did not record are left out. */
function epochRecord(line: EpochMetrics): EpochRecord {
  const numbers = (value: unknown): Record<string, number> =>
    typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
        )
      : {};
  const { step = 0, seconds = Number.NaN, activeUnits, learningRate, beta } = numbers(line);
  return {
    epoch: line.epoch,
    step,
    seconds,
    train: numbers(line.train),
    validation: numbers(line.validation),
    test: numbers(line.test),
    ...(activeUnits !== undefined && { activeUnits }),
    ...(learningRate !== undefined && { learningRate }),
    ...(beta !== undefined && { beta }),
  };
}
