/** Many sizes of work in one process: its threads and its memory stay as they are. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { concatRows, loadParts, select } from "../../src/data/index.ts";
import { openRun } from "../../src/runs/index.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/runs");
const SIZES = 300;

/** What Linux says of this process: threads, and megabytes in memory. */
const used = () => {
  const status = readFileSync("/proc/self/status", "utf8");
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return { threads: field("Threads"), megabytes: field("VmRSS") / 1024 };
};

test.runIf(existsSync("/proc/self/status"))(
  `encode and sample, with ${SIZES} numbers of rows each`,
  async () => {
    const { kind, trained } = await openRun(join(FIXTURES, "vae"));
    const { train } = await loadParts(join(FIXTURES, "bars.npy"));
    const rows = concatRows(train, train, "bars twice");
    const through = async (from: number, to: number) => {
      for (let n = from; n < to; n++) {
        const asked = select(
          rows,
          Uint32Array.from({ length: n }, (_, i) => i),
        );
        const encoded = await kind.encode?.(trained, asked);
        expect(encoded?.codes.length).toBe(n * (encoded?.width ?? 0));
        expect((await kind.sample?.(trained, { count: n, seed: n }))?.count).toBe(n);
      }
    };
    // What the first sizes need once, code among it.
    await through(1, 40);
    const before = used();
    await through(40, SIZES + 1);
    const after = used();
    console.log(
      `threads ${before.threads} → ${after.threads}, memory ${before.megabytes.toFixed(0)} → ${after.megabytes.toFixed(0)} MB`,
    );
    expect(after.threads).toBeLessThanOrEqual(before.threads + 4);
    // A session for each size took half a megabyte and more.
    expect(after.megabytes - before.megabytes).toBeLessThan(80);
  },
);
