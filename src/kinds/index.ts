/**
 * The kinds of models: settings, training, measuring, verbs.
 *
 * @module
 */

export { readHistory } from "./history.ts";
export * from "./kind.ts";
export {
  declarationOf,
  declarations,
  flagsOf,
  kindNames,
  kindOf,
  listed,
  needsLabels,
  ownedByKinds,
} from "./kinds.ts";
export { labelledPart } from "./labelled-part.ts";
export { type LabelledByM1, labelledByM1 } from "./m1/labelled-rows.ts";
export { type ClassifierName, type ClassifierSettings, classifierNames } from "./m1/settings.ts";
export { TrainedM1 } from "./m1/trained.ts";
export { stackOn } from "./m1m2/stack.ts";
export type { ByClass } from "./m2/by-class.ts";
export { exportClassifier } from "./m2/export.ts";
export type { M2ModelSettings, SemiSupervisedTrainSettings } from "./m2/settings.ts";
export { type ClassifyingModel, TrainedClassifier } from "./m2/trained.ts";
export { binarizationOf, checkObservation, chooseObservation, traitsOf } from "./observation.ts";
export { type Preparation, preparationOf } from "./preparation.ts";
export {
  type DataSettings,
  identity,
  type LabelSettings,
  learnsFromLabels,
  type RunSettings,
  runSettings,
  upgraded,
} from "./run-settings.ts";
export { IN_MEMORY, remember } from "./saving.ts";
export {
  at,
  type DataFacts,
  defaultsOf,
  merge,
  type Placed,
  parseSettings,
  placed,
  problems,
  put,
  type Setting,
  schemaOf,
  type Tree,
} from "./settings/setting.ts";
export {
  columnNames,
  columnTypePairs,
  oneOf,
  part,
  positive,
  share,
  someOf,
  type Value,
  whole,
  wholes,
} from "./settings/value.ts";
export {
  ACTIVE_UNIT_THRESHOLD,
  type Evaluable,
  type EvaluationOptions,
  type LogLikelihood,
  type LogLikelihoodOptions,
  type VaeEvaluation,
  type VaeEvaluator,
  vaeEvaluator,
} from "./vae/evaluator.ts";
export { exportOnnx } from "./vae/export.ts";
export type { TrainSettings, VaeModelSettings } from "./vae/settings.ts";
export { type Evaluation, Trained, type Traversal } from "./vae/trained.ts";
