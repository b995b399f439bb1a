/** Where naive formulas give NaN, overflow or lose their digits. */
import { describe, expect, test } from "vitest";
import "../../src/compile/index.ts";
import { compile } from "../../src/compile/index.ts";
import {
  Bernoulli,
  Categorical,
  ContinuousBernoulli,
  type Distribution,
  kl,
  Normal,
  OneHotCategorical,
  Uniform,
} from "../../src/distributions/index.ts";
import { constant, grad, input, noise, scalar, sum, type Tensor, tensor } from "../../src/tensor/index.ts";

const numbers = async (t: Tensor) => Array.from((await t.value()).data, Number);
const INF = Number.POSITIVE_INFINITY;

/** A value and its gradient in the parameter, natively in float32. */
async function native(parameter: readonly number[], f: (p: Tensor) => Tensor) {
  const run = compile(
    (p) => {
      const value = f(p);
      return { value, gradient: grad(sum(value), [p])[0] };
    },
    { threads: 1 },
  );
  const out = await run(Float32Array.from(parameter));
  return { value: Array.from(out.value.data, Number), gradient: Array.from(out.gradient.data, Number) };
}

describe("Bernoulli at probabilities of exactly 0 and 1", () => {
  test("log density and gradient: exact where the value is possible, −∞ where not, NaN nowhere", async () => {
    const possible = await native([0, 1], (probs) => Bernoulli({ probs }).logProb([0, 1]));
    expect(possible.value.map(Math.abs)).toEqual([0, 0]);
    // d ln(1 − p) at 0 and d ln p at 1.
    expect(possible.gradient).toEqual([-1, 1]);
    const impossible = await native([0, 1], (probs) => Bernoulli({ probs }).logProb([1, 0]));
    expect(impossible.value).toEqual([-INF, -INF]);
    // An impossible value has no part in a derivative: where a sum over values leaves it out, 0 · ∞ would be NaN.
    expect(impossible.gradient).toEqual([0, 0]);
  });

  test("entropy and KL", async () => {
    const d = Bernoulli({ probs: [0, 1] });
    expect((await numbers(d.entropy())).map(Math.abs)).toEqual([0, 0]);
    expect((await numbers(kl(d, d))).map(Math.abs)).toEqual([0, 0]);
    // ln 2, and no mass of q where p has it.
    expect(await numbers(kl(d, Bernoulli({ probs: [0.5, 0] })))).toEqual([expect.closeTo(Math.LN2, 6), INF]);
  });

  test("logits of ±1e4 neither overflow nor lose the tail", async () => {
    const far = await native([-1e4, 1e4], (logits) => Bernoulli({ logits }).logProb([1, 0]));
    expect(far.value).toEqual([-1e4, -1e4]);
    expect(far.gradient).toEqual([1, -1]);
  });

  test("what is nearly certain keeps its digits, and infinite logits are certain", async () => {
    const near = await native([40, -40], (logits) => Bernoulli({ logits }).logProb([1, 0]));
    // ln σ(40) = −e⁻⁴⁰ to 17 digits; e⁻⁴⁰ = 4.248354255291589e-18.
    for (const value of near.value) expect(value / -4.248354255291589e-18).toBeCloseTo(1, 6);
    for (const slope of near.gradient.map(Math.abs)) expect(slope / 4.248354255291589e-18).toBeCloseTo(1, 6);
    const certain = await native([INF, -INF, INF, -INF], (logits) =>
      Bernoulli({ logits }).logProb([1, 0, 0, 1]),
    );
    expect(certain.value.map((v) => v + 0)).toEqual([0, 0, -INF, -INF]);
    expect(certain.gradient.map((v) => v + 0)).toEqual([0, 0, -1, 1]);
  });
});

describe("impossible categories", () => {
  const logits = [-INF, 0, 0];
  test.each([
    ["Categorical logits", () => Categorical({ logits })],
    ["Categorical probs", () => Categorical({ probs: [0, 0.5, 0.5] })],
    ["OneHotCategorical logits", () => OneHotCategorical({ logits })],
    ["OneHotCategorical probs", () => OneHotCategorical({ probs: [0, 0.5, 0.5] })],
  ] as const)("%s: density, entropy, KL, draws", async (_, make) => {
    const d: Distribution = make();
    expect(await numbers(d.logProb(d.enumerate()))).toEqual([
      -INF,
      expect.closeTo(-Math.LN2, 6),
      expect.closeTo(-Math.LN2, 6),
    ]);
    expect(await numbers(d.entropy())).toEqual([expect.closeTo(Math.LN2, 6)]);
    expect(await numbers(kl(d, d))).toEqual([0]);
    const drawn = await numbers(d.sample("k", [1000]));
    const first = d.eventShape.length > 0 ? drawn.filter((_, i) => i % 3 === 0).map((x) => 1 - x) : drawn;
    expect(first.includes(0)).toBe(false);
  });

  test("gradients stay finite", async () => {
    for (const make of [Categorical, OneHotCategorical]) {
      const one = await native(logits, (l) => {
        const d = make({ logits: l });
        return d.logProb(make === Categorical ? 1 : [0, 1, 0]).add(d.entropy());
      });
      expect(one.gradient).toEqual([0, expect.closeTo(0.5, 6), expect.closeTo(-0.5, 6)]);
    }
    // Divided by their sum: d ln(p₁ / Σ p) = [−1, 1/p₁ − 1, −1].
    const probs = await native([0, 0.5, 0.5], (p) => Categorical({ probs: p }).logProb(1));
    expect(probs.gradient).toEqual([-1, expect.closeTo(1, 6), -1]);
  });

  test("an index outside the categories has no mass", async () => {
    expect(await numbers(Categorical({ logits: [0, 0] }).logProb([-1, 0, 2]))).toEqual([
      -INF,
      expect.closeTo(-Math.LN2, 6),
      -INF,
    ]);
  });
});

