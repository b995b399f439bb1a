import { basename } from "#platform/paths";
import type { OwnUint8Array } from "../arrays.ts";
import { DataError } from "../errors.ts";
import { classIndices } from "./csv-records.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import { readBytes, type SizeLimit } from "./file.ts";
import { type RowLabels, toLabels } from "./labels.ts";

/** The contents of a `.npy` file: `data` is row-major and holds `prod(shape)` values. */
export interface NpyArray {
  /** NumPy's name for the element type in the file, such as `<f4`. */
  readonly descr: string;
  readonly shape: readonly number[];
  /** Booleans are bytes 0 and 1; float16 is widened to float32. */
  readonly data:
    | Uint8Array
    | Uint16Array
    | Uint32Array
    | Int8Array
    | Int16Array
    | Int32Array
    | Float32Array
    | Float64Array
    | BigInt64Array
    | BigUint64Array;
}

interface ElementType {
  /** Bytes per element. */
  readonly size: number;
  readonly view: (buffer: ArrayBuffer, start: number, count: number) => NpyArray["data"];
}

/** The element types that can be read, by NumPy's name without the byte order. */
const TYPES: ReadonlyMap<string, ElementType> = new Map<string, ElementType>([
  ["b1", { size: 1, view: (...at) => new Uint8Array(...at) }],
  ["u1", { size: 1, view: (...at) => new Uint8Array(...at) }],
  ["i1", { size: 1, view: (...at) => new Int8Array(...at) }],
  ["u2", { size: 2, view: (...at) => new Uint16Array(...at) }],
  ["i2", { size: 2, view: (...at) => new Int16Array(...at) }],
  ["u4", { size: 4, view: (...at) => new Uint32Array(...at) }],
  ["i4", { size: 4, view: (...at) => new Int32Array(...at) }],
  ["u8", { size: 8, view: (...at) => new BigUint64Array(...at) }],
  ["i8", { size: 8, view: (...at) => new BigInt64Array(...at) }],
  ["f2", { size: 2, view: (...at) => Float32Array.from(new Uint16Array(...at), fromHalf) }],
  ["f4", { size: 4, view: (...at) => new Float32Array(...at) }],
  ["f8", { size: 8, view: (...at) => new Float64Array(...at) }],
]);

interface Header {
  readonly descr: string;
  readonly type: ElementType;
  readonly bigEndian: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** The position of the first value, in bytes. */
  readonly start: number;
  /** For words: the number of characters in each, which is the last axis of `shape`; `type` is then that of a character. */
  readonly characters?: number;
}

/**
 * Reads a `.npy` file of format version 1.0, 2.0 or 3.0, gzipped or not: booleans, integers of 8 to 64 bits, float16, float32 and float64,
 * of either byte order. Arrays in Fortran order, which `DataFrame.to_numpy()` often returns, become row-major too. (Format:
 * `numpy.lib.format`, NEP 1.)
 *
 * @throws DataError when the file is missing, not `.npy`, truncated, longer than its header says, or has an element type that cannot be
 * read; the message then gives the NumPy expression that converts it.
 */
export const readNpy = (path: string, limit: SizeLimit = {}): NpyArray =>
  decodeNpy(readBytes(path, limit), path);

/** {@link readNpy} for bytes that were already read. */
export const decodeNpy = (bytes: OwnUint8Array, path: string): NpyArray => {
  const header = readHeader(path, bytes);
  if (header.characters !== undefined) {
    throw new DataError(
      `${path}: expected numbers, found words (element type ${header.descr}). Words can only be read as labels.`,
    );
  }
  return decodeBody(bytes, path, header);
};

const decodeBody = (bytes: OwnUint8Array, path: string, header: Header): NpyArray => {
  const { descr, shape, start, type } = header;
  const count = shape.reduce((n, d) => n * d, 1);
  const expected = start + count * type.size;
  if (bytes.length !== expected) {
    const what = bytes.length < expected ? "truncated" : "trailing bytes";
    throw new DataError(
      `${path}: ${what}. Expected ${expected} bytes for ${descr} of shape [${shape.join(", ")}], ` +
        `found ${bytes.length}.`,
    );
  }
  const body = inNativeOrder(bytes.subarray(start), header);
  // A typed array must begin at a multiple of its element size. A slice has its own buffer, so it does.
  const aligned = body.byteOffset % type.size === 0 ? body : new Uint8Array(body);
  return { descr, shape, data: type.view(aligned.buffer, aligned.byteOffset, count) };
};

