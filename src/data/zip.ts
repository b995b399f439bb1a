/**
 * The entries of a zip archive, checked: sizes before memory is allocated, checksums after unpacking. (Format: PKWARE's APPNOTE, sections
 * 4.3 and 4.5.3.)
 */
import { crc32, inflateRawSync } from "#platform/compression";
import type { OwnUint8Array } from "../arrays.ts";
import { DataError } from "../errors.ts";
import { messageOf } from "./file.ts";

/** An entry. */
export interface ZipEntry {
  readonly name: string;
  /** Its bytes, unpacked. @throws DataError when there are more than `most`, or they are damaged. */
  content(most: number): OwnUint8Array;
}

const END = 0x06054b50;
const END_64 = 0x06064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
/** The value of a 32-bit field whose actual value is elsewhere, in 64 bits. */
const ELSEWHERE = 0xffffffff;

/** The entries, in the order of the archive's directory. @throws DataError when the archive has no directory or is damaged. */
export const zipEntries = (path: string, bytes: OwnUint8Array): readonly ZipEntry[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const damaged = (why: string): DataError =>
    new DataError(`${path}: the archive is truncated or damaged (${why}). Save it again.`);
  try {
    return directory(view, damaged).map((entry) => ({
      name: entry.name,
      content: (most) => contentOf(path, bytes, view, entry, most, damaged),
    }));
  } catch (cause) {
    if (cause instanceof RangeError) throw damaged("it ends within its directory");
    throw cause;
  }
};

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

/** A 64-bit integer. Values that a number cannot hold exactly are beyond the end of any file. */
const long = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

const directory = (view: DataView, damaged: (why: string) => DataError): readonly Entry[] => {
  let end = view.byteLength - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  if (end < 0) throw damaged("no directory at its end");
  let count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if ((count === 0xffff || at === ELSEWHERE) && end >= 20) {
    const wide = long(view, end - 12);
    if (view.getUint32(wide, true) === END_64) {
      count = long(view, wide + 32);
      at = long(view, wide + 48);
    }
  }
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    if (view.getUint32(at, true) !== ENTRY) throw damaged(`entry ${i + 1} of its directory is not valid`);
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const name = Buffer.from(view.buffer, view.byteOffset + at + 46, nameLength).toString("utf8");
    const fields = wideFields(view, at, at + 46 + nameLength, extraLength);
    entries.push({
      name,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      ...fields,
    });
    at += 46 + nameLength + extraLength + view.getUint16(at + 32, true);
  }
  return entries;
};

/** Sizes and position of an entry: in 32 bits or, if those fields say so, in 64 bits among the extra fields, in this order. */
const wideFields = (
  view: DataView,
  at: number,
  extra: number,
  length: number,
): Pick<Entry, "size" | "packed" | "offset"> => {
  let [size, packed, offset] = [24, 20, 42].map((field) => view.getUint32(at + field, true));
  for (let from = extra; from + 4 <= extra + length; from += 4 + view.getUint16(from + 2, true)) {
    if (view.getUint16(from, true) !== 1) continue;
    let next = from + 4;
    const wide = (value: number): number => {
      if (value !== ELSEWHERE) return value;
      next += 8;
      return long(view, next - 8);
    };
    size = wide(size);
    packed = wide(packed);
    offset = wide(offset);
    break;
  }
  return { size, packed, offset };
};

const contentOf = (
  path: string,
  bytes: OwnUint8Array,
  view: DataView,
  { name, method, crc, packed, size, offset }: Entry,
  most: number,
  damaged: (why: string) => DataError,
): OwnUint8Array => {
  if (size > most) {
    throw new DataError(
      `${path}: "${name}" takes ${size} bytes, unpacked; expected at most ${most}. If there is enough memory, raise the limit (maxBytes).`,
    );
  }
  if (offset + 30 > bytes.length || view.getUint32(offset, true) !== LOCAL)
    throw damaged(`"${name}" is not where its directory says`);
  const start = offset + 30 + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  const body = bytes.subarray(start, start + packed);
  if (body.length !== packed) throw damaged(`"${name}" ends early`);
  if (method !== 0 && method !== 8) {
    throw new DataError(
      `${path}: "${name}" has a compression that cannot be read (method ${method}). Save it without compression, or with deflate.`,
    );
  }
  let out: OwnUint8Array;
  try {
    out =
      method === 0
        ? body.slice()
        : new Uint8Array(inflateRawSync(body, { maxOutputLength: Math.max(size, 1) }));
  } catch (cause) {
    throw damaged(`"${name}": ${messageOf(cause)}`);
  }
  if (out.length !== size) throw damaged(`"${name}" has ${out.length} bytes, but its directory says ${size}`);
  if (crc32 !== undefined && crc32(out) !== crc) throw damaged(`the checksum of "${name}" does not match`);
  return out;
};
