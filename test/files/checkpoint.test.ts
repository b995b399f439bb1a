import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { CheckpointError, UsageError } from "../../src/errors.ts";
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from "../../src/files/checkpoint.ts";
import { writeDurably } from "../../src/files/durable-write.ts";
import { encodeSafetensors } from "../../src/files/safetensors.ts";
import { Arena, adam } from "../../src/optim/index.ts";
import { tempFolder } from "../data/temp.ts";
import { build } from "./built.ts";

/** A disk with so many bytes left, where none can be made; Linux fills it up and then says ENOSPC. */
const disk = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY }));
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const writeSync = (file: number, bytes: Uint8Array, offset: number, length: number) => {
    if (disk.left === 0)
      throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    const written = fs.writeSync(file, bytes, offset, Math.min(length, disk.left));
    disk.left -= written;
    return written;
  };
  return { ...fs, writeSync };
});

const folder = tempFolder();

const floats = (n: number, value: number) => [
  { name: "w", shape: [n], data: new Float32Array(n).fill(value) },
];

const checkpoint = (n: number, value: number): Checkpoint => ({
  tensors: floats(n, value),
  buffers: [],
  step: value,
  epoch: 1,
  metadata: {},
});

describe("saveCheckpoint and loadCheckpoint", () => {
  test("everything comes back", () => {
    const arena = Arena.allocate(
      [
        { name: "enc.weight", shape: [2, 3] },
        { name: "b", shape: [] },
      ],
      adam({ learningRate: 0.1 }),
    );
    arena.parameter("enc.weight").set([1, 2, 3, 4, 5, 6]);
    arena.gradient("b").set([0.5]);
    arena.update({ step: 0 });
    const saved: Checkpoint = {
      tensors: arena.state(),
      buffers: [{ name: "norm.mean", shape: [2], data: Float32Array.of(7, Number.NaN) }],
      step: 469,
      epoch: 3,
      metadata: { seed: 0, best: { elbo: -101.5 }, data: "ab", list: [1, null, true], "": "ü" },
    };
    const path = join(folder.path, "c.safetensors");
    saveCheckpoint(path, saved);
    const loaded = loadCheckpoint(path);
    expect(loaded).toEqual(saved);
    const other = Arena.allocate(
      [
        { name: "enc.weight", shape: [2, 3] },
        { name: "b", shape: [] },
      ],
      adam({ learningRate: 0.1 }),
    );
    other.load(loaded.tensors);
    expect(other.state()).toEqual(arena.state());
  });

  test("another architecture is refused by the arena", () => {
    const path = join(folder.path, "architecture.safetensors");
    saveCheckpoint(path, checkpoint(3, 1));
    const arena = Arena.allocate([{ name: "w", shape: [2] }], adam({ learningRate: 0.1 }));
    expect(() => arena.load(loadCheckpoint(path).tensors, { moments: false })).toThrow(
      new CheckpointError(
        'tensor "w": expected shape [2], found [3]; the checkpoint belongs to another architecture',
      ),
    );
  });

  test("refuses metadata that JSON cannot say, and touches nothing", () => {
    const path = join(folder.path, "infinite.safetensors");
    const metadata = { best: { elbo: Number.NEGATIVE_INFINITY } };
    expect(() => saveCheckpoint(path, { ...checkpoint(1, 1), metadata })).toThrow(
      new UsageError('checkpoint metadata: expected "elbo" to be a finite number, found -Infinity'),
    );
    expect(existsSync(path)).toBe(false);
  });

  const stored = { name: "w", shape: [1], dtype: "F32", data: Float32Array.of(1) } as const;
  const meta = { format: "tightbound checkpoint", version: "1", step: "1", epoch: "1", metadata: "{}" };
  test.each([
    [
      encodeSafetensors([stored], { format: "pt" }),
      'expected a tightbound checkpoint of version 1, found safetensors of another program (format "pt")',
    ],
    [
      encodeSafetensors([stored], { ...meta, version: "2" }),
      "expected a tightbound checkpoint of version 1, found version 2. " +
        "Read it with the version of tightbound that wrote it",
    ],
    [
      encodeSafetensors([stored], { ...meta, step: "-1" }),
      'expected metadata "step" to be a whole number, 0 or more; found "-1"',
    ],
    [
      encodeSafetensors([stored], { ...meta, metadata: "[]" }),
      'expected metadata "metadata" to be a JSON object, found "[]"',
    ],
    [
      encodeSafetensors([{ ...stored, dtype: "U8", data: Uint8Array.of(1) }], meta),
      'tensor "w": expected dtype F32, found U8',
    ],
  ])("refuses %#", (bytes, message) => {
    const path = folder.write("bad.safetensors", bytes);
    expect(() => loadCheckpoint(path)).toThrow(new CheckpointError(`${path}: ${message}`));
  });

  test("a missing file", () => {
    const path = join(folder.path, "none.safetensors");
    expect(() => loadCheckpoint(path)).toThrow(
      new CheckpointError(
        `${path}: expected a checkpoint: no such file. A run has one from the end of its first epoch`,
      ),
    );
  });

  test("a truncated file names the tensor", () => {
    const path = join(folder.path, "cut.safetensors");
    saveCheckpoint(path, checkpoint(100, 1));
    truncateSync(path, readFileSync(path).length - 100);
    expect(() => loadCheckpoint(path)).toThrow(
      new CheckpointError(
        `${path}: truncated. Tensor "w": expected 400 bytes of data, found 300. ` +
          "The file is damaged or incomplete: use another copy or start again",
      ),
    );
  });
});

