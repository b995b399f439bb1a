import { expect, test } from "vitest";
import { exact, tighterBounds } from "../../examples/tighter-bounds.ts";

test("the bound rises with every doubling of the samples, from the ELBO towards the log evidence", async () => {
  const rows = await tighterBounds(256, 400, 0);
  // ln N(3; 0, 5 + 1/0.6): the precision of the data is 0.6.
  expect(exact.logEvidence).toBeCloseTo(-2.5424985, 7);
  const [one] = rows;
  expect(Math.abs(one.bound - (exact.logEvidence - exact.gap))).toBeLessThan(4 * one.standardError);
  rows.forEach(({ bound, standardError }, i) => {
    expect(bound).toBeLessThan(exact.logEvidence + 4 * standardError);
    // Of the same draws, cut in larger groups: Jensen's inequality holds for them exactly.
    if (i > 0) expect(bound).toBeGreaterThan(rows[i - 1].bound);
  });
  const last = rows[rows.length - 1];
  expect(exact.logEvidence - last.bound).toBeLessThan(exact.gap / 20);
  // The gap nears Var / 2K; four standard errors of the bound and a third of the prediction for the variance's own noise.
  expect(Math.abs(last.bound - last.predicted)).toBeLessThan(
    4 * last.standardError + (exact.logEvidence - last.predicted) / 3,
  );
});
