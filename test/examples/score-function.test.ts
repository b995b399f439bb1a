import { Bernoulli, Binomial, Categorical, compile, grad, type Tensor } from "tightbound";
import { mul, stopGradient } from "tightbound/tensor";
import { expect, test } from "vitest";
import { cases, scoreFunction } from "../../examples/score-function.ts";

test("the mean score is zero, and E[x · score] is the gradient of the mean", async () => {
  const rows = await scoreFunction(20_000, 1);
  expect(rows).toHaveLength(cases.length);
  for (const row of rows) {
    // Twelve comparisons at four standard errors: a false alarm in 1300, were the seed not fixed.
    expect(Math.abs(row.mean), row.case.name).toBeLessThan(4 * row.standardError);
    expect(Math.abs(row.gradient - row.exactGradient), row.case.name).toBeLessThan(4 * row.gradientError);
    expect(row.standardError, row.case.name).toBeGreaterThan(0);
  }
  // Its variance is the Fisher information: 1/σ², 1/λ, 1/(p(1 − p)).
  const variance = (name: string) => {
    const { standardError, scores } = rows.find((r) => r.case.name === name) ?? rows[0];
    return standardError ** 2 * scores.length;
  };
  expect(variance("Normal(μ, 2)")).toBeCloseTo(1 / 4, 1);
  expect(variance("Poisson(λ)")).toBeCloseTo(1 / 4, 1);
  expect(Math.abs(variance("Bernoulli(p)") - 1 / 0.09)).toBeLessThan(0.6);
});

test.each([
  ["Bernoulli", [0.3], (logits: Tensor) => Bernoulli({ logits })],
  ["Categorical", [0.2, -1, 0.7], (logits: Tensor) => Categorical({ logits })],
  ["Binomial", [0.3], (logits: Tensor) => Binomial(5, { logits })],
] as const)("summed over a finite support it is zero to rounding: %s", async (_, at, family) => {
  const scores = compile(
    (parameter: Tensor) => {
      const q = family(parameter);
      const logMass = q.logProb(q.enumerate());
      // Σ q(x) ∇ log q(x), the weights held: the derivative of Σ w log q.
      return grad(mul(stopGradient(logMass.exp()), logMass).sum(), [parameter])[0];
    },
    { executor: "host" },
  );
  const { data } = await scores(Float64Array.from(at));
  for (const v of data) expect(Math.abs(Number(v))).toBeLessThan(1e-14);
});