describe("writing", () => {
  test("removes what killed processes left of this file, and nothing else", () => {
    const dir = join(folder.path, "stale");
    mkdirSync(dir);
    // No process has this number: Linux ends at 2^22, and others below.
    const stale = join(dir, "c.safetensors.99999999-0.tmp");
    // The first process always runs.
    const others = ["c.safetensors.1-0.tmp", "d.99999999-0.tmp", "c.safetensors.old.tmp"];
    for (const path of [stale, ...others.map((name) => join(dir, name))]) writeFileSync(path, "x");
    saveCheckpoint(join(dir, "c.safetensors"), checkpoint(1, 1));
    expect(readdirSync(dir).sort()).toEqual(["c.safetensors", ...others].sort());
  });

  test("a folder that is missing, and a folder in the file's place", () => {
    const path = join(folder.path, "missing", "c.safetensors");
    expect(() => saveCheckpoint(path, checkpoint(1, 1))).toThrow(
      new CheckpointError(
        `cannot write ${path}: its folder does not exist. Create it first. Nothing was written`,
      ),
    );
    const occupied = join(folder.path, "occupied");
    mkdirSync(join(occupied, "c.safetensors"), { recursive: true });
    expect(() => writeDurably(join(occupied, "c.safetensors"), "x")).toThrow(
      `cannot write ${join(occupied, "c.safetensors")}: a folder is in its place. Check the path. `,
    );
    expect(readdirSync(occupied)).toEqual(["c.safetensors"]);
  });
});

describe("a full disk", () => {
  const small = join(folder.path, "small");
  let mounted = false;
  beforeAll(() => {
    mkdirSync(small);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", small], { stdio: "ignore" });
      mounted = true;
    } catch {
      // Not everyone may mount: both tests then fill a disk up in `writeSync`.
    }
  });
  afterAll(() => {
    if (mounted) execFileSync("umount", [small]);
  });

  test.each(["a tmpfs of 64 KiB where one may be mounted", "stubbed writes"])(
    "leaves the old checkpoint and nothing else: %s",
    (kind) => {
      const stubbed = kind === "stubbed writes" || !mounted;
      const dir = kind === "stubbed writes" ? join(folder.path, "stubbed") : small;
      mkdirSync(dir, { recursive: true });
      const path = join(dir, "c.safetensors");
      saveCheckpoint(path, checkpoint(2000, 1));
      const before = readFileSync(path);
      // 8 kB are there; 60 kB more fit neither in the rest of 64 KiB nor in the 5 kB of the stub.
      if (stubbed) disk.left = 5000;
      try {
        expect(() => saveCheckpoint(path, checkpoint(15_000, 2))).toThrow(
          new CheckpointError(
            `cannot write ${path}: the disk is full. Free some space and try again. ` +
              "The file that was there is untouched",
          ),
        );
      } finally {
        disk.left = Number.POSITIVE_INFINITY;
      }
      expect(readFileSync(path)).toEqual(before);
      expect(readdirSync(dir)).toEqual(["c.safetensors"]);
      expect(loadCheckpoint(path)).toEqual(checkpoint(2000, 1));
      // And once there is space again:
      saveCheckpoint(path, checkpoint(3000, 3));
      expect(loadCheckpoint(path).step).toBe(3);
    },
  );
});

describe("kill -9", () => {
  let start: ReturnType<typeof build>;
  beforeAll(() => {
    start = build("checkpoint", folder.path);
  });

  test("at any of 20 moments leaves the last complete checkpoint", async () => {
    const dir = join(folder.path, "killed");
    mkdirSync(dir);
    const path = join(dir, "c.safetensors");
    let largest = 0;
    let remains = 0;
    for (let round = 0; round < 20; round++) {
      // 2 MB, so that a good part of the time goes by within the write. Each step's values are its number.
      const { child, lines, ended, firstLine } = start(`
        import { writeSync } from "node:fs";
        const data = new Float32Array(500_000);
        for (let step = ${largest + 1}; ; step++) {
          data.fill(step);
          const tensors = [{ name: "w", shape: [data.length], data }];
          lib.saveCheckpoint(${JSON.stringify(path)}, { tensors, buffers: [], step, epoch: 1, metadata: {} });
          writeSync(1, step + "\\n");
        }`);
      await firstLine();
      await sleep(2 * round);
      child.kill("SIGKILL");
      expect(await ended).toBe("SIGKILL");
      const said = Number(lines.at(-1));
      const { step, tensors } = loadCheckpoint(path);
      // The rename comes before the number is printed, so at most one more is on the disk.
      expect(step - said === 0 || step - said === 1, `${said} said, ${step} loaded`).toBe(true);
      expect(tensors[0]?.data.every((value) => value === step)).toBe(true);
      largest = step;
      remains += readdirSync(dir).length - 1;
    }
    expect(largest).toBeGreaterThanOrEqual(20);
    // Kills did land within writes (20 all miss with a chance of about 1e-6, if half of the time goes by in writes), and the next process tidied.
    expect(remains).toBeGreaterThan(0);
    saveCheckpoint(path, checkpoint(1, 1));
    expect(readdirSync(dir)).toEqual(["c.safetensors"]);
  });
});