describe("ContinuousBernoulli around λ = ½, natively in float32", () => {
  const logits = [-1.001, -0.999, -1e-2, -1e-4, -1e-7, 0, 1e-30, 1e-5, 1e-3, 0.3, 0.999, 1.001];
  // d/dl ln((eˡ − 1)/l) ≈ ½ + l/12 − l³/720 + l⁵/30240 − l⁷/1209600: the next term is below 3e-8 here.
  const meanOf = (l: number) => 0.5 + l / 12 - l ** 3 / 720 + l ** 5 / 30240 - l ** 7 / 1209600;

  test("log normaliser's gradient", async () => {
    const { gradient } = await native(logits, (l) => ContinuousBernoulli({ logits: l }).logProb(0).neg());
    gradient.forEach((g, i) => {
      expect(Math.abs(g - meanOf(logits[i]))).toBeLessThan(3e-7);
    });
  });

  test("probabilities of ½, and of 0 and 1", async () => {
    const { value, gradient } = await native([0.5], (p) => ContinuousBernoulli({ probs: p }).logProb(0.25));
    expect(value[0]).toBeCloseTo(0, 7);
    // (x − ½) dl/dλ with dl/dλ = 1/(λ(1 − λ)) = 4.
    expect(gradient[0]).toBeCloseTo(-1, 6);
    const ends = await native([0, 1], (p) => ContinuousBernoulli({ probs: p }).logProb([0.5, 0.5]));
    expect([...ends.value, ...ends.gradient].every(Number.isFinite)).toBe(true);
  });

  test("draws invert the distribution function, with the path's own derivative", async () => {
    const at = { seed: 1 };
    const us = await noise("uniform", "x", [200], "float64").value(at);
    const draw = async (logit: number) => {
      const l = scalar(logit, "float64");
      const x = ContinuousBernoulli({ logits: l }).sample("x", [200]);
      const [values, slope] = [await x.value(at), await grad(sum(x), [l])[0].value(at)];
      return { values: Array.from(values.data, Number), slope: slope.item() };
    };
    for (const l of [-80, -3, -0.1001, -0.0999, -1e-6, 0, 1e-9, 1e-3, 0.0999, 0.1001, 1, 40]) {
      const { values, slope } = await draw(l);
      values.forEach((x, i) => {
        const below = l === 0 ? x : Math.expm1(l * x) / Math.expm1(l);
        // The series within 0.1 leaves out κ₆ l⁵/720 with |κ₆| ≤ ¼: 3.5e-9, times a density of at most 1.05.
        expect(Math.abs(below - Number(us.data[i]))).toBeLessThan(3.7e-9);
      });
      const h = 1e-5;
      const [up, down] = [await draw(l + h), await draw(l - h)];
      const total = (v: readonly number[]) => v.reduce((t, x) => t + x, 0);
      // Differences across 0.1 would mix the two forms; 1e-4 away from it they do not.
      const difference = (total(up.values) - total(down.values)) / (2 * h);
      expect(Math.abs(slope - difference) / Math.max(1, slope)).toBeLessThan(1e-6);
    }
  });
});

test("Normal with a huge or tiny log scale keeps log density, entropy and KL finite where exp would overflow", async () => {
  const { value, gradient } = await native([-60, 60], (logScale) => {
    const d = Normal(0, { logScale });
    return d.logProb(0).add(d.entropy());
  });
  // −s − ½ ln 2π + s + ½ + ½ ln 2π = ½.
  expect(value).toEqual([expect.closeTo(0.5, 4), expect.closeTo(0.5, 4)]);
  expect(gradient).toEqual([0, 0]);
});

test("Uniform outside its interval: −∞ with zero gradient; KL is infinite unless contained", async () => {
  const { value, gradient } = await native([0.5], (high) => Uniform(0, high).logProb(0.75));
  expect([value, gradient.map(Math.abs)]).toEqual([[-INF], [0]]);
  expect(await numbers(kl(Uniform(0, [1, 3]), Uniform(0, 2)))).toEqual([expect.closeTo(Math.LN2, 6), INF]);
});

test("draws of a rare category come at their rate from one uniform each", async () => {
  // 1e5 draws at p = 1e-3: 100 expected, sd 10; 6 sd, false-alarm rate about 1e-8.
  const d = Categorical({ probs: constant([1e-3, 0.999], [2], "float64") });
  const drawn = await numbers(d.sample("k", [100_000]));
  expect(Math.abs(drawn.filter((k) => k === 0).length - 100)).toBeLessThan(60);
});

test("support checks", async () => {
  const check = async (d: Distribution, x: Tensor) => numbers(d.support.check(x));
  expect(await check(Normal(0, 1), tensor([0, INF, Number.NaN]))).toEqual([1, 0, 0]);
  expect(await check(Bernoulli({ logits: 0 }), tensor([0, 1, 0.5]))).toEqual([1, 1, 0]);
  expect(await check(Categorical({ logits: [0, 0] }), tensor([0, 1, 2, 0.5]))).toEqual([1, 1, 0, 0]);
  expect(await check(ContinuousBernoulli({ logits: 0 }), tensor([0, 1, 1.1]))).toEqual([1, 1, 0]);
  expect(await check(Uniform([0, 2], 3), tensor([1, 1]))).toEqual([1, 0]);
  expect(
    await check(
      OneHotCategorical({ logits: [0, 0] }),
      tensor([
        [1, 0],
        [1, 1],
        [0.5, 0.5],
      ]),
    ),
  ).toEqual([1, 0, 0]);
  expect(await check(Normal(input("l", [2]), 1).toEvent(1), tensor([0, INF]))).toEqual([0]);
});
