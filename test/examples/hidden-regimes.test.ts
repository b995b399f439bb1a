import { expect, test } from "vitest";
import { drawReturns, findRegimes, truth } from "../../examples/hidden-regimes.ts";

// 250 days determine the parameters to within a few posterior standard deviations: 4.5 each, four of them; the seed is fixed.
test("the parameters come back, and a course of states is right more often than days alone", async () => {
  const data = drawReturns(250, 4);
  expect(new Set(data.states).size).toBe(2);
  const { parameters, right, wild } = await findRegimes(data, 150, 1);
  expect(parameters.map((p) => p.truth)).toEqual([...truth.stay, ...truth.scale]);
  for (const { name, truth: value, mean, sd } of parameters)
    expect(Math.abs(mean - value), name).toBeLessThan(4.5 * sd);
  expect(right.viterbi).toBeGreaterThan(0.85);
  expect(right.viterbi).toBeGreaterThan(right.oneDay);
  expect(wild.every((p) => p >= 0 && p <= 1)).toBe(true);
});
