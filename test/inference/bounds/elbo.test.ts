import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { ClosedFormError, Normal, Uniform } from "../../../src/distributions/index.ts";
import { ShapeError, UsageError } from "../../../src/errors.ts";
import { elbo, type LatentModel, weightedElbo } from "../../../src/inference/index.ts";
import { grad, mul, type Tensor, tensor } from "../../../src/tensor/index.ts";
import { exact, model, posterior, x } from "./linear-gaussian.ts";

const host = { executor: "host", seed: 3 } as const;
const numbers = async (t: Tensor) => Array.from((await t.value(host)).data, Number);

/** Mean and standard error over draws of a [batch] estimate: `count` calls of `samples` draws each. */
async function estimate(term: () => Tensor, count: number) {
  const f = compile(term, host);
  const draws: number[][] = [];
  for (let i = 0; i < count; i++) draws.push(Array.from((await f()).data, Number));
  return draws[0].map((_, j) => {
    const mean = draws.reduce((t, d) => t + d[j], 0) / count;
    const variance = draws.reduce((t, d) => t + (d[j] - mean) ** 2, 0) / (count - 1);
    return { mean, error: Math.sqrt(variance / count) };
  });
}

describe.each(["analytic", "monteCarlo"] as const)("elbo, %s", (form) => {
  test("is log p(x) − KL(q ‖ p(z|x)), per datum", async () => {
    const found = await estimate(() => elbo(model, posterior, x, { form, samples: 100 }).elbo, 400);
    found.forEach(({ mean, error }, i) => {
      const { logEvidence, klPosterior } = exact(i);
      // Four standard errors of 40,000 draws: false alarm 6·10⁻⁵ each, were the seed not fixed.
      expect(Math.abs(mean - (logEvidence - klPosterior))).toBeLessThan(4 * error);
      expect(error).toBeLessThan(0.02);
      expect(mean).toBeLessThan(logEvidence);
    });
  });

  test("its terms add up, draw by draw, in shape [batch]", async () => {
    for (const samples of [1, 3]) {
      const terms = elbo(model, posterior, x, { form, samples });
      const f = compile(() => ({ ...terms }), host);
      const { elbo: value, reconstruction, kl } = await f();
      expect([value.shape, reconstruction.shape, kl.shape]).toEqual([[2], [2], [2]]);
      for (const i of [0, 1]) {
        expect(Number(value.data[i])).toBeCloseTo(Number(reconstruction.data[i]) - Number(kl.data[i]), 12);
      }
    }
  });

  test("its KL is that of q from the prior", async () => {
    const found = await estimate(() => elbo(model, posterior, x, { form, samples: 100 }).kl, 200);
    found.forEach(({ mean, error }, i) => {
      // Exact: rounding alone. Sampled: four standard errors.
      expect(Math.abs(mean - exact(i).klPrior)).toBeLessThan(form === "analytic" ? 1e-12 : 4 * error);
    });
  });
});

describe("where q is the posterior itself", () => {
  // One latent: x | z ~ N(2z, 1), so p(z|x) = N(2x/5, 1/5) and p(x) = N(0, 5).
  const one: LatentModel = {
    likelihood: (z) => Normal(mul(z, 2), 1).toEvent(1),
    prior: Normal(tensor(0, { dtype: "float64" }), 1)
      .expand([1])
      .toEvent(1),
  };
  const data = tensor([[1.5], [-0.5]], { dtype: "float64" });
  const best = Normal(mul(data, 0.4), tensor(Math.sqrt(0.2), { dtype: "float64" })).toEvent(1);
  const evidence = [1.5, -0.5].map((v) => -0.5 * (Math.log(2 * Math.PI * 5) + v ** 2 / 5));

  test("the Monte Carlo form is log p(x) in every single draw: both terms see one sample", async () => {
    const value = await numbers(elbo(one, best, data, { form: "monteCarlo" }).elbo);
    value.forEach((v, i) => {
      expect(v).toBeCloseTo(evidence[i], 12);
    });
  });

  test("the pathwise gradient of the analytic form vanishes on average", async () => {
    const loc = tensor([[0.6], [-0.2]], { dtype: "float64" });
    const scale = tensor(Math.sqrt(0.2), { dtype: "float64" });
    const found = await estimate(() => {
      const q = Normal(loc, scale).toEvent(1);
      return grad(elbo(one, q, data, { samples: 50 }).elbo.sum(), [loc])[0].reshape([2]);
    }, 400);
    for (const { mean, error } of found) expect(Math.abs(mean)).toBeLessThan(4 * error);
  });
});

