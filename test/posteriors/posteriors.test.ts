/** Reference posteriors: three here, all of them by `npm run posteriors`. */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Comparison, compare } from "./compare.ts";
import { falseAlarmRate, outliers, pooled, unmixed } from "./judge.ts";
import { appendLog, readLog } from "./log.ts";
import { readReference } from "./posterior.ts";
import { posteriors } from "./posteriors.ts";

const reference = readReference();

test("every reference has a program, and every program a reference", () => {
  expect(posteriors.map(({ name }) => name).sort()).toEqual([...reference.keys()].sort());
  expect(reference.size).toBeGreaterThanOrEqual(40);
});

/**
 * Means and standard deviations within 4 Monte Carlo standard errors of both sides: 40 comparisons, a false alarm for 0.25 % of seeds.
 * Among them are a deterministic site in a plate, a matrix product, and a Cholesky factor of what is latent.
 */
test.each(["eight_schools-eight_schools_noncentered", "arK-arK", "gp_pois_regr-gp_regr"])(
  "%s",
  async (name) => {
    const posterior = posteriors.find((p) => p.name === name);
    const moments = reference.get(name);
    if (posterior === undefined || moments === undefined) throw new Error(`no posterior ${name}`);
    const found = await compare(posterior, moments, { seed: 0, warmUp: 500, draws: 500 });
    expect(outliers([found])).toEqual([]);
    expect(found.rHat).toBeLessThan(1.02);
    expect(found.effectiveDraws).toBeGreaterThan(400);
  },
);

const made = (posterior: string, ...z: readonly [number, number][]): Comparison => ({
  posterior,
  parameters: z.map(([zMean, zSd], i) => ({ name: `x[${i + 1}]`, mean: 0, sd: 1, zMean, zSd })),
  divergences: 0,
  saturated: 0,
  rHat: 1,
  effectiveDraws: 1000,
  seconds: 1,
});

test("what is too far is named, and what is no number is too far", () => {
  const found = [made("a", [4.2, 0], [-1, 3.9]), made("b", [0, Number.NaN])];
  expect(outliers(found)).toEqual(["a x[1]: z 4.2 (mean), 0.0 (sd)", "b x[1]: z 0.0 (mean), NaN (sd)"]);
  // √((9 + 16) / 2) and √((1 + 1) / 2). Without one of two groups: 4 and 3, whose jackknife is √(½ · (½² + ½²)).
  const { mean, sd } = pooled([made("a", [3, 1]), made("b", [-4, -1])]);
  expect(mean).toEqual({ value: Math.sqrt(12.5), error: 0.5 });
  expect(sd).toEqual({ value: 1, error: 0 });
  // 2 (1 − Φ(4)) = 6.334e-5.
  expect(falseAlarmRate(592)).toBeCloseTo(1 - Math.exp(-592 * 6.334e-5), 5);
});

test("chains that disagree are no agreement, however large their errors", () => {
  const found = [made("a"), { ...made("b"), rHat: 1.43 }, { ...made("c"), rHat: Number.NaN }];
  expect(unmixed(found)).toEqual([
    "b: R̂ 1.43, the chains have not found the same distribution",
    "c: R̂ NaN, the chains have not found the same distribution",
  ]);
});

test("a log keeps what is finished, forgets other keys and a line that was cut", () => {
  const folder = mkdtempSync(join(tmpdir(), "posteriors-"));
  const path = join(folder, "new", "log.jsonl");
  expect(readLog(path, "now").size).toBe(0);
  appendLog(path, "before", made("a", [1, 1]));
  appendLog(path, "now", made("b", [2, 2]));
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.slice(0, -20));
  appendLog(path, "now", made("c", [3, 3]));
  appendFileSync(path, "{");
  expect([...readLog(path, "now").keys()]).toEqual(["c"]);
  expect(readLog(path, "now").get("c")).toEqual(made("c", [3, 3]));
  expect([...readLog(path, "before").keys()]).toEqual(["a"]);
  rmSync(folder, { recursive: true });
});
