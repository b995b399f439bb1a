/** Supports of distributions that are made of others, and what is known of a value's place in them, against sums over the components. */
import { describe, expect, test } from "vitest";
import { ArrayValue, compile } from "../../src/compile/index.ts";
import {
  Beta,
  Binomial,
  Categorical,
  Cauchy,
  censor,
  constraints,
  Delta,
  type Distribution,
  Empirical,
  Exponential,
  Gamma,
  GeneralizedPareto,
  Geometric,
  Gumbel,
  HiddenMarkov,
  Laplace,
  Logistic,
  Mixture,
  Multinomial,
  NegativeBinomial,
  Normal,
  Pareto,
  Poisson,
  StudentT,
  type Transform,
  Transformed,
  transforms,
  truncate,
  Uniform,
  Weibull,
} from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { unconstrainedDensity } from "../../src/inference/unconstrained-density.ts";
import { logDensity, model, trace } from "../../src/program/index.ts";
import { gather, grad, type Tensor, tensor } from "../../src/tensor/index.ts";

const f64 = (v: number | readonly number[] | readonly (readonly number[])[]): Tensor =>
  tensor(v, { dtype: "float64" });
const numbers = async (t: Tensor): Promise<number[]> =>
  Array.from((await compile(() => ({ t }), { executor: "host" })()).t.data, Number);

const weights = [0.3, 0.7];
const W = Categorical({ probs: f64(weights) });

/** Two components of one family with supports of their own, by one number each. */
const pairs: Readonly<
  Record<
    string,
    { make: (end: Tensor) => Distribution; ends: readonly [number, number]; values: readonly number[] }
  >
> = {
  Uniform: { make: (e) => Uniform(e, e.add(2)), ends: [0, 1], values: [0.5, 1.5, 2.5, 0.25] },
  Pareto: { make: (e) => Pareto(e, f64(3)), ends: [1, 2], values: [1.5, 3, 4, 1.25] },
  "truncated normal": {
    make: (e) => truncate(Normal(f64(0), f64(1)), e),
    ends: [0, 1],
    values: [0.5, 1.5, 2, 0.25],
  },
  Binomial: { make: (e) => Binomial(e, { probs: f64(0.5) }), ends: [3, 9], values: [2, 7, 8, 5] },
  censored: { make: (e) => censor(Normal(f64(0), f64(1)), e), ends: [0, -1], values: [-1, 0, 2, 0.5] },
  GeneralizedPareto: {
    make: (e) => GeneralizedPareto(e, f64(1), f64(0.25)),
    ends: [0, 1],
    values: [0.5, 1.5, 2, 0.25],
  },
  "shifted exponential": {
    make: (e) => Transformed(Exponential(f64(1)), transforms.affine(e, 1)),
    ends: [0, 1],
    values: [0.5, 1.5, 2, 0.25],
  },
};