test("samples share no noise with another site", async () => {
  const a = await numbers(elbo(model, posterior, x, { site: "a" }).elbo);
  expect(await numbers(elbo(model, posterior, x, { site: "a" }).elbo)).toEqual(a);
  expect(await numbers(elbo(model, posterior, x, { site: "b" }).elbo)).not.toEqual(a);
});

test("what elbo refuses", () => {
  for (const samples of [0, 1.5]) {
    expect(() => elbo(model, posterior, x, { samples })).toThrow(
      new UsageError(`elbo: samples must be a whole number of at least 1, found ${samples}.`),
    );
  }
  const box = Uniform(tensor(-9, { dtype: "float64" }), 9)
    .expand([2])
    .toEvent(1);
  expect(() => elbo({ ...model, prior: box }, posterior, x)).toThrow(ClosedFormError);
  expect(elbo({ ...model, prior: box }, posterior, x, { form: "monteCarlo" }).elbo.shape).toEqual([2]);
});

describe("weightedElbo", () => {
  const terms = {
    elbo: tensor([0, 0]),
    reconstruction: tensor([-10, -20]),
    kl: tensor([4, 8]),
  };
  // Means over the batch: 0.5, 2.5, 3: their sum is the mean of kl, 6.
  const klPerDimension = tensor([
    [0, 2, 2],
    [1, 3, 4],
  ]);

  test.each([
    ["plain", {}, -15 - 6],
    ["β = 4", { beta: 4 }, -15 - 24],
    ["β = 0", { beta: 0 }, -15],
    ["β as a tensor", { beta: tensor(0.5) }, -15 - 3],
    // max(0.5, 1) + 2.5 + 3
    ["free bits", { freeBits: 1, klPerDimension }, -15 - 6.5],
    // Averaged before the maximum: per datum it would be (3 + 3 + 3.5).
    ["free bits above all", { freeBits: 3, klPerDimension }, -15 - 9],
    ["free bits and β", { freeBits: 1, klPerDimension, beta: 2 }, -15 - 13],
    ["free bits of 0", { freeBits: 0 }, -15 - 6],
  ] as const)("%s", async (_, weights, expected) => {
    expect(await numbers(weightedElbo(terms, weights))).toEqual([expected]);
  });

  test("a dimension below its free bits has no gradient", async () => {
    const slope = compile((t) => grad(weightedElbo(terms, { freeBits: 1, klPerDimension: t }), [t])[0], host);
    expect(
      (
        await slope([
          [0, 2, 2],
          [1, 3, 4],
        ])
      ).toArray(),
    ).toEqual([
      [-0, -0.5, -0.5],
      [-0, -0.5, -0.5],
    ]);
  });

  test("free bits need the KL of each dimension", () => {
    expect(() => weightedElbo(terms, { freeBits: 1 })).toThrow(
      new ShapeError(
        "free bits: the KL of each latent dimension is needed, shape [batch, latent]; none was given.",
      ),
    );
    expect(() => weightedElbo(terms, { freeBits: 1, klPerDimension: tensor([1, 2]) })).toThrow(
      new ShapeError(
        "free bits: the KL of each latent dimension is needed, shape [batch, latent], found [2].",
      ),
    );
  });
});
