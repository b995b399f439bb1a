/**
 * Distribution functions and quantiles: every family of the registry against itself, and drawn cases of each family with a formula against mpmath
 * (cumulative.py), in both tails, on the host and natively in both precisions.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type CompileOptions, compile } from "../../src/compile/index.ts";
import {
  Bernoulli,
  Beta,
  BetaBinomial,
  Binomial,
  Cauchy,
  ChiSquared,
  ClosedFormError,
  ContinuousBernoulli,
  type Distribution,
  Exponential,
  Gamma,
  GeneralizedExtremeValue,
  GeneralizedPareto,
  Geometric,
  Gumbel,
  HalfCauchy,
  HalfNormal,
  Horseshoe,
  Hurdle,
  InverseGamma,
  InverseGaussian,
  Laplace,
  Logistic,
  LogitNormal,
  LogNormal,
  NegativeBinomial,
  Normal,
  Pareto,
  Poisson,
  RelaxedBernoulli,
  Skellam,
  SkewNormal,
  StudentT,
  Transformed,
  transforms,
  truncate,
  Uniform,
  VonMises,
  Weibull,
  ZeroInflated,
} from "../../src/distributions/index.ts";
import { grad, input, sum, type Tensor, tensor } from "../../src/tensor/index.ts";
import { testIf } from "./applicable.ts";
import { arrayOf, evaluate, type Float, symbolic } from "./cases.ts";
import { distributionCases } from "./registry/index.ts";

interface Row {
  readonly parameters: Readonly<Record<string, number>>;
  readonly x: readonly number[];
  readonly logCdf: readonly number[];
  readonly logSurvival: readonly number[];
}

type Make = (p: Readonly<Record<string, Tensor>>) => Distribution;

const families: Readonly<Record<string, Make>> = {
  Normal: (p) => Normal(p.loc, p.scale),
  Laplace: (p) => Laplace(p.loc, p.scale),
  Cauchy: (p) => Cauchy(p.loc, p.scale),
  Logistic: (p) => Logistic(p.loc, p.scale),
  Gumbel: (p) => Gumbel(p.loc, p.scale),
  Exponential: (p) => Exponential(p.rate),
  Weibull: (p) => Weibull(p.scale, p.concentration),
  HalfNormal: (p) => HalfNormal(p.scale),
  HalfCauchy: (p) => HalfCauchy(p.scale),
  LogNormal: (p) => LogNormal(p.loc, p.scale),
  LogitNormal: (p) => LogitNormal(p.loc, p.scale),
  Pareto: (p) => Pareto(p.scale, p.concentration),
  Uniform: (p) => Uniform(p.low, p.high),
  RelaxedBernoulli: (p) => RelaxedBernoulli(p.temperature, p.logits),
  ContinuousBernoulli: (p) => ContinuousBernoulli({ logits: p.logits }),
  Geometric: (p) => Geometric({ probs: p.probs }),
  Gamma: (p) => Gamma(p.concentration, p.rate),
  InverseGamma: (p) => InverseGamma(p.concentration, p.scale),
  ChiSquared: (p) => ChiSquared(p.df),
  Poisson: (p) => Poisson(p.rate),
  GeneralizedPareto: (p) => GeneralizedPareto(p.loc, p.scale, p.shape),
  GeneralizedExtremeValue: (p) => GeneralizedExtremeValue(p.loc, p.scale, p.shape),
  Horseshoe: (p) => Horseshoe(p.scale),
  VonMises: (p) => VonMises(p.loc, p.concentration),
  Skellam: (p) => Skellam(p.rate1, p.rate2),
  SkewNormal: (p) => SkewNormal(p.loc, p.scale, p.skewness),
  InverseGaussian: (p) => InverseGaussian(p.loc, p.concentration),
  Beta: (p) => Beta(p.concentration1, p.concentration0),
  StudentT: (p) => StudentT(p.df, p.loc, p.scale),
  Binomial: (p) => Binomial(p.total, { probs: p.probs }),
  NegativeBinomial: (p) => NegativeBinomial(p.total, { probs: p.probs }),
  Bernoulli: (p) => Bernoulli({ probs: p.probs }),
};

const table: Readonly<Record<string, readonly Row[]>> = JSON.parse(
  readFileSync(new URL("./cumulative.json", import.meta.url), "utf8"),
);

/** Runs a function of a family at the rows' parameters and points. */
async function run(
  make: Make,
  rows: readonly Row[],
  build: (d: Distribution, x: Tensor) => Readonly<Record<string, Tensor>>,
  { dtype = "float64", ...options }: CompileOptions & { readonly dtype?: Float } = {},
): Promise<Readonly<Record<string, number[]>>> {
  const names = Object.keys(rows[0].parameters);
  const flat = (of: (row: Row, i: number) => number): number[] =>
    rows.flatMap((row) => row.x.map((_, i) => of(row, i)));
  const feeds = [...names.map((k) => flat((row) => row.parameters[k])), flat((row, i) => row.x[i])];
  const program = compile(
    (...inputs: Tensor[]) => {
      const d = make(Object.fromEntries(names.map((k, i) => [k, inputs[i]])));
      return build(d, inputs[names.length]);
    },
    { executor: "host", threads: 1, ...options },
  );
  const found = await program(...feeds.map((v) => arrayOf(v, dtype)));
  return Object.fromEntries(Object.entries(found).map(([k, v]) => [k, Array.from(v.data, Number)]));
}

