/** The mode on a graphics processor is that of the processor, to a small part of a standard deviation. */
import { describe, expect, test } from "vitest";
import { Bernoulli, Exponential, Normal } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { curvatures, hessianProduct } from "../../src/inference/curvature.ts";
import { map, unconstrainedDensity } from "../../src/inference/index.ts";
import { model } from "../../src/program/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { matmul, tensor } from "../../src/tensor/index.ts";
import { hasSoftwareGpu } from "../software-gpu.ts";

const ROWS = 400;
const x = new Float32Array(3 * ROWS);
fillNormal(x, stream(0, "x"));
const rows = Array.from({ length: ROWS }, (_, i) => [...x.subarray(3 * i, 3 * i + 3)]);
const y = rows.map(([a, b, c]) => Number(a - 0.5 * b + c * c > 0.8));

const programs = {
  logistic: model(({ sample, observe, plate }) => {
    const bias = sample("bias", Normal(0, 2));
    const slope = plate("feature", 3, () => sample("slope", Normal(0, 2)));
    plate("row", ROWS, () =>
      observe("y", Bernoulli({ logits: matmul(tensor(rows), slope).add(bias) }), tensor(y)),
    );
  }),
  scale: model(({ sample, observe, plate }) => {
    const centre = sample("centre", Normal(0, 100));
    const scale = sample("scale", Exponential(0.1));
    plate("row", ROWS, () => observe("y", Normal(centre, scale), tensor(rows.map(([a]) => 70 + 12 * a))));
  }),
};

describe.skipIf(!hasSoftwareGpu)("map on webgpu", () => {
  test.each(Object.entries(programs))("%s", async (_, program) => {
    const here = await map(program).run([]);
    const there = await map(program).run([], { device: "webgpu" });
    const density = await unconstrainedDensity(program, []);
    const second = curvatures(await hessianProduct(density), density, here.coordinates);
    // The default tolerance there, of each coordinate, and as much again for coordinates that depend on one another.
    for (const [i, q] of there.coordinates.entries())
      expect(Math.abs(q - here.coordinates[i]) * Math.sqrt(Math.abs(second[i]))).toBeLessThan(4e-3);
    expect(Math.abs(there.logDensity / here.logDensity - 1)).toBeLessThan(1e-5);
    expect(there.steps).toBeGreaterThan(3);
  });
});

test("float64 and the host are refused on a device, and a device that is not one", async () => {
  const run = (options: object) => map(programs.scale).run([], options);
  for (const options of [{ precision: "float64" }, { executor: "host" }])
    await expect(run({ device: "webgpu", ...options })).rejects.toThrow(UsageError);
  await expect(run({ device: "webgpu", precision: "float64" })).rejects.toThrow(/computes in float32/);
  await expect(run({ device: "tpu" })).rejects.toThrow(/cpu or webgpu/);
});
