/**
 * One rule for densities outside the support, in every family, on every executor, at ±∞ and NaN; and what densities are at the ends of
 * the support, from SciPy 1.17 (scipy.stats: gamma, chi2, weibull_min, expon, halfnorm, halfcauchy, beta, uniform, pareto, lognorm,
 * invgamma, betabinom, binom, truncnorm, vonmises, geom, nbinom, cauchy, t, skewnorm, laplace_asymmetric; `logpdf`, `logpmf`).
 */
import { describe, expect, test } from "vitest";
import { ArrayValue, compile, type Executor } from "../../src/compile/index.ts";
import {
  AsymmetricLaplace,
  Bernoulli,
  Beta,
  BetaBinomial,
  Binomial,
  Categorical,
  Cauchy,
  ChiSquared,
  censor,
  Delta,
  Dirichlet,
  type Distribution,
  Exponential,
  Gamma,
  Geometric,
  Gumbel,
  HalfCauchy,
  HalfNormal,
  InverseGamma,
  LogNormal,
  Mixture,
  Multinomial,
  NegativeBinomial,
  Normal,
  OneHotCategorical,
  outside,
  Pareto,
  Poisson,
  RelaxedBernoulli,
  SkewNormal,
  StudentT,
  Transformed,
  TruncatedNormal,
  transforms,
  Uniform,
  VonMises,
  Weibull,
} from "../../src/distributions/index.ts";
import { convert } from "../../src/tensor/dtype.ts";
import { type Nested, tensor } from "../../src/tensor/index.ts";
import { arrayOf, prepare } from "./cases.ts";
import { distributionCases } from "./registry/index.ts";

const { NaN: NAN, POSITIVE_INFINITY: INF } = Number;

const executors = [
  ["host", "float64"],
  ["native", "float64"],
  ["native", "float32"],
] as const satisfies readonly (readonly [Executor, "float32" | "float64"])[];

/** Numbers that lie outside most supports; the last three hardly do: below 0, above 1 and beside whole numbers, by one step of float32. */
const strangers = [-INF, INF, NAN, -1, -0.5, 1.5, 2.5, 1e30, -1e30, -(2 ** -126), 1 + 2 ** -23, 2 - 2 ** -23];

