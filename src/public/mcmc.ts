/**
 * Markov chain Monte Carlo: samplers, their diagnostics and summaries, simulation-based calibration.
 *
 * @module tightbound/mcmc
 */
import "../ambient.ts";

export {
  type BarStream,
  type CalibrationOptions,
  type CalibrationRanks,
  type ChainProgress,
  type CsvOptions,
  drawsToCsv,
  drawsToParquet,
  energyFraction,
  essBulk,
  essTail,
  type FitSummary,
  type FitSummaryOptions,
  type FitSummaryRow,
  type HmcOptions,
  hmc,
  type Mcmc,
  type McmcOptions,
  type McmcRunOptions,
  type McmcState,
  type Metric,
  type MetricKind,
  mcseMean,
  mcseSd,
  type NutsOptions,
  nuts,
  nutsPosterior,
  type PosteriorSampler,
  type RankTest,
  rankTests,
  rHat,
  type Sampler,
  type Statistics,
  type Summary,
  type SummaryOptions,
  type SummaryRow,
  simulationBasedCalibration,
  summary,
  summaryText,
  type TransitionInfo,
  withChainBars,
} from "../inference/index.ts";
