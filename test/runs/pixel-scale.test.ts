/** Pixels that are stored as numbers: what they are divided by, and that a run remembers it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { toNpy } from "../../src/cli/table.ts";
import { describe as summary } from "../../src/data/index.ts";
import { describeData, loadRunData } from "../../src/runs/index.ts";
import { pixelScaleOf } from "../../src/runs/pixel-scale.ts";
import { cli } from "../cli/harness.ts";

const folder = mkdtempSync(join(tmpdir(), "tightbound-pixels-"));
afterAll(() => rmSync(folder, { recursive: true }));

const of = (...values: number[]) => pixelScaleOf({ kind: "image", x: Float32Array.from(values) });

test("by range and type", () => {
  expect(of(0, 0.5, 1)).toBe(1);
  expect(of(0, 128.25, 255)).toBe(1 / 255);
  expect(of(0, 7)).toBe(1 / 255);
  expect(of(0, 4095)).toBe(1 / 65_535);
  expect(of(0, 4095.5)).toBe(1);
  expect(of(-1, 200)).toBe(1);
  expect(of(0, 70_000)).toBe(1);
  expect(pixelScaleOf({ kind: "image", x: Uint8Array.of(0, 255) })).toBe(1);
  expect(pixelScaleOf({ kind: "table", x: Float32Array.of(0, 255) })).toBe(1);
});

test("colours stored as numbers up to 255 train, are told of, and keep their factor", async () => {
  const rows = 60;
  const x = Float32Array.from({ length: rows * 48 }, (_, i) => (i * 37) % 256);
  const file = join(folder, "colours.npy");
  writeFileSync(file, toNpy(x, [rows, 4, 4, 3]));
  const data = await loadRunData({ spec: file });
  expect(summary(data.train).range).toEqual([0, 1]);
  expect(describeData({ spec: file }, data)).toMatchObject({ pixelScale: 1 / 255 });
  const out = join(folder, "run");
  const flags = ["--epochs", "2", "--hidden", "8", "--latent", "2", "--threads", "1", "--out", out];
  const trained = await cli("train", "vae", "--data", file, ...flags);
  expect([trained.code, trained.err]).toEqual([0, expect.any(String)]);
  expect(trained.out + trained.err).toContain("they are divided by 255.");
  expect(trained.out + trained.err).toContain("--likelihood discretised-logistic");
  const measured = await cli("evaluate", out, "--samples", "50", "--json");
  const { elbo, bitsPerDimension } = measured.json() as Record<string, number>;
  expect(bitsPerDimension).toBeCloseTo(-elbo / (48 * Math.LN2), 6);
  // 256 equal levels cost 8 bits; a model that knows nothing costs about as much.
  expect(bitsPerDimension).toBeGreaterThan(5);
  expect(bitsPerDimension).toBeLessThan(12);
});
