/**
 * min over θ of E_{b ~ Bernoulli(θ)}[(b − t)²]. At θ = ½ the gradient in the logit is (1 − 2t)/4, and the single-sample
 * score-function estimate takes two values, so its variance is known: ((t² + (1 − t)²)/4)².
 */
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import { Bernoulli } from "../../src/distributions/index.ts";
import { type ElboOptions, elbo } from "../../src/inference/bounds/elbo.ts";
import { neuralBaseline } from "../../src/inference/estimators/baselines.ts";
import { dense, initializers } from "../../src/nn/index.ts";
import { adam, compileStep } from "../../src/optim/index.ts";
import { model } from "../../src/program/index.ts";
import { grad, parameter, tensor } from "../../src/tensor/index.ts";

/**
 * Mean and variance of the estimated gradient of the cost, over `n` draws, at θ = ½, where the prior cancels the guide's density.
 * Controls are first trained for `train` steps, with θ held; unbiasedness must not depend on what they learnt.
 */
async function moments(t: number, options: ElboOptions, { n = 10_000, train = 0 } = {}) {
  const logit = parameter([], initializers.zeros, { trainable: false });
  const program = model(({ sample, factor }) => {
    const b = sample("b", Bernoulli({ probs: 0.5 }));
    factor("cost", b.sub(t).square().neg());
  });
  const guide = model(({ sample }) => {
    sample("b", Bernoulli({ logits: logit }));
  });
  const { surrogate, leaves, updates } = elbo(program, guide, [], options);
  const step = await compileStep(
    { loss: surrogate.neg(), metrics: {}, updates },
    [...leaves, { name: "logit", tensor: logit }],
    adam({ learningRate: 0.02 }),
    { seed: 1, executor: "host" },
  );
  for (let i = 0; i < train; i++) await step.run(i);
  const parameters = new Map(leaves.map(({ name, tensor }) => [tensor, step.value(name)]));
  const draw = compile(() => grad(surrogate.neg(), [logit]), { executor: "host", seed: 3, parameters });
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

/** NVIL's baseline, from data that say nothing: all it can learn is the mean cost. */
const dataBaseline = () => neuralBaseline(dense(1, 1), tensor([1]));

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

  test.each([
    ["a decaying average", { estimator: "score", baseline: "decaying-average" }],
    ["a network's baseline", { estimator: "score", baseline: dataBaseline() }],
    ["REBAR", { estimator: "rebar" }],
    ["RELAX", { estimator: "relax" }],
  ] as const)("%s: unbiased, with less variance than the plain score function", async (_, settings) => {
    const first = await moments(t, { estimators: { b: settings } });
    const found = await moments(t, { estimators: { b: settings } }, { train: 1500 });
    // Five standard errors: a false alarm in 1.7 million, were the seed not fixed.
    for (const { mean, standardError } of [first, found])
      expect(Math.abs(mean - gradient)).toBeLessThan(5 * standardError);
    expect(found.variance).toBeLessThan(exactVariance / 50);
  });

  test("exact enumeration: the gradient itself, without noise", async () => {
    const { mean, variance } = await moments(t, {}, { n: 20 });
    expect(mean).toBeCloseTo(gradient, 6);
    expect(variance).toBeLessThan(1e-12);
  });
});

test("Gumbel-softmax is biased, and less so at a lower temperature, where it is noisier", async () => {
  const at = (temperature: number) =>
    moments(
      0.45,
      { estimators: { b: { estimator: "gumbel-softmax", temperature } }, analyticKl: true },
      { n: 40_000 },
    );
  const [warm, cold] = [await at(1), await at(0.2)];
  const bias = ({ mean }: { mean: number }) => Math.abs(mean - 0.025);
  expect(bias(warm)).toBeGreaterThan(8 * warm.standardError);
  expect(bias(cold)).toBeLessThan(bias(warm));
  expect(cold.variance).toBeGreaterThan(warm.variance);
});
