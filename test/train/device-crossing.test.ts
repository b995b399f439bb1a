/** A training of every kind goes from the processor to a graphics processor, and from there to the processor. */
import { describe, expect, test } from "vitest";
import { crossing, settingsOfKinds } from "../platform/device-programs.ts";
import { hasSoftwareGpu } from "../software-gpu.ts";

const cases = Object.entries(settingsOfKinds).flatMap(([name, given]) =>
  given.map((_, i) => [name, i] as const),
);

describe.skipIf(!hasSoftwareGpu)("ten steps on one, ten on the other", () => {
  // Float32 in another order for ten steps. A first step of Adam divides a gradient by its own size, so that one near 0 matters.
  test.each(cases)("%s, settings %i", async (name, index) => {
    for (const [way, difference] of Object.entries(await crossing(name, index)))
      expect(difference, way).toBeLessThan(2e-3);
  });
});
