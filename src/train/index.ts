/**
 * The training loop and its settings.
 *
 * @module
 */
export { type Batches, betaAt, datasetBatches, semiSupervisedBatches } from "./batches.ts";
export { bestEpoch, isOver } from "./early-stopping.ts";
export { type Means, type Progress, type SharedObjective, Trainer, type TrainHooks } from "./loop.ts";
export {
  type BatchSettings,
  type OptimisationSettings,
  optimizerNames,
  type RateStep,
  scheduleNames,
} from "./settings.ts";
