/**
 * Files of a run, written so that a crash loses nothing: run folders and their lock, checkpoints, metrics, safetensors.
 *
 * @module
 */
export { type Checkpoint, loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
export { reason, writeDurably } from "./durable-write.ts";
export { appendEvent, eventFile, writeEvents } from "./event-log.ts";
export { type Json, toJson } from "./json.ts";
export { type EpochMetrics, openMetricsLog, readMetricsLog } from "./metrics-log.ts";
export { clearRemains, createRun, lockRun, openRun, type RunFolder, runFolder } from "./run-folder.ts";
export { type RunLock, takeLock } from "./run-lock.ts";
export {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsDtype,
  type StoredTensor,
} from "./safetensors.ts";
