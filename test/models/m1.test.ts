import { expect, test } from "vitest";
import type { GaussianRows } from "../../src/data/index.ts";
import { UsageError } from "../../src/errors.ts";
import {
  activeDimensions,
  keptPosteriorOf,
  labelledFeatures,
  posteriorOf,
  selectFeatures,
} from "../../src/models/index.ts";
import { VAE } from "../../src/models/vae.ts";
import { train } from "../../src/runs/index.ts";
import { bars } from "../runs/toys.ts";

/** Two rows, three features; the second feature hardly moves. */
const gaussian: GaussianRows = {
  rows: 2,
  features: 3,
  means: Float32Array.of(1, 0.05, -1, 3, -0.05, 1),
  scales: Float32Array.of(0.1, 1, 0.2, 0.3, 1, 0.4),
};

test("a dimension whose mean hardly varies is inactive, and can be left out", () => {
  // Standard deviations over the two rows: 1, 0.05 and 1.
  expect(activeDimensions(gaussian)).toEqual([0, 2]);
  const { features, means, scales } = selectFeatures(gaussian, [2, 0]);
  expect(features).toBe(2);
  expect([...means]).toEqual([-1, 1, 1, 3]);
  expect([...scales]).toEqual([...Float32Array.of(0.2, 0.1, 0.4, 0.3)]);
});

test("labelled rows as means, or as draws around them", () => {
  const labels = Int32Array.of(-1, 1);
  const { x, labels: kept } = labelledFeatures(gaussian, labels, { classes: 2 });
  expect([[...x], [...kept]]).toEqual([[...gaussian.means.subarray(3)], [1]]);

  const draws = labelledFeatures(gaussian, Int32Array.of(1, 0), { classes: 2, draws: 4000, seed: 3 });
  expect(draws.labels.length).toBe(8000);
  expect([...draws.labels.subarray(0, 4)]).toEqual([1, 0, 1, 0]);
  // Means of 4000 draws are within 5 standard errors, their deviations within 5 of σ / √8000: once in 1.7 million for each of 12.
  for (let j = 0; j < 6; j++) {
    const of = Array.from({ length: 4000 }, (_, i) => draws.x[6 * i + j]);
    const mean = of.reduce((a, b) => a + b, 0) / 4000;
    const sd = Math.sqrt(of.reduce((a, b) => a + (b - mean) ** 2, 0) / 4000);
    expect(Math.abs(mean - gaussian.means[j])).toBeLessThan((5 * gaussian.scales[j]) / Math.sqrt(4000));
    expect(Math.abs(sd - gaussian.scales[j])).toBeLessThan((5 * gaussian.scales[j]) / Math.sqrt(8000));
  }
  expect(() => labelledFeatures(gaussian, labels, { classes: 2, draws: -1 })).toThrow(
    new UsageError("m1: draws must be a whole number, 0 for the means; found -1."),
  );
});

test("the posterior of every row, in chunks, is what the encoder says of it", async () => {
  const data = bars(70);
  const trained = await train(VAE({ shape: [4, 3], latent: 2, hidden: [8] }), data, {
    epochs: 2,
    threads: 1,
  });
  if (trained.model.kind !== "vae") return expect.unreachable();
  const { means, scales, rows } = await posteriorOf(trained.model, trained.parameters, data, { threads: 1 });
  expect(rows).toBe(70);
  const grey = Float32Array.from(data.x, (v) => v / 255);
  const expected = await trained.encode(grey);
  means.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], 5);
  });
  expect(scales.every((value) => value > 0 && value < 2)).toBe(true);
});

test("a posterior is kept while rows and parameters are the same, and computed again when a parameter changes", async () => {
  const data = bars(20);
  const trained = await train(VAE({ shape: [4, 3], latent: 2, hidden: [4] }), data, {
    epochs: 1,
    threads: 1,
  });
  if (trained.model.kind !== "vae") return expect.unreachable();
  const { model, parameters } = trained;
  const options = { threads: 1 };
  const first = await keptPosteriorOf(model, parameters, data, options);
  expect(await keptPosteriorOf(model, parameters, { ...data, labels: new Int32Array(20) }, options)).toBe(
    first,
  );
  const [values] = parameters.values();
  values[0] += 1;
  const second = await keptPosteriorOf(model, parameters, data, options);
  expect(second).not.toBe(first);
  expect(second).toEqual(await posteriorOf(model, parameters, data, options));
});
