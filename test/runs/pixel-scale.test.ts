/** Pixels that are stored as numbers: what they are divided by, and that a run remembers it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { toNpy } from "../../src/cli/table.ts";
import { createDataset, describe as summary } from "../../src/data/index.ts";
import { DataError } from "../../src/errors.ts";
import { describeData, loadRunData } from "../../src/runs/index.ts";
import { asTrained, pixelScaleOf } from "../../src/runs/pixel-scale.ts";
import { cli, ok } from "../cli/harness.ts";
import { npyBytes } from "../data/temp.ts";

const folder = mkdtempSync(join(tmpdir(), "tightbound-pixels-"));
afterAll(() => rmSync(folder, { recursive: true }));

const of = (...values: number[]) => pixelScaleOf({ kind: "image", x: Float32Array.from(values) });

test("by range and type", () => {
  expect(of(0, 0.5, 1)).toBe(1);
  expect(of(0, 128.25, 255)).toBe(1 / 255);
  expect(of(0, 7)).toBe(1 / 255);
  expect(of(0, 1.004, 0.5)).toBe(1);
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

/** The same pictures, stored in the ways that people store them; each is a multiple of 1/255. */
const levels = Float32Array.from({ length: 40 * 16 }, (_, i) => (i * 53 + 7 * Math.floor(i / 16)) % 256);
const stored: Readonly<Record<string, Uint8Array>> = {
  bytes: npyBytes("|u1", "(40, 4, 4)", Uint8Array.from(levels)),
  fractions: toNpy(
    levels.map((level) => level / 255),
    [40, 4, 4],
  ),
  "numbers to 255": toNpy(levels, [40, 4, 4]),
  "numbers to 65535": toNpy(
    levels.map((level) => level * 257),
    [40, 4, 4],
  ),
};
const labels = join(folder, "labels.npy");
writeFileSync(
  labels,
  toNpy(
    Int32Array.from({ length: 40 }, (_, i) => i % 2),
    [40],
  ),
);
const fileOf = (name: string): string => join(folder, `${name.replaceAll(" ", "-")}.npy`);

test.each(["bytes", "fractions", "numbers to 255", "numbers to 65535"])(
  "a run on pixels as %s sees the same pictures however new ones are stored, and exports its own factor",
  async (trained) => {
    for (const [name, bytes] of Object.entries(stored)) writeFileSync(fileOf(name), bytes);
    const run = fileOf(trained).replace(".npy", "-run");
    const flags = ["--epochs", "2", "--hidden", "8", "--latent", "2", "--threads", "1", "--binarize", "none"];
    await ok(
      "train",
      "m2",
      "--data",
      fileOf(trained),
      "--label-file",
      labels,
      "--likelihood",
      "gaussian",
      ...flags,
      "--out",
      run,
    );
    const said: Record<string, string> = {};
    const answers = await Promise.all(
      Object.keys(stored).map(async (name) => {
        const out = join(run, `${name}.csv`);
        said[name] = (await ok("classify", run, "--data", fileOf(name), "--out", out)).out;
        return readFileSync(out, "utf8")
          .split(/[\n,]/)
          .map((cell) => (/\./.test(cell) ? Number(cell).toFixed(5) : cell));
      }),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(said[trained]).not.toContain("pixels are numbers");
    const most = trained === "fractions" ? 1 : trained.includes("65535") ? 65_535 : 255;
    const [other, range] = most === 1 ? ["numbers to 255", 255] : ["fractions", 1];
    expect(said[other]).toContain(
      `pixels are numbers from 0 to ${range} here, and went to ${most} in the training rows`,
    );
    await ok("export", run);
    const { scale } = JSON.parse(readFileSync(join(run, "input.json"), "utf8")) as { scale: number };
    expect(scale).toBeCloseTo(1 / most, 12);
  },
);

test("fractions are exported with the factor 1, and numbers that are no pixels are refused where pixels were learnt", async () => {
  writeFileSync(fileOf("fractions"), stored.fractions);
  const run = join(folder, "of-fractions");
  await ok(
    "train",
    "vae",
    "--data",
    fileOf("fractions"),
    "--epochs",
    "1",
    "--hidden",
    "8",
    "--latent",
    "2",
    "--threads",
    "1",
    "--out",
    run,
  );
  await ok("export", run);
  expect(JSON.parse(readFileSync(join(run, "input.json"), "utf8"))).toMatchObject({ scale: 1 });
  const rows = (...x: number[]) => createDataset({ name: "new.npy", shape: [1, 2], x: Float32Array.from(x) });
  expect(() => asTrained(rows(-3, 2), { pixelScale: 1 / 255 })).toThrow(
    new DataError(
      "new.npy: expected pixels, as in the training rows: bytes, or numbers from 0 to 1, to 255 or to 65535; found numbers from -3 to 2.",
    ),
  );
  expect(() => asTrained(rows(0, 300.5), { pixelScale: 1, fractions: true })).toThrow(
    /^new\.npy: expected pixels/,
  );
  // Measurements, and runs that do not say.
  for (const trained of [{ pixelScale: 1 }, {}]) expect(asTrained(rows(0, 200), trained).rows.scale).toBe(1);
});
