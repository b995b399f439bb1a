import { readdirSync, readFileSync, statSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { DataError } from "../errors.ts";

/** What lies at a path. Other things, such as sockets, count as missing. */
export const pathKind = (path: string): "file" | "directory" | "missing" => {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile()) return "file";
  return stats?.isDirectory() ? "directory" : "missing";
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
 * A file's bytes, gunzipped when they begin with the gzip magic 1f 8b, whatever the file is called.
 *
 * @throws DataError when the file is missing, unreadable, empty, or damaged gzip.
 */
export const readBytes = (path: string): Uint8Array<ArrayBuffer> => {
  const bytes = onDisk(path, () => readFileSync(path));
  if (bytes.length === 0) throw new DataError(`${path}: the file is empty (0 bytes).`);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new DataError(
      `${path}: the gzip data is truncated or damaged (${messageOf(cause)}). Download or compress it again.`,
      { cause },
    );
  }
};

/** The message of whatever was thrown. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file. Check the path",
  ENOTDIR: "no such file. Check the path",
  EISDIR: "expected a file, found a directory",
  EACCES: "no permission to read it",
  EPERM: "no permission to read it",
  ERR_FS_FILE_TOO_LARGE: "larger than the 2 GiB that can be read. Split the file",
};

const onDisk = <T>(path: string, read: () => T): T => {
  try {
    return read();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    throw new DataError(`${path}: ${REASONS[code] ?? `cannot be read (${messageOf(cause)})`}.`, { cause });
  }
};
