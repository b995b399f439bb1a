/**
 * Runs: training in memory or in a folder, trained models, evaluation, export.
 *
 * @module
 */
export { type Assessment, type AssessOptions, assess } from "./assess.ts";
export {
  assessLabelled,
  type ClassificationFigures,
  type LabelledAssessment,
  type LabelledAssessOptions,
} from "./assess-labelled.ts";
export { type ClassReportOptions, classReportData } from "./class-report.ts";
export {
  checkFingerprint,
  type DataSource,
  describeData,
  loadRunData,
  type RunData,
  reloadData,
  shownRows,
  testPart,
} from "./data.ts";
export {
  ACTIVE_UNIT_THRESHOLD,
  type EvaluationOptions,
  type LogLikelihood,
  type LogLikelihoodOptions,
  type VaeEvaluation,
  type VaeEvaluator,
  vaeEvaluator,
} from "./evaluate.ts";
export { type ExportedModel, exportOnnx } from "./export.ts";
export { type FigureOptions, mostActive, reportData } from "./figures.ts";
export { resumeRun, startRun } from "./folder.ts";
export { imageStack } from "./image-stack.ts";
export { type LabelledByM1, labelledByM1 } from "./labelled-rows.ts";
export { type AnyModel, buildModel } from "./model.ts";
export { type GivenSettings, newRun, type RunOrigin } from "./new-run.ts";
export { type OpenedRun, openClassifier, openTrained, readRun } from "./open.ts";
export { benchmarkOf } from "./reproduce/benchmark.ts";
export {
  type DrawFigures,
  type Kingma2014Hooks,
  type Kingma2014Options,
  type Kingma2014Results,
  type M1Figures,
  type Part,
  reproduceKingma2014,
} from "./reproduce/kingma2014.ts";
export { type Method, type SharedM1, VALIDATION } from "./reproduce/protocol.ts";
export { type PublishedError, published } from "./reproduce/published.ts";
export type { BenchmarkRow } from "./reproduce/table.ts";
export { semiSupervisedTraining, stackOn, trainSemiSupervised } from "./semi-supervised.ts";
export {
  type ClassifierName,
  classifierNames,
  classifierSettings,
  isLabelled,
  isM1,
  isStacked,
  type LabelledRunSettings,
  type ModelName,
  m2Settings,
  modelNames,
  type RunSettings,
  runSettings,
  stackedSettings,
  type VaeRunSettings,
  vaeSettings,
} from "./settings.ts";
export { parseTrainSettings, train, trainerOf } from "./train.ts";
export type { RunHooks, RunResult, Stage, TrainedOf } from "./train-in.ts";
export { type Evaluation, Trained, type Traversal } from "./trained.ts";
export { type Classification, type ClassifyingModel, TrainedClassifier } from "./trained-classifier.ts";
export { TrainedM1 } from "./trained-m1.ts";
export type { EpochLine } from "./training.ts";
