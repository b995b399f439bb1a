import { describe, expect, test } from "vitest";
import { Categorical, Gamma, HalfNormal, Normal } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import {
  chiSquaredTail,
  nutsPosterior,
  rankTests,
  simulationBasedCalibration,
} from "../../src/inference/simulation-based-calibration.ts";
import { model } from "../../src/program/index.ts";
import { gather, tensor, zeros } from "../../src/tensor/index.ts";
import { coin, schoolsData } from "./programs.ts";

test("the tail of χ²: tables' 5 % and 0.1 % points", () => {
  // Abramowitz and Stegun, table 26.8.
  for (const [degrees, x, p] of [
    [1, 3.84146, 0.05],
    [2, 5.99147, 0.05],
    [15, 24.9958, 0.05],
    [16, 26.2962, 0.05],
    [31, 61.098, 0.001],
  ]) {
    expect(chiSquaredTail(x, degrees) / p).toBeCloseTo(1, 3);
  }
});

/** A location and a scale, and a mixture whose component is summed out. */
const mixture = model(({ sample, observe, plate }) => {
  const gap = sample("gap", Gamma(4, 2));
  const loc = sample("loc", Normal(0, 1));
  plate("row", 8, () => {
    const k = sample("k", Categorical({ probs: tensor([0.7, 0.3]) }));
    observe("x", Normal(loc.add(gap.mul(gather(tensor([0, 1]), k))), 0.5), zeros([8]));
  });
});

const schools = model(({ sample, observe, plate, deterministic }) => {
  const mu = sample("mu", Normal(0, 5));
  const tau = sample("tau", HalfNormal(5));
  plate("school", 8, () => {
    const z = sample("z", Normal(0, 1));
    observe("y", Normal(deterministic("theta", mu.add(tau.mul(z))), tensor(schoolsData.sigma)), zeros([8]));
  });
});

/**
 * 256 simulations in 16 bins of 16 expected ranks each. The level is 0.01 for the three models together, divided by the numbers tested
 * (1, 2 and 18; the numbers of one model are correlated, so the true level is below that).
 */
const level = 0.01 / 21;

describe("NUTS ranks the truth uniformly", () => {
  test.each([
    ["Beta-Bernoulli", coin(), 1],
    ["a mixture, its components summed out", mixture, 2],
    ["eight schools", schools, 18],
  ] as const)(
    "%s",
    async (_, program, numbers) => {
      const calibration = await simulationBasedCalibration(program, [], { seed: 0 });
      const tests = rankTests(calibration, 16);
      expect(tests).toHaveLength(numbers);
      for (const { name, pValue } of tests) expect(pValue, name).toBeGreaterThan(level);
    },
    120_000,
  );

  test("and an algorithm whose posterior is too narrow does not", async () => {
    const nuts = nutsPosterior({ warmUp: 100 });
    const calibration = await simulationBasedCalibration(coin(), [], {
      seed: 0,
      posterior: async (density, options) => {
        const q = await nuts(density, options);
        const mean = q.reduce((s, v) => s + v, 0) / q.length;
        return q.map((v) => mean + 0.6 * (v - mean));
      },
    });
    const [{ counts, pValue }] = rankTests(calibration, 16);
    expect(pValue).toBeLessThan(1e-6);
    // Like a bowl: the truth lies outside its draws too often.
    expect(counts[0] + counts[15]).toBeGreaterThan(3 * (counts[7] + counts[8]));
  });
});

describe("what is refused", () => {
  test("options out of range", async () => {
    await expect(simulationBasedCalibration(coin(), [], { simulations: 0 })).rejects.toThrow(
      new UsageError("calibration: simulations must be a whole number of at least 1, found 0."),
    );
    expect(() => rankTests({ draws: 31, ranks: new Map([["a", new Int32Array(100)]]) }, 5)).toThrow(
      new UsageError("rankTests: bins must be at least 2 and divide the 32 possible ranks, found 5."),
    );
  });

  test("a factor, which nothing simulates", async () => {
    const program = model(({ sample, factor }) => {
      factor("pull", sample("x", Normal(0, 1)).square().neg());
    });
    await expect(simulationBasedCalibration(program, [])).rejects.toThrow(
      new UsageError("calibration: factor 'pull' cannot be simulated; write it as an observed site."),
    );
  });
});