describe.each(Object.entries(pairs))(
  "components with supports of their own: %s",
  (_, { make, ends, values }) => {
    const joint = make(f64(ends));
    const alone = ends.map((e) => make(f64(e)));
    const masses = async (): Promise<number[][]> =>
      Promise.all(alone.map((d) => numbers(d.logProb(f64(values)).exp())));

    test.each([1, 2, 3, 4])("a mixture observed in %d rows", async (rows) => {
      const [first, second] = await masses();
      const program = model(({ observe, plate }) => {
        plate("row", rows, () => observe("y", Mixture(W, joint), f64(values.slice(0, rows))));
      });
      const expected = values
        .slice(0, rows)
        .reduce((sum, _, i) => sum + Math.log(weights[0] * first[i] + weights[1] * second[i]), 0);
      expect((await numbers(logDensity(trace(program, []))))[0]).toBeCloseTo(expected, 10);
    });

    test.each([1, 2, 3, 4])("a hidden Markov chain of %d steps", async (length) => {
      const [first, second] = await masses();
      const transition = [
        [0.9, 0.1],
        [0.25, 0.75],
      ];
      const chain = HiddenMarkov(W, Categorical({ probs: f64(transition) }), joint, length);
      const program = model(({ observe }) => void observe("y", chain, f64(values.slice(0, length))));
      // All courses of states.
      let total = 0;
      for (let course = 0; course < 2 ** length; course++) {
        const states = Array.from({ length }, (_, t) => (course >> t) & 1);
        total += states.reduce(
          (p, s, t) => p * (t === 0 ? weights[s] : transition[states[t - 1]][s]) * [first, second][s][t],
          1,
        );
      }
      expect((await numbers(logDensity(trace(program, []))))[0]).toBeCloseTo(Math.log(total), 10);
    });

    test("its support is that of any of them, with a batch and without", async () => {
      const grid = Array.from({ length: 41 }, (_, i) => -3 + i / 4);
      const one = Mixture(W, joint).support;
      const wide = Mixture(W, make(f64([ends, [...ends].reverse()]))).support;
      const inAny = (await Promise.all(alone.map((d) => numbers(d.support.check(f64(grid)))))).reduce(
        (a, b) => a.map((v, i) => Math.max(v, b[i])),
      );
      expect(await numbers(one.check(f64(grid)))).toEqual(inAny);
      expect(await numbers(wide.check(f64(grid).unsqueeze(-1)))).toEqual(inAny.flatMap((v) => [v, v]));
    });
  },
);

test("a latent mixture goes through the widest of intervals that begin together, and is refused for others", async () => {
  const between = (low: readonly number[], high: readonly number[]) =>
    model(({ sample, plate }) =>
      plate("row", 2, () => sample("x", Mixture(W, Uniform(f64(low), f64(high))))),
    );
  const { dimension } = await unconstrainedDensity(between([0, 0], [1, 4]), []);
  expect(dimension).toBe(2);
  const nested = Mixture(W, Uniform(f64([0, 0]), f64([1, 4])));
  expect(await numbers(nested.support.check(f64([-0.5, 0.5, 3.5, 4.5])))).toEqual([0, 1, 1, 0]);
  await expect(unconstrainedDensity(between([0, 1], [2, 3]), [])).rejects.toThrow(UsageError);
});

describe("values at bounds that are known only when the graph runs", () => {
  const bases: Readonly<Record<string, Distribution>> = {
    Normal: Normal(f64(0.5), f64(2)),
    StudentT: StudentT(f64(3), f64(0), f64(1)),
    Gamma: Gamma(f64(2), f64(1)),
    Poisson: Poisson(f64(3)),
  };
  const values = f64([-4, 0, 1, 2, 3, 4, 5, 9]);
  test.each(Object.entries(bases))("%s", async (_, base) => {
    const of = (low: Tensor, high: Tensor): Record<string, Tensor> => ({
      censored: censor(base, low, high).logProb(values),
      below: censor(base, low).logProb(values),
      above: censor(base, Number.NEGATIVE_INFINITY, high).logProb(values),
      truncated: truncate(base, low, high).logProb(values),
      mixed: Mixture(W, [censor(base, low, high), censor(base, low)]).logProb(values),
    });
    const known = await compile(() => of(f64(1), f64(4)), { executor: "host" })();
    const single = (v: number) => new ArrayValue([], "float64", Float64Array.of(v));
    const late = await compile(of, { executor: "host" })(single(1), single(4));
    for (const [name, { data }] of Object.entries(known)) {
      Array.from(data, Number).forEach((v, i) => {
        if (!Number.isFinite(v)) expect(Number(late[name].data[i]), `${name} at ${i}`).toBe(v);
        else expect(Number(late[name].data[i]), `${name} at ${i}`).toBeCloseTo(v, 12);
      });
      if (name === "truncated" || name === "censored")
        expect(Number(late[name].data[0])).toBe(Number.NEGATIVE_INFINITY);
    }
  });
});