/** In float32 the incomplete gamma function is a sum of terms that cancel where the concentration is small. */
const coarse = [
  "Gamma",
  "InverseGamma",
  "ChiSquared",
  "Poisson",
  "Beta",
  "Binomial",
  "NegativeBinomial",
  "Skellam",
];

const executors = [
  ["host", "float64", 1e-12],
  ["native", "float64", 1e-11],
  ["native", "float32", 2e-6],
] as const;

describe.each(Object.entries(families))("the distribution function of %s against mpmath", (name, make) => {
  const rows = table[name];
  const expected = {
    logCdf: rows.flatMap((r) => r.logCdf),
    logSurvival: rows.flatMap((r) => r.logSurvival),
  };

  test.each(executors)(
    "on the %s executor in %s, relatively, in both tails",
    async (executor, dtype, bound) => {
      const found = await run(
        make,
        rows,
        (d, x) => {
          const [logCdf, logSurvival] = [d.logCdf(x), d.logSurvival(x)];
          const { loc } = d.parameters;
          const rounded = loc === undefined ? x.abs() : x.abs().add(x.sub(loc).abs());
          // In float32 the last number below π is at the end of an arc, where the graph's own slope is 0.
          const slopeOf = (t: Tensor): Tensor =>
            name === "VonMises" ? d.logProb(x).sub(t).exp() : grad(sum(t), [x])[0].abs();
          const slope = (t: Tensor): Tensor => (d.isDiscrete ? t.mul(0) : slopeOf(t).mul(rounded));
          return {
            logCdf,
            logSurvival,
            cdf: d.cdf(x),
            survival: d.survival(x),
            // What a rounding of x, and of its difference from the location, by one unit would change.
            logCdfSlope: slope(logCdf),
            logSurvivalSlope: slope(logSurvival),
          };
        },
        { executor, dtype },
      );
      const unit = dtype === "float32" ? 2 ** -24 : 2 ** -53;
      const tiniest = dtype === "float32" ? -85 : -700;
      for (const k of ["logCdf", "logSurvival"] as const) {
        expected[k].forEach((e, i) => {
          const other = expected[k === "logCdf" ? "logSurvival" : "logCdf"][i];
          // x, location and scale are rounded, and so is the exponent of a small probability.
          const exponent = 4 * unit * Math.abs(other * e);
          const relative = dtype === "float32" && coarse.includes(name) ? 5 * bound : bound;
          const allowed =
            relative * Math.max(Math.abs(e), 1e-30) + 8 * unit * found[`${k}Slope`][i] + exponent;
          const at = `${k} at element ${i}: ${found[k][i]} against ${e}`;
          if (e > tiniest) expect(Math.abs(found[k][i] - e), at).toBeLessThanOrEqual(allowed);
          const plain = k === "logCdf" ? "cdf" : "survival";
          if (e > tiniest) {
            const off = Math.abs(Math.log(found[plain][i]) - e);
            // Near 1 the probability itself has no more digits.
            expect(off, `${plain} at element ${i}`).toBeLessThanOrEqual(
              allowed + 4 * relative * Math.max(1, Math.abs(e)),
            );
          }
        });
      }
    },
  );

  testIf(symbolicOf(make, rows).has("icdf"))("quantiles invert it, in both tails", async () => {
    const found = await run(make, rows, (d, x) => {
      const l = d.logCdf(x);
      const back = d.logIcdf(l);
      const slope = d.isDiscrete ? x.mul(0).add(1) : grad(sum(l), [x])[0];
      const isf = d.logIsf(d.logSurvival(x));
      return {
        back,
        isf,
        p: d.icdf(d.cdf(x)),
        l,
        slope,
        again: d.logCdf(back),
        before: d.logCdf(back.sub(1)),
      };
    });
    const discrete = symbolicOf(make, rows).isDiscrete;
    rows
      .flatMap((r) => r.x)
      .forEach((x, i) => {
        const at = `element ${i}: ${found.back[i]} against ${x}`;
        if (discrete) {
          // Where neighbours have the same probability in float64, either is a quantile.
          if (found.before[i] < found.again[i] && found.l[i] < 0)
            expect(found.again[i], at).toBeGreaterThanOrEqual(found.l[i] * (1 + 1e-13));
          if (found.l[i] < -1e-10) expect(Math.abs(found.back[i] - x), at).toBeLessThanOrEqual(0);
          return;
        }
        const upper = rows.flatMap((r) => r.logSurvival)[i];
        if (upper < -0.7) {
          const units = (1e-13 * Math.abs(upper)) / Math.abs(found.slope[i] * Math.exp(found.l[i] - upper));
          expect(Math.abs(found.isf[i] - x), at).toBeLessThanOrEqual(1e-12 * Math.abs(x) + 4 * units);
        }
        // dx = dl/l′: the logarithm has 1e-13 of its own size.
        const conditioned = (1e-13 * Math.abs(found.l[i])) / Math.abs(found.slope[i]);
        expect(Math.abs(found.back[i] - x), at).toBeLessThanOrEqual(1e-12 * Math.abs(x) + 4 * conditioned);
        if (found.l[i] < -1e-3) {
          const own = (1e-12 + 4 * 2 ** -52) / Math.abs(found.slope[i]);
          expect(Math.abs(found.p[i] - x), at).toBeLessThanOrEqual(
            1e-11 * Math.abs(x) + own + 4 * conditioned,
          );
        }
      });
  });
});

