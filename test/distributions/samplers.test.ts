/** Samplers where the registry's cases do not reach: large means, small concentrations, single precision, fixed noise. */
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import {
  Beta,
  Binomial,
  Dirichlet,
  type Distribution,
  Gamma,
  MultivariateNormal,
  Poisson,
  RelaxedBernoulli,
  RelaxedOneHotCategorical,
  StudentT,
  VonMises,
} from "../../src/distributions/index.ts";
import { grad, mul, sigmoid, sum, type Tensor, tensor } from "../../src/tensor/index.ts";

const numbers = async (t: Tensor, options = {}) =>
  Array.from((await t.value({ seed: 5, ...options })).data, Number);

/** Each count's frequency against its mass, by Bernstein's inequality: a false alarm with probability below 2e-7 each. */
async function frequenciesAgree(d: Distribution, executor: "host" | "native", draws: number) {
  const x = await numbers(d.sample("x", [draws]), { executor });
  const counted = new Map<number, number>();
  for (const v of x) counted.set(v, (counted.get(v) ?? 0) + 1);
  const values = [...counted.keys()];
  const mass = await numbers(d.logProb(tensor(values, { dtype: d.dtype })).exp(), { executor: "host" });
  const level = Math.log(1e7);
  values.forEach((v, i) => {
    const expected = draws * mass[i];
    const allowed = level / 3 + Math.sqrt((level / 3) ** 2 + 2 * level * expected);
    expect(Math.abs((counted.get(v) ?? 0) - expected), `value ${v}`).toBeLessThanOrEqual(allowed);
  });
  // What was drawn holds nearly all the mass: none of it is out of reach.
  expect(mass.reduce((a, b) => a + b, 0)).toBeGreaterThan(0.99);
}

describe("counts with the probabilities of their mass", () => {
  test.each([3, 9.99, 10.01, 25, 400])("Poisson, rate %d, on both executors", async (rate) => {
    await frequenciesAgree(Poisson(tensor(rate, { dtype: "float64" })), "host", 20_000);
    await frequenciesAgree(Poisson(rate), "native", 20_000);
  });

  test.each([
    [33, 0.1],
    [40, 0.5],
    [1000, 0.004],
    [1000, 0.3],
    [1000, 0.997],
  ])("Binomial, %d trials, probability %d", async (total, p) => {
    await frequenciesAgree(Binomial(total, { probs: tensor(p, { dtype: "float64" }) }), "host", 20_000);
    await frequenciesAgree(Binomial(total, { probs: p }), "native", 20_000);
  });

  test("a rate of 10⁶ in float32 keeps its mean and variance", async () => {
    const n = 50_000;
    const x = await numbers(Poisson(1e6).sample("x", [n]));
    const m = x.reduce((a, b) => a + b, 0) / n;
    const v = x.reduce((a, b) => a + (b - m) ** 2, 0) / n;
    // Standard errors √(10⁶/n) = 4.5 and 10⁶ √(2/n) = 6325; 6 of them: false alarm 4e-9.
    expect(Math.abs(m - 1e6)).toBeLessThan(27);
    expect(Math.abs(v - 1e6)).toBeLessThan(38_000);
  });
});

describe("small concentrations, natively in float32", () => {
  const allFinite = (xs: readonly number[]) => xs.every(Number.isFinite);

  test("Gamma stays positive, with a finite density and gradient", async () => {
    const run = compile(
      (a: Tensor) => {
        const x = Gamma(a, 1).sample("x", [1000]);
        return { x, logProb: Gamma(a, 1).logProb(x), gradient: grad(sum(x), [a])[0] };
      },
      { threads: 1 },
    );
    const out = await run(Float32Array.from([1e-3, 1e-2, 0.1]));
    const x = Array.from(out.x.data, Number);
    expect(x.every((v) => v > 0)).toBe(true);
    expect(allFinite(Array.from(out.logProb.data, Number))).toBe(true);
    expect(allFinite(Array.from(out.gradient.data, Number))).toBe(true);
  });

  test("Beta and Dirichlet: log densities of draws are finite where the values have rounded to 0 and 1", async () => {
    const beta = Beta(0.01, 0.02).sampleAndLogProb("x", [1000]);
    expect(allFinite(await numbers(beta.logProb))).toBe(true);
    const values = await numbers(beta.value);
    // P(x < 2⁻¹²⁶) ≈ ⅔ e^(−0.01 · 87) = 0.28, and P(x > 1 − 2⁻²⁴) ≈ ⅓ e^(−0.02 · 17) = 0.24.
    expect(values.filter((v) => v === 1).length).toBeGreaterThan(100);
    const dirichlet = Dirichlet([0.01, 0.01, 0.02]).sampleAndLogProb("x", [1000]);
    expect(allFinite(await numbers(dirichlet.logProb))).toBe(true);
    const parts = await numbers(dirichlet.value);
    for (let i = 0; i < 3000; i += 3) expect(parts[i] + parts[i + 1] + parts[i + 2]).toBeCloseTo(1, 5);
  });

  test("large concentrations: a gamma's gradient in α is √-close to 1", async () => {
    const run = compile((a: Tensor) => ({ gradient: grad(sum(Gamma(a, 1).sample("x", [1])), [a])[0] }), {
      threads: 1,
    });
    const { gradient } = await run(Float32Array.from([1e4, 1e6]));
    // dz/dα = 1 + ε/(2 √α) + O(1/α) for the normal quantile ε, |ε| < 6 but for 2e-9.
    expect(Math.abs(Number(gradient.data[0]) - 1)).toBeLessThan(0.031);
    expect(Math.abs(Number(gradient.data[1]) - 1)).toBeLessThan(0.0031);
  });
});

