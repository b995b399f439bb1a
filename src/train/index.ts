/**
 * The training loop and its settings.
 *
 * @module
 */
export type { Batches } from "./batches.ts";
export { betaAt, datasetBatches, semiSupervisedBatches } from "./batches.ts";
export type { Checkpoint } from "./checkpoint.ts";
export { loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
export { reason, writeDurably } from "./durable-write.ts";
export { bestEpoch, isOver } from "./early-stopping.ts";
export { type Json, toJson } from "./json.ts";
export { type Means, type Progress, Trainer, type TrainHooks } from "./loop.ts";
export { type EpochMetrics, openMetricsLog, readMetricsLog } from "./metrics-log.ts";
export { createRun, lockRun, openRun, type RunFolder, runFolder } from "./run-folder.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsDtype,
  type StoredTensor,
} from "./safetensors.ts";
export type { BatchSettings, OptimisationSettings } from "./settings.ts";
export { optimizerNames, scheduleNames } from "./settings.ts";
