import { sha256 } from "#platform/hashing";
import type { OwnUint8Array } from "../arrays.ts";
import { CheckpointError, UsageError } from "../errors.ts";
import {
  DAMAGED,
  DTYPES,
  METADATA,
  readHeader,
  record,
  type SafetensorsData,
  type SafetensorsDtype,
} from "./safetensors-header.ts";

export type { SafetensorsDtype };

/** A tensor of a safetensors file: row-major, `prod(shape)` values; BOOL as bytes 0 and 1. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: SafetensorsDtype;
  readonly data: SafetensorsData;
}

/** The contents of a safetensors file, tensors in the order of their data. */
export interface StoredTensors {
  readonly tensors: readonly StoredTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** Metadata key: SHA-256 of everything in the header, including the next entry. */
const HEADER_SUM = "sha256";
/** Metadata key: a JSON object with each tensor's SHA-256 by name, so that damage can be located. */
const TENSOR_SUMS = "sha256.tensors";
/**
 * The bytes of a safetensors file: the length of the header as 8 bytes little-endian, a JSON header, the data.
 * The data begin at a multiple of 8 and larger element types come first, so every tensor is aligned to its
 * element size. SHA-256 sums of the header and of each tensor are stored in the metadata as `sha256` and
 * `sha256.tensors`; other readers see two more strings there.
 *
 * Format: https://huggingface.co/docs/safetensors
 *
 * ```ts
 * const w = { name: "w", shape: [2], dtype: "F32", data: Float32Array.of(1, 2) } as const;
 * decodeSafetensors(encodeSafetensors([w], { step: "7" }), "memory").metadata; // { step: "7" }
 * ```
 *
 * @throws UsageError when two tensors have the same name, a name is reserved, or data do not fit shape and dtype.
 */
export const encodeSafetensors = (
  tensors: readonly StoredTensor[],
  metadata: Readonly<Record<string, string>>,
): OwnUint8Array => {
  const seen = new Set([METADATA]);
  for (const tensor of tensors) checkTensor(tensor, seen);
  for (const key of [HEADER_SUM, TENSOR_SUMS]) {
    if (key in metadata)
      throw new UsageError(`safetensors: the metadata key "${key}" is reserved for checksums`);
  }
  // Sorting is stable: tensors of one element size keep the caller's order.
  const ordered = [...tensors].sort((a, b) => DTYPES[b.dtype].size - DTYPES[a.dtype].size);
  let end = 0;
  const entries = ordered.map(({ name, shape, dtype, data }) => {
    const begin = end;
    end += data.byteLength;
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const sums = Object.fromEntries(ordered.map(({ name, data }) => [name, sumOf(bytesOf(data))]));
  const described = { ...metadata, [TENSOR_SUMS]: JSON.stringify(sums) };
  const complete = { ...described, [HEADER_SUM]: headerSum(ordered, described) };
  const json = new TextEncoder().encode(
    JSON.stringify({ [METADATA]: complete, ...Object.fromEntries(entries) }),
  );
  const start = 8 * Math.ceil((8 + json.length) / 8);
  const out = new Uint8Array(start + end);
  out.fill(0x20, 8, start);
  new DataView(out.buffer).setBigUint64(0, BigInt(start - 8), true);
  out.set(json, 8);
  ordered.forEach(({ data }, i) => {
    out.set(bytesOf(data), start + (entries[i]?.[1].data_offsets[0] ?? 0));
  });
  return out;
};

const checkTensor = ({ name, shape, dtype, data }: StoredTensor, seen: Set<string>): void => {
  const { kind } = DTYPES[dtype];
  const count = shape.reduce((n, d) => n * d, 1);
  if (seen.has(name)) {
    throw new UsageError(
      `safetensors: expected each tensor to have a name of its own other than "${METADATA}", ` +
        `found "${name}" again`,
    );
  }
  seen.add(name);
  const found = Object.prototype.toString.call(data).slice(8, -1);
  if (found !== kind || data.length !== count) {
    throw new UsageError(
      `safetensors: tensor "${name}": expected a ${kind} of ${count} for ${dtype} of shape [${shape.join(", ")}], ` +
        `found a ${found} of ${data.length}`,
    );
  }
};

/**
 * Reads a file by {@link encodeSafetensors} or another writer of the format. Everything is checked: the
 * header, that the data are covered without gaps or overlaps, sizes against shapes, and checksums if there
 * are any (other writers do not store them). The tensors are copies.
 *
 * @param source names the file in error messages
 * @throws CheckpointError naming the file, the tensor, what was expected and what was found.
 */
export const decodeSafetensors = (bytes: Uint8Array, source: string): StoredTensors => {
  const { metadata, start, ...header } = readHeader(bytes, source);
  const data = bytes.subarray(start);
  const specs = [...header.specs].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of specs) {
    if (begin !== covered) {
      throw new CheckpointError(
        `${source}: tensor "${name}": expected its data to begin at byte ${covered}, where the previous tensor's end; ` +
          `found ${begin}. ${DAMAGED}`,
      );
    }
    if (end > data.length) {
      throw new CheckpointError(
        `${source}: truncated. Tensor "${name}": expected ${end - begin} bytes of data, ` +
          `found ${Math.max(0, data.length - begin)}. ${DAMAGED}`,
      );
    }
    covered = end;
  }
  if (covered !== data.length) {
    throw new CheckpointError(
      `${source}: expected ${covered} bytes of data after the header, found ${data.length}. ${DAMAGED}`,
    );
  }
  const tensors = specs.map(({ name, shape, dtype, begin, end }): StoredTensor => {
    const copy = new Uint8Array(data.subarray(begin, end));
    return { name, shape, dtype, data: DTYPES[dtype].view(copy.buffer) };
  });
  verify(tensors, metadata, source);
  const { [HEADER_SUM]: _header, [TENSOR_SUMS]: _tensors, ...rest } = metadata;
  return { tensors, metadata: rest };
};

const verify = (
  tensors: readonly StoredTensor[],
  metadata: Readonly<Record<string, string>>,
  source: string,
): void => {
  const { [HEADER_SUM]: found, ...described } = metadata;
  // One without the other also means damage, to a name in the header.
  if (found === undefined && described[TENSOR_SUMS] === undefined) return;
  const expected = headerSum(tensors, described);
  if (expected !== found) {
    throw new CheckpointError(
      `${source}: corrupted. The names, shapes or metadata in the header have SHA-256 ${expected}, but ${found} ` +
        `was stored with them. ${DAMAGED}`,
    );
  }
  const sums = record(JSON.parse(described[TENSOR_SUMS] ?? "{}"));
  for (const { name, data } of tensors) {
    const sum = sumOf(bytesOf(data));
    if (sums?.get(name) !== sum) {
      throw new CheckpointError(
        `${source}: corrupted. Tensor "${name}": expected data with SHA-256 ${sums?.get(name)}, found ${sum}. ` +
          DAMAGED,
      );
    }
  }
};

/** Checksum of names, types, shapes and metadata, in an order that does not depend on the file's. */
const headerSum = (tensors: readonly StoredTensor[], metadata: Readonly<Record<string, string>>): string => {
  const described = tensors.map(({ name, dtype, shape }) => [name, dtype, shape] as const);
  return sumOf(JSON.stringify([Object.entries(metadata).sort(byName), described.sort(byName)]));
};

const byName = ([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number =>
  a < b ? -1 : 1;

const sumOf = (content: string | Uint8Array): string => sha256().update(content).digest("hex");

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
