export {
  type ElboForm,
  type ElboOptions,
  type ElboTerms,
  type ElboWeights,
  elbo,
  type LatentModel,
  weightedElbo,
} from "./bounds/elbo.ts";
export { importanceWeighted, logImportanceWeights } from "./bounds/importance-weighted.ts";
export { type ProgramElbo, programElbo } from "./bounds/program-elbo.ts";
export type { Baseline, Estimator, EstimatorOptions, SiteEstimator } from "./estimators/choose.ts";
export { autoDelta } from "./guides/auto-delta.ts";
export { type AutoNormalOptions, autoNormal } from "./guides/auto-normal.ts";
export {
  fitGeneralisedPareto,
  type ImportanceOptions,
  type ImportanceResult,
  importance,
} from "./importance.ts";
export { type PredictiveOptions, predictive } from "./predictive.ts";
export { type Svi, type SviOptions, type SviResult, type SviRunOptions, svi } from "./svi.ts";
