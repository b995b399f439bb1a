import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createDataset, fingerprint } from "../../../src/data/index.ts";
import { mostActive } from "../../../src/kinds/vae/report.ts";
import { fillUniform, stream } from "../../../src/random/index.ts";
import { imageStack } from "../../../src/report/index.ts";
import { newRun, openRun, startRun } from "../../../src/runs/index.ts";

const folder = mkdtempSync(join(tmpdir(), "tightbound-figures-"));
afterAll(() => rmSync(folder, { recursive: true }));

const dataset = (rows: number, shape: number[], seed: number) => {
  const x = new Float32Array(rows * shape.reduce((a, b) => a * b, 1));
  fillUniform(x, stream(seed, "data"));
  return createDataset({ name: "noise", shape, x, labels: new Int32Array(rows), classes: ["only"] });
};

const trainedRun = async (name: string, shape: number[], model: "vae" | "autoencoder") => {
  const train = dataset(64, shape, 1);
  const test = dataset(30, shape, 2);
  const settings = newRun(
    model,
    {
      model: { latent: 12, hidden: [8], likelihood: "gaussian" },
      train: { epochs: 2, batch: 16, binarize: "none", seed: 3 },
    },
    train,
    { spec: "noise", name: "noise", trainRows: 64, testRows: 30, fingerprint: fingerprint(train) },
    { version: "0.0.0", command: "tightbound train" },
  );
  const path = join(folder, name);
  await startRun(path, settings, { train, test });
  const opened = await openRun(path);
  const measured = await opened.kind.measure(opened.trained, test, { samples: 50, rows: 10 });
  const report = await opened.kind.report(opened, {
    part: "test",
    rows: test,
    data: { train, test },
    measured,
  });
  return { report, test };
};

test("rows become stacks of images: grey, colour, and opacity left out", () => {
  const pixels = Float32Array.from({ length: 24 }, (_, i) => i);
  expect(imageStack(pixels, [2, 3])).toEqual({ pixels, count: 4, height: 2, width: 3, channels: 1 });
  expect(imageStack(pixels, [2, 2, 3])).toEqual({ pixels, count: 2, height: 2, width: 2, channels: 3 });
  expect(imageStack(pixels, [2, 3, 4])).toMatchObject({
    count: 1,
    channels: 3,
    // 0 1 2 (3) 4 5 6 (7) …
    pixels: Float32Array.of(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20, 21, 22),
  });
  expect(imageStack(pixels, [1, 4, 2])?.pixels).toEqual(
    Float32Array.of(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22),
  );
  expect(imageStack(pixels, [24])).toBeUndefined();
  expect(() => imageStack(pixels, [5, 5])).toThrow(
    "images of shape [5, 5] have 25 values each; found 24 values.",
  );
});

test("the most active dimensions come by decreasing KL, or by decreasing variance", () => {
  expect(mostActive({ klPerDimension: [1, 3, 2], activity: [9, 0, 1] }, 2)).toEqual([1, 2]);
  expect(mostActive({ activity: [9, 0, 1] })).toEqual([0, 2, 1]);
});

test("a VAE's report has every section's data, in shapes that agree", async () => {
  const { report, test: data } = await trainedRun("vae", [4, 5, 3], "vae");
  const image = { height: 4, width: 5, channels: 3 };
  expect(report).toMatchObject({
    title: "Variational autoencoder on noise",
    subtitle: "4×5×3–8–12, relu, gaussian likelihood",
    introduction: "A variational autoencoder",
    config: { seed: 3, latent: 12 },
    summary: {
      latent: 12,
      trainRows: 64,
      testRows: 30,
      // 60·8+8 + 2·(8·12+12) + 12·8+8 + 8·60+60 + 1 for ln σ.
      parameters: 488 + 216 + 104 + 540 + 1,
    },
    measured: { rows: 30, likelihood: { logLikelihood: { rows: 10 }, importanceSamples: 50 } },
    originals: { ...image, count: 20 },
    reconstructions: { ...image, count: 20 },
    samples: { ...image, count: 100 },
    // Ten of the twelve dimensions, by nine values.
    traversals: { images: { ...image, count: 90 } },
    latent: { dimensions: 12, classes: ["only"] },
  });
  expect(report.measured.bound.klPerDimension).toHaveLength(12);
  expect(report.latent?.points).toHaveLength(30 * 12);
  expect(report.latent?.labels).toHaveLength(30);
  expect(report.originals?.pixels.slice(0, 60)).toEqual(data.x.slice(0, 60));
  expect(report.history.map(({ epoch, step }) => [epoch, step])).toEqual([
    [1, 4],
    [2, 8],
  ]);
  expect(report.history[1].test?.elbo).toBeCloseTo(report.measured.bound.elbo?.value ?? Number.NaN, 4);
  // The K of the estimate is the K of the last bound, so they are one number.
  const { bounds, logLikelihood } = report.measured.likelihood ?? {};
  expect(Object.keys(bounds ?? {})).toEqual(["5", "50"]);
  expect(bounds?.[50]).toBeCloseTo(logLikelihood?.value ?? 0, 6);
});

test("an autoencoder on a table has neither pictures nor bounds", async () => {
  const { report } = await trainedRun("autoencoder", [6], "autoencoder");
  for (const absent of ["originals", "reconstructions", "samples", "traversals"]) {
    expect(report).not.toHaveProperty(absent);
  }
  expect(report.measured).not.toHaveProperty("likelihood");
  expect(report.measured.bound).not.toHaveProperty("elbo");
  expect(report.measured.bound).not.toHaveProperty("klPerDimension");
  expect(report.measured.bound.activity).toHaveLength(12);
});
