import { expect, test } from "vitest";
import { raoBlackwell } from "../../examples/rao-blackwell.ts";

test("a row that pays for its own cost alone is as certain among many rows as it is alone", async () => {
  const draws = 4000;
  const rows = await raoBlackwell([1, 8, 32], draws, 0);
  // Six comparisons at four standard errors: a false alarm in 2600, were the seed not fixed.
  for (const { exact, each, joint } of rows)
    for (const { mean, variance } of [each, joint])
      expect(Math.abs(mean - exact)).toBeLessThan(4 * Math.sqrt(variance / draws));
  const [one, eight, many] = rows;
  expect(one.joint.variance).toBe(one.each.variance);
  expect(eight.each.variance).toBeCloseTo(one.each.variance, 5);
  expect(many.each.variance).toBeCloseTo(one.each.variance, 5);
  // The whole cost is a sum over rows: with a baseline of none its square grows as theirs, in the end.
  expect(eight.joint.variance).toBeGreaterThan(8 * eight.each.variance);
  expect(many.joint.variance).toBeGreaterThan(8 * eight.joint.variance);
});
