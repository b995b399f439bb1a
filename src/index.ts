/** The public surface of Tightbound. Each floor's index says what it holds. */
export * from "./compile/index.ts";
export {
  binarize,
  checkSupervision,
  createDataset,
  type Dataset,
  describe,
  drawLabels,
  encodeTable,
  featureLayout,
  fitTable,
  hideLabels,
  loadData,
  loadMnist,
  loadTable,
  type Minibatches,
  minibatches,
  readCsv,
  readIdx,
  readIdxPair,
  readNpyDataset,
  readPngFolder,
  readTable,
  rowsOf,
  select as selectRows,
  split as splitDataset,
  type TableOptions,
  type TablePreprocessing,
  take,
} from "./data/index.ts";
export * from "./distributions/index.ts";
export * from "./errors.ts";
export * from "./inference/index.ts";
export * from "./models/index.ts";
export * as nn from "./nn/index.ts";
export * from "./optim/index.ts";
export * from "./program/index.ts";
export { permutation, stream } from "./random/index.ts";
export * from "./run/index.ts";
export * from "./tensor/index.ts";
export * from "./train/index.ts";
