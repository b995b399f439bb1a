/**
 * The arena that holds parameters, optimisers and schedules.
 *
 * @module
 */
export { type AdamOptions, adam } from "./adam.ts";
export { adamw } from "./adamw.ts";
export { Arena, type ArenaPart, type ArenaPlan, type LiveRange, type NamedTensor } from "./arena.ts";
export { checkFinite, clipGlobalNorm, findNonFinite, globalNorm, type NonFinite } from "./clip.ts";
export { compileStep, type StepOptions } from "./compile-step.ts";
export type { Coordinates } from "./coordinates.ts";
export type { ArenaLayout, ArenaRange, ArenaTensor, ParameterSpec } from "./layout.ts";
export type {
  Optimizer,
  OptimizerOptions,
  ParameterGroup,
  RangeTensors,
  ResolvedGroup,
  UpdateExpression,
  UpdateRange,
  UpdateSettings,
} from "./optimizer.ts";
export { type RmspropOptions, rmsprop } from "./rmsprop.ts";
export type { Schedule } from "./schedules.ts";
export * as schedules from "./schedules.ts";
export { type SgdOptions, sgd } from "./sgd.ts";
export { type NamedLeaf, type Objective, type StepReport, type StepSequence, TrainStep } from "./step.ts";
export { type Together, togetherOf } from "./together.ts";
