/**
 * Bounds, estimators and guides; stochastic and coordinate-ascent variational inference, samplers, modes, importance sampling.
 *
 * @module
 */
export {
  type AnnealedDatum,
  type AnnealingOptions,
  type AnnealingResult,
  type AnnealingSchedule,
  annealedImportanceSampling,
  inverseTemperatures,
  reverseAnnealedImportanceSampling,
} from "./annealed-importance-sampling.ts";
export { type Bracket, bidirectionalMonteCarlo } from "./bidirectional-monte-carlo.ts";
export type { Bound, ScoredSite } from "./bounds/bound.ts";
export { type Elbo, type ElboOptions, type ElboTerms, elbo } from "./bounds/elbo.ts";
export {
  type ImportanceWeighted,
  type ImportanceWeightedOptions,
  importanceWeighted,
} from "./bounds/importance-weighted.ts";
export { lossOf } from "./bounds/loss.ts";
export { renyi } from "./bounds/renyi.ts";
export type { ConjugateSite } from "./cavi/expected-log-joint.ts";
export type { Conjugacy } from "./cavi/families.ts";
export type { Factors, NaturalValues } from "./cavi/result.ts";
export {
  type Cavi,
  type CaviInfo,
  type CaviOptions,
  type CaviResult,
  type CaviRunOptions,
  type CaviState,
  type CompiledSweep,
  cavi,
  caviResult,
} from "./cavi.ts";
export { type Baseline, type NeuralBaseline, neuralBaseline } from "./estimators/baselines.ts";
export type { EstimatorOptions } from "./estimators/choose.ts";
export type { EstimatorSettings, SiteEstimator } from "./estimators/estimator.ts";
export type { Estimator } from "./estimators/registry.ts";
export type { FittedProgram, FittedSite } from "./fitted.ts";
export { fittedProgram } from "./fitted.ts";
export type { GuideDrawsOptions } from "./guide-draws.ts";
export { guideDraws } from "./guide-draws.ts";
export { autoDelta } from "./guides/auto-delta.ts";
export { type AutoFlowOptions, autoFlow } from "./guides/auto-flow.ts";
export { autoFullRankNormal } from "./guides/auto-full-rank-normal.ts";
export { type AutoLowRankNormalOptions, autoLowRankNormal } from "./guides/auto-low-rank-normal.ts";
export { type AutoNormalOptions, autoNormal } from "./guides/auto-normal.ts";
export type { GuideStart } from "./guides/start.ts";
export {
  type ImportanceOptions,
  type ImportanceResult,
  importance,
  type SiteMoments,
} from "./importance.ts";
export { type LaplaceOptions, type LaplaceResult, type LaplaceRunner, laplace } from "./laplace.ts";
export { logLikelihood, type RowLikelihoodOptions } from "./log-likelihood.ts";
export { type LooResult, loo, type RowOf } from "./loo.ts";
export {
  type MapFinder,
  type MapOptions,
  type MapResult,
  type MapRunOptions,
  type MapState,
  map,
} from "./map.ts";
export { type BarStream, withChainBars } from "./mcmc/chain-bars.ts";
export { energyFraction, essBulk, essTail, mcseMean, mcseSd, rHat } from "./mcmc/diagnostics.ts";
export { type CsvOptions, drawsToCsv, drawsToParquet } from "./mcmc/export.ts";
export { type HmcOptions, hmc } from "./mcmc/hmc.ts";
export type { TransitionInfo } from "./mcmc/kernel.ts";
export type { Metric, MetricKind } from "./mcmc/metric.ts";
export { type NutsOptions, nuts } from "./mcmc/nuts.ts";
export type { ChainProgress, Statistics } from "./mcmc/run-chain.ts";
export type { Mcmc, McmcOptions, McmcRunOptions, McmcState, Sampler } from "./mcmc/sampler.ts";
export type { Summary, SummaryRow } from "./mcmc/summary.ts";
export {
  fitGeneralisedPareto,
  type ParetoTail,
  type SmoothedWeights,
  smoothWeights,
  trustedShape,
} from "./pareto-smoothing.ts";
export {
  type PathfinderOptions,
  type PathfinderResult,
  type PathfinderRunner,
  type PathInfo,
  pathfinder,
} from "./pathfinder.ts";
export { type AnyPosterior, type PredictOptions, predict } from "./predict.ts";
export { type PredictiveOptions, predictive } from "./predictive.ts";
export {
  type CheckedStatistic,
  type PredictiveCheckOptions,
  predictiveCheck,
  type Statistic,
} from "./predictive-check.ts";
export {
  type PriorSensitivity,
  type PriorSensitivityOptions,
  priorSensitivity,
  type SensitivityRow,
} from "./prior-sensitivity.ts";
export { type ReweightedWakeSleepOptions, reweightedWakeSleep } from "./reweighted-wake-sleep.ts";
export {
  type CalibrationOptions,
  type CalibrationRanks,
  nutsPosterior,
  type PosteriorSampler,
  type RankTest,
  rankTests,
  simulationBasedCalibration,
} from "./simulation-based-calibration.ts";
export {
  type CompiledStep,
  type Minibatch,
  type StochasticCavi,
  type StochasticCaviInfo,
  type StochasticCaviOptions,
  type StochasticCaviResult,
  type StochasticCaviRunOptions,
  type StochasticCaviState,
  stochasticCavi,
  stochasticCaviResult,
} from "./stochastic-cavi.ts";
export {
  type FitSummary,
  type FitSummaryOptions,
  type FitSummaryRow,
  type SummaryOptions,
  summary,
  summaryText,
} from "./summary.ts";
export {
  type BoundOptions,
  parametersOfPrograms,
  type Svi,
  type SviFit,
  type SviOptions,
  type SviResult,
  type SviRunOptions,
  type SviState,
  svi,
} from "./svi.ts";
export {
  type InferenceData,
  type InferenceDataOptions,
  type InferenceGroup,
  type PosteriorDraws,
  toInferenceData,
} from "./to-inference-data.ts";
export {
  type SiteValues,
  type UnconstrainedDensity,
  type UnconstrainedDensityOptions,
  unconstrainedDensity,
} from "./unconstrained-density.ts";
export type { SiteCoordinates, UnconstrainedGraph } from "./unconstrained-graph.ts";
export type { Precision } from "./unconstrained-point.ts";
export { type WaicResult, waic } from "./waic.ts";
