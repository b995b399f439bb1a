/**
 * min over θ of E_{b ~ Bernoulli(θ)}[(b − t)²]. At θ = ½ the gradient in the logit is (1 − 2t)/4, and the single-sample
 * score-function estimate takes two values, so its variance is known: ((t² + (1 − t)²)/4)².
 */
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import { Bernoulli } from "../../src/distributions/index.ts";
import { programElbo } from "../../src/inference/bounds/program-elbo.ts";
import type { EstimatorOptions } from "../../src/inference/estimators/choose.ts";
import { initializers } from "../../src/nn/index.ts";
import { model } from "../../src/program/index.ts";
import { grad } from "../../src/tensor/index.ts";

/** Mean and variance of the estimated gradient of the cost, over `n` draws. At θ = ½ the prior cancels the guide's density. */
async function moments(t: number, options: EstimatorOptions, n = 10_000) {
  const program = model(({ sample, factor }) => {
    const b = sample("b", Bernoulli({ probs: 0.5 }));
    factor("cost", b.sub(t).square().neg());
  });
  const guide = model(({ sample, param }) => {
    sample("b", Bernoulli({ logits: param("logit", [], initializers.zeros) }));
  });
  const { surrogate } = programElbo(program, guide, [], options);
  const [{ tensor: logit }] = guide.parameters();
  const draw = compile(() => grad(surrogate.neg(), [logit]), { executor: "host", seed: 3 });
  let total = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const g = (await draw())[0].item();
    total += g;
    squares += g * g;
  }
  const mean = total / n;
  const variance = squares / n - mean * mean;
  return { mean, variance, standardError: Math.sqrt(variance / n) };
}

describe.each([
  // t, gradient, single-sample score-function variance
  [0.45, 0.025, 0.0159391],
  [0.499, 0.0005, 0.015625],
])("t = %d", (t, gradient, exactVariance) => {
  test("score function without a control variate: unbiased, with the exact variance", async () => {
    const { mean, variance, standardError } = await moments(t, {
      estimators: { b: "score" },
      baseline: "none",
    });
    expect(Math.abs(mean - gradient)).toBeLessThan(5 * standardError);
    expect(Math.abs(variance / exactVariance - 1)).toBeLessThan(0.02);
  });

  test("leave-one-out over two particles: unbiased, and far below half the single-sample variance", async () => {
    const { mean, variance, standardError } = await moments(t, {
      estimators: { b: "score" },
      baseline: "leave-one-out",
      particles: 2,
    });
    expect(Math.abs(mean - gradient)).toBeLessThan(5 * standardError + 1e-9);
    expect(variance).toBeLessThan(exactVariance / 2 / 10);
  });

  test("exact enumeration: the gradient itself, without noise", async () => {
    const { mean, variance } = await moments(t, {}, 20);
    expect(mean).toBeCloseTo(gradient, 6);
    expect(variance).toBeLessThan(1e-12);
  });
});
