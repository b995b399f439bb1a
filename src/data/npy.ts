import { basename } from "node:path";
import { fromArrayBuffer } from "numpy-parser";
import { DataError } from "../errors.ts";
import { createDataset, type Dataset } from "./dataset.ts";
import { readBytes } from "./file.ts";
import { toLabels } from "./labels.ts";

/** The contents of a `.npy` file: `data` is row-major and holds `prod(shape)` values. */
export interface NpyArray {
  /** NumPy's name of the element type, such as `<f4`. */
  readonly descr: string;
  readonly shape: readonly number[];
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

/** Bytes per element of the types that are read. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ["|b1", 1],
  ["|u1", 1],
  ["|i1", 1],
  ["<u2", 2],
  ["<i2", 2],
  ["<u4", 4],
  ["<i4", 4],
  ["<f4", 4],
  ["<u8", 8],
  ["<i8", 8],
  ["<f8", 8],
]);

/**
 * Reads a `.npy` file (format version 1.0, which `numpy.save` writes), gzipped or not: booleans (as bytes 0 and
 * 1), integers of 8 to 64 bits, float32 and float64, little-endian, in C order.
 *
 * @throws DataError when the file is missing, not `.npy`, truncated, longer than its header says, or of another
 * order or type; the message gives the line of NumPy that converts it.
 */
export const readNpy = (path: string): NpyArray => {
  const bytes = readBytes(path);
  // The package reads from the start of an ArrayBuffer; small files share theirs with others.
  const buffer = bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : new Uint8Array(bytes).buffer;
  const { descr, shape, start } = readHeader(path, new Uint8Array(buffer));
  const count = shape.reduce((n, d) => n * d, 1);
  const expected = start + count * (SIZES.get(descr) ?? 0);
  if (buffer.byteLength !== expected) {
    const what = buffer.byteLength < expected ? "truncated" : "trailing bytes";
    throw new DataError(
      `${path}: ${what}. Expected ${expected} bytes for ${descr} of shape [${shape.join(", ")}], ` +
        `found ${buffer.byteLength}.`,
    );
  }
  // The package knows neither 64-bit integers nor booleans, and reports shape (n,) as [n, 1].
  if (descr === "<i8") return { descr, shape, data: new BigInt64Array(buffer, start, count) };
  if (descr === "<u8") return { descr, shape, data: new BigUint64Array(buffer, start, count) };
  if (descr === "|b1") return { descr, shape, data: new Uint8Array(buffer, start, count) };
  return { descr, shape, data: fromArrayBuffer(buffer).data };
};

// numpy-parser accepts truncated files, prints to the console about padding, and fails without a word about the
// file on the rest: so everything that it cannot read well is refused here first.
const readHeader = (
  path: string,
  bytes: Uint8Array,
): { readonly descr: string; readonly shape: readonly number[]; readonly start: number } => {
  const text = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString("latin1");
  if (text(0, 6) !== "\x93NUMPY") {
    const found = Buffer.from(bytes.subarray(0, 6))
      .toString("hex")
      .replace(/..(?=.)/g, "$& ");
    throw new DataError(
      `${path}: expected a NumPy .npy file, which begins with 93 4e 55 4d 50 59 ("\\x93NUMPY"); found ${found}.`,
    );
  }
  const start = 10 + (bytes[8] ?? 0) + 256 * (bytes[9] ?? 0);
  if (bytes.length < 10 || (bytes[6] === 1 && bytes.length < start)) {
    throw new DataError(`${path}: truncated. The file ends within its header, after ${bytes.length} bytes.`);
  }
  if (bytes[6] !== 1 || start % 16 !== 0) {
    throw new DataError(
      `${path}: expected .npy format version 1.0 with a header padded to 16 bytes, found version ` +
        `${bytes[6]}.${bytes[7]}${bytes[6] === 1 ? ` and ${start} bytes` : ""}. ` +
        "Load it with numpy.load and save it again with numpy.save.",
    );
  }
  const header = text(10, start);
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(header)?.[1];
  const dims = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  if (order === undefined || dims === undefined || !header.includes("'descr'")) {
    throw new DataError(
      `${path}: expected a header with descr, fortran_order and shape; found ${JSON.stringify(header.trim())}.`,
    );
  }
  if (descr?.startsWith(">")) {
    throw new DataError(
      `${path}: expected little-endian numbers, found big-endian ${descr}. ` +
        `Save x.astype("${descr.replace(">", "<")}") instead.`,
    );
  }
  if (descr === undefined || !SIZES.has(descr)) {
    throw new DataError(
      `${path}: element type ${descr ?? "with named fields"} is not read. Expected one of ` +
        `${[...SIZES.keys()].join(", ")}: save x.astype("float32"), for example.`,
    );
  }
  if (order === "True") {
    throw new DataError(
      `${path}: expected rows in C order, found Fortran order (column by column). ` +
        "Save numpy.ascontiguousarray(x) instead.",
    );
  }
  return { descr, shape: (dims.match(/\d+/g) ?? []).map(Number), start };
};

/**
 * Reads a `.npy` file as data: rank 2 is a table `[rows, features]`, rank 3 images `[rows, height, width]`, rank
 * 4 images `[rows, height, width, channels]`. uint8 stays bytes with scale 1/255; other types become float32.
 *
 * @throws DataError as {@link readNpy}, and for another rank, channels before height, no rows, NaN or infinity.
 */
export const readNpyDataset = (path: string, options: { readonly name?: string } = {}): Dataset => {
  const { data, shape, descr } = readNpy(path);
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
      `${path}: expected images [rows, height, width, channels], found shape ${shapeText}, which looks like ` +
        "channels first. Save numpy.moveaxis(x, 1, -1) instead.",
    );
  }
  return createDataset({
    name: options.name ?? basename(path),
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
 * Reads class indices from a `.npy` file of shape `(rows,)`; -1 stands for an unlabelled row.
 *
 * @throws DataError as {@link readNpy}, and for another rank or numbers that are no class index.
 */
export const readNpyLabels = (path: string): Int32Array => {
  const { data, shape } = readNpy(path);
  if (shape.length !== 1 || data.length === 0) {
    throw new DataError(
      `${path}: expected labels of shape [rows], at least one; found shape [${shape.join(", ")}].`,
    );
  }
  return toLabels(data, path);
};