describe.each(executors)("%s %s", (executor, dtype) => {
  test.each(distributionCases.map((c) => [c.name, c] as const))("%s", async (_, c) => {
    // A value of the family with every part put in the place of one of its own.
    const point = (c.points as readonly Nested[])[0];
    const shape = arrayOf(point, "float64").shape;
    const width = shape.reduce((a, b) => a * b, 1);
    const flat = [point].flat(9) as number[];
    const values = strangers.flatMap((v) => [v, ...flat.slice(1)]);
    const nested = (at: number, dims: readonly number[]): Nested =>
      dims.length === 0
        ? values[at]
        : Array.from({ length: dims[0] }, (_, i) =>
            nested(at + i * dims.slice(1).reduce((a, b) => a * b, 1), dims.slice(1)),
          );
    const points = strangers.map((_, i) => nested(i * width, shape));
    const run = prepare(
      { ...c, points },
      (d, x) => ({ logProb: d.logProb(x), inside: d.support.check(x).cast("float32") }),
      { executor, dtype, threads: 1 },
    );
    const { logProb, inside } = await run();
    const repeat = logProb.length / strangers.length;
    const times = inside.length / strangers.length;
    logProb.forEach((found, i) => {
      const stranger = strangers[Math.floor(i / repeat)];
      const isInside = inside[Math.floor(i / repeat) * times + (times === repeat ? i % repeat : 0)] === 1;
      if (isInside) return;
      expect(found, `${c.name} at ${stranger}`).toBe(Number.isNaN(stranger) ? NAN : -INF);
    });
  });

  const at = async (d: (p: (x: number) => ReturnType<typeof tensor>) => Distribution, x: number) => {
    const run = compile((v) => d((n) => tensor(n, { dtype })).logProb(v), { executor, threads: 1 });
    return (await run(new ArrayValue([], dtype, convert([x], dtype)))).item();
  };

  test.each([
    ["Gamma(1, 2) at 0", 0, Math.log(2), (p) => Gamma(p(1), p(2))],
    ["Gamma(2, 1) at 0", 0, -INF, (p) => Gamma(p(2), p(1))],
    ["Gamma(0.5, 1) at 0", 0, INF, (p) => Gamma(p(0.5), p(1))],
    ["ChiSquared(2) at 0", 0, -Math.LN2, (p) => ChiSquared(p(2))],
    ["ChiSquared(1) at 0", 0, INF, (p) => ChiSquared(p(1))],
    ["ChiSquared(3) at 0", 0, -INF, (p) => ChiSquared(p(3))],
    ["Weibull(2, 1) at 0", 0, -Math.LN2, (p) => Weibull(p(2), p(1))],
    ["Weibull(2, 2) at 0", 0, -INF, (p) => Weibull(p(2), p(2))],
    ["Weibull(2, 0.5) at 0", 0, INF, (p) => Weibull(p(2), p(0.5))],
    ["Exponential(3) at 0", 0, Math.log(3), (p) => Exponential(p(3))],
    ["HalfNormal(1) at 0", 0, -0.22579135264472744, (p) => HalfNormal(p(1))],
    ["HalfCauchy(1) at 0", 0, -0.4515827052894548, (p) => HalfCauchy(p(1))],
    ["Beta(1, 3) at 0", 0, Math.log(3), (p) => Beta(p(1), p(3))],
    ["Beta(3, 1) at 1", 1, Math.log(3), (p) => Beta(p(3), p(1))],
    ["Beta(2, 3) at 0", 0, -INF, (p) => Beta(p(2), p(3))],
    ["Beta(0.5, 3) at 0", 0, INF, (p) => Beta(p(0.5), p(3))],
    ["Uniform(0, 2) at 0", 0, -Math.LN2, (p) => Uniform(p(0), p(2))],
    ["Uniform(0, 2) at 2", 2, -Math.LN2, (p) => Uniform(p(0), p(2))],
    ["Pareto(2, 3) at 2", 2, Math.log(1.5), (p) => Pareto(p(2), p(3))],
    ["LogNormal(0, 1) at 0", 0, -INF, (p) => LogNormal(p(0), p(1))],
    ["InverseGamma(2, 1) at 0", 0, -INF, (p) => InverseGamma(p(2), p(1))],
    ["Beta(1, 3) at 1", 1, -INF, (p) => Beta(p(1), p(3))],
    ["Beta(1, 1) at 0", 0, 0, (p) => Beta(p(1), p(1))],
    ["Beta(0.5, 0.5) at 1", 1, INF, (p) => Beta(p(0.5), p(0.5))],
    ["BetaBinomial(5, 2, 3) at 0", 0, -1.791759469228055, (p) => BetaBinomial(5, p(2), p(3))],
    ["BetaBinomial(5, 2, 3) at 5", 5, -3.044522437723423, (p) => BetaBinomial(5, p(2), p(3))],
    ["BetaBinomial(5, 2, 3) at 6", 6, -INF, (p) => BetaBinomial(5, p(2), p(3))],
    ["Binomial(5, 0) at 0", 0, 0, (p) => Binomial(5, { probs: p(0) })],
    ["Binomial(5, 1) at 5", 5, 0, (p) => Binomial(5, { probs: p(1) })],
    ["Binomial(5, 1) at 4", 4, -INF, (p) => Binomial(5, { probs: p(1) })],
    ["Binomial(0, 0.5) at 0", 0, 0, (p) => Binomial(0, { probs: p(0.5) })],
    ["Bernoulli(0) at 0", 0, 0, (p) => Bernoulli({ probs: p(0) })],
    ["Bernoulli(1) at 0", 0, -INF, (p) => Bernoulli({ probs: p(1) })],
    ["TruncatedNormal at its lower end", -1, -1.21877223888021, (p) => TruncatedNormal(p(0), p(1), -1, 2)],
    ["TruncatedNormal at its upper end", 2, -2.7187722388802102, (p) => TruncatedNormal(p(0), p(1), -1, 2)],
    ["TruncatedNormal just below", -1 - 2 ** -23, -INF, (p) => TruncatedNormal(p(0), p(1), -1, 2)],
    ["Uniform(0, 2) just above", 2 + 2 ** -22, -INF, (p) => Uniform(p(0), p(2))],
    ["Pareto(2, 3) just below", 2 - 2 ** -23, -INF, (p) => Pareto(p(2), p(3))],
    ["VonMises(0, 2) at π", Math.fround(Math.PI), -4.661870607892301, (p) => VonMises(p(0), p(2))],
    ["VonMises censored beyond its turn", 3.5, -INF, (p) => censor(VonMises(p(0), p(2)), -1, 4)],
    ["Geometric(0.25) at 0", 0, -1.3862943611198906, (p) => Geometric({ probs: p(0.25) })],
    ["Geometric(0.25) at −1", -1, -INF, (p) => Geometric({ probs: p(0.25) })],
    ["NegativeBinomial of ¾ at 0", 0, -2.772588722239781, (p) => NegativeBinomial(p(2), { probs: p(0.75) })],
    ["Cauchy at ∞", INF, -INF, (p) => Cauchy(p(0), p(1))],
    ["StudentT at −∞", -INF, -INF, (p) => StudentT(p(3), p(0), p(1))],
    ["Gumbel at −∞", -INF, -INF, (p) => Gumbel(p(0), p(1))],
    ["SkewNormal at ∞", INF, -INF, (p) => SkewNormal(p(0), p(1), p(2))],
    ["AsymmetricLaplace at ∞", INF, -INF, (p) => AsymmetricLaplace(p(0), p(1), p(2))],
    ["Gamma(2, 1) at ∞", INF, -INF, (p) => Gamma(p(2), p(1))],
    ["Poisson(0) at 0", 0, 0, (p) => Poisson(p(1).mul(p(0)))],
    ["Poisson(0) at 1", 1, -INF, (p) => Poisson(p(1).mul(p(0)))],
    ["Geometric of a probability of 1 at 0", 0, 0, (p) => Geometric({ probs: p(1) })],
    ["Geometric of a logit of ∞ at 0", 0, 0, (p) => Geometric({ logits: p(1).mul(p(INF)) })],
    ["Geometric of a logit of −∞ at 0", 0, -INF, (p) => Geometric({ logits: p(1).mul(p(-INF)) })],
    ["Bernoulli of a logit of ∞ at 1", 1, 0, (p) => Bernoulli({ logits: p(1).mul(p(INF)) })],
    ["Bernoulli of a logit of ∞ at 0", 0, -INF, (p) => Bernoulli({ logits: p(1).mul(p(INF)) })],
    ["Bernoulli of a logit of −∞ at 0", 0, 0, (p) => Bernoulli({ logits: p(1).mul(p(-INF)) })],
    ["Bernoulli of a logit of −∞ at 1", 1, -INF, (p) => Bernoulli({ logits: p(1).mul(p(-INF)) })],
    ["Binomial(5) of a logit of ∞ at 5", 5, 0, (p) => Binomial(5, { logits: p(1).mul(p(INF)) })],
    ["Binomial(5) of a logit of −∞ at 0", 0, 0, (p) => Binomial(5, { logits: p(1).mul(p(-INF)) })],
    ["Binomial(5) of a logit of −∞ at 1", 1, -INF, (p) => Binomial(5, { logits: p(1).mul(p(-INF)) })],
    [
      "NegativeBinomial of a logit of −∞ at 0",
      0,
      0,
      (p) => NegativeBinomial(p(2), { logits: p(1).mul(p(-INF)) }),
    ],
    [
      "NegativeBinomial of a logit of −∞ at 1",
      1,
      -INF,
      (p) => NegativeBinomial(p(2), { logits: p(1).mul(p(-INF)) }),
    ],
    [
      "NegativeBinomial of total 1e-30 at 1",
      1,
      Math.log(0.5e-30),
      (p) => NegativeBinomial(p(1e-30), { probs: p(0.5) }),
    ],
  ] as const satisfies readonly (readonly [
    string,
    number,
    number,
    (p: (x: number) => ReturnType<typeof tensor>) => Distribution,
  ])[])("%s", async (_, x, right, d) => {
    const found = await at(d, x);
    if (Number.isFinite(right)) expect(found).toBeCloseTo(right, 5);
    else expect(found).toBe(right);
  });
});