const readHeader = (path: string, bytes: Uint8Array): Header => {
  const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString("latin1");
  if (text(0, 6) !== "\x93NUMPY") {
    const found = Buffer.from(bytes.subarray(0, 6))
      .toString("hex")
      .replace(/..(?=.)/g, "$& ");
    throw new DataError(
      `${path}: expected a NumPy .npy file, which begins with 93 4e 55 4d 50 59 ("\\x93NUMPY"); found ${found}.`,
    );
  }
  const [major = 0, minor = 0] = bytes.subarray(6, 8);
  if (bytes.length >= 8 && !(major >= 1 && major <= 3 && minor === 0)) {
    throw new DataError(
      `${path}: expected .npy format version 1.0, 2.0 or 3.0, found version ${major}.${minor}. ` +
        "Load it with numpy.load and save it again with numpy.save.",
    );
  }
  // Version 1 gives the length of the header in two bytes, later versions in four.
  const from = major === 1 ? 10 : 12;
  const bytesOfLength = new DataView(bytes.buffer, bytes.byteOffset);
  const readLength = () =>
    major === 1 ? bytesOfLength.getUint16(8, true) : bytesOfLength.getUint32(8, true);
  const start = bytes.length < from ? Number.POSITIVE_INFINITY : from + readLength();
  if (bytes.length < start) {
    throw new DataError(`${path}: truncated. The file ends within its header, after ${bytes.length} bytes.`);
  }
  const header = text(from, start);
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const dims = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  if (order === undefined || dims === undefined || !header.includes("'descr'")) {
    throw new DataError(
      `${path}: expected a header with descr, fortran_order and shape; found ${JSON.stringify(header.trim().slice(0, 200))}.`,
    );
  }
  const shape = (dims.match(/\d+/g) ?? []).map(Number);
  const words = /^[<>|=]([US])(\d+)$/.exec(descr ?? "");
  const known = words
    ? { U: "u4", S: "u1" }[words[1]]
    : /^[<>|=]/.test(descr ?? "")
      ? descr?.slice(1)
      : undefined;
  const type = TYPES.get(known ?? "");
  if (descr?.endsWith("O")) {
    throw new DataError(
      `${path}: holds Python objects, which cannot be read safely: they may contain programs. Save numpy.asarray(x, dtype=str) for words, dtype="float32" for numbers.`,
    );
  }
  if (descr === undefined || type === undefined) {
    throw new DataError(
      `${path}: element type ${descr ?? "with named fields"} cannot be read. Expected one of ${[...TYPES.keys()].join(", ")}, ` +
        `in either byte order: save x.astype("float32"), for example.`,
    );
  }
  return {
    descr,
    type,
    bigEndian: descr.startsWith(">") && type.size > 1,
    // A list of words is the same in both orders.
    fortran: order === "True" && !(words && shape.length < 2),
    shape: words ? [...shape, Number(words[2])] : shape,
    start,
    ...(words && { characters: Number(words[2]) }),
  };
};

/** The values row by row and little-endian: a copy, unless they are stored that way. */
const inNativeOrder = (
  bytes: OwnUint8Array,
  { type: { size }, shape, fortran, bigEndian }: Header,
): OwnUint8Array => {
  if (!bigEndian && !(fortran && shape.length > 1)) return bytes;
  const out = new Uint8Array(bytes.length);
  const firstByte = bigEndian ? size - 1 : 0;
  const nextByte = bigEndian ? -1 : 1;
  // For each axis, how many elements apart neighbours along it are in the file.
  const strides = shape.map((_, axis) =>
    (fortran ? shape.slice(0, axis) : shape.slice(axis + 1)).reduce((n, d) => n * d, 1),
  );
  const index = shape.map(() => 0);
  let element = 0;
  for (let to = 0; to < out.length; to += size) {
    const from = element * size + firstByte;
    for (let byte = 0; byte < size; byte++) out[to + byte] = bytes[from + nextByte * byte] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const extent = shape[axis] ?? 0;
      const stride = strides[axis] ?? 0;
      const next = (index[axis] ?? 0) + 1;
      index[axis] = next === extent ? 0 : next;
      element += stride;
      if (next < extent) break;
      element -= stride * extent;
    }
  }
  return out;
};

