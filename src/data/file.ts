import { gunzipSync } from "#platform/compression";
import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  type Stats,
  statSync,
} from "#platform/files";
import type { OwnUint8Array } from "../arrays.ts";
import { DataError, UsageError } from "../errors.ts";

/** Limits on the size of files. */
export interface SizeLimit {
  /** The most bytes that one file may hold, after unpacking if it is packed. Default 768 MiB. */
  readonly maxBytes?: number;
}

/** The default of {@link SizeLimit}. Larger files are refused before memory is allocated for them. */
export const MAX_BYTES = 768 * 2 ** 20;

/** What is at a path. `other`: a socket, a device or a pipe. */
export const pathKind = (path: string): "file" | "directory" | "missing" | "other" => {
  const stats = onDisk(path, () => statSync(path, { throwIfNoEntry: false }));
  if (stats === undefined) return "missing";
  if (stats.isFile()) return "file";
  return stats.isDirectory() ? "directory" : "other";
};

/** The entries of a directory, sorted by code unit, so that the order is the same in every locale. */
export const listDirectory = (
  path: string,
): readonly { readonly name: string; readonly directory: boolean }[] =>
  onDisk(path, () => readdirSync(path, { withFileTypes: true }))
    .map((entry) => ({
      name: entry.name,
      directory: entry.isSymbolicLink()
        ? pathKind(`${path}/${entry.name}`) === "directory"
        : entry.isDirectory(),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

/**
 * Reads a file's bytes. They are gunzipped if they begin with the gzip magic number 1f 8b, whatever the file is called.
 *
 * @throws DataError when the file is missing, unreadable, not a regular file, empty, larger than the limit, or damaged gzip.
 */
export const readBytes = (path: string, limit: SizeLimit = {}): OwnUint8Array => {
  const { maxBytes = MAX_BYTES } = limit;
  if (!(maxBytes > 0)) throw new UsageError(`maxBytes: expected a number above 0, found ${maxBytes}.`);
  const bytes = readWhole(path, maxBytes);
  if (bytes.length === 0) throw new DataError(`${path}: the file is empty (0 bytes).`);
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzip(path, bytes, maxBytes) : bytes;
};

// Only regular files are opened: others may never end (/dev/zero) or never begin (a pipe that nobody writes to).
const readWhole = (path: string, maxBytes: number): OwnUint8Array => {
  checkRegular(
    path,
    onDisk(path, () => statSync(path)),
  );
  return onDisk(path, () => {
    const file = openSync(path, "r");
    try {
      const { size } = fstatSync(file);
      if (size > maxBytes) throw tooLarge(path, `${size} bytes`, maxBytes);
      return readFileSync(file);
    } finally {
      closeSync(file);
    }
  });
};

const checkRegular = (path: string, stats: Stats): void => {
  if (stats.isFile() || stats.isDirectory()) return;
  const found = stats.isFIFO()
    ? "a pipe"
    : stats.isSocket()
      ? "a socket"
      : stats.isCharacterDevice() || stats.isBlockDevice()
        ? "a device"
        : "something else";
  throw new DataError(`${path}: expected a regular file, found ${found}. Write the data to a file first.`);
};

const gunzip = (path: string, bytes: OwnUint8Array, maxBytes: number): OwnUint8Array => {
  try {
    const out = gunzipSync(bytes, { maxOutputLength: Math.min(maxBytes, MOST_OF_ZLIB) });
    if (out.length === 0) throw new DataError(`${path}: the file is empty (0 bytes, unpacked).`);
    return out;
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    if (codeOf(cause) === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(
        path,
        `gzip that unpacks to more than ${Math.min(maxBytes, MOST_OF_ZLIB)} bytes`,
        maxBytes,
      );
    }
    throw new DataError(
      `${path}: the gzip data is truncated or damaged (${messageOf(cause)}). Download or compress it again.`,
      { cause },
    );
  }
};

/** The largest output that Node.js unpacks into one buffer. */
const MOST_OF_ZLIB = 2 ** 32;

const tooLarge = (path: string, found: string, maxBytes: number): DataError =>
  new DataError(
    `${path}: expected at most ${maxBytes} bytes, found ${found}. If there is enough memory, raise ` +
      "the limit (maxBytes); otherwise split the file.",
  );

/** The message of anything that was thrown. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file. Check the path",
  ENOTDIR: "no such file. Check the path",
  EISDIR: "expected a file, found a directory",
  EACCES: "no permission to read it",
  EPERM: "no permission to read it",
  ELOOP: "its symbolic links form a loop",
  ENAMETOOLONG: "the name is longer than the file system allows. Check the path",
  EMFILE: "too many files are open. Raise the limit (ulimit -n) and try again",
  ENFILE: "too many files are open on this machine. Try again later",
  EIO: "the disk reports an error",
  ERR_FS_FILE_TOO_LARGE: "larger than the 2 GiB that can be read. Split the file",
  ERR_INVALID_ARG_VALUE: "no such file: a file name cannot contain null bytes. Check the path",
};

const onDisk = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError(`${path}: ${REASONS[codeOf(cause)] ?? `cannot be read (${messageOf(cause)})`}.`, {
      cause,
    });
  }
};
