export { type Calibration, calibration, type ReliabilityBin } from "./calibration.ts";
export {
  type Classifier,
  type FittedClassifier,
  type LabelledFeatures,
  predictedClasses,
  type Scoring,
} from "./classifier.ts";
export { confusionMatrix, errorRate } from "./confusion.ts";
export type { KernelName } from "./kernel.ts";
export { type KnnOptions, knn } from "./knn.ts";
export { type LogisticOptions, logistic } from "./logistic.ts";
export { type SvmOptions, svm } from "./svm.ts";
export { type TransductiveSvmOptions, transductiveSvm } from "./transductive-svm.ts";
