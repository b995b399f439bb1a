import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, openSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { loadParts, readCsv, readIdx, readNpy } from "../../src/data/index.ts";
import { DataError } from "../../src/errors.ts";
import { tempFolder } from "./temp.ts";

const { path: folder, write } = tempFolder();
const readers = [
  ["readCsv", readCsv],
  ["readIdx", readIdx],
  ["readNpy", readNpy],
] as const;

describe.each(readers)("%s", (_, read) => {
  test("refuses what is no regular file, without opening it", async () => {
    const pipe = join(folder, `pipe-${Math.random()}.csv`);
    execFileSync("mkfifo", [pipe]);
    for (const [path, found] of [
      [pipe, "a pipe"],
      ["/dev/zero", "a device"],
    ] as const) {
      const message = `${path}: expected a regular file, found ${found}. Write the data to a file first.`;
      expect(() => read(path)).toThrow(new DataError(message));
    }
    await expect(loadParts(pipe)).rejects.toThrow(DataError);
  });

  test("says in words what the file system refuses", () => {
    const loop = join(folder, `loop-${Math.random()}`);
    symlinkSync(loop, loop);
    expect(() => read(loop)).toThrow(new DataError(`${loop}: its symbolic links form a loop.`));
    const long = join(folder, "n".repeat(300));
    expect(() => read(long)).toThrow(
      new DataError(`${long}: the name is longer than the file system allows. Check the path.`),
    );
    expect(() => read(`${folder}/a\0b`)).toThrow(DataError);
    expect(() => read(folder)).toThrow(new DataError(`${folder}: expected a file, found a directory.`));
  });

  test("checks sizes before it takes memory", () => {
    const sparse = write("sparse.bin", "");
    openSync(sparse, "r+");
    truncateSync(sparse, 2 ** 36);
    expect(() => read(sparse)).toThrow(
      `${sparse}: expected at most ${768 * 2 ** 20} bytes, found ${2 ** 36} bytes. If there is enough memory, raise the limit (maxBytes)`,
    );
    const small = write("small.bin", Buffer.alloc(100, 49));
    expect(() => read(small, { maxBytes: 99 })).toThrow("expected at most 99 bytes, found 100 bytes");
    const packed = write("packed.bin", gzipSync(Buffer.alloc(1e6, 49)));
    expect(() => read(packed, { maxBytes: 1e5 })).toThrow(
      "expected at most 100000 bytes, found gzip that unpacks to more than 100000 bytes",
    );
  });
});

test("a gzip of gigabytes is refused with little memory", () => {
  // 3 GB of zeros, packed piece by piece: gzip members may follow one another.
  const piece = gzipSync(Buffer.alloc(3e7));
  const bomb = write("bomb.csv.gz", Buffer.concat(Array(100).fill(piece)));
  const before = process.resourceUsage().maxRSS;
  expect(() => readCsv(bomb, { maxBytes: 2 ** 26 })).toThrow("unpacks to more than");
  expect(process.resourceUsage().maxRSS - before).toBeLessThan(300_000);
});

test("folders that may not be read", async () => {
  const closed = join(folder, "closed");
  mkdirSync(closed);
  chmodSync(closed, 0);
  // The superuser may read everything: for a while this process is nobody.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    chmodSync(folder, 0o755);
    process.seteuid?.(65534);
  }
  try {
    await expect(loadParts(closed)).rejects.toThrow(new DataError(`${closed}: no permission to read it.`));
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});