/** IEEE 754 binary16: a sign, 5 bits of exponent with bias 15, 10 bits of fraction. */
const fromHalf = (bits: number): number => {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
};

/**
 * Reads a `.npy` file as data: rank 2 is a table `[rows, features]`, rank 3 is images `[rows, height, width]`, rank 4 is images `[rows,
 * height, width, channels]`. uint8 stays bytes with scale 1/255; other types become float32.
 *
 * @throws DataError as {@link readNpy}, and for another rank, channels before height, a file without rows, and NaN or infinite values.
 */
export const readNpyDataset = (path: string, options: SizeLimit & { readonly name?: string } = {}): Dataset =>
  datasetOfNpy(readBytes(path, options), path, options.name ?? basename(path));

/** {@link readNpyDataset} for bytes that were already read. */
export const datasetOfNpy = (bytes: OwnUint8Array, path: string, name: string): Dataset => {
  const { data, shape, descr } = decodeNpy(bytes, path);
  const shapeText = `[${shape.join(", ")}]`;
  if (shape.length < 2 || shape.length > 4) {
    throw new DataError(
      `${path}: expected a table [rows, features] or images [rows, height, width] or ` +
        `[rows, height, width, channels]; found shape ${shapeText}.`,
    );
  }
  const [, second = 0, , last = 0] = shape;
  if (shape.length === 4 && last > 4 && second <= 4) {
    throw new DataError(
      `${path}: expected images [rows, height, width, channels], found shape ${shapeText}, where channels seem to ` +
        "come first. Save numpy.moveaxis(x, 1, -1) instead.",
    );
  }
  return createDataset({
    name,
    source: path,
    shape: shape.slice(1),
    x: descr === "|u1" && data instanceof Uint8Array ? data : toFloat32(data),
  });
};

const toFloat32 = (data: NpyArray["data"]): Float32Array => {
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    const out = new Float32Array(data.length);
    for (let i = 0; i < out.length; i++) out[i] = Number(data[i]);
    return out;
  }
  return new Float32Array(data);
};

/**
 * Reads labels from a `.npy` file of shape `(rows,)`: class indices, with -1 for an unlabelled row; or names of classes (an array of
 * words), with an empty name for an unlabelled row.
 *
 * @throws DataError as {@link readNpy}, and for another rank or numbers that are not class indices.
 */
export const readNpyLabels = (path: string, limit: SizeLimit = {}): RowLabels =>
  labelsOfNpy(readBytes(path, limit), path);

/** {@link readNpyLabels} for bytes that were already read. */
export const labelsOfNpy = (bytes: OwnUint8Array, path: string): RowLabels => {
  const header = readHeader(path, bytes);
  const { characters } = header;
  const { data, shape } = decodeBody(bytes, path, header);
  const rank = characters === undefined ? 1 : 2;
  if (shape.length !== rank || shape[0] === 0) {
    const found = characters === undefined ? shape : shape.slice(0, -1);
    throw new DataError(
      `${path}: expected labels of shape [rows], at least one; found shape [${found.join(", ")}].`,
    );
  }
  if (characters === undefined) return { labels: toLabels(data, path) };
  return classIndices(wordsOf(data as Uint8Array | Uint32Array, shape[0], characters, path));
};

/** Words with this many characters each, without the zeros at their ends. Characters are UTF-32 codes, or bytes of UTF-8. */
const wordsOf = (
  data: Uint8Array | Uint32Array,
  rows: number,
  characters: number,
  path: string,
): readonly string[] =>
  Array.from({ length: rows }, (_, row) => {
    const all = data.subarray(row * characters, (row + 1) * characters);
    let length = all.length;
    while (length > 0 && all[length - 1] === 0) length--;
    const word = all.subarray(0, length);
    if (word instanceof Uint8Array) return Buffer.from(word).toString("utf8").trim();
    const wrong = word.find((code) => code > 0x10ffff);
    if (wrong !== undefined) {
      throw new DataError(
        `${path}: expected Unicode characters, found the code ${wrong} at row ${row}, counted from 0.`,
      );
    }
    return Array.from(word, (code) => String.fromCodePoint(code))
      .join("")
      .trim();
  });
