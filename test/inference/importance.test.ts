import { describe, expect, test } from "vitest";
import { Bernoulli, Beta, Normal } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { autoNormal, fitGeneralisedPareto, importance, svi } from "../../src/inference/index.ts";
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
    expect(Math.abs(fitGeneralisedPareto(x) - k)).toBeLessThan(4 * ((1 + k) / Math.sqrt(4000)));
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

  test("a missing site and too few draws are refused", async () => {
    const empty = model(() => undefined);
    await expect(importance(coin, empty, [], { draws: 100 })).rejects.toThrow(UsageError);
    await expect(importance(coin, coin, [], { draws: 10 })).rejects.toThrow(
      new UsageError("importance: draws must be a whole number of at least 25, found 10."),
    );
  });
});
