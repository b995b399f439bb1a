/** Training on a graphics processor: every kind of model learns what it learns on the processor. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toNpy } from "../../src/cli/table.ts";
import { Normal } from "../../src/distributions/index.ts";
import { loadCheckpoint } from "../../src/files/index.ts";
import { autoNormal, svi } from "../../src/inference/index.ts";
import { model } from "../../src/program/index.ts";
import { tensor } from "../../src/tensor/index.ts";
import { cli, ok } from "../cli/harness.ts";
import { labelledBars } from "../runs/labelled-toys.ts";
import { hasSoftwareGpu } from "../software-gpu.ts";

const folder = mkdtempSync(join(tmpdir(), "tightbound-device-"));
const path = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const ROWS = 48;
const pixels = [
  "--data",
  path("bars.npy"),
  "--label-file",
  path("labels.npy"),
  "--hidden",
  "8",
  "--latent",
  "2",
];
const common = [
  "--batch",
  "12",
  "--epochs",
  "5",
  "--lr",
  "0.01",
  "--threads",
  "1",
  "--seed",
  "3",
  "--test-fraction",
  "0",
];

/** Flags of each kind: all that changes what a step computes. */
const kinds: Record<string, readonly string[]> = {
  "vae, batch normalisation, clipped": ["vae", ...pixels, ...common, "--batch-norm", "--clip", "0.5"],
  "vae, importance-weighted": ["vae", ...pixels, ...common, "--bound", "iwae", "--samples", "3"],
  "vae, convolutional": ["vae", ...pixels, ...common, "--network", "convolutional", "--channels", "3"],
  "vae of a table": ["vae", "--data", path("table.csv"), "--hidden", "8", "--latent", "2", ...common],
  autoencoder: ["autoencoder", ...pixels, ...common, "--optimizer", "rmsprop"],
  cvae: ["cvae", ...pixels, ...common, "--schedule", "cosine"],
  m2: ["m2", ...pixels, ...common, "--labels", "8", "--labelled-batch", "4", "--optimizer", "sgd"],
};

beforeAll(() => {
  const { x, labels = new Int32Array() } = labelledBars(ROWS);
  const grey = Float32Array.from(x, (v) => v / 255);
  writeFileSync(path("bars.npy"), toNpy(grey, [ROWS, 4, 3]));
  writeFileSync(path("labels.npy"), toNpy(labels, [ROWS]));
  const lines = Array.from(
    { length: ROWS },
    (_, i) => `${grey[12 * i]},${Math.exp(grey[12 * i + 3])},${["a", "b", "c"][labels[i] % 3]}`,
  );
  writeFileSync(path("table.csv"), ["one,two,three", ...lines, ""].join("\n"));
});

const trained = async (name: string, flags: readonly string[], ...others: string[]) => {
  const out = path(name.replaceAll(/\W/g, "-"));
  await ok("train", ...flags, "--out", out, ...others);
  const { tensors, buffers, step } = loadCheckpoint(join(out, "checkpoint.safetensors"));
  return { out, step, values: new Map([...tensors, ...buffers].map(({ name, data }) => [name, data])) };
};

type Values = ReadonlyMap<string, Float32Array>;

/** The largest difference of a value, relative to the largest of its tensor. */
function largestDifference(a: Values, b: Values): number {
  expect([...b.keys()]).toEqual([...a.keys()]);
  let worst = 0;
  for (const [name, values] of a) {
    const others = b.get(name) as Float32Array;
    const scale = values.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-3);
    values.forEach((v, i) => {
      worst = Math.max(worst, Math.abs(v - others[i]) / scale);
    });
  }
  return worst;
}

describe.skipIf(!hasSoftwareGpu)("--device webgpu", () => {
  // Float32 in another order for twenty steps. A first step of Adam divides a gradient by its own size, so that one near 0 matters.
  test.each(Object.entries(kinds))("%s", async (name, flags) => {
    const here = await trained(`${name} cpu`, flags);
    const there = await trained(`${name} gpu`, flags, "--device", "webgpu");
    expect(there.step).toBeGreaterThanOrEqual(15);
    expect(largestDifference(here.values, there.values)).toBeLessThan(2e-3);
  });

  test("m1m2, on a run that the processor trained", async () => {
    const base = await trained("base", ["vae", ...pixels, ...common]);
    const flags = [
      "m1m2",
      "--data",
      path("bars.npy"),
      "--label-file",
      path("labels.npy"),
      "--m1",
      base.out,
      ...common,
    ];
    const own = [...flags, "--latent", "2", "--hidden", "8", "--labels", "8", "--labelled-batch", "4"];
    const here = await trained("m1m2 cpu", own);
    const there = await trained("m1m2 gpu", own, "--device", "webgpu");
    expect(largestDifference(here.values, there.values)).toBeLessThan(2e-3);
  });

  test("a run goes from one device to the other", async () => {
    const flags = ["vae", ...pixels, ...common, "--schedule", "constant"];
    const straight = await trained("straight", flags);
    const first = await trained("changing", [...flags, "--epochs", "2"], "--device", "webgpu");
    expect(first.step).toBe(8);
    await ok("train", "--resume", first.out, "--epochs", "5", "--device", "cpu");
    const { tensors, step } = loadCheckpoint(join(first.out, "checkpoint.safetensors"));
    expect(step).toBe(20);
    expect(
      largestDifference(straight.values, new Map(tensors.map(({ name, data }) => [name, data]))),
    ).toBeLessThan(2e-3);
  });

  test("svi: the bound and the guide of the native executor", async () => {
    const program = model(({ sample, observe, plate }) => {
      const centre = sample("centre", Normal(0, 3));
      plate("row", 4, () => observe("y", Normal(centre, 1), tensor([1, 2, 3, 4])));
    });
    const run = (options: object) =>
      svi(program, autoNormal(program)).run([], { steps: 20, seed: 1, ...options });
    const here = await run({ executor: "native" });
    const there = await run({ device: "webgpu" });
    for (const [name, values] of here.values)
      for (const [i, value] of values.entries()) expect(there.values.get(name)?.[i]).toBeCloseTo(value, 4);
    for (const [i, bound] of here.elbo.entries()) expect(there.elbo[i]).toBeCloseTo(bound, 3);
  });
});

test("a device that is not one is refused", async () => {
  const { code, err } = await cli("train", "vae", ...pixels, ...common, "--device", "tpu");
  expect(code).toBe(2);
  expect(err).toMatch(/--device.*cpu.*webgpu/);
});
