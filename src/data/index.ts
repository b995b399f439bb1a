export { type Binarization, binarizations, binarize, isBinary } from "./binarize.ts";
export { type CsvOptions, readCsv } from "./csv.ts";
export {
  createDataset,
  type Dataset,
  type DatasetFields,
  rowSize,
  split,
  take,
} from "./dataset.ts";
export { type DatasetSummary, describe } from "./describe.ts";
export { fingerprint } from "./fingerprint.ts";
export { type IdxArray, type IdxType, readIdx, readIdxImages, readIdxLabels, readIdxPair } from "./idx.ts";
export { type DataSplit, defaultPermute, type LoadOptions, loadData, type Permute } from "./load.ts";
export { type Minibatches, type MinibatchOptions, minibatches } from "./minibatches.ts";
export { loadMnist, type MnistSplit, readIdxDirectory } from "./mnist.ts";
export { type NpyArray, readNpy, readNpyDataset, readNpyLabels } from "./npy.ts";
export { readPngFolder } from "./png.ts";
export { type RowIndices, rowsOf } from "./rows.ts";
