/**
 * Optimisers, schedules, and the compiled gradient step for training loops of your own.
 *
 * @module tightbound/optim
 */
import "../ambient.ts";

export { NonFiniteError } from "../errors.ts";
export {
  type AdamOptions,
  Arena,
  type ArenaLayout,
  type ArenaPart,
  type ArenaPlan,
  type ArenaRange,
  type ArenaTensor,
  adam,
  adamw,
  type Coordinates,
  checkFinite,
  clipGlobalNorm,
  compileStep,
  findNonFinite,
  globalNorm,
  type LiveRange,
  type NamedLeaf,
  type NamedTensor,
  type NonFinite,
  type Objective,
  type Optimizer,
  type OptimizerOptions,
  type ParameterGroup,
  type ParameterSpec,
  type RangeTensors,
  type ResolvedGroup,
  type RmspropOptions,
  rmsprop,
  type Schedule,
  type SgdOptions,
  type StepOptions,
  type StepReport,
  type StepSequence,
  schedules,
  sgd,
  type Together,
  TrainStep,
  togetherOf,
  type UpdateExpression,
  type UpdateRange,
  type UpdateSettings,
} from "../optim/index.ts";