function symbolicOf(make: Make, rows: readonly Row[]): Distribution {
  return make(
    Object.fromEntries(Object.keys(rows[0].parameters).map((k) => [k, tensor(rows[0].parameters[k])])),
  );
}

const NAMES = ["cdf", "survival", "logCdf", "logSurvival"] as const;

describe.each(distributionCases.map((c) => [c.name, c] as const))("%s", (_, c) => {
  const d = symbolic(c);

  testIf(!d.has("cdf"))("says that it has no distribution function, and what to do", () => {
    for (const k of NAMES) expect(() => d[k](0)).toThrow(d.eventShape.length > 0 ? Error : ClosedFormError);
    expect(() => d.icdf(0.5)).toThrow(ClosedFormError);
    expect(() => d.median()).toThrow(ClosedFormError);
  });

  testIf(d.has("variance"))("the standard deviation is the variance's root", async () => {
    const found = await evaluate(c, (p) => ({ sd: p.stddev(), v: p.variance() }));
    found.sd.forEach((s, i) => {
      expect(s).toBe(Math.sqrt(found.v[i]));
    });
  });

  testIf(d.has("cdf"))("the two tails add up to one, and their slope is the density", async () => {
    const found = await evaluate(c, (p, x) => {
      const real = x.cast("float64");
      const [cdf, survival] = [p.cdf(real), p.survival(real)];
      return {
        cdf,
        survival,
        total: cdf.add(survival),
        logs: p.logCdf(real).exp(),
        logSurvivals: p.logSurvival(real).exp(),
      };
    });
    found.total.forEach((t, i) => {
      expect(Math.abs(t - 1)).toBeLessThan(1e-12);
      expect(Math.abs(found.logs[i] - found.cdf[i])).toBeLessThan(1e-12);
      expect(Math.abs(found.logSurvivals[i] - found.survival[i])).toBeLessThan(1e-12);
      expect(found.cdf[i]).toBeGreaterThanOrEqual(0);
      expect(found.cdf[i]).toBeLessThanOrEqual(1);
    });
    if (d.hasAtoms) return;
    const slopes = await evaluate(c, (p, x) => {
      const wide = x.add(p.logProb(x).mul(0));
      return {
        cdf: grad(sum(p.cdf(wide)), [wide])[0],
        survival: grad(sum(p.survival(wide)), [wide])[0],
        density: p.logProb(wide).exp(),
        inside: p.cdf(wide).mul(p.survival(wide)),
      };
    });
    // Where an integral gives the whole, the slope of a value near 1 has the rounding of the whole.
    const whole = c.name.toLowerCase().startsWith("truncate")
      ? 1e-14 * Math.max(...slopes.density.filter(Number.isFinite))
      : 0;
    slopes.density.forEach((e, i) => {
      if (!(slopes.inside[i] > 0)) return;
      expect(Math.abs(slopes.cdf[i] - e), `element ${i}`).toBeLessThanOrEqual(1e-11 * e + whole);
      expect(Math.abs(slopes.survival[i] + e), `element ${i}`).toBeLessThanOrEqual(1e-11 * e + whole);
    });
  });

  testIf(d.has("cdf"))("its distribution function jumps at draws only if it says so", async () => {
    const found = await evaluate(c, (p) => {
      const x = p.sample("x", [40]).cast("float64");
      // A rise over a millionth, beside a thousandfold of it: the same of a jump, a thousandth of a density's.
      const rise = (width: number): Tensor => {
        const step = x.abs().add(x.equal(0).cast("float64")).mul(width);
        return p.cdf(x.add(step)).sub(p.cdf(x.sub(step)));
      };
      return { near: rise(1e-9), far: rise(1e-6) };
    });
    const jumps = found.near.filter((v, i) => v > 0.1 * found.far[i] && v > 1e-9).length;
    if (!d.hasAtoms) expect(jumps).toBe(0);
    else expect(jumps).toBeGreaterThan(0);
  });

  testIf(d.has("cdf"))("0 below, 1 above, NaN at NaN, in the batch's shape", async () => {
    const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
    const found = await evaluate(c, (p) => {
      const at = (x: number): Tensor => tensor(x, { dtype: "float64" });
      return Object.fromEntries(
        NAMES.flatMap((k) => [-inf, inf, nan].map((x) => [`${k} ${x}`, p[k](at(x))])),
      );
    });
    const size = d.batchShape.reduce((a, b) => a * b, 1);
    const all = (value: number) => new Array(size).fill(value);
    const unsigned = Object.fromEntries(Object.entries(found).map(([k, v]) => [k, v.map((x) => x + 0)]));
    expect(unsigned).toEqual({
      "cdf -Infinity": all(0),
      "cdf Infinity": all(1),
      "cdf NaN": all(nan),
      "survival -Infinity": all(1),
      "survival Infinity": all(0),
      "survival NaN": all(nan),
      "logCdf -Infinity": all(-inf),
      "logCdf Infinity": all(0),
      "logCdf NaN": all(nan),
      "logSurvival -Infinity": all(0),
      "logSurvival Infinity": all(-inf),
      "logSurvival NaN": all(nan),
    });
    expect(d.expand([5, ...d.batchShape]).cdf(0).shape).toEqual([5, ...d.batchShape]);
  });

  testIf(d.has("icdf"))("the ends at 0 and 1, NaN outside, and the median in the middle", async () => {
    const found = await evaluate(c, (p) => {
      const at = (x: number): Tensor => tensor(x, { dtype: "float64" });
      const m = p.median();
      return {
        low: p.support.check(p.icdf(at(1e-3))),
        outside: p
          .icdf(at(1.5))
          .add(p.icdf(at(-0.5)))
          .add(p.logIcdf(at(0.5))),
        end: p.cdf(p.icdf(at(1))),
        below: p.cdf(m),
        above: p.survival(p.isDiscrete ? m.cast("float64").sub(1) : m),
      };
    });
    for (const x of found.low) expect(x).toBe(1);
    if (d.dtype === "float64") for (const x of found.outside) expect(x).toBeNaN();
    for (const x of found.end) expect(x).toBe(1);
    for (const x of found.below) expect(x).toBeGreaterThan(0.5 - 1e-9);
    if (!d.hasAtoms || d.isDiscrete) for (const x of found.above) expect(x).toBeGreaterThan(0.5 - 1e-9);
  });

  testIf(d.has("cdf"))("draws are below a value as often as it says", async () => {
    // With 4000 draws a share is off by more than 0.049 with probability 2e-8 (Hoeffding).
    const found = await evaluate(c, (p) => {
      const x = p.sample("x", [4000]);
      const at = p.sample("at", [4]);
      const share = (k: number): Tensor => {
        const y = at.slice({ axis: 0, start: k, end: k + 1 });
        return x.cast("float64").lessEqual(y.cast("float64")).cast("float64").mean(0);
      };
      return {
        ...Object.fromEntries([0, 1, 2, 3].map((k) => [`s${k}`, share(k)])),
        cdf: p.cdf(at.cast("float64")),
      };
    });
    const size = found.s0.length;
    [0, 1, 2, 3].forEach((k) => {
      found[`s${k}`].forEach((s, i) => {
        expect(Math.abs(s - found.cdf[k * size + i]), `draw ${k} of element ${i}`).toBeLessThan(0.049);
      });
    });
  });
});

