/**
 * What people look at: reports, image grids, projections.
 *
 * @module
 */
export { type EncodedImage, type ImageGridOptions, imageGrid } from "./image-grid.ts";
export { type Projection, type ProjectionMethod, project } from "./projection.ts";
export { type ReportOptions, renderReport } from "./report.ts";
export type {
  EpochRecord,
  ImageStack,
  LatentPoints,
  ReportData,
  ReportSummary,
  TermValues,
  Traversals,
} from "./types.ts";
export { writeOutput, writeReport } from "./write.ts";
