import { expect, test } from "vitest";
import { drawPoints, fitCurve, truth } from "../../examples/gaussian-process-regression.ts";

test("the band holds the curve, and is widest where nothing was seen", async () => {
  const at = [1, 2, 3, 4, 5.5, 7, 8, 9];
  const { mean, sd, noise } = await fitCurve(drawPoints(24, 5), at, 150, 0, 200);
  // Eight places, not independent of each other: beyond 4 sd is rarer than 1 in 1,000.
  at.forEach((x, i) => {
    expect(Math.abs(mean[i] - truth(x)) / sd[i], `at ${x}`).toBeLessThan(4);
  });
  expect(sd[4]).toBe(Math.max(...sd));
  expect(sd[4]).toBeGreaterThan(2 * sd[2]);
  expect(Math.abs(noise.mean - 0.2)).toBeLessThan(4 * noise.sd);
});
