/** What a graphics processor gets wrong by itself is right, or has no number, when the library computes it there. */
import { describe, expect, test } from "vitest";
import { build } from "../../src/compile/index.ts";
import { ShapeError } from "../../src/errors.ts";
import { constant, gather, input, scatterAdd, zeros } from "../../src/tensor/index.ts";
import { hasSoftwareGpu } from "../software-gpu.ts";
import { differencesOfHardCases } from "./device-cases.ts";

describe.skipIf(!hasSoftwareGpu)("on webgpu", () => {
  test("special numbers, small ones, large angles, bools that are broadcast, places and order", async () => {
    const { cases, wrong } = await differencesOfHardCases();
    expect(wrong).toEqual([]);
    expect(cases).toBeGreaterThan(200);
  });

  test("indices that are known to be outside are refused", async () => {
    const at = constant([0, 3], [2], "int64");
    const x = input("x", [3]);
    for (const output of [gather(x, at, 0), scatterAdd(x, at, zeros([2]))])
      await expect(build([output], { device: "webgpu" })).rejects.toThrow(ShapeError);
  });
});
