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

/** Callbacks during the training of a run. */
export interface EventOutput {
  /** Called after an epoch is in the metrics. */
  onEpoch(stage: Stage, line: EpochMetrics): void;
  /** Called when training ends. Writes the file if no epoch did, for example if the run was already done. */
  onEnd(stage: Stage): void;
}

/**
 * Event files are written on request, or if a continued run already has one. The first epoch writes the whole file again from the
 * metrics, because a resumed run may repeat an epoch; later epochs are appended.
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
