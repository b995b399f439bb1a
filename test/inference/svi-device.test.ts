/** A step of svi that fails on a graphics processor: the error names the site, and the parameters are those of the last sound step. */
import { describe, expect, test } from "vitest";
import { hasSoftwareGpu } from "../software-gpu.ts";
import { failed, failingNames } from "./device-programs.ts";

describe.skipIf(!hasSoftwareGpu)("svi that fails on webgpu", () => {
  test.each(failingNames)("%s", async (name) => {
    const there = await failed(name, "webgpu");
    const here = await failed(name, "cpu");
    expect(there.sound).toBe(here.sound);
    expect(there.sound).toBeGreaterThan(3);
    expect(there.error).toMatch(
      new RegExp(`^step ${here.sound}: site '\\w+' of the (model|guide) has log density`),
    );
    // What the processor says, but for the digits of numbers.
    const words = (text: string) => text.replaceAll(/-?\d[\d.e+-]*/g, "…");
    expect(words(there.error)).toBe(words(here.error));
    expect(words(there.together)).toBe(words(there.error));
    // The same steps without the one that fails.
    const sound = await failed(name, "webgpu", there.sound);
    expect(sound.error).toBe("");
    expect(there.values).toEqual(sound.values);
  });
});
