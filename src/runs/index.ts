/**
 * Runs: training in memory or in a folder, and opening the result.
 *
 * @module
 */
export { compareRuns } from "./compare.ts";
export {
  checkFingerprint,
  type DataChecks,
  type DataSource,
  describeData,
  loadRunData,
  reloadData,
  shownRows,
  type TableSource,
  testPart,
  trainedOn,
} from "./data.ts";
export { type GivenSettings, newRun, type RunOrigin } from "./new-run.ts";
export { checkVerb, type OpenedRun, open, openRun, readOnFirst, readRun } from "./open.ts";
export { asTrained } from "./pixel-scale.ts";
export { loadOnRanks } from "./ranks.ts";
export { type ContinueOptions, prepareRun, resumeRun, startRun } from "./start.ts";
export {
  compileTraining,
  type FitHooks,
  type SemiSupervisedTrainInput,
  type TrainInput,
  train,
} from "./train.ts";
export type { EpochLine, RunHooks, RunResult, Stage } from "./train-in.ts";
