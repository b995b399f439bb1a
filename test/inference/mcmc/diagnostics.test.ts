import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../../src/errors.ts";
import {
  energyFraction,
  essBulk,
  essTail,
  mcseMean,
  mcseSd,
  rHat,
} from "../../../src/inference/mcmc/diagnostics.ts";
import { fillNormal, stream } from "../../../src/random/index.ts";

/** Two chains of 1000 draws of a meta-analysis in Stan ("blocker"): the data of ArviZ's own test of its diagnostics. */
const [header, ...lines] = readFileSync(new URL("./blocker.csv", import.meta.url), "utf8")
  .trim()
  .split("\n");
const columnOf = (name: string): Float64Array => {
  const at = header.split(",").indexOf(name);
  return Float64Array.from(lines, (line) => Number(line.split(",")[at]));
};

/**
 * What R's package posterior says of them, as ArviZ's repository keeps it (arviz/tests/saved_models/stan_diagnostics/
 * reference_posterior.csv): rhat, ess_bulk, ess_tail, mcse_mean, mcse_sd.
 */
const reference = {
  sigmasq_delta: [
    1.01090196780102, 73.249623982678, 48.5806371372426, 0.00114848510125919, 0.0010201024173082,
  ],
  "mu.14": [1.01304235232272, 146.455619305836, 905.20577806428, 0.0112582926739193, 0.00525249835026592],
  delta_new: [1.00208610605722, 917.51606421515, 591.868599290854, 0.00625781442705714, 0.0146806979189298],
} as const;

describe("against R's posterior, on ArviZ's reference draws", () => {
  test.each(Object.entries(reference))("%s", (name, [rhat, bulk, tail, mean, sd]) => {
    const values = columnOf(name);
    expect(rHat(values, 2)).toBeCloseTo(rhat, 12);
    expect(essBulk(values, 2) / bulk).toBeCloseTo(1, 12);
    expect(essTail(values, 2) / tail).toBeCloseTo(1, 12);
    expect(mcseMean(values, 2) / mean).toBeCloseTo(1, 12);
    expect(mcseSd(values, 2) / sd).toBeCloseTo(1, 12);
  });
});

describe("by hand", () => {
  test("E-BFMI of 1, 2, 3, 4 is 3 / 5 (ArviZ's own test)", () => {
    expect(energyFraction(Float64Array.of(1, 2, 3, 4))).toBeCloseTo(0.6, 14);
  });

  const independent = (chains: number, draws: number): Float64Array => {
    const values = new Float64Array(chains * draws);
    fillNormal(values, stream(0, "diagnostics"));
    return values;
  };

  test("independent draws: R-hat near 1, an effective size near their number, errors of sd / √S", () => {
    const values = independent(4, 1000);
    // Spread of R-hat over seeds is about 0.0005, that of the effective sizes about 4 %.
    expect(rHat(values, 4)).toBeLessThan(1.005);
    expect(essBulk(values, 4) / 4000).toBeCloseTo(1, 0);
    expect(mcseMean(values, 4) * Math.sqrt(4000)).toBeCloseTo(1, 0);
    expect(mcseSd(values, 4) * Math.sqrt(8000)).toBeCloseTo(1, 0);
  });

  test("an autoregressive chain of coefficient 0.9 is worth (1 − 0.9) / (1 + 0.9) of its draws", () => {
    const noise = independent(4, 20_000);
    let last = 0;
    const values = noise.map((z) => {
      last = 0.9 * last + Math.sqrt(1 - 0.81) * z;
      return last;
    });
    // 80,000 · 0.0526 = 4,211; its standard error is about 5 %.
    expect(Math.abs(essBulk(values, 4) / 4211 - 1)).toBeLessThan(0.2);
  });

  test.each([
    ["chains at different places", (z: number, i: number) => z + (i < 1000 ? 3 : 0)],
    ["chains of different spread", (z: number, i: number) => z * (i < 1000 ? 5 : 1)],
    ["chains that drift", (z: number, i: number) => z + (i % 1000) / 300],
  ])("%s are caught", (_, change) => {
    expect(rHat(independent(4, 1000).map(change), 4)).toBeGreaterThan(1.05);
  });

  test("constant draws have no R-hat and no effective size", () => {
    const values = new Float64Array(400).fill(2);
    expect([rHat(values, 4), essBulk(values, 4), essTail(values, 4)]).toEqual([NaN, NaN, NaN]);
  });

  test("too few draws, or draws that are no whole chains, are refused", () => {
    expect(() => rHat(new Float64Array(6), 2)).toThrow(
      new UsageError(
        "diagnostics: expected at least 4 draws in each of 2 chains, chain by chain, found 6 values.",
      ),
    );
    expect(() => essBulk(new Float64Array(13), 3)).toThrow(UsageError);
  });
});

test("of draws that are not all numbers nothing is said, whichever they are", () => {
  const draws = Float64Array.from({ length: 400 }, (_, i) => (Math.sin(i * 12.9898) * 43758.5453) % 1);
  for (const at of [0, 57, 399]) {
    const spoilt = draws.slice();
    spoilt[at] = Number.NaN;
    for (const of of [rHat, essBulk, essTail]) expect(of(spoilt, 4)).toBeNaN();
  }
  for (const of of [rHat, essBulk, essTail]) expect(of(draws, 4)).not.toBeNaN();
});
