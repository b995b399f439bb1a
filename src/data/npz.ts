/** Archives of arrays, as `numpy.savez` writes them: data, labels, and possibly a test part. */
import { basename } from "#platform/paths";
import type { OwnUint8Array } from "../arrays.ts";
import { DataError } from "../errors.ts";
import { quoted } from "./csv-records.ts";
import type { Dataset } from "./dataset.ts";
import { MAX_BYTES, readBytes, type SizeLimit } from "./file.ts";
import { withLabels } from "./labels.ts";
import { datasetOfNpy, labelsOfNpy } from "./npy.ts";
import { zipEntries } from "./zip.ts";

/** Common names of data and labels in archives, in lower case. */
const DATA = ["x", "data", "images", "features", "arr_0"];
const LABELS = ["y", "labels", "label", "targets", "target", "classes", "arr_1"];

/** The parts of an archive. */
export interface NpzParts {
  readonly train: Dataset;
  readonly test?: Dataset;
}

/**
 * Reads a NumPy `.npz` archive, packed or not. A single array is the data. Of several, `x` (or `data`, `images`, `features`, `arr_0`) is
 * the data and `y` (or `labels`, `targets`, `classes`, `arr_1`) the labels; `x_train`, `y_train`, `x_test` and `y_test` give two parts.
 * Arrays are read like `.npy` files.
 *
 * @throws DataError when the file is missing, damaged or not an archive, or when the names of its arrays do not say which is the data.
 */
export const readNpz = (path: string, limit: SizeLimit = {}): NpzParts => {
  const { maxBytes = MAX_BYTES } = limit;
  const arrays = unpack(path, readBytes(path, limit), maxBytes);
  const names = [...arrays.keys()];
  const find = (candidates: readonly string[], suffixes: readonly string[] = [""]) =>
    candidates
      .flatMap((name) => suffixes.map((suffix) => name + suffix))
      .map((wanted) => names.find((name) => name.toLowerCase() === wanted))
      .find((name) => name !== undefined);
  const part = (data: string, labels: string | undefined, suffix: string): Dataset => {
    const where = (name: string) => `${path}, array "${name}"`;
    const dataset = datasetOfNpy(bytesOf(arrays, data), where(data), `${basename(path)}${suffix}`);
    if (labels === undefined) return dataset;
    const found = labelsOfNpy(bytesOf(arrays, labels), where(labels));
    return withLabels(dataset, found, { data: where(data), labels: where(labels) });
  };
  const suffixes = (name: string) => [`_${name}`, `${name}`];
  const [xTrain, xTest] = [find(DATA, suffixes("train")), find(DATA, suffixes("test"))];
  if (xTrain !== undefined && xTest !== undefined) {
    return {
      train: part(xTrain, find(LABELS, suffixes("train")), "/train"),
      test: part(xTest, find(LABELS, suffixes("test")), "/test"),
    };
  }
  const data = names.length === 1 ? names[0] : find(DATA);
  if (data !== undefined) return { train: part(data, names.length === 1 ? undefined : find(LABELS), "") };
  throw new DataError(
    `${path}: expected an array called "x" with the data (and "y" with the labels, if there are any), or ` +
      `"x_train", "y_train", "x_test", "y_test"; found ${names.length === 0 ? "no array" : quoted(names)}. Save it as numpy.savez(file, x=data, y=labels).`,
  );
};

const bytesOf = (arrays: ReadonlyMap<string, OwnUint8Array>, name: string): OwnUint8Array =>
  arrays.get(name) ?? new Uint8Array();

/** The arrays by their names. */
const unpack = (path: string, bytes: OwnUint8Array, maxBytes: number): ReadonlyMap<string, OwnUint8Array> => {
  const arrays = new Map<string, OwnUint8Array>();
  let left = maxBytes;
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) {
    throw new DataError(
      `${path}: expected an archive written by numpy.savez, which begins with 50 4b ("PK"); found another kind of file.`,
    );
  }
  for (const { name, content } of zipEntries(path, bytes)) {
    if (!name.endsWith(".npy")) continue;
    const array = content(left);
    left -= array.length;
    arrays.set(name.replace(/\.npy$/, ""), array);
  }
  return arrays;
};