test("a value that lies in one set is not taken for one of another set of the same name", async () => {
  const counts = Multinomial(5, { probs: f64([0.5, 0.5]) }).sample("x");
  const beyond = censor(Normal(f64(0), f64(1)), f64(1)).sample("y");
  const places = Uniform(f64([0, 10, 20]), f64([1, 11, 21]));
  const exp = transforms.exp;
  const both = Mixture(W, [
    Transformed(Uniform(f64(0), f64(1)), exp),
    Transformed(Uniform(f64(0), f64(3)), exp),
  ]);
  const found = await compile(
    () => ({
      counts: Multinomial(7, { probs: f64([0.5, 0.5]) }).logProb(counts),
      beyond: censor(Normal(f64(0), f64(1)), f64(1.5)).logProb(beyond.mul(0).add(beyond.minimum(1))),
      moved: places.logProb(gather(places.sample("z"), tensor([1, 2, 0], { dtype: "int64" }), 0)),
      both: both.support.check(f64([2, 10])),
    }),
    { executor: "host" },
  )();
  expect(found.counts.item()).toBe(Number.NEGATIVE_INFINITY);
  expect(found.beyond.item()).toBe(Number.NEGATIVE_INFINITY);
  expect(Array.from(found.moved.data as Float64Array)).toEqual([1, 1, 1].map(() => Number.NEGATIVE_INFINITY));
  expect(Array.from(found.both.data as ArrayLike<number>)).toEqual([1, 1]);
});

/** Derivatives against central differences. */
async function differentiates(of: (p: Tensor) => Tensor, at: number): Promise<void> {
  const run = await compile((p: Tensor) => ({ value: of(p), slope: grad(of(p).sum(), [p])[0] }), {
    executor: "host",
  });
  const value = async (v: number): Promise<number> =>
    Array.from((await run(new ArrayValue([], "float64", Float64Array.of(v)))).value.data, Number).reduce(
      (a, b) => a + b,
    );
  const h = 1e-5;
  const slope = (await run(new ArrayValue([], "float64", Float64Array.of(at)))).slope.item();
  const expected = ((await value(at + h)) - (await value(at - h))) / (2 * h);
  expect(Math.abs(slope - expected)).toBeLessThan(1e-6 * (1 + Math.abs(expected)));
}

describe("derivatives in the parameters of a map, whose infinite ends none of them moves", () => {
  const maps: Readonly<Record<string, (p: Tensor) => Transform>> = {
    affine: (p) => transforms.affine(0.25, p),
    "a negative scale": (p) => transforms.affine(0.25, p.neg()),
    "its logarithm": (p) => transforms.affine(0.25, { logScale: p }),
    "the inverse": (p) => transforms.inverse(transforms.affine(0.25, p)),
    "affine, exp": (p) => transforms.compose(transforms.affine(0, p), transforms.exp),
    "affine, exp, affine": (p) =>
      transforms.compose(transforms.affine(0, p), transforms.exp, transforms.affine(-1, p)),
    "affine, sigmoid, affine": (p) =>
      transforms.compose(transforms.affine(0, p), transforms.sigmoid, transforms.affine(p.mul(-0.5), p)),
    "exp, power": (p) => transforms.compose(transforms.exp, transforms.power(p)),
    interval: (p) => transforms.interval(p.neg(), p),
  };
  test.each(Object.entries(maps))("%s", async (_, map) => {
    const d = (p: Tensor): Distribution => Transformed(StudentT(f64(4), f64(0), f64(1)), map(p));
    await differentiates((p) => d(p).icdf(f64([0.1, 0.5, 0.8])), 0.75);
    await differentiates((p) => d(p).logCdf(f64([0.2, 0.3])), 0.75);
    await differentiates((p) => truncate(d(p), f64(0.1), f64(0.6)).logProb(f64([0.2, 0.3])), 0.75);
    await differentiates((p) => truncate(d(p), f64(0.1)).logProb(f64([0.2, 0.3])), 0.75);
    await differentiates((p) => truncate(d(p), f64(0.1)).icdf(f64([0.2, 0.7])), 0.75);
  });
});

