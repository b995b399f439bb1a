/** M2 with convolutions: it trains on images, its shapes are right, and what it cannot see is refused. */
import { expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import { TrainedClassifier } from "../../src/kinds/index.ts";
import { exportClassifier } from "../../src/kinds/m2/export.ts";
import { M2 } from "../../src/models/index.ts";
import { train } from "../../src/runs/index.ts";
import { data, few } from "../runs/labelled-toys.ts";

const options = { features: 12, classes: 4, latent: 2, hidden: [16], shape: [4, 3], channels: [4] } as const;

test("bars are told apart by convolutions", async () => {
  const model = M2({ ...options, network: "convolutional", activation: "relu" });
  expect(model.settings).toMatchObject({ network: "convolutional", shape: [4, 3], channels: [4] });
  const settings = { epochs: 60, batch: 16, threads: 1, lr: 0.01, alpha: 1, seed: 5 };
  const trained = await train(model, few, settings);
  if (!(trained instanceof TrainedClassifier)) return expect.unreachable();
  expect(await trained.error(data.test)).toBeLessThan(0.1);
  expect(await trained.sample(3)).toHaveLength(4 * 3 * 12);
  const carried = await trained.carried(data.test);
  expect(carried.told).toBeGreaterThan(0.5 * carried.entropy);
  // For any number of rows.
  expect(exportClassifier(trained).map(({ inputs }) => inputs[0].shape[0])).toEqual([
    "batch",
    "batch",
    "batch",
  ]);
});

test("a sum over classes is of each class by itself", async () => {
  const model = M2({ ...options, network: "convolutional" });
  const y = [
    [1, 0, 0, 0],
    [0, 0, 1, 0],
  ];
  const z = [
    [0.3, -1],
    [0.3, -1],
  ];
  const parameters = new Map(
    model.parameters.map(({ tensor: leaf }, n) => [
      leaf,
      Float32Array.from({ length: leaf.size }, (_, i) => Math.sin(3 * n + i) / 3),
    ]),
  );
  const decode = compile((a, b) => model.decode(a, b).mean(), { parameters });
  const both = Array.from((await decode(y, z)).data, Number);
  const first = Array.from((await decode([y[0]], [z[0]])).data, Number);
  both.slice(0, 12).forEach((value, i) => {
    expect(value).toBeCloseTo(first[i], 5);
  });
  expect(both.slice(12)).not.toEqual(both.slice(0, 12));
});

test("a shape that is not there, or of other rows, is refused", () => {
  const { shape: _, ...rest } = options;
  expect(() => M2({ ...rest, network: "convolutional" })).toThrow(
    "m2: a convolutional network needs the shape of its images, of 12 values; found none.",
  );
  expect(() => M2({ ...options, shape: [5, 5], network: "convolutional" })).toThrow("found [5, 5].");
  expect(() => M2({ ...options, network: "convolutional", likelihood: "table" })).toThrow(
    "a table likelihood is not",
  );
});
