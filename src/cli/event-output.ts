/** Figures of epochs for TensorBoard, beside the run's own metrics. */
import { existsSync } from "node:fs";
import {
  appendEvent,
  type EpochMetrics,
  eventFile,
  readMetricsLog,
  runFolder,
  writeEvents,
} from "../files/index.ts";
import type { Stage } from "../runs/index.ts";

/** What to call while a run trains. */
export interface EventOutput {
  /** After an epoch is in the metrics. */
  onEpoch(stage: Stage, line: EpochMetrics): void;
  /** When a training ends: writes what no epoch wrote, as for a run that was done before. */
  onEnd(stage: Stage): void;
}

/**
 * Event files are written where they are asked for, or where a run that continues has one. The first epoch writes the file anew from the
 * metrics, because a resumed run may repeat an epoch; others add to it.
 */
export function eventOutput(asked: boolean): EventOutput {
  const begun = new Set<string>();
  const wanted = (path: string): boolean => asked || existsSync(eventFile(path));
  const rewrite = ({ path, settings }: Stage): void => {
    begun.add(path);
    writeEvents(path, readMetricsLog(runFolder(path).metrics), settings.createdAt);
  };
  return {
    onEpoch(stage, line) {
      if (!wanted(stage.path)) return;
      if (begun.has(stage.path)) appendEvent(stage.path, line, stage.settings.createdAt);
      else rewrite(stage);
    },
    onEnd(stage) {
      if (wanted(stage.path) && !begun.has(stage.path) && existsSync(runFolder(stage.path).metrics)) {
        rewrite(stage);
      }
    },
  };
}
