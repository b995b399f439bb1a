import { expect, test } from "vitest";
import { asTable, exact, mapMcmcVi } from "../../examples/map-mcmc-vi.ts";

test("the mode is at an edge, the mean-field guide too sure, the sampler right", async () => {
  const rows = await mapMcmcVi(4000, 2000, 1);
  const [mode, , field, nuts] = rows;
  expect(rows.map((r) => r.method)).toEqual(["MAP", "Laplace", "VI, mean-field", "NUTS"]);
  // No differences between schools, where the posterior has a mean of 3.6 and hardly any mass below 0.1.
  expect(mode.tau.mean).toBeLessThan(0.01);
  expect(mode.draws.mu).toHaveLength(1);
  // About 2.25 and 3.22: the correlation of τ with the schools' z cannot be expressed.
  expect(field.tau.sd).toBeLessThan(0.85 * exact.tau.sd);
  expect(field.logEvidence).toBeLessThan(exact.logEvidence - 0.1);
  // Some thousand effective draws of each: standard errors of 0.1; a false alarm in 16,000 at four, were the seed not fixed.
  for (const site of ["mu", "tau"] as const) {
    expect(Math.abs(nuts[site].mean - exact[site].mean)).toBeLessThan(0.4);
    expect(Math.abs(nuts[site].sd - exact[site].sd)).toBeLessThan(0.4);
  }
  expect(asTable(rows).split("\n")).toHaveLength(7);
});
