import { basename, join, relative, resolve } from "node:path";
import { convertIndexedToRgb, type DecodedPng, decode } from "fast-png";
import { DataError } from "../errors.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import { listDirectory, messageOf, readBytes } from "./file.ts";

/** The subfolder whose images have no class. */
const UNLABELLED = "unlabelled";

/** Which images of a folder are read. */
export interface PngFolderOptions {
  readonly name?: string;
  readonly classes?: readonly string[];
  readonly needsUnlabelled?: boolean;
}

interface PngFile {
  readonly path: string;
  /** The subfolder it lies in. */
  readonly folder?: string;
}

interface Image {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

/** Whether a folder, or a folder directly below it, holds a PNG. */
export const holdsPngs = (directory: string): boolean => listPngs(directory).length > 0;

/**
 * Reads a folder of PNG images of one size as bytes: greyscale has shape `[height, width]`, the others `[height,
 * width, channels]` with 2 (grey and alpha), 3 (RGB) or 4 (RGBA) channels. 16 bits are reduced to 8, fewer are
 * widened, palettes are resolved. Images lie in the folder itself, or in subfolders, which then are the classes;
 * those in a subfolder `unlabelled` get label -1. Rows are sorted by subfolder and file name.
 *
 * @param options.classes the classes and their order, where another part of the data has fixed them.
 * @param options.needsUnlabelled for semi-supervised learning: there must be an `unlabelled/`, and no class without an
 * image. Default false.
 * @throws DataError for no images, images beside subfolders of images, an image that cannot be decoded, or two
 * images of different size (the message names both).
 */
export const readPngFolder = (directory: string, options: PngFolderOptions = {}): Dataset => {
  const files = listPngs(directory);
  if (options.needsUnlabelled) checkUnlabelled(directory, files);
  const loose = files.find((file) => file.folder === undefined);
  const inFolder = files.find((file) => file.folder !== undefined);
  if (loose && inFolder) {
    throw new DataError(
      `${directory}: expected PNGs either in the folder or in one subfolder a class; found both ${loose.path} and ` +
        `${inFolder.path}. Put images without a class into ${join(directory, UNLABELLED)}.`,
    );
  }
  const firstFile = files[0];
  if (!firstFile) {
    throw new DataError(
      `${directory}: expected PNG images, in the folder or in one subfolder a class; found none.`,
    );
  }
  const first = readPng(firstFile.path);
  const size = first.data.length;
  const x = new Uint8Array(files.length * size);
  files.forEach(({ path }, i) => {
    const image = i === 0 ? first : readPng(path);
    if (sizeText(image) !== sizeText(first)) {
      throw new DataError(
        `${directory}: expected images of one size; found ${firstFile.path} with ${sizeText(first)} and ${path} ` +
          `with ${sizeText(image)}.`,
      );
    }
    x.set(image.data, i * size);
  });
  return createDataset({
    name: options.name ?? basename(resolve(directory)),
    source: directory,
    shape: first.channels === 1 ? [first.height, first.width] : [first.height, first.width, first.channels],
    kind: "image",
    x,
    rowNames: files.map(({ path }) => relative(directory, path)),
    ...(inFolder && labelsOf(directory, files, options.classes)),
  });
};

const listPngs = (directory: string): readonly PngFile[] =>
  listDirectory(directory).flatMap((entry): PngFile[] => {
    const path = join(directory, entry.name);
    if (!entry.directory) return isPng(entry.name) ? [{ path }] : [];
    return listDirectory(path)
      .filter((file) => !file.directory && isPng(file.name))
      .map((file) => ({ path: join(path, file.name), folder: entry.name }));
  });

/** What a semi-supervised model needs and an unsupervised one does not. */
const checkUnlabelled = (directory: string, files: readonly PngFile[]): void => {
  const folders = listDirectory(directory).flatMap(({ name, directory: is }) => (is ? [name] : []));
  const empty = folders.filter((folder) => !files.some((file) => file.folder === folder));
  const classes = folders.filter((folder) => folder !== UNLABELLED);
  if (!folders.includes(UNLABELLED) || empty.includes(UNLABELLED)) {
    const found = folders.includes(UNLABELLED) ? "found it without a PNG" : "found none";
    throw new DataError(
      `${directory}: semi-supervised learning needs images without a class: expected PNGs in ${join(directory, UNLABELLED)}` +
        `${classes.length > 0 ? `, beside the classes ${classes.join(", ")}` : ""}; ${found}. Put images there, or say how ` +
        "many labels to keep (labels): the others are then hidden.",
    );
  }
  if (empty.length > 0) {
    throw new DataError(
      `${join(directory, empty[0])}: expected at least one PNG of the class "${empty[0]}"; found none. Add one, or remove ` +
        "the folder.",
    );
  }
};

const isPng = (name: string): boolean => name.toLowerCase().endsWith(".png") && !name.startsWith(".");

const labelsOf = (
  directory: string,
  files: readonly PngFile[],
  fixed: readonly string[] | undefined,
): { readonly labels: Int32Array; readonly classes: readonly string[] } => {
  const folders = [...new Set(files.flatMap(({ folder }) => (folder === undefined ? [] : [folder])))];
  const classes = fixed ?? folders.filter((folder) => folder !== UNLABELLED);
  const unknown = folders.find((folder) => folder !== UNLABELLED && !classes.includes(folder));
  if (unknown !== undefined) {
    throw new DataError(
      `${join(directory, unknown)}: no such class in the training images, which have ${classes.join(", ")}.`,
    );
  }
  const labels = Int32Array.from(files, ({ folder }) =>
    folder === undefined ? -1 : classes.indexOf(folder),
  );
  return { labels, classes };
};

const sizeText = ({ width, height, channels }: Image): string =>
  `${width} x ${height} pixels, ${channels} channel${channels === 1 ? "" : "s"}`;

const readPng = (path: string): Image => {
  const bytes = readBytes(path);
  try {
    return toBytes(decode(bytes, { checkCrc: true }));
  } catch (cause) {
    throw new DataError(
      `${path}: cannot be decoded as PNG (${messageOf(cause)}). The file is damaged or of another format.`,
      { cause },
    );
  }
};

const toBytes = (png: DecodedPng): Image => {
  const { width, height, channels, data, depth } = png;
  // A truecolour image may carry a palette too, as a suggestion.
  if (png.palette && channels === 1) {
    const resolved = convertIndexedToRgb(png);
    return { width, height, channels: resolved.length / (width * height), data: resolved };
  }
  if (data instanceof Uint16Array) {
    return { width, height, channels, data: Uint8Array.from(data, (value) => Math.round(value / 257)) };
  }
  const values = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return { width, height, channels, data: depth < 8 ? unpackGrey(values, width, height, depth) : values };
};

/** Grey of 1, 2 or 4 bits is packed, with each line starting on a byte. */
const unpackGrey = (packed: Uint8Array, width: number, height: number, depth: number): Uint8Array => {
  const stride = Math.ceil((width * depth) / 8);
  const most = 2 ** depth - 1;
  const out = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = packed[y * stride + (bit >> 3)] ?? 0;
      out[y * width + x] = (((byte >> (8 - depth - (bit & 7))) & most) * 255) / most;
    }
  }
  return out;
};
