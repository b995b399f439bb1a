import { expect, test } from "vitest";
import { drawMonths, forecast } from "../../examples/state-space-forecast.ts";

test("the forecast starts at the last level, and its variance grows by that of a step each month", async () => {
  const seen = drawMonths(60, 3);
  const { level, ahead, walk, noise } = await forecast(seen, 12, 250, 2);
  const [first, last] = [ahead[0], ahead[11]];
  expect(level).toHaveLength(60);
  // 500 draws: each mean within 5 standard errors, which is less than this.
  expect(Math.abs(first.mean - level[59])).toBeLessThan(0.3);
  expect(first.sd).toBeGreaterThan(noise.mean);
  // The mean square of the walk's scale over eleven steps; the variance of 500 draws is within a third.
  const grown = last.sd ** 2 - first.sd ** 2;
  const expected = 11 * (walk.mean ** 2 + walk.sd ** 2);
  expect(grown / expected).toBeGreaterThan(0.5);
  expect(grown / expected).toBeLessThan(1.7);
});