describe("bounds beside the support", () => {
  test("where a mixture has nothing, its truncated distribution function is 0 and stays", async () => {
    const base = Mixture(W, Uniform(f64([1, 3]), f64([2, 4])));
    const d = truncate(base, f64(0.5), f64(5));
    expect(await numbers(d.cdf(f64([0.75, 1.5, 2.5, 3.5, 4.5])))).toEqual(
      [0, 0.15, 0.3, 0.65, 1].map((v) => expect.closeTo(v, 12)),
    );
    expect(await numbers(d.survival(f64([0.75, 1.5, 2.5, 3.5, 4.5])))).toEqual(
      [1, 0.85, 0.7, 0.35, 0].map((v) => expect.closeTo(v, 12)),
    );
    const counts = truncate(Mixture(W, Binomial(f64([2, 3]), { probs: f64(0.5) })), f64(0), f64(6));
    expect(await numbers(counts.survival(f64([3, 4, 5])))).toEqual([0, 0, 0]);
  });

  test("an interval that is narrow for its distribution is almost uniform", async () => {
    const far: Readonly<Record<string, (scale: Tensor) => Distribution>> = {
      StudentT: (s) => StudentT(f64(4), f64(0), s),
      Laplace: (s) => Laplace(f64(-3), s),
      Gumbel: (s) => Gumbel(f64(7), s),
      Weibull: (s) => Weibull(s, f64(1)),
      "a mixture": (s) => Mixture(W, [Cauchy(f64(0), s), Logistic(f64(1), s)]),
    };
    for (const [name, make] of Object.entries(far)) {
      for (const scale of [1e6, 1e8, 1e9, 1e12, 1e30, 1e200]) {
        const d = truncate(make(f64(scale)), f64(1), f64(3));
        // The density changes by at most 4/scale along it; digits are lost as scale · 2⁻⁵², and half of them at most.
        const allowed = 4 / scale + Math.min(scale * 2 ** -50, 2 ** -24);
        for (const v of await numbers(d.logProb(f64([1, 1.5, 3]))))
          expect(Math.abs(v + Math.log(2)), `${name} ${scale}`).toBeLessThan(allowed);
        const cdf = (await numbers(d.cdf(f64([1.5, 2.5])))).map((v, i) => Math.abs(v - [0.25, 0.75][i]));
        expect(Math.max(...cdf), `${name} ${scale}`).toBeLessThan(allowed);
      }
      await differentiates((p) => truncate(make(p.mul(1e9)), f64(1), f64(3)).logProb(f64([1.5, 3])), 0.75);
    }
  });

  test("a value outside has no part in a derivative, where the density is infinite at the end", async () => {
    for (const make of [
      (p: Tensor) => truncate(Weibull(f64(0.5), p), Number.NEGATIVE_INFINITY, f64(0.75)),
      (p: Tensor) => truncate(Gamma(p, f64(1)), Number.NEGATIVE_INFINITY, f64(0.75)),
      (p: Tensor) => truncate(Beta(p, p), f64(0), f64([Number.POSITIVE_INFINITY])),
      (p: Tensor) =>
        truncate(Exponential(p), f64([Number.NEGATIVE_INFINITY]), f64([Number.POSITIVE_INFINITY])),
    ])
      await differentiates(
        (p) => Mixture(W, [make(p), Normal(f64(0), f64(1))]).logProb(f64([-1, 0.25, 3])),
        0.75,
      );
  });
});

