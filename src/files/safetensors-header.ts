import { CheckpointError } from "../errors.ts";
import { shortJson } from "./json.ts";

/** The element types that are read and written, by the format's names. */
export type SafetensorsDtype = "F32" | "F64" | "I32" | "I64" | "U8" | "BOOL";

/** The values of a tensor; BOOL as bytes 0 and 1. */
export type SafetensorsData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

interface Dtype {
  /** Bytes per element. */
  readonly size: number;
  readonly kind: string;
  readonly view: (buffer: ArrayBuffer) => SafetensorsData;
}

export const DTYPES: Readonly<Record<SafetensorsDtype, Dtype>> = {
  F64: { size: 8, kind: "Float64Array", view: (buffer) => new Float64Array(buffer) },
  I64: { size: 8, kind: "BigInt64Array", view: (buffer) => new BigInt64Array(buffer) },
  F32: { size: 4, kind: "Float32Array", view: (buffer) => new Float32Array(buffer) },
  I32: { size: 4, kind: "Int32Array", view: (buffer) => new Int32Array(buffer) },
  U8: { size: 1, kind: "Uint8Array", view: (buffer) => new Uint8Array(buffer) },
  BOOL: { size: 1, kind: "Uint8Array", view: (buffer) => new Uint8Array(buffer) },
};

const DTYPE_NAMES: readonly SafetensorsDtype[] = ["F32", "F64", "I32", "I64", "U8", "BOOL"];

/** The one name in the header that is not a tensor. */
export const METADATA = "__metadata__";
/** The reference implementation does not read longer headers. */
const LONGEST_HEADER = 100_000_000;

/** The end of messages about an unusable file. */
export const DAMAGED = "The file is damaged or incomplete: use another copy or start again";

/** Where the data of a tensor are: bytes, counted from the end of the header. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: SafetensorsDtype;
  readonly begin: number;
  readonly end: number;
}

/** The contents of the first part of a safetensors file. */
export interface SafetensorsHeader {
  readonly specs: readonly TensorSpec[];
  readonly metadata: Readonly<Record<string, string>>;
  /** The position of the first byte of the data. */
  readonly start: number;
}

/**
 * Reads the length and the JSON at the beginning of a safetensors file. Each entry is checked separately.
 *
 * @throws CheckpointError naming the file and, if possible, the tensor.
 */
export const readHeader = (bytes: Uint8Array, source: string): SafetensorsHeader => {
  const { header, start } = readJson(bytes, source);
  const specs = [...header]
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => readEntry(name, entry, source));
  return { specs, metadata: readMetadata(header.get(METADATA), source), start };
};

const readJson = (
  bytes: Uint8Array,
  source: string,
): { readonly header: ReadonlyMap<string, unknown>; readonly start: number } => {
  if (bytes.length < 8) {
    throw new CheckpointError(
      `${source}: truncated. Expected a safetensors file, which begins with 8 bytes of header length; ` +
        `found ${bytes.length} bytes. ${DAMAGED}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > LONGEST_HEADER || (bytes[8] !== undefined && bytes[8] !== 0x7b)) {
    throw new CheckpointError(
      `${source}: expected a safetensors file: the length of a header, at most ${LONGEST_HEADER} bytes, ` +
        `then the header, which begins with "{"; found length ${length} and then byte ${bytes[8]}`,
    );
  }
  const start = 8 + Number(length);
  if (bytes.length < start) {
    throw new CheckpointError(
      `${source}: truncated. Expected a header of ${length} bytes, found ${bytes.length - 8}. ${DAMAGED}`,
    );
  }
  const fail = (what: string): never => {
    throw new CheckpointError(`${source}: the header ${what}. ${DAMAGED}`);
  };
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, start));
    // JSON.parse would build all levels: a million of them take seconds and overflow the stack of any function that walks them.
    if (isDeep(text)) fail(`has values nested more than ${MOST_LEVELS} levels deep`);
    parsed = JSON.parse(text);
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    return fail(`is not JSON in UTF-8 (${error instanceof Error ? error.message : String(error)})`);
  }
  const header = record(parsed);
  if (header === undefined) return fail("is not a JSON object");
  for (const [name, entry] of header) {
    if (record(entry) === undefined) fail(`has ${shortJson(entry)} instead of an object for "${name}"`);
  }
  const repeated = repeatedName(text);
  if (repeated !== undefined) fail(`names the tensor "${repeated}" twice`);
  return { header, start };
};

/** A valid header has three levels. */
const MOST_LEVELS = 32;

const isDeep = (json: string): boolean => {
  let levels = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (inString) {
      if (char === "\\") i++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === "[" || char === "{") {
      levels++;
      if (levels > MOST_LEVELS) return true;
    } else if (char === "]" || char === "}") levels--;
  }
  return false;
};

// JSON.parse silently keeps the last of two entries with the same name. All values at the first level are objects, so the
// strings at that level are the names.
const repeatedName = (json: string): string | undefined => {
  const seen = new Set<string>();
  let depth = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === "{" || token === "[") depth++;
    else if (token === "}" || token === "]") depth--;
    else if (depth === 1) {
      const name = String(JSON.parse(token));
      if (seen.has(name)) return name;
      seen.add(name);
    }
  }
  return undefined;
};

const readMetadata = (entry: unknown, source: string): Readonly<Record<string, string>> => {
  const strings = [...(record(entry) ?? [])].map(([key, value]) => {
    if (typeof value !== "string") {
      throw new CheckpointError(
        `${source}: metadata "${key}": expected a string, found ${shortJson(value)}. ${DAMAGED}`,
      );
    }
    return [key, value] as const;
  });
  return Object.fromEntries(strings);
};

const readEntry = (name: string, entry: unknown, source: string): TensorSpec => {
  const fields = record(entry) ?? new Map<string, unknown>();
  const fail = (field: string, expected: string, found: unknown): never => {
    throw new CheckpointError(
      `${source}: tensor "${name}": expected ${field} to be ${expected}, found ${shortJson(found)}`,
    );
  };
  const naturals = (field: string): readonly number[] => {
    const found = fields.get(field);
    return Array.isArray(found) && found.every((n) => Number.isSafeInteger(n) && n >= 0)
      ? found
      : fail(field, "a list of whole numbers, 0 or more", found);
  };
  const dtypeFound = fields.get("dtype");
  const dtype =
    DTYPE_NAMES.find((known) => known === dtypeFound) ??
    fail("dtype", `one of ${DTYPE_NAMES.join(", ")}`, dtypeFound);
  const shape = naturals("shape");
  const offsets = naturals("data_offsets");
  const [begin = 0, end = 0] = offsets;
  if (offsets.length !== 2 || begin > end)
    fail("data_offsets", "the positions at which the data begin and end", offsets);
  const size = shape.reduce((n, d) => n * d, DTYPES[dtype].size);
  if (end - begin !== size) {
    throw new CheckpointError(
      `${source}: tensor "${name}": expected ${size} bytes for ${dtype} of shape [${shape.join(", ")}], ` +
        `found ${end - begin} between its offsets ${begin} and ${end}. ${DAMAGED}`,
    );
  }
  return { name, shape, dtype, begin, end };
};

/** The entries of a JSON object; undefined for anything else. */
export const record = (value: unknown): ReadonlyMap<string, unknown> | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : undefined;
