/**
 * What people look at: reports of runs and benchmarks, image grids, projections.
 *
 * @module tightbound/report
 */
import "../ambient.ts";

export {
  type Benchmark,
  type BenchmarkCell,
  type BenchmarkDraw,
  type BoundFigures,
  benchmarkMarkdown,
  type ClassImages,
  type ClassificationResults,
  type ClassifiedRow,
  type ConfidenceBin,
  type EncodedImage,
  type EpochRecord,
  type ErrorCurve,
  type ErrorFigures,
  type ImageGridOptions,
  type ImageStack,
  imageGrid,
  imageStack,
  type LatentPoints,
  type LeastSure,
  type LikelihoodFigures,
  type Mean,
  type MeanError,
  type Measured,
  meanError,
  type Projection,
  type ProjectionMethod,
  type PublishedError,
  project,
  type ReportData,
  type ReportFrame,
  type ReportOptions,
  type ReportSummary,
  renderBenchmark,
  renderReport,
  type SharedStage,
  type TermValues,
  type Traversals,
  writeBenchmark,
  writeOutput,
  writeReport,
} from "../report/index.ts";
