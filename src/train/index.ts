/**
 * The training loop and its settings.
 *
 * @module
 */
export type { Batches } from "./batches.ts";
export type { Checkpoint } from "./checkpoint.ts";
export { type Means, type Progress, Trainer, type TrainHooks } from "./loop.ts";
export type { BatchSettings, OptimisationSettings } from "./settings.ts";