/** Masses of counts by their definitions, from 0 on. */
const masses = {
  poisson: (rate: number): number[] => {
    const p = [Math.exp(-rate)];
    for (let k = 1; k < 400; k++) p.push((p[k - 1] * rate) / k);
    return p;
  },
  geometric: (probs: number): number[] => Array.from({ length: 2000 }, (_, k) => probs * (1 - probs) ** k),
} as const;

type Counted = readonly [
  name: string,
  make: (parameter: Tensor, gate: Tensor) => Distribution,
  masses: (parameter: number, gate: number) => readonly number[],
  parameters: readonly number[],
];
const inflate = (p: readonly number[], gate: number): number[] =>
  p.map((v, k) => (1 - gate) * v + (k === 0 ? gate : 0));
const hurdle = (p: readonly number[], gate: number): number[] => {
  const above = p.slice(1).reduceRight((sum, v) => sum + v, 0);
  return p.map((v, k) => (k === 0 ? gate : ((1 - gate) * v) / above));
};
const gated: readonly Counted[] = [
  [
    "ZeroInflated(Poisson)",
    (rate, probs) => ZeroInflated(Poisson(rate), { probs }),
    (rate, gate) => inflate(masses.poisson(rate), gate),
    [0.1, 2, 30],
  ],
  [
    "ZeroInflated(Geometric)",
    (probs, gate) => ZeroInflated(Geometric({ probs }), { probs: gate }),
    (probs, gate) => inflate(masses.geometric(probs), gate),
    [0.1, 0.5, 0.95],
  ],
  [
    "Hurdle(Poisson)",
    (rate, probs) => Hurdle(Poisson(rate), { probs }),
    (rate, gate) => hurdle(masses.poisson(rate), gate),
    [0.1, 2, 30],
  ],
  [
    "Hurdle(Geometric)",
    (probs, gate) => Hurdle(Geometric({ probs }), { probs: gate }),
    (probs, gate) => hurdle(masses.geometric(probs), gate),
    [0.1, 0.5, 0.95],
  ],
];

