/** Directions, differences of counts and given values where the registry's cases do not reach. */
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import { sphereBessel } from "../../src/distributions/bessel.ts";
import { Empirical, kl, Skellam, VonMisesFisher } from "../../src/distributions/index.ts";
import { grad, sum, type Tensor, tensor } from "../../src/tensor/index.ts";

const numbers = async (t: Tensor, options = {}) =>
  Array.from((await t.value({ seed: 5, ...options })).data, Number);
const unit = (n: number): number[] => Array.from({ length: n }, (_, i) => (i === 0 ? 1 : 0));

describe("VonMisesFisher", () => {
  test.each([2, 3, 10, 60, 100])("at concentration 0 it is uniform, %d dimensions", async (n) => {
    const run = compile(
      (k: Tensor) => {
        const d = VonMisesFisher(tensor(unit(n), { dtype: "float64" }), k);
        const l = d.logProb(tensor(unit(n), { dtype: "float64" }));
        return { l, slope: grad(sum(l), [k])[0], entropy: d.entropy(), variance: d.variance() };
      },
      { executor: "host" },
    );
    const out = await run(Float64Array.of(0));
    // ln of the area 2π^(n/2)/Γ(n/2), by Γ(x + 1) = xΓ(x).
    let area = n % 2 === 0 ? Math.log(2 * Math.PI) : Math.log(4 * Math.PI);
    for (let m = n % 2 === 0 ? 2 : 3; m < n; m += 2) area += Math.log((2 * Math.PI) / m);
    expect(out.l.data[0]).toBeCloseTo(-area, 11);
    expect(out.entropy.data[0]).toBeCloseTo(area, 11);
    // d/dκ of κ(μ·x − 1) − ln N e^−κ at x = μ: 1 − A = 1.
    expect(out.slope.data[0]).toBeCloseTo(1, 12);
    for (const v of out.variance.data) expect(Number(v)).toBeCloseTo(1 / n, 12);
  });

  // Six standard errors of a mean: a false alarm below 2e-9 each.
  test.each([
    [2, 0],
    [2, 1e6],
    [3, 5],
    [10, 0.1],
    [10, 1e6],
    [100, 3],
    [100, 60],
    [100, 1e6],
  ])("draws in %d dimensions at concentration %f, natively in float32", async (n, k) => {
    const draws = 4000;
    const loc = Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 1 : -1) / Math.sqrt(n));
    const d = VonMisesFisher(loc, k);
    const x = await numbers(d.sample("x", [draws]), { threads: 1 });
    const { deficit, slope } = sphereBessel(n / 2 - 1, tensor(k, { dtype: "float64" }));
    const [gap, spread] = [await numbers(deficit), await numbers(slope)];
    let total = 0;
    for (let i = 0; i < draws; i++) {
      const v = x.slice(i * n, (i + 1) * n);
      expect(Math.abs(Math.hypot(...v) - 1)).toBeLessThan(1e-6);
      // 1 − μ·x from the distance, which float32 keeps.
      total += v.reduce((t, e, j) => t + (e - loc[j]) ** 2, 0) / 2;
    }
    expect(Math.abs(total / draws - gap[0])).toBeLessThan(
      6 * Math.sqrt(spread[0] / draws) + 1e-6 * Math.sqrt(gap[0]),
    );
  });

  test("a direction that is not one, and one of a single dimension, are refused", () => {
    expect(() => VonMisesFisher([1, 1], 2)).toThrow("must be unitVector");
    expect(() => VonMisesFisher([1], 2)).toThrow("n of at least 2");
    expect(() => VonMisesFisher([1, 0], -2)).toThrow("concentration");
  });
});

describe("Skellam", () => {
  test("masses of rates that differ by nine orders sum to 1 with the moments stated", async () => {
    for (const [a, b] of [
      [1e-3, 1e6],
      [30, 29],
      [1e-3, 1e-3],
    ]) {
      const [mean, sd] = [a - b, Math.sqrt(a + b)];
      const reach = Math.ceil(10 * sd + 20);
      const ks = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.round(mean) - reach + i);
      const of = (dtype: "float64") =>
        Skellam(tensor(a, { dtype }), tensor(b, { dtype })).logProb(tensor(ks, { dtype })).exp();
      const masses = await numbers(of("float64"), { executor: "host" });
      const sums = masses.reduce(
        ([t, m, v], p, i) => [t + p, m + p * (ks[i] - mean), v + p * (ks[i] - mean) ** 2],
        [0, 0, 0],
      );
      expect(sums[0]).toBeCloseTo(1, 10);
      expect(Math.abs(sums[1])).toBeLessThan(1e-9 * sd);
      expect(sums[2] / (a + b)).toBeCloseTo(1, 9);
    }
  });

  test("a fraction has no mass", async () => {
    expect(await numbers(Skellam(2, 3).logProb([0.5, Number.NaN, Number.POSITIVE_INFINITY]))).toEqual([
      -Infinity,
      Number.NaN,
      -Infinity,
    ]);
  });
});

describe("Empirical", () => {
  const d = Empirical([3, -1, 3, 10], { weights: [1, 2, 1, 4] });

  test("its distribution function, its quantiles and its mode count equal values together", async () => {
    expect(await numbers(d.cdf([-2, -1, 0, 3, 9, 10, 11]))).toEqual([0, 0.25, 0.25, 0.5, 0.5, 1, 1]);
    expect(await numbers(d.survival([-2, -1, 3, 10]))).toEqual([1, 0.75, 0.5, 0]);
    expect(await numbers(d.icdf([0.1, 0.25, 0.26, 0.5, 0.51, 0.9]))).toEqual([-1, -1, 3, 3, 10, 10]);
    expect(await numbers(d.median())).toEqual([3]);
    expect(await numbers(Empirical([3, -1, 3, 10], { weights: [3, 4, 3, 1] }).mode())).toEqual([3]);
    expect(await numbers(d.logProb([3, 4, Number.NaN]))).toEqual([
      expect.closeTo(Math.log(0.25), 6),
      -Infinity,
      Number.NaN,
    ]);
  });

  test("values of weight 0 are never drawn; batches draw their own values", async () => {
    const batch = Empirical(
      [
        [[1], [2]],
        [[3], [4]],
      ],
      { eventRank: 1, weights: [0, 1] },
    );
    const x = await numbers(batch.expand([5, 2]).sample("x", [100]));
    x.forEach((v, i) => {
      expect(v).toBe(i % 2 === 0 ? 2 : 4);
    });
  });

  test("divergences of different values are infinite, and shapes broadcast", async () => {
    expect(
      await numbers(
        kl(
          Empirical([1, 2]),
          Empirical([
            [1, 2, 3, 3],
            [1, 1, 1, 4],
          ]),
        ),
      ),
    ).toEqual([expect.closeTo(Math.LN2, 6), Infinity]);
  });

  test("weights that do not fit are refused", () => {
    expect(() => Empirical([1, 2], { weights: [1, 2, 3] })).toThrow("one weight for each of 2 values");
    expect(() => Empirical([1, 2], { weights: [1, -2] })).toThrow("'weights' must be");
    expect(() => Empirical(3)).toThrow("shape [..., n]");
  });
});
