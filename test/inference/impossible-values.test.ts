/**
 * Summed-out sites with values that make the data impossible: their term is −∞ and has no part in the derivative. The oracle is the program without the site,
 * whose only possible value is 1.
 */
import {
  Bernoulli,
  Binomial,
  Categorical,
  type Distribution,
  model,
  Poisson,
  stack,
  type Tensor,
  tensor,
  Uniform,
} from "tightbound";
import {
  BetaBinomial,
  Geometric,
  Hurdle,
  Multinomial,
  NegativeBinomial,
  OneHotCategorical,
  ZeroInflated,
} from "tightbound/distributions";
import { unconstrainedDensity } from "tightbound/inference";
import { expect, test } from "vitest";

const other = (p: Tensor): Tensor => p.neg().add(1);
const both = (p: Tensor): Tensor => stack([p, other(p)], 0);

/** Families whose mass at the value is 0 if p is 0. */
const impossibleAtZero: Readonly<
  Record<string, readonly [(p: Tensor) => Distribution, number | readonly number[]]>
> = {
  Bernoulli: [(p) => Bernoulli({ probs: p }), 1],
  "Bernoulli of 1 − p": [(p) => Bernoulli({ probs: other(p) }), 0],
  Binomial: [(p) => Binomial(5, { probs: p }), 2],
  "Binomial, all": [(p) => Binomial(5, { probs: p }), 5],
  "Binomial, none of 1 − p": [(p) => Binomial(5, { probs: other(p) }), 0],
  "Binomial of a tensor": [(p) => Binomial(tensor(5), { probs: p }), 4],
  Categorical: [(p) => Categorical({ probs: both(p) }), 0],
  OneHotCategorical: [(p) => OneHotCategorical({ probs: both(p) }), [1, 0]],
  Multinomial: [(p) => Multinomial(4, { probs: both(p) }), [3, 1]],
  Poisson: [(p) => Poisson(p.mul(3)), 2],
  NegativeBinomial: [(p) => NegativeBinomial(3, { probs: p }), 2],
  Geometric: [(p) => Geometric({ probs: p }), 2],
  "Geometric of 1 − p": [(p) => Geometric({ probs: other(p) }), 2],
  "ZeroInflated, its gate": [(p) => ZeroInflated(Poisson(2), { probs: other(p) }), 2],
  "ZeroInflated, its base": [(p) => ZeroInflated(Poisson(p.mul(2)), { probs: 0.4 }), 2],
  "Hurdle, a count": [(p) => Hurdle(Poisson(2), { probs: other(p) }), 2],
  "Hurdle, a zero": [(p) => Hurdle(Poisson(2), { probs: p }), 0],
};

/** Probabilities that are computed as exp(k ln a), as by dogs that remember k shocks: certain where k is 0. */
test("a certain outcome, whose probability is computed from its logarithm", async () => {
  const [k, x] = [
    [0, 1, 2, 3],
    [1, 0, 1, 0],
  ];
  const program = (family: (p: Tensor) => Distribution) =>
    model(({ sample, observe, plate }) => {
      const logs = sample("a", Uniform(0, 1)).log().mul(tensor(k));
      plate("row", 4, () => observe("x", family(logs.exp()), tensor(x)));
    });
  for (const family of [
    (probs: Tensor) => Bernoulli({ probs }),
    (probs: Tensor) => Binomial(1, { probs }),
    (p: Tensor) => Bernoulli({ probs: other(other(p)) }),
  ]) {
    for (const executor of ["host", "native"] as const) {
      const density = await unconstrainedDensity(program(family), [], { jacobian: false, executor });
      const gradient = new Float64Array(1);
      // a = ½: ln ¼ + ln(1 − ½) + ln(1 − ⅛), and the derivative in the log odds of a.
      const value = await density.logDensityAndGradient(Float64Array.of(0), gradient);
      expect(value).toBeCloseTo(Math.log((1 / 4) * (1 / 2) * (7 / 8)), 10);
      const slope = 2 / (1 / 2) - 1 / (1 / 2) - (3 * (1 / 4)) / (7 / 8);
      expect(gradient[0]).toBeCloseTo(slope / 4, 10);
    }
  }
});

test.each(Object.entries(impossibleAtZero))("%s", async (_, [family, value]) => {
  const certain = model(({ sample, observe }) => {
    observe("x", family(sample("p", Uniform(0, 1))), tensor(value));
  });
  const summed = model(({ sample, observe }) => {
    const p = sample("p", Uniform(0, 1));
    observe("x", family(sample("z", Bernoulli({ probs: 0.3 })).mul(p)), tensor(value));
  });
  const wanted = await unconstrainedDensity(certain, []);
  const [expected, gradient] = [new Float64Array(1), new Float64Array(1)];
  for (const executor of ["host", "native"] as const) {
    const density = await unconstrainedDensity(summed, [], { executor });
    for (const seed of [1, 2, 3]) {
      const q = wanted.initial(seed);
      const logDensity = await wanted.logDensityAndGradient(q, expected);
      // ln 0.3 is rounded to float32 in the program's constant.
      expect(await density.logDensityAndGradient(q, gradient)).toBeCloseTo(logDensity + Math.log(0.3), 6);
      expect(gradient[0]).toBeCloseTo(expected[0], 10);
    }
  }
});

/** n, one of 0 to 3, from 2 successes of n: values below 2 are impossible. */
test.each(["Binomial", "BetaBinomial"])("%s of a total that is summed out", async (name) => {
  const successes = (total: Tensor, p: Tensor): Distribution =>
    name === "Binomial" ? Binomial(total, { probs: p }) : BetaBinomial(total, p, other(p));
  const weights = [0.1, 0.2, 0.3, 0.4];
  const program = model(({ sample, observe }) => {
    const p = sample("p", Uniform(0, 1));
    observe("x", successes(sample("n", Categorical({ probs: weights })), p), 2);
  });
  const certain = model(({ sample, factor }) => {
    const p = sample("p", Uniform(0, 1));
    const each = [2, 3].map((n) => successes(tensor(n), p).logProb(2).add(Math.log(weights[n])));
    factor("x", stack(each, 0).logsumexp(0));
  });
  const [density, wanted] = [
    await unconstrainedDensity(program, []),
    await unconstrainedDensity(certain, []),
  ];
  const [gradient, expected] = [new Float64Array(1), new Float64Array(1)];
  for (const seed of [1, 2, 3]) {
    const q = wanted.initial(seed);
    const logDensity = await wanted.logDensityAndGradient(q, expected);
    expect(await density.logDensityAndGradient(q, gradient)).toBeCloseTo(logDensity, 6);
    expect(gradient[0]).toBeCloseTo(expected[0], 6);
  }
});
