/** The mode on a graphics processor is that of the processor, to a small part of a standard deviation. */
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { curvatures, hessianProduct } from "../../src/inference/curvature.ts";
import { map, unconstrainedDensity } from "../../src/inference/index.ts";
import { hasSoftwareGpu } from "../software-gpu.ts";
import { withMode } from "./device-programs.ts";

describe.skipIf(!hasSoftwareGpu)("map on webgpu", () => {
  test.each(Object.entries(withMode))("%s", async (_, program) => {
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
  const run = (options: object) => map(withMode.scale).run([], options);
  for (const options of [{ precision: "float64" }, { executor: "host" }])
    await expect(run({ device: "webgpu", ...options })).rejects.toThrow(UsageError);
  await expect(run({ device: "webgpu", precision: "float64" })).rejects.toThrow(/computes in float32/);
  await expect(run({ device: "tpu" })).rejects.toThrow(/cpu or webgpu/);
});
