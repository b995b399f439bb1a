/** Rows of a table with counts, and levels that have an order: against sums of scalar densities, written out. */
import { describe, expect, test } from "vitest";
import { ArrayValue, compile } from "../../src/compile/index.ts";
import { TableRow } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { orderedLevels } from "../../src/models/ordered-levels.ts";
import { sum, type Tensor, tensor } from "../../src/tensor/index.ts";

const nan = Number.NaN;
const numbers = async (t: Tensor): Promise<readonly number[]> =>
  Array.from((await t.value()).data as Float32Array);
const row = () =>
  TableRow({
    loc: [0.5],
    logScale: [-0.5],
    logMean: [Math.log(2.5), Math.log(40)],
    logTotal: [Math.log(1.5), 3],
    logits: [0.1, -2, 1.5],
    categories: [3],
  });

/** ln of the negative binomial's mass by its definition, Γ(k + r) / (k! Γ(r)) (m/(m + r))^k (r/(m + r))^r, with a product for the gammas. */
const mass = (k: number, mean: number, total: number): number => {
  let log = total * Math.log(total / (mean + total)) + k * Math.log(mean / (mean + total));
  for (let i = 0; i < k; i++) log += Math.log((total + i) / (i + 1));
  return log;
};
const normal = (x: number) => -0.5 * ((x - 0.5) / Math.exp(-0.5)) ** 2 + 0.5 - 0.5 * Math.log(2 * Math.PI);
const category = (k: number) => [0.1, -2, 1.5][k] - Math.log(Math.exp(0.1) + Math.exp(-2) + Math.exp(1.5));

describe("counts in a row", () => {
  test.each([
    [
      [0.75, 3, 50, 0, 1, 0],
      [normal(0.75), mass(3, 2.5, 1.5), mass(50, 40, Math.exp(3)), category(1)],
    ],
    [
      [nan, 0, nan, 0, 0, 1],
      [0, mass(0, 2.5, 1.5), 0, category(2)],
    ],
    [
      [1, nan, 200, nan, nan, nan],
      [normal(1), 0, mass(200, 40, Math.exp(3)), 0],
    ],
  ] as const)("%j", async (x, expected) => {
    const total = expected.reduce((a: number, b) => a + b, 0);
    const [found] = await numbers(row().logProb([...x]));
    expect(found).toBeCloseTo(total, 4);
    const each = await numbers(row().columnLogProb(tensor([...x])));
    expected.forEach((value, i) => {
      expect(each[i]).toBeCloseTo(value, 4);
    });
  });

  test("their moments are those of their columns, and they are drawn whole", async () => {
    const mean = await numbers(row().mean());
    [0.5, 2.5, 40].forEach((value, i) => {
      expect(mean[i]).toBeCloseTo(value, 4);
    });
    const variance = await numbers(row().variance());
    [Math.exp(-1), 2.5 + 2.5 ** 2 / 1.5, 40 + 1600 / Math.exp(3)].forEach((value, i) => {
      expect(variance[i] / value).toBeCloseTo(1, 4);
    });
    const n = 4000;
    const draw = compile(() => row().expand([n]).sample("x"), { executor: "host", seed: 2 });
    const { data } = await draw();
    let total = 0;
    for (let i = 0; i < n; i++) {
      expect(Number.isInteger(Number(data[6 * i + 1]))).toBe(true);
      total += Number(data[6 * i + 1]);
    }
    // Five standard errors: a false alarm in 2 million.
    expect(Math.abs(total / n - 2.5)).toBeLessThan(5 * Math.sqrt((2.5 + 2.5 ** 2 / 1.5) / n));
  });

  test("alone, and half a pair is refused", async () => {
    const counts = TableRow({ logMean: [0], logTotal: [0] });
    // Mean 1, total 1: geometric with probability one half.
    expect((await numbers(counts.logProb([2])))[0]).toBeCloseTo(Math.log(1 / 8), 5);
    expect(() => TableRow({ logMean: [0] })).toThrow(UsageError);
  });
});

describe("levels that have an order", () => {
  test.each([2, 3, 5, 10])("%d levels have even shares at place 0, and sum to 1 anywhere", async (levels) => {
    const model = orderedLevels(levels);
    const f = compile((h) => model.logits(h), { executor: "host" });
    const at = async (h: number): Promise<number[]> =>
      Array.from((await f(tensorOf(h))).data as Float32Array, Math.exp);
    for (const share of await at(0)) expect(share).toBeCloseTo(1 / levels, 5);
    for (const h of [-30, -2, 0.5, 30]) {
      const shares = await at(h);
      expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      // p(level ≤ k) = σ(t_k − h), with thresholds ln(k / (levels − k)) before training.
      let below = 0;
      shares.slice(0, -1).forEach((share, k) => {
        below += share;
        expect(below).toBeCloseTo(1 / (1 + Math.exp(h - Math.log((k + 1) / (levels - 1 - k)))), 5);
      });
    }
    const total = compile((h) => sum(model.logits(h)), {});
    expect(Number.isFinite(Number((await total(tensorOf(80))).data[0]))).toBe(true);
  });
});

const tensorOf = (h: number) => new ArrayValue([1, 1], "float32", Float32Array.of(h));
