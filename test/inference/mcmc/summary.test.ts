import { describe, expect, test } from "vitest";
import { ArrayValue } from "../../../src/compile/index.ts";
import { UsageError } from "../../../src/errors.ts";
import { elementNames } from "../../../src/inference/element-names.ts";
import { unitMetric } from "../../../src/inference/mcmc/metric.ts";
import { type Statistics, statisticNames } from "../../../src/inference/mcmc/run-chain.ts";
import type { Mcmc } from "../../../src/inference/mcmc/sampler.ts";
import { summary, summaryText } from "../../../src/inference/summary.ts";
import { fillNormal, stream } from "../../../src/random/index.ts";

/** A run as if of 4 chains of 500 independent draws of a number and a 2 × 2 matrix. */
function madeUp(change: Partial<Statistics> = {}, chains = 4, draws = 500): Mcmc {
  const drawn = (site: string, size: number) => {
    const values = new Float64Array(chains * draws * size);
    fillNormal(values, stream(0, site));
    return values;
  };
  const statistics = Object.fromEntries(
    statisticNames.map((name) => [name, drawn(`statistic ${name}`, 1)]),
  ) as Statistics;
  return {
    method: "nuts",
    fitted: { name: "made up", sites: [] },
    chains,
    draws,
    values: new Map([
      ["a", new ArrayValue([chains, draws], "float64", drawn("a", 1))],
      [
        "m",
        new ArrayValue(
          [chains, draws, 2, 2],
          "float64",
          drawn("m", 4).map((z) => 100 + 20 * z),
        ),
      ],
    ]),
    statistics: { ...statistics, divergent: new Float64Array(chains * draws), ...change },
    adapted: Array.from({ length: chains }, () => ({ stepSize: 1, metric: unitMetric("diagonal", 5) })),
    maxTreeDepth: 10,
  };
}

test("a row for each number, named by site and index", () => {
  expect(elementNames("x", [])).toEqual(["x"]);
  expect(elementNames("m", [2, 2])).toEqual(["m[0,0]", "m[0,1]", "m[1,0]", "m[1,1]"]);
  const { rows, warnings } = summary(madeUp());
  expect(rows.map((r) => r.name)).toEqual(["a", "m[0,0]", "m[0,1]", "m[1,0]", "m[1,1]"]);
  expect(warnings).toEqual([]);
  // Five standard errors of 2000 independent draws.
  expect(Math.abs(rows[1].mean - 100)).toBeLessThan(5 * (20 / Math.sqrt(2000)));
  expect(Math.abs(rows[0].q95 - 1.6449)).toBeLessThan(0.25);
  expect(Math.abs(rows[0].q5 + 1.6449)).toBeLessThan(0.25);
});

test("as text: aligned columns, as many digits as the errors allow, a verdict", () => {
  const lines = summaryText(summary(madeUp())).split("\n");
  expect(lines[0]).toMatch(/^ +mean +sd +mcse +5 % +50 % +95 % +ess bulk +ess tail +R̂$/);
  expect(lines[1]).toMatch(/^a +-?0\.0\d\d +[01]\.\d{3} +0\.02\d +-1\.\d{3} /);
  expect(lines[2]).toMatch(/^m\[0,0\] +\d+\.\d\d +\d\d\.\d\d +0\.4\d +6\d\.\d\d +/);
  expect(lines.at(-1)).toBe("4 chains of 500 draws: no problems found.");
  const width = (line: string): number => [...line.normalize("NFD").replace(/\p{M}/gu, "")].length;
  expect(new Set(lines.slice(0, 6).map(width)).size).toBe(1);
});

describe("a warning for each trouble", () => {
  const flagged = (count: number, value: number): Float64Array =>
    Float64Array.from({ length: 2000 }, (_, i) => (i < count ? value : 0));

  test("divergences", () => {
    expect(summary(madeUp({ divergent: flagged(3, 1) })).warnings).toEqual([
      "3 of 2000 transitions diverged: steps were too long for part of the posterior, which the draws miss. Raise " +
        "targetAcceptance (0.95, 0.99); if some remain, change coordinates: draw the sites under a scale as z ~ Normal(0, 1) and compute " +
        "loc + scale · z.",
    ]);
  });

  test("trajectories that were cut off", () => {
    const { saturated, warnings } = summary(madeUp({ treeDepth: flagged(7, 10) }));
    expect(saturated).toBe(7);
    expect(warnings[0]).toMatch(
      /^7 of 2000 trajectories were cut off at 10 doublings: .* use metric "dense" .* raise maxTreeDepth\.$/,
    );
  });

  test("energies that move slowly", () => {
    const energy = Float64Array.from({ length: 2000 }, (_, i) => Math.sin(i / 20));
    expect(summary(madeUp({ energy })).warnings[0]).toMatch(
      /^E-BFMI is below 0\.3 in 4 of 4 chains \(lowest 0\.00\): /,
    );
  });

  test("chains apart, few draws, one chain", () => {
    const apart = madeUp();
    for (let i = 0; i < 500; i++) (apart.values.get("a")?.data ?? [])[i] = 9;
    expect(summary(apart).warnings[0]).toMatch(/^The chains have not mixed: R̂ above 1\.01 for a \d\.\d\d\. /);
    const { warnings } = summary(madeUp({}, 1, 60));
    expect(warnings.join("\n")).toMatch(
      /There is only one chain, .*\nFew effective draws \(below 100 per chain\) for /,
    );
    expect(() => summary(madeUp({}, 4, 3))).toThrow(
      new UsageError("summary: expected at least 4 draws per chain, found 3."),
    );
  });
});
