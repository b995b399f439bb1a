import { isLittleEndian } from "#platform/machine";
import { basename } from "#platform/paths";
import type { OwnUint8Array } from "../arrays.ts";
import { DataError } from "../errors.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import { readBytes, type SizeLimit } from "./file.ts";
import { toLabels, withLabels } from "./labels.ts";

/** The element types of the IDX format. */
export type IdxType = "u8" | "i8" | "i16" | "i32" | "f32" | "f64";

/** The contents of an IDX file: `data` is row-major and holds `prod(shape)` values. */
export interface IdxArray {
  readonly type: IdxType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
}

type TypeRule = {
  readonly type: IdxType;
  readonly bytes: 1 | 2 | 4 | 8;
  readonly view: (buffer: ArrayBuffer, offset: number, length: number) => IdxArray["data"];
};

// The third byte of the file gives the type, by the format's description on the MNIST page (LeCun, Cortes, Burges, 1998).
const TYPES: ReadonlyMap<number, TypeRule> = new Map<number, TypeRule>([
  [0x08, { type: "u8", bytes: 1, view: (b, o, n) => new Uint8Array(b, o, n) }],
  [0x09, { type: "i8", bytes: 1, view: (b, o, n) => new Int8Array(b, o, n) }],
  [0x0b, { type: "i16", bytes: 2, view: (b, o, n) => new Int16Array(b, o, n) }],
  [0x0c, { type: "i32", bytes: 4, view: (b, o, n) => new Int32Array(b, o, n) }],
  [0x0d, { type: "f32", bytes: 4, view: (b, o, n) => new Float32Array(b, o, n) }],
  [0x0e, { type: "f64", bytes: 8, view: (b, o, n) => new Float64Array(b, o, n) }],
]);

// Files most often given by mistake: another format, or a web page that was saved in place of the download.
const LOOKALIKES: readonly (readonly [string, string])[] = [
  ["89 50 4e 47", "a PNG image"],
  ["93 4e 55 4d", "a NumPy .npy file"],
  ["50 4b 03 04", "a ZIP archive"],
  ["3c", "a web page"],
];

/** Whether bytes begin like an IDX file. */
export const looksLikeIdx = (bytes: Uint8Array): boolean =>
  bytes[0] === 0 && bytes[1] === 0 && TYPES.has(bytes[2] ?? -1);

/**
 * Reads any IDX file, gzipped or not, of any element type and rank. Bytes are a view of the file's memory;
 * wider types, which are stored big-endian, are copied.
 *
 * @throws DataError when the file is missing, empty, not IDX, or shorter or longer than its header says.
 */
export const readIdx = (path: string, limit: SizeLimit = {}): IdxArray => {
  const bytes = readBytes(path, limit);
  const rule = TYPES.get(bytes[2] ?? -1);
  const rank = bytes[3] ?? 0;
  if (!rule || !looksLikeIdx(bytes) || rank === 0) {
    const found = hex(bytes);
    const lookalike = LOOKALIKES.find(([start]) => found.startsWith(start));
    throw new DataError(
      `${path}: expected an IDX file, which begins with 00 00, a type (08, 09, 0b, 0c, 0d or 0e) and the number ` +
        `of dimensions; found ${found}${lookalike ? ` (${lookalike[1]})` : ""}.`,
    );
  }
  const start = 4 + 4 * rank;
  if (bytes.length < start) {
    throw new DataError(
      `${path}: truncated. Expected a header of ${start} bytes for ${rank} dimensions, found ${bytes.length} bytes.`,
    );
  }
  const header = new DataView(bytes.buffer, bytes.byteOffset, start);
  const shape = Array.from({ length: rank }, (_, i) => header.getUint32(4 + 4 * i));
  const count = shape.reduce((n, d) => n * d, 1);
  const expected = start + count * rule.bytes;
  if (bytes.length !== expected) {
    const what = bytes.length < expected ? "truncated" : "trailing bytes";
    throw new DataError(
      `${path}: ${what}. Expected ${expected} bytes for ${rule.type} of shape [${shape.join(", ")}], ` +
        `found ${bytes.length}.`,
    );
  }
  return { type: rule.type, shape, data: viewBody(bytes, start, count, rule) };
};

const viewBody = (
  bytes: OwnUint8Array,
  start: number,
  count: number,
  { bytes: size, view }: TypeRule,
): IdxArray["data"] => {
  if (size === 1) return view(bytes.buffer, bytes.byteOffset + start, count);
  // A copy, because views of wider types must be aligned; `slice` of a Buffer would not copy.
  const body = new Uint8Array(bytes.subarray(start)).buffer;
  if (isLittleEndian) {
    const swap = Buffer.from(body);
    if (size === 2) swap.swap16();
    else if (size === 4) swap.swap32();
    else swap.swap64();
  }
  return view(body, 0, count);
};

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.subarray(0, 4))
    .toString("hex")
    .replace(/..(?=.)/g, "$& ");

/**
 * Reads an IDX file of images, shape `[rows, height, width]` or `[rows, height, width, channels]`, or of table
 * rows, `[rows, features]`. Bytes stay bytes; other types become float32.
 *
 * @throws DataError as {@link readIdx}, and for a label file, a file without rows, and NaN or infinite values.
 */
export const readIdxImages = (
  path: string,
  options: SizeLimit & { readonly name?: string } = {},
): Dataset => {
  const { shape, data, type } = readIdx(path, options);
  if (shape.length < 2 || shape.length > 4) {
    throw new DataError(
      `${path}: expected images, with 3 dimensions (rows, height, width), or 2 or 4; found ${dimensions(shape, type)}` +
        `${shape.length === 1 ? ", which is what a label file has. Are the image and label files swapped?" : "."}`,
    );
  }
  return createDataset({
    name: options.name ?? basename(path),
    source: path,
    shape: shape.slice(1),
    x: data instanceof Uint8Array || data instanceof Float32Array ? data : new Float32Array(data),
  });
};

/**
 * Reads an IDX file of labels: 1 dimension, whole numbers from 0, -1 for unlabelled rows.
 *
 * @throws DataError as {@link readIdx}, and for an image file, a file without labels, and numbers that are not class indices.
 */
export const readIdxLabels = (path: string, limit: SizeLimit = {}): Int32Array => {
  const { shape, data, type } = readIdx(path, limit);
  if (shape.length !== 1) {
    throw new DataError(
      `${path}: expected labels, with 1 dimension (rows); found ${dimensions(shape, type)}, which is what an image ` +
        "file has. Are the image and label files swapped?",
    );
  }
  if (data.length === 0) throw new DataError(`${path}: holds no labels. Expected at least one.`);
  return toLabels(data, path);
};

const dimensions = (shape: readonly number[], type: IdxType): string =>
  `${shape.length} dimension${shape.length === 1 ? "" : "s"}, ${type} of shape [${shape.join(", ")}]`;

/**
 * Reads images and their labels. The classes are named `"0"` to the largest label.
 *
 * ```ts
 * const train = readIdxPair("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz");
 * ```
 *
 * @throws DataError as {@link readIdxImages} and {@link readIdxLabels}, and when their counts differ.
 */
export const readIdxPair = (
  imagesPath: string,
  labelsPath: string,
  options: { readonly name?: string } = {},
): Dataset =>
  withLabels(
    readIdxImages(imagesPath, options),
    { labels: readIdxLabels(labelsPath) },
    {
      data: imagesPath,
      labels: labelsPath,
    },
  );
