import { describe, expect, test } from "vitest";
import { Bernoulli, Beta, Normal, Uniform } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import {
  autoNormal,
  fitGeneralisedPareto,
  importance,
  smoothWeights,
  svi,
  trustedShape,
} from "../../src/inference/index.ts";
import { model } from "../../src/program/index.ts";
import { fillUniform, stream } from "../../src/random/index.ts";
import { tensor } from "../../src/tensor/index.ts";

const flips = tensor([1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
const coin = model(({ sample, observe, plate }) => {
  const p = sample("p", Beta(10, 10));
  plate("flip", 10, () => observe("x", Bernoulli({ probs: p }), flips));
});

describe("the generalised Pareto fit", () => {
  test.each([0.1, 0.5, 1])("finds the shape %d of draws of its own", (k) => {
    const u = new Float64Array(4000);
    fillUniform(u, stream(0, "pareto"));
    // Inverse distribution function, scale 1. The standard error of k is about (1 + k) / √n = 0.017 to 0.032.
    const x = u.map((v) => (v ** -k - 1) / k).sort();
    const { shape, scale } = fitGeneralisedPareto(x);
    expect(Math.abs(scale - 1)).toBeLessThan(0.2);
    expect(Math.abs(shape - k)).toBeLessThan(4 * ((1 + k) / Math.sqrt(4000)));
  });
});

describe("Pareto smoothing", () => {
  const raw = (() => {
    const u = new Float64Array(1000);
    fillUniform(u, stream(4, "weights"));
    // Weights with a Pareto tail of shape 0.8.
    return u.map((v) => -0.8 * Math.log(v));
  })();

  test("touches the tail alone, keeps its order, and never exceeds the largest", () => {
    const { logWeights, shape } = smoothWeights(raw);
    expect(Math.abs(shape - 0.8)).toBeLessThan(0.5);
    const order = [...raw.keys()].sort((a, b) => raw[a] - raw[b]);
    const tail = 95;
    order.slice(0, -tail).forEach((i) => {
      expect(logWeights[i]).toBe(raw[i]);
    });
    const smoothed = order.map((i) => logWeights[i]);
    expect(smoothed).toEqual([...smoothed].sort((a, b) => a - b));
    expect(Math.max(...smoothed)).toBeLessThanOrEqual(Math.max(...raw));
  });

  test("steadies the mean of heavy-tailed weights", () => {
    // Shape 0.7: the mean is 1 / 0.3 and the variance infinite. Over 200 repetitions the smoothed mean spreads less.
    const means = { raw: [] as number[], smooth: [] as number[] };
    for (let r = 0; r < 200; r++) {
      const u = new Float64Array(1000);
      fillUniform(u, stream(r, "heavy"));
      const w = u.map((v) => -0.7 * Math.log(v));
      const mean = (l: Float64Array) => l.reduce((t, v) => t + Math.exp(v), 0) / l.length;
      means.raw.push(mean(w));
      means.smooth.push(mean(smoothWeights(w).logWeights));
    }
    const error = (m: number[]) => m.reduce((t, v) => t + (v - 1 / 0.3) ** 2, 0);
    expect(error(means.smooth)).toBeLessThan(error(means.raw));
  });

  test.each([
    // An implementation in NumPy, written from the paper's formulas: k̂, log mean smoothed weight, smoothed mean of u, weights changed.
    ["a heavy tail", (u: number) => -0.8 * Math.log(u), 0.75745983273, 1.39695127879, 0.20599615299, 95],
    ["bounded weights", Math.log, -0.81921124944, -0.69277504478, 0.66678548604, 94],
    [
      "tied weights",
      (u: number) => Math.round(-2 * Math.log(u)) / 2,
      0.66603087173,
      2.02201345269,
      0.13237007588,
      64,
    ],
  ])("%s: as an independent implementation does", (_, logWeight, shape, logMean, mean, changed) => {
    const S = 1000;
    const u = Float64Array.from({ length: S }, (_, i) => (((i * 371) % S) + 0.5) / S);
    const found = smoothWeights(u.map(logWeight));
    const weights = found.logWeights.map(Math.exp);
    const total = weights.reduce((a, w) => a + w, 0);
    expect(found.shape).toBeCloseTo(shape, 9);
    expect(Math.log(total / S)).toBeCloseTo(logMean, 9);
    expect(weights.reduce((a, w, i) => a + w * u[i], 0) / total).toBeCloseTo(mean, 9);
    expect(found.logWeights.filter((v, i) => v !== logWeight(u[i]))).toHaveLength(changed);
  });

  test("equal weights are left as they are", () => {
    const { logWeights, shape } = smoothWeights(new Float64Array(100).fill(-3));
    expect([...logWeights]).toEqual(new Array(100).fill(-3));
    expect(shape).toBe(Number.POSITIVE_INFINITY);
  });

  test("the shape that can be trusted grows with the draws, up to 0.7", () => {
    expect(trustedShape(100)).toBeCloseTo(0.5, 12);
    expect(trustedShape(10 ** 6)).toBe(0.7);
  });
});

describe("importance sampling with a guide", () => {
  test("finds the exact evidence of the coin with a fitted guide", async () => {
    const guide = autoNormal(coin);
    const { parameters } = await svi(coin, guide).run([], { steps: 2000, particles: 5, seed: 0 });
    const found = await importance(coin, guide, [], { parameters, draws: 2000, seed: 1 });
    // ln B(16, 14) − ln B(10, 10) = −7.06937; log weights of this guide spread by 0.02, so the error is about 0.0005.
    expect(Math.abs(found.logEvidence + 7.06937)).toBeLessThan(0.003);
    expect(found.effectiveSampleSize).toBeGreaterThan(1900);
  });

  test("k-hat trusts a guide wider than the posterior, whose weights are bounded", async () => {
    const target = model(({ sample }) => sample("z", Normal(0, 1)));
    const wider = model(({ sample }) => sample("z", Normal(0, 1.5)));
    const found = await importance(target, wider, [], { draws: 4000, seed: 0 });
    expect(found.paretoK).toBeLessThan(0.5);
    // The target is normalised: its evidence is 1. Var w = 1.5² / √(2 · 1.5² − 1) − 1 = 0.203; standard error 0.0071.
    expect(Math.abs(found.logEvidence)).toBeLessThan(5 * 0.0071);
  });

  test("k-hat warns of a guide much narrower than the posterior", async () => {
    const wide = model(({ sample }) => sample("z", Normal(0, 1)));
    const narrow = model(({ sample }) => sample("z", Normal(0, 0.4)));
    // w ∝ exp(z²(1/0.16 − 1)/2): the tail index is 1 − 0.16 = 0.84.
    const found = await importance(wide, narrow, [], { draws: 4000, seed: 0 });
    expect(found.paretoK).toBeGreaterThan(0.6);
  });

  test("posterior moments correct the guide", async () => {
    // Beta(16, 14): mean 0.53333, sd 0.08960, from a guide that is neither: Beta(12, 12).
    const guide = model(({ sample }) => sample("p", Beta(12, 12)));
    const { moments, trusted } = await importance(coin, guide, [], { draws: 8000, seed: 2 });
    const { mean, sd } = moments.get("p") ?? { mean: [], sd: [] };
    // Standard errors of about 0.0012 and 0.0009 at an effective size of some 6,000.
    expect(Math.abs(mean[0] - 0.53333)).toBeLessThan(0.006);
    expect(Math.abs(sd[0] - 0.0896)).toBeLessThan(0.004);
    expect(trusted).toBe(true);
  });

  test("the standard error of a mean is the spread of means over repetitions", async () => {
    const target = model(({ sample, plate }) => {
      plate("pair", 2, () => sample("z", Normal(tensor([0, 3]), tensor([1, 2]))));
    });
    const wider = model(({ sample, plate }) => {
      plate("pair", 2, () => sample("z", Normal(tensor([0.3, 2]), tensor([1.3, 3]))));
    });
    const runs = [];
    for (let seed = 0; seed < 100; seed++) {
      const { moments } = await importance(target, wider, [], { draws: 200, seed });
      runs.push(moments.get("z") ?? { mean: [], standardError: [] });
    }
    for (const [j, exact] of [0, 3].entries()) {
      const squares = runs.reduce((t, r) => t + (r.mean[j] - exact) ** 2, 0) / runs.length;
      const stated = runs.reduce((t, r) => t + r.standardError[j] ** 2, 0) / runs.length;
      // The ratio of variances from 100 repetitions has a standard error of about √(2 / 100) = 0.14.
      expect(Math.abs(squares / stated - 1)).toBeLessThan(0.5);
    }
  });

  test("a missing site and too few draws are refused", async () => {
    const empty = model(() => undefined);
    await expect(importance(coin, empty, [], { draws: 100 })).rejects.toThrow(UsageError);
    await expect(importance(coin, coin, [], { draws: 10 })).rejects.toThrow(
      new UsageError("importance: draws must be a whole number of at least 25, found 10."),
    );
  });
});

describe("what the verdict is of", () => {
  const normal = (loc: number, scale: number) =>
    model(({ sample, plate }) => {
      plate("element", 3, () => sample("z", Normal(loc, scale)));
    });

  test("a guide that is the posterior", async () => {
    const found = await importance(normal(0, 1), normal(0.01, 1.01), [], { draws: 2000 });
    expect([found.trusted, found.guideTrusted]).toEqual([true, true]);
    expect(found.verdict).toMatch(
      /^The corrected estimates can be trusted, and so can the guide: it is 0\.\d+ nats from the posterior\.$/,
    );
  });

  test("a guide that is too wide: its weighted draws can be trusted, itself not", async () => {
    const found = await importance(normal(0, 1), normal(0, 2), [], { draws: 4000 });
    expect([found.trusted, found.guideTrusted]).toEqual([true, false]);
    // KL(N(0, 4) ‖ N(0, 1)) in three dimensions: 3 (1.5 − ln 2) = 2.42 nats; the standard error of the gap is about 0.06.
    expect(Math.abs(found.gap - 3 * (1.5 - Math.LN2))).toBeLessThan(0.25);
    expect(found.gap).toBeCloseTo(found.logEvidence - found.bound, 12);
    expect(found.verdict).toContain("the guide itself cannot: it is 2.");
  });

  test("draws of which a few hold the weight, though k-hat passes", async () => {
    // Weights that grow by e^8 over the guide's draws: their tail is bounded and light, and most of them are nothing.
    const flat = model(({ sample }) => sample("u", Uniform(0, 1)));
    const steep = model(({ sample, factor }) => {
      const u = sample("u", Uniform(0, 1));
      factor("w", u.mul(300));
    });
    const found = await importance(steep, flat, [], { draws: 4000 });
    expect(found.effectiveSampleSize).toBeLessThan(100);
    expect(found.trusted).toBe(false);
    expect(found.verdict).toMatch(/^Neither the guide nor its corrected estimates can be trusted: /);
  });
});
