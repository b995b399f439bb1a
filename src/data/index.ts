/**
 * Datasets, their readers, minibatches, and draws of a few labels.
 *
 * @module
 */
export { type Binarization, binarizations } from "./binarization.ts";
export { binarize, isBinary } from "./binarize.ts";
export { mapRows, overChunks } from "./chunks.ts";
export { type CsvOptions, readCsv } from "./csv.ts";
export type { RecordOptions } from "./csv-records.ts";
export {
  concatRows,
  createDataset,
  type Dataset,
  type DatasetFields,
  type RowIndices,
  rowPlace,
  rowSize,
  select,
  split,
  take,
} from "./dataset.ts";
export { type DatasetSummary, describe } from "./describe.ts";
export type { SizeLimit } from "./file.ts";
export { fingerprint, rowFingerprints, sharedRows } from "./fingerprint.ts";
export { type IdxArray, type IdxType, readIdx, readIdxImages, readIdxLabels, readIdxPair } from "./idx.ts";
export { type Fit, fits, type ImageOptions } from "./image-decode.ts";
export { type ImageFolderOptions, readImageFolder } from "./image-folder.ts";
export { drawLabels, hideLabels, type LabelDraw, type LabelDrawOptions } from "./label-draw.ts";
export {
  checkSupervision,
  hasLabels,
  type LabelledDataset,
  type LabelSummary,
  rowsByClass,
  type Supervision,
  withClasses,
  withClassesOf,
} from "./labelled.ts";
export type { RowLabels } from "./labels.ts";
export {
  type DataParts,
  type DataSplit,
  defaultPermute,
  type LoadOptions,
  loadData,
  loadParts,
  type Permute,
  splitData,
} from "./load.ts";
export { type LoadTableOptions, loadTable, splitTable, type TableSplit } from "./load-table.ts";
export {
  type GaussianRows,
  gaussianMinibatches,
  type Minibatches,
  type MinibatchOptions,
  minibatches,
  type RowOrderOptions,
} from "./minibatches.ts";
export { loadMnist, type MnistSplit, readIdxDirectory } from "./mnist.ts";
export { type NpyArray, readNpy, readNpyDataset, readNpyLabels } from "./npy.ts";
export { type NpzParts, readNpz } from "./npz.ts";
export {
  checkReading,
  isImageFolder,
  type ReadingOptions,
  readingOptions,
  readingSettings,
} from "./reading.ts";
export { rowsOf } from "./rows.ts";
export {
  columnOf,
  type EncodedTable,
  encodeTable,
  readTable,
  summarise,
  type TableSummary,
  type TextTable,
} from "./table.ts";
export { decodeCell, encodeCell, featureOf } from "./table-cells.ts";
export { decodeRows } from "./table-decode.ts";
export { applicable, isTableFile, TABLE_KINDS } from "./table-file.ts";
export { fitTable, type TableFit, type TableOptions } from "./table-fit.ts";
export { type Decimal, decimals } from "./table-numbers.ts";
export {
  type CategoricalBlock,
  type ColumnKind,
  type ColumnOf,
  type FeatureLayout,
  featureLayout,
  isBlock,
  type RowLayout,
  type TableColumn,
  type TablePreprocessing,
  tablePreprocessing,
} from "./table-preprocessing.ts";
export { columnTypes, parseColumnType } from "./table-types.ts";