describe("single values with a probability of their own", () => {
  const atoms = {
    Empirical: Empirical(f64([1, 2, 3])),
    Delta: Delta(f64(2)),
    censored: censor(Normal(f64(0), f64(1)), f64(0)),
    "a mixture with them": Mixture(W, [censor(Normal(f64(0), f64(1)), f64(0)), Normal(f64(0), f64(1))]),
  };
  test.each(Object.entries(atoms))("%s: bounds and maps are refused, with the ways out", (_, d) => {
    expect(() => truncate(d, f64(1), f64(3))).toThrow(/probability of their own.*Put truncate around/s);
    expect(() => censor(d, f64(1), f64(3))).toThrow(/probability of their own.*Put censor around/s);
    const mapped = Transformed(d, transforms.affine(0, 2));
    expect(() => mapped.logProb(f64(2))).toThrow(/probability of their own.*before it is censored/s);
    expect(mapped.sample("x").shape).toEqual([]);
  });

  test("counts censored between whole numbers", async () => {
    const d = censor(Poisson(f64(2)), f64(1.5), f64(4.5));
    const p = await numbers(Poisson(f64(2)).cdf(f64([1, 2, 4])));
    expect(await numbers(d.cdf(f64([1, 1.5, 2, 4, 4.5])))).toEqual(
      [0, p[0], p[1], p[2], 1].map((v) => expect.closeTo(v, 12)),
    );
    expect((await numbers(d.logProb(f64([1.5, 2, 3, 4, 4.5])).exp())).reduce((a, b) => a + b)).toBeCloseTo(
      1,
      12,
    );
  });
});

test("whole numbers without a largest one leave out infinity", async () => {
  const check = constraints
    .integerInterval(2, Number.POSITIVE_INFINITY)
    .check(f64([1, 2, 2.5, Number.POSITIVE_INFINITY]));
  expect(await numbers(check)).toEqual([0, 1, 0, 0]);
});

test("counts between two known bounds can be listed, whatever the family, and none between is refused", async () => {
  for (const base of [
    Poisson(f64(3)),
    Geometric({ probs: f64(0.5) }),
    NegativeBinomial(f64(2), { probs: f64(0.5) }),
    Binomial(9, { probs: f64(0.5) }),
  ]) {
    const d = truncate(base, 1.5, f64(4.5));
    expect(d.cardinality).toBe(3);
    expect(await numbers(d.enumerate())).toEqual([2, 3, 4]);
    expect((await numbers(d.logProb(d.enumerate()).exp())).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(() => truncate(base, 2.25, f64(2.75))).toThrow("has no values from 2.25 to 2.75");
    expect(() => censor(base, 2.25, f64(2.75))).toThrow("has no values from 2.25 to 2.75");
  }
  const program = model(({ sample, observe }) => {
    const k = sample("k", truncate(Poisson(3), 2, 4));
    observe("y", Normal(sample("a", Normal(0, 1)).add(k), 1), 3);
  });
  expect((await unconstrainedDensity(program, [])).dimension).toBe(1);
});

test("other parameters of a map move the ends of its values", async () => {
  const of = (low: Tensor, high: Tensor): Distribution =>
    Transformed(Normal(f64(0), f64(1)).expand([2]), transforms.interval(low, high));
  const ends: Readonly<Record<string, Tensor>> = { "transform.low": f64(-1), "transform.high": f64(3) };
  for (const given of [of(f64(0), f64(1)), of(f64(0), f64(1)).toEvent(1)]) {
    const moved = given.mapParameters((t, name) => ends[name] ?? t);
    const fresh = given.eventShape.length === 0 ? of(f64(-1), f64(3)) : of(f64(-1), f64(3)).toEvent(1);
    expect(await numbers(moved.logProb(f64([-0.5, 2])))).toEqual(
      await numbers(fresh.logProb(f64([-0.5, 2]))),
    );
    expect(await numbers(moved.support.check(f64([-0.5, 2])))).toEqual(
      await numbers(fresh.support.check(f64([-0.5, 2]))),
    );
  }
});