describe.each(gated)(
  "quantiles of %s are the first counts with enough probability",
  (_, make, massesOf, parameters) => {
    test.each(["float64", "float32"] as const)("in both tails, %s", async (dtype) => {
      const rows = parameters.flatMap((parameter) =>
        [1e-9, 0.02, 0.4, 0.97].flatMap((gate) =>
          [1e-25, 1e-12, 1e-3, 0.03, 0.2, 0.4999, 0.7, 0.98, 0.99999].map((p) => ({ parameter, gate, p })),
        ),
      );
      const program = compile(
        (parameter: Tensor, gate: Tensor, l: Tensor) => {
          const d = make(parameter, gate);
          return { icdf: d.logIcdf(l), isf: d.logIsf(l) };
        },
        { executor: "host" },
      );
      const feeds = [
        (r: (typeof rows)[0]) => r.parameter,
        (r: (typeof rows)[0]) => r.gate,
        (r: (typeof rows)[0]) => Math.log(r.p),
      ];
      const found = await program(...feeds.map((of) => arrayOf(rows.map(of), dtype)));
      // Where a sum of masses is as near to the probability as the precision goes, either neighbour is right.
      const near = dtype === "float32" ? 1e-5 : 1e-11;
      rows.forEach(({ parameter, gate, p }, i) => {
        const mass = massesOf(parameter, gate);
        const first = (enough: (k: number) => boolean): number => mass.findIndex((_, k) => enough(k));
        const below = (k: number): number => mass.slice(0, k + 1).reduce((sum, v) => sum + v, 0);
        const above = (k: number): number => mass.slice(k + 1).reduceRight((sum, v) => sum + v, 0);
        const at = JSON.stringify({ parameter, gate, p });
        const between = (k: number, least: number, most: number): void => {
          expect(k, at).toBeGreaterThanOrEqual(least);
          expect(k, at).toBeLessThanOrEqual(most);
        };
        between(
          Number(found.icdf.data[i]),
          first((k) => below(k) >= p * (1 - near)),
          first((k) => below(k) >= p * (1 + near) || above(k) === 0),
        );
        between(
          Number(found.isf.data[i]),
          first((k) => above(k) <= p * (1 + near)),
          first((k) => above(k) <= p * (1 - near)),
        );
      });
    });
  },
);

