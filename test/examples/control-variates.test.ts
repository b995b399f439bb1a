import { expect, test } from "vitest";
import { controlVariates, exact } from "../../examples/control-variates.ts";

test("control variates leave the gradient's mean where it is and take its noise away", async () => {
  const t = 0.45;
  const draws = 4000;
  const rows = await controlVariates({ t, steps: 1500, draws, seed: 1 });
  const { gradient, variance } = exact(t);
  expect(gradient).toBeCloseTo(0.025, 12);
  expect(variance).toBeCloseTo(0.0159391, 7);
  const of = new Map(rows.map((r) => [r.estimator, r]));
  // Seven comparisons at four standard errors, and rounding to float32: a false alarm in 2200, were the seed not fixed.
  for (const row of rows)
    expect(Math.abs(row.mean - gradient), row.estimator).toBeLessThan(
      4 * Math.sqrt(row.variance / draws) + 1e-6,
    );
  expect(Math.abs((of.get("score function")?.variance ?? 0) / variance - 1)).toBeLessThan(0.03);
  expect(of.get("enumeration")?.variance).toBeLessThan(1e-12);
  for (const name of ["decaying average", "leave-one-out", "neural baseline", "REBAR", "RELAX"])
    expect(of.get(name)?.variance, name).toBeLessThan(variance / 10);
  for (const { estimator, walk } of rows) {
    expect(walk[0], estimator).toBe(0.5);
    expect(walk[walk.length - 1], estimator).toBeLessThan(0.35);
  }
});
