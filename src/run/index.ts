export { type Assessment, type AssessOptions, assess } from "./assess.ts";
export {
  ACTIVE_UNIT_THRESHOLD,
  type EvaluationOptions,
  type LogLikelihood,
  type LogLikelihoodOptions,
  type ParameterValues,
  type VaeEvaluation,
  vaeEvaluator,
} from "./evaluate.ts";
export { type ExportedModel, exportOnnx } from "./export.ts";
export { type FigureOptions, imageStack, mostActive, reportData } from "./figures.ts";
export { type AnyModel, buildModel } from "./model.ts";
export { modelSettings, type RunSettings, runSettings } from "./settings.ts";
export {
  checkFingerprint,
  type EpochLine,
  openTrained,
  parseTrainSettings,
  type RunHooks,
  type RunResult,
  readRun,
  resumeRun,
  startRun,
  train,
} from "./train.ts";
export { type Evaluation, Trained, type Traversal } from "./trained.ts";