test("far quantiles of a truncated family come from its own tail, on both sides", async () => {
  // P(X > x) of an exponential above 1 is e^(1 − x), and mirrored with a Laplace below −1.
  const l = [-1, -30, -200, -700].map((v) => tensor(v, { dtype: "float64" }));
  const above = truncate(Exponential(tensor(1, { dtype: "float64" })), 1);
  const laplace = Laplace(tensor(0, { dtype: "float64" }), 1);
  const [below, whole] = [truncate(laplace, undefined, -1), truncate(laplace, -1)];
  for (const one of l) {
    const v = Number((await one.value()).item());
    expect((await above.logIsf(one).value()).item()).toBeCloseTo(1 - v, 10);
    expect((await below.logIcdf(one).value()).item()).toBeCloseTo(v - 1, 10);
    // Above −1 a Laplace has the mass 1 − e⁻¹/2.
    expect((await whole.logIsf(one).value()).item()).toBeCloseTo(
      -v - Math.LN2 - Math.log1p(-Math.exp(-1) / 2),
      10,
    );
  }
});

test("a falling map turns the tails round", async () => {
  const d = Transformed(Exponential(2), transforms.affine(1, -3));
  const at = async (t: Tensor): Promise<number[]> =>
    Array.from((await t.cast("float64").value()).data, Number);
  expect((await at(d.cdf([-1])))[0]).toBeCloseTo(Math.exp(-4 / 3), 6);
  expect((await at(d.survival([-1])))[0]).toBeCloseTo(-Math.expm1(-4 / 3), 6);
  expect((await at(d.icdf([Math.exp(-4 / 3)])))[0]).toBeCloseTo(-1, 5);
  expect(await at(d.cdf([1, 2]))).toEqual([1, 1]);
});

test("arrays have no distribution function: the message says whom to ask", () => {
  expect(() => Normal([0, 1], 1).toEvent(1).cdf([0, 1])).toThrow(
    "Independent(Normal, 1).cdf: a distribution function is that of single numbers, and a draw here has shape [2]; " +
      "ask the distribution of its elements, before toEvent.",
  );
});

test("both tails of a gamma are differentiable in the concentration", async () => {
  const rows = table.Gamma;
  const of = (name: "logCdf" | "logSurvival") => async (shift: number) => {
    const make: Make = (p) => Gamma(p.concentration.mul(1 + shift), p.rate);
    return (await run(make, rows, (d, x) => ({ l: d[name](x) }))).l;
  };
  for (const name of ["logCdf", "logSurvival"] as const) {
    const { slope } = await run(
      (p) => Gamma(p.concentration, p.rate),
      rows,
      (d, x) => ({
        slope: grad(sum(d[name](x)), [d.parameters.concentration])[0].mul(d.parameters.concentration),
      }),
    );
    const at = of(name);
    const h = 1e-4;
    const [a, b, c, d] = [await at(-2 * h), await at(-h), await at(h), await at(2 * h)];
    slope.forEach((s, i) => {
      const central = (8 * (c[i] - b[i]) - (d[i] - a[i])) / (12 * h);
      // Steps of h move a concentration of 1e4 by one of its standard deviations: the rule's own error grows with its fourth power.
      const large = Math.max(...rows.map((r) => r.parameters.concentration)) > 1e3 ? 1e-4 : 1e-6;
      const rounding = (1e-13 * Math.max(1, Math.abs(c[i]))) / h;
      expect(Math.abs(s - central), `${name} at element ${i}`).toBeLessThan(
        large * Math.abs(central) + rounding,
      );
    });
  }
});