test("a value that is known to lie in the support costs no test", () => {
  const names = (d: Distribution, x = d.sample("x")) => {
    const seen = new Set<string>();
    const visit = (t: ReturnType<typeof tensor>): void => {
      seen.add(t.op.name);
      t.inputs.forEach(visit);
    };
    visit(d.logProb(x));
    return seen;
  };
  expect(names(Exponential(2)).has("where")).toBe(false);
  // A guide's value under a prior, and data that are written down.
  const positive = transforms.biject(Exponential(1).support).forward(Normal(0, 1).sample("u"));
  expect(names(Exponential(2), positive).has("where")).toBe(false);
  expect(names(Exponential(2), tensor([1, 2])).has("where")).toBe(false);
  expect(names(Exponential(2), tensor([1, -2])).has("where")).toBe(true);
  expect(names(Exponential(2).unchecked(), tensor([1, -2])).has("where")).toBe(false);
});

test("a grey pixel is outside a Bernoulli, and gives the cross entropy where nothing is tested", async () => {
  const d = Bernoulli({ probs: 0.25 });
  expect((await d.logProb(0.5).value()).item()).toBe(-INF);
  expect((await d.unchecked().logProb(0.5).value()).item()).toBeCloseTo(0.5 * Math.log(0.25 * 0.75), 6);
  expect((await d.unchecked().expand([2]).toEvent(1).logProb([0.5, 0.5]).value()).item()).toBeCloseTo(
    Math.log(0.25 * 0.75),
    6,
  );
});

