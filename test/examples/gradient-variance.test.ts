import { expect, test } from "vitest";
import { gradientVariance } from "../../examples/gradient-variance.ts";

test("both estimators are unbiased; the score function's variance grows with dimension, pathwise does not", async () => {
  const draws = 4000;
  const rows = await gradientVariance([1, 8, 32], draws, 0);
  // Six comparisons at four standard errors: a false alarm in 2600, were the seed not fixed.
  for (const { exact, by } of rows)
    for (const { mean, variance } of Object.values(by))
      expect(Math.abs(mean - exact)).toBeLessThan(4 * Math.sqrt(variance / draws));
  for (const { by } of rows) {
    // z = ¼ ε: the gradient is 1 − 2 · ¼ ε, of variance 4/16; the standard error of a variance is 2 % of it.
    expect(Math.abs(by.pathwise.variance - 0.25)).toBeLessThan(0.03);
    expect(by.score.variance).toBeGreaterThan(100 * by.pathwise.variance);
  }
  // The cost is a sum over dimensions, so its square grows as theirs.
  const [one, eight, many] = rows.map((r) => r.by.score.variance);
  expect(eight / one).toBeGreaterThan(30);
  expect(many / eight).toBeGreaterThan(10);
});