test("a skew normal is differentiable in its skewness, also where that changes sign", async () => {
  const a = [-1e6, -30, -2, -0.5, 0, 1e-9, 0.5, 2, 30, 1e6];
  const z = [-6, -1.5, -1e-3, 0, 1e-3, 1.5, 6];
  for (const dtype of ["float64", "float32"] as const) {
    const [skewness, x] = [a.flatMap((v) => z.map(() => v)), a.flatMap(() => z)].map((v) =>
      tensor(v, { dtype }),
    );
    const p = SkewNormal(tensor(0, { dtype }), tensor(1, { dtype }), skewness);
    const slope = await grad(sum(p.cdf(x)), [skewness])[0].value();
    a.forEach((s, i) => {
      z.forEach((v, j) => {
        // Of Owen's T: −e^(−z² (1 + a²)/2)/(π (1 + a²)).
        const exact = -Math.exp(-0.5 * v * v * (1 + s * s)) / (Math.PI * (1 + s * s));
        const found = Number(slope.data[i * z.length + j]);
        const [relative, absolute] = dtype === "float64" ? [1e-10, 1e-16] : [1e-4, 1e-7];
        expect(Math.abs(found - exact), `${dtype}: skewness ${s} at ${v}`).toBeLessThanOrEqual(
          relative * Math.abs(exact) + absolute,
        );
      });
    });
  }
});

test.each(["float64", "float32"] as const)(
  "a skew normal of any skewness in %s: half a normal at the ends",
  async (dtype) => {
    const a = tensor([-1e30, 1e30, 0], { dtype });
    const p = SkewNormal(tensor(0, { dtype }), tensor(1, { dtype }), a);
    const [cdf, survival] = [await p.cdf(1).value(), await p.survival(1).value()];
    // erf(1/√2), and Φ(1).
    const expected = [1, 0.6826894921370859, 0.8413447460685429];
    expected.forEach((e, i) => {
      expect(Math.abs(Number(cdf.data[i]) - e)).toBeLessThan(1e-6);
      expect(Math.abs(Number(survival.data[i]) - (1 - e))).toBeLessThan(1e-6);
    });
  },
);

test("beta-binomials of several known totals: each is that of its own", async () => {
  const totals = [0, 1, 7, 40];
  const d = BetaBinomial(tensor(totals, { dtype: "float64" }), tensor(0.75, { dtype: "float64" }), 3);
  const points = [-1, 0, 1, 3.5, 7, 39, 40, 50];
  for (const x of points) {
    for (const k of NAMES) {
      const all = await d[k](x).value();
      for (const [i, n] of totals.entries()) {
        const one = await BetaBinomial(n, tensor(0.75, { dtype: "float64" }), 3)
          [k](x)
          .value();
        expect(all.data[i], `${k} of ${n} at ${x}`).toBeCloseTo(Number(one.data[0]), 13);
      }
    }
  }
  for (const p of [0, 1e-9, 0.3, 0.5, 1 - 1e-16, 1]) {
    const all = await d.icdf(p).value();
    for (const [i, n] of totals.entries()) {
      const one = await BetaBinomial(n, tensor(0.75, { dtype: "float64" }), 3)
        .icdf(p)
        .value();
      expect(all.data[i], `quantile ${p} of ${n}`).toBe(one.data[0]);
    }
  }
});

test("beta-binomials of large totals, or of totals that are not known, have no distribution function", () => {
  expect(BetaBinomial(tensor([5, 1001]), 1, 1).has("cdf")).toBe(false);
  expect(BetaBinomial(input("n", [2]), 1, 1).has("cdf")).toBe(false);
  expect(() => BetaBinomial(input("n", [2]), 1, 1).cdf(1)).toThrow(ClosedFormError);
});