test("categories of fractions, one-hot vectors with two ones, counts of another total, parts of another sum", async () => {
  const of = async (d: Distribution, x: Nested) => (await d.logProb(x).value()).item();
  expect(await of(Categorical({ logits: [0, 0, 0] }), 1.5)).toBe(-INF);
  expect(await of(Categorical({ logits: [0, 0, 0] }), NAN)).toBeNaN();
  expect(await of(OneHotCategorical({ logits: [0, 0] }), [1, 1])).toBe(-INF);
  expect(await of(OneHotCategorical({ logits: [0, 0] }), [0, 0])).toBe(-INF);
  expect(await of(Multinomial(3, { probs: [0.5, 0.5] }), [5, 5])).toBe(-INF);
  expect(await of(Multinomial(3, { probs: [0.5, 0.5] }), [-1, 4])).toBe(-INF);
  expect(await of(Dirichlet([2, 2]), [0.9, 0.9])).toBe(-INF);
  expect(await of(Dirichlet([2, 2]), [30, 70])).toBe(-INF);
  expect(await of(Dirichlet([1, 2]), [0, 1])).toBeCloseTo(Math.LN2, 5);
  expect(await of(Mixture(Categorical({ logits: [0, 0] }), Uniform([0, 1], [1, 2])), 7)).toBe(-INF);
  expect(await of(Delta([1, 2], { eventRank: 1 }), [1, NAN])).toBeNaN();
  expect(await of(RelaxedBernoulli(1, 0), 0)).toBe(-INF);
  expect(await of(Transformed(Gamma(2, 1), transforms.affine(3, 1)), 2)).toBe(-INF);
  expect(await of(Transformed(Normal(0, 1), transforms.exp), -1)).toBe(-INF);
  expect(await of(Transformed(Normal(0, 1), transforms.exp), NAN)).toBeNaN();
});

test("data may lie at an end where the density is finite", () => {
  expect(outside(Gamma(1, 1).support, tensor([0, 1]))).toBeUndefined();
  expect(outside(Pareto(2, 1).support, tensor([2]))).toBeUndefined();
  expect(outside(ChiSquared(2).support, tensor([0]))).toBeUndefined();
});
