/** A run's folder as one array of bytes, for workers that do not share a disk with the sweep. */
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, posix, sep } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { z } from "zod";
import { QueueError } from "../../errors.ts";
import { writeDurably } from "../../files/index.ts";

/** Redis holds 512 MiB in one value. */
const MOST_BYTES = 500 * 2 ** 20;
const LENGTH_BYTES = 4;

const header = z.array(z.object({ path: z.string(), size: z.number().int().min(0) }));

const filesUnder = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => basename(path) !== "lock" && statSync(join(folder, path)).isFile());

/** @throws QueueError when the folder is too large for one value of Redis. */
export function pack(folder: string): Uint8Array {
  const files = filesUnder(folder);
  const total = files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  if (total > MOST_BYTES) {
    throw new QueueError(
      `queue: the run's folder has ${Math.round(total / 2 ** 20)} MB, and the queue's store takes ${MOST_BYTES / 2 ** 20}. Let the workers share the sweep's disk.`,
    );
  }
  const contents = files.map((file) => readFileSync(join(folder, file)));
  const list = new TextEncoder().encode(
    JSON.stringify(files.map((file, i) => ({ path: file.split(sep).join("/"), size: contents[i].length }))),
  );
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint32(0, list.length);
  return gzipSync(Buffer.concat([length, list, ...contents]), { level: 1 });
}

/** Whether a path stays within the folder that it is relative to. */
const isWithin = (path: string): boolean =>
  path !== "" &&
  !path.includes("\\") &&
  !posix.isAbsolute(path) &&
  posix.normalize(path) === path &&
  path.split("/")[0] !== "..";

/**
 * Writes the files into a folder. The checkpoint comes last: it marks the run as complete.
 * @throws QueueError when the bytes are no archive, or have a path out of the folder; nothing is written then.
 */
export function unpack(bytes: Uint8Array, folder: string): void {
  const broken = (why: string) => new QueueError(`queue: the archive of ${folder} cannot be read: ${why}.`);
  let content: Buffer;
  let list: z.output<typeof header>;
  let at = LENGTH_BYTES;
  try {
    content = gunzipSync(bytes, { maxOutputLength: MOST_BYTES + 2 ** 20 });
    const end = LENGTH_BYTES + content.readUInt32BE(0);
    list = header.parse(JSON.parse(content.subarray(LENGTH_BYTES, end).toString("utf8")));
    at = end;
  } catch {
    throw broken("it is damaged");
  }
  if (list.reduce((sum, { size }) => sum + size, at) !== content.length) throw broken("it is cut short");
  const outside = list.find(({ path }) => !isWithin(path));
  if (outside !== undefined) throw broken(`it has a file outside of the folder, ${outside.path}`);
  const files = list.map(({ path, size }) => {
    const data = content.subarray(at, at + size);
    at += size;
    return { path, data };
  });
  const last = (path: string): number => Number(path === "checkpoint.safetensors");
  for (const { path, data } of files.toSorted((a, b) => last(a.path) - last(b.path))) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeDurably(target, data);
  }
}