/** The gradient of Σ w x, and its central difference at the same noise. */
async function againstDifferences(values: readonly number[], draw: (p: Tensor) => Tensor) {
  const build = (p: Tensor) => {
    const x = draw(p);
    const weighted = sum(mul(x, tensor(weightsOf(x), { dtype: "float64" }).reshape(x.shape)));
    return { total: weighted, gradient: grad(weighted, [p])[0] };
  };
  // A run's noise depends on the seed and the number of runs before: each of these is the first.
  const at = async (xs: readonly number[]) =>
    compile(build, { executor: "host", seed: 3 })(Float64Array.from(xs));
  const { gradient } = await at(values);
  const h = 1e-6;
  for (let i = 0; i < values.length; i++) {
    const moved = async (s: number) =>
      Number((await at(values.map((v, j) => (j === i ? v + s : v)))).total.data[0]);
    const difference = ((await moved(h)) - (await moved(-h))) / (2 * h);
    // Second-order error of the difference 1e-12, rounding 1e-16/1e-6.
    expect(Math.abs(Number(gradient.data[i]) - difference)).toBeLessThan(1e-7);
  }
}

const weightsOf = (x: Tensor): number[] => Array.from({ length: x.size }, (_, i) => Math.cos(i));

describe("pathwise gradients at fixed noise", () => {
  test("RelaxedOneHotCategorical", () =>
    againstDifferences([0.5, -1, 2], (p) => RelaxedOneHotCategorical(0.7, p).sample("x", [5])));
  test("RelaxedBernoulli", () =>
    againstDifferences([0.5, -1, 2], (p) => RelaxedBernoulli(0.7, p).sample("x", [5])));
  test("VonMises in loc", () => againstDifferences([0.5, -1, 2], (p) => VonMises(p, 3).sample("x", [5])));
  test("StudentT in loc", () => againstDifferences([0.5, -1, 2], (p) => StudentT(4, p, 2).sample("x", [5])));
});

describe("straight-through", () => {
  test("values are exact, and the gradient is the relaxed draw's", async () => {
    const run = compile(
      (l: Tensor) => {
        const x = RelaxedBernoulli(0.5, l, { straightThrough: true }).sample("x", [400]);
        // The relaxed draw's own gradient from the same noise: the site is the same.
        return { x, gradient: grad(sum(x), [l])[0] };
      },
      { executor: "host", seed: 1 },
    );
    const soft = compile(
      (l: Tensor) => ({ gradient: grad(sum(RelaxedBernoulli(0.5, l).sample("x", [400])), [l])[0] }),
      { executor: "host", seed: 1 },
    );
    const logits = Float64Array.from([-1, 0.5]);
    const [hard, relaxed] = [await run(logits), await soft(logits)];
    expect(new Set(Array.from(hard.x.data, Number))).toEqual(new Set([0, 1]));
    expect(Array.from(hard.gradient.data, Number)).toEqual(Array.from(relaxed.gradient.data, Number));
    expect(Number(relaxed.gradient.data[0])).toBeGreaterThan(0);
  });

  test("its densities and moments are the discrete distribution's", async () => {
    const d = RelaxedBernoulli(0.5, [0.3], { straightThrough: true });
    expect(d.isDiscrete).toBe(true);
    expect(d.reparameterised).toBe(true);
    expect(await numbers(d.mean())).toEqual(await numbers(sigmoid(tensor([0.3]))));
  });
});

test("a multivariate normal draws natively and knows the density of its draw there", async () => {
  const d = MultivariateNormal([1, 2], {
    scaleTril: [
      [1, 0],
      [0.5, 2],
    ],
  });
  const { value, logProb } = d.sampleAndLogProb("x", [3]);
  const run = compile(() => ({ value, logProb }), { threads: 1, seed: 2 });
  const out = await run();
  const direct = await numbers(d.logProb(tensor(Array.from(out.value.data, Number)).reshape([3, 2])), {
    executor: "host",
  });
  Array.from(out.logProb.data, Number).forEach((l, i) => {
    expect(l).toBeCloseTo(direct[i], 4);
  });
});
