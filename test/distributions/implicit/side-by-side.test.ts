/** Functions whose kernels read several inputs side by side: over a batch along which only some of them vary, in loops, and at equal arguments. */
import { describe, expect, test } from "vitest";
import { ArrayValue, compile, type Executor } from "../../../src/compile/index.ts";
import {
  Beta,
  Binomial,
  type Distribution,
  Gamma,
  gammainc,
  gammaincc,
  HalfNormal,
  NegativeBinomial,
  Poisson,
  StudentT,
  truncate,
} from "../../../src/distributions/index.ts";
import { annealedImportanceSampling } from "../../../src/inference/index.ts";
import { unconstrainedDensity } from "../../../src/inference/unconstrained-density.ts";
import { model } from "../../../src/program/index.ts";
import { input, mul, substitute, type Tensor, tensor, vmap } from "../../../src/tensor/index.ts";

const f64 = (v: number | readonly number[]): Tensor => tensor(v, { dtype: "float64" });
type Float = "float32" | "float64";
/** A function of numbers that are fed: constants would be computed on the host, whatever the executor. */
async function at(
  of: (p: Tensor) => Tensor,
  given: readonly number[],
  executor: Executor,
  dtype: Float = "float64",
): Promise<number[]> {
  const data = dtype === "float64" ? Float64Array.from(given) : Float32Array.from(given);
  const { t } = await compile((p: Tensor) => ({ t: of(p) }), { executor })(
    new ArrayValue([given.length], dtype, data),
  );
  return Array.from(t.data, Number);
}

const families: Readonly<Record<string, (p: Tensor) => Distribution>> = {
  Gamma: (p) => Gamma(p, f64(1.5)),
  Beta: (p) => Beta(p, f64(2)),
  StudentT: (p) => StudentT(p, f64(0), f64(1)),
  Poisson: (p) => Poisson(p),
  NegativeBinomial: (p) => NegativeBinomial(p, { probs: f64(0.5) }),
  Binomial: (p) => Binomial(f64(12), { logits: p }),
  "a truncated gamma": (p) => truncate(Gamma(p, f64(1.5)), f64(0.125)),
};

describe.each(Object.entries(families))("%s over a batch of parameters", (_, family) => {
  const single = input("p", [], "float64");
  const parameters = [0.5, 1, 2.5, 4];
  const d = family(single);
  const values = d.isDiscrete ? [0, 1, 3] : [0.25, 0.5, 0.75];
  const functions: Readonly<Record<string, Tensor>> = {
    logCdf: d.logCdf(f64(values)),
    logSurvival: d.logSurvival(f64(values)),
    icdf: d.icdf(f64([0.2, 0.5, 0.9])).cast("float64"),
  };
  const cases = Object.entries(functions).flatMap(([name, t]) =>
    (["host", "native"] as const).map((executor) => ({ name, t, executor })),
  );
  test.each(cases.filter((c) => c.name !== "icdf" || c.executor === "host"))(
    "$name, $executor",
    async ({ t, executor }) => {
      const one = await Promise.all(
        parameters.map((p) => at((v) => substitute(t, new Map([[single, v.squeeze(0)]])), [p], "host")),
      );
      expect(await at((all) => vmap([t], new Map([[single, all]]))[0], parameters, executor)).toEqual(
        one.flat().map((v) => expect.closeTo(v, 10)),
      );
    },
  );
});

test("truncated values in a loop have the density of the steps written out", async () => {
  const [df, y] = [
    [3, 4, 5],
    [0.25, 1.5, -0.5],
  ];
  const likelihood = (loc: Tensor, scale: Tensor, n: Tensor): Distribution =>
    truncate(StudentT(n, loc, scale), -1, 3);
  const looped = model(({ sample, observe, scan }) => {
    const s = sample("s", HalfNormal(1));
    scan("time", tensor(0), { y: tensor(y), df: tensor(df) }, (before, now) => {
      observe("y", likelihood(before, s, now.df), now.y);
      return { carry: mul(now.y, 0.5) };
    });
  });
  const written = model(({ sample, observe }) => {
    const s = sample("s", HalfNormal(1));
    y.forEach((v, t) => {
      observe(`y${t}`, likelihood(tensor(t === 0 ? 0 : y[t - 1] / 2), s, tensor(df[t])), v);
    });
  });
  const [a, b] = await Promise.all([looped, written].map((p) => unconstrainedDensity(p, [])));
  for (const q of [-1, 0.25, 2]) {
    const [ga, gb] = [new Float64Array(1), new Float64Array(1)];
    const value = await a.logDensityAndGradient(Float64Array.of(q), ga);
    expect(value).toBeCloseTo(await b.logDensityAndGradient(Float64Array.of(q), gb), 10);
    expect(ga[0]).toBeCloseTo(gb[0], 10);
  }
});

test("several chains side by side", async () => {
  const program = model(({ sample, observe, plate }) => {
    const rate = sample("rate", Gamma(2, 1));
    plate("row", 3, () => observe("y", truncate(Poisson(rate), 1), [1, 2, 1]));
  });
  const { logEvidence } = await annealedImportanceSampling(program, [], {
    chains: 64,
    temperatures: 60,
    seed: 0,
  });
  // ∫ Gamma(r; 2, 1) Π r^y e^−r / (y! (1 − e^−r)) dr, by Simpson's rule.
  let total = 0;
  const [n, end] = [20000, 60];
  for (let i = 1; i <= n; i++) {
    const r = (i * end) / n;
    const p = Math.exp(-r);
    total +=
      ((i === n ? 1 : i % 2 === 1 ? 4 : 2) * (end / n / 3) * (r * p * r ** 4 * p ** 3)) / (2 * (1 - p) ** 3);
  }
  expect(Math.abs(logEvidence - Math.log(total))).toBeLessThan(0.1);
});

describe.each(["host", "native"] as const)(
  "the incomplete gamma functions at equal arguments, %s",
  (executor) => {
    // Q(n, n) = e^−n Σ nᵏ/k! over k < n; Q(½, ½) = erfc(√½).
    const whole = [1, 2, 3, 5, 20, 100];
    const upper = (n: number): number => {
      let [term, sum] = [Math.exp(-n), 0];
      for (let k = 0; k < n; k++) {
        sum += term;
        term *= n / (k + 1);
      }
      return sum;
    };
    test.each(["float64", "float32"] as const)("%s", async (dtype) => {
      const given = [0.5, ...whole];
      const exact = [0.31731050786291415, ...whole.map(upper)];
      const digits = dtype === "float64" ? 11 : 5;
      const of = (f: (a: Tensor) => Tensor): Promise<number[]> => at(f, given, executor, dtype);
      expect(await of((a) => gammaincc(a, a))).toEqual(exact.map((v) => expect.closeTo(v, digits)));
      expect(await of((a) => gammainc(a, a))).toEqual(exact.map((v) => expect.closeTo(1 - v, digits)));
      expect((await of((a) => Poisson(a).logCdf(a.sub(1)))).slice(1)).toEqual(
        exact.slice(1).map((v) => expect.closeTo(Math.log(v), digits - 1)),
      );
    });
    test("beside others", async () => {
      const [before, there, after] = await at(
        (x) => gammaincc(f64(2), x),
        [1.9999999, 2, 2.0000001],
        executor,
      );
      expect(before).toBeGreaterThan(there);
      expect(there).toBeGreaterThan(after);
    });
  },
);
