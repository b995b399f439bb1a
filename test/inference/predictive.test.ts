import { describe, expect, test } from "vitest";
import { Normal } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { autoNormal, predictive, svi } from "../../src/inference/index.ts";
import { model } from "../../src/program/index.ts";
import { tensor } from "../../src/tensor/index.ts";

const x = [1.2, 0.3, 2.1, -0.4, 1.5];
const program = model(({ sample, observe, plate, deterministic }) => {
  const mu = sample("mu", Normal(0, 1));
  deterministic("twice", mu.mul(2));
  plate("data", x.length, () => observe("x", Normal(mu, 1), tensor(x)));
});

function moments(values: ArrayLike<number | bigint>): { mean: number; variance: number } {
  const list = Array.from(values, Number);
  const mean = list.reduce((a, b) => a + b, 0) / list.length;
  return { mean, variance: list.reduce((a, b) => a + (b - mean) ** 2, 0) / list.length };
}

describe("predictive", () => {
  test("prior: latent sites from the prior, data drawn anew, deterministic sites with them", async () => {
    const draws = await predictive(program, [], { draws: 4000, seed: 1 });
    expect([...draws].map(([name, v]) => [name, v.shape])).toEqual([
      ["mu", [4000]],
      ["twice", [4000]],
      ["x", [4000, 5]],
    ]);
    const mu = draws.get("mu")?.data ?? [];
    const twice = draws.get("twice")?.data ?? [];
    for (let i = 0; i < 10; i++) expect(Number(twice[i])).toBeCloseTo(2 * Number(mu[i]), 5);
    // x ~ N(0, 2); the variance of five correlated columns of 4000 draws has a standard error of about 0.05.
    const { mean, variance } = moments(draws.get("x")?.data ?? []);
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(1.2 / 4000));
    expect(Math.abs(variance - 2)).toBeLessThan(0.2);
  });

  test("posterior: new data spread by 1 about the posterior of mu", async () => {
    const guide = autoNormal(program);
    const { parameters } = await svi(program, guide).run([], { steps: 3000, particles: 5, seed: 0 });
    const draws = await predictive(program, [], { guide, parameters, draws: 4000, seed: 2 });
    // Posterior N(4.7/6, 1/6); replicated data N(4.7/6, 1 + 1/6). Adam at 0.01 leaves a jitter of about 0.01.
    const { mean, variance } = moments(draws.get("x")?.data ?? []);
    expect(Math.abs(mean - 4.7 / 6)).toBeLessThan(0.06);
    expect(Math.abs(variance - 7 / 6)).toBeLessThan(0.1);
  });

  test("the same seed gives the same draws; a number of draws that is none is refused", async () => {
    const once = async () => [
      ...((await predictive(program, [], { draws: 3, seed: 4 })).get("x")?.data ?? []),
    ];
    expect(await once()).toEqual(await once());
    await expect(predictive(program, [], { draws: 0 })).rejects.toThrow(
      new UsageError("predictive: draws must be a whole number of at least 1, found 0."),
    );
  });
});
