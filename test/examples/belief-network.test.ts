import { expect, test } from "vitest";
import { asTable, beliefNetwork, columns } from "../../examples/belief-network.ts";

test("every control variate trains the network, and is less noisy than none", async () => {
  const rows = await beliefNetwork({
    steps: 120,
    batch: 50,
    units: 20,
    particles: 5,
    estimators: ["no baseline", "NVIL", "VIMCO", "REBAR", "RELAX"],
    draws: 30,
    train: 2000,
    test: 100,
    seed: 0,
  });
  const of = new Map(rows.map((r) => [r.estimator, r]));
  const plain = of.get("no baseline");
  for (const row of rows) {
    // Before training every bound is near the entropy of independent pixels, about -206.
    expect(row.elbo, row.estimator).toBeLessThan(row.importanceWeighted);
    if (row.estimator === "no baseline") continue;
    expect(row.elbo, row.estimator).toBeGreaterThan(-206);
    // A network that has seen 120 steps predicts little yet, but more than nothing.
    expect(row.variance, row.estimator).toBeLessThan(plain?.variance ?? 0);
  }
  for (const name of ["VIMCO", "REBAR", "RELAX"] as const)
    expect(of.get(name)?.variance).toBeLessThan((of.get("NVIL")?.variance ?? 0) / 2);
  expect(asTable(rows).split("\n")).toHaveLength(rows.length + 2);
  expect(asTable(rows)).toContain(columns[0]);
});
