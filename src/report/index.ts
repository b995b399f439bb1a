/**
 * Reports, image grids, projections.
 *
 * @module
 */
export { renderBenchmark } from "./benchmark.ts";
export { benchmarkMarkdown, type MeanError, meanError } from "./benchmark-table.ts";
export type {
  Benchmark,
  BenchmarkCell,
  BenchmarkDraw,
  ErrorCurve,
  PublishedError,
  SharedStage,
} from "./benchmark-types.ts";
export type {
  ClassImages,
  ClassificationResults,
  ClassifiedRow,
  LeastSure,
} from "./class-types.ts";
export { renderComparison } from "./comparison.ts";
export { comparisonLines } from "./comparison-table.ts";
export type { ComparedFigure, ComparedRun, Comparison, DifferingSetting } from "./comparison-types.ts";
export { densityMarkdown } from "./density-table.ts";
export { type EncodedImage, type ImageGridOptions, imageGrid } from "./image-grid.ts";
export { imageStack } from "./image-stack.ts";
export {
  type BoundFigures,
  bitsPerDimension,
  type CarriedFigures,
  type ConfidenceBin,
  type ErrorFigures,
  type LikelihoodFigures,
  type Mean,
  type Measured,
} from "./measured.ts";
export {
  type PosteriorReportOptions,
  type ReportedPosterior,
  renderPosterior,
  report,
} from "./posterior.ts";
export {
  checkFigure,
  type DrawnQuantity,
  energyFigure,
  type FigureSize,
  type ForestRow,
  forestFigure,
  pairFigure,
  rankFigure,
  traceFigure,
} from "./posterior-figures.ts";
export { type Projection, type ProjectionMethod, project } from "./projection.ts";
export { type ReportOptions, renderReport } from "./report.ts";
export { type RowPictures, rowPictures } from "./row-pictures.ts";
export { tableCells } from "./table-cells.ts";
export type {
  ColumnValues,
  EpochRecord,
  ImageStack,
  LatentPoints,
  ReportData,
  ReportFrame,
  ReportSummary,
  TableRows,
  TermValues,
  Traversals,
} from "./types.ts";
export { writeBenchmark, writeOutput, writeReport } from "./write.ts";
