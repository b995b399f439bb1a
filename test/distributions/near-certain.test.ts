/** Log masses near 0: of what is nearly certain, relative to themselves. The oracles are closed forms by log1p. */
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import { Bernoulli, Binomial, Geometric, NegativeBinomial, Poisson } from "../../src/distributions/index.ts";
import { grad, sum, type Tensor } from "../../src/tensor/index.ts";
import { generator } from "../campaigns/random.ts";

const draw = generator(5);
const pick = (): number => draw(1_000_000) / 1_000_000;
/** Between 10^low and 10^high, in float32, so that all executors see the same numbers. */
const decades = (low: number, high: number): number => Math.fround(10 ** (low + (high - low) * pick()));
const rows = Array.from({ length: 60 }, () => ({
  p: decades(-25, -2),
  total: Math.floor(decades(0, 5)),
  size: decades(-2, 5),
  logit: Math.fround(4 + 50 * pick()),
}));
type Row = (typeof rows)[number];
const p = rows.map((r) => r.p);
const logits = rows.map((r) => r.logit);
const totals = rows.map((r) => r.total);
const sizes = rows.map((r) => r.size);

const cases: Readonly<
  Record<string, readonly [given: number[][], of: (...t: Tensor[]) => Tensor, expected: (r: Row) => number]>
> = {
  "Binomial, no success": [
    [totals, p],
    (n, probs) => Binomial(n, { probs }).logProb(n.mul(0)),
    (r) => r.total * Math.log1p(-r.p),
  ],
  "Binomial, all successes": [
    [totals, logits],
    (n, l) => Binomial(n, { logits: l }).logProb(n),
    (r) => -r.total * Math.log1p(Math.exp(-r.logit)),
  ],
  "Binomial, no success, by logits": [
    [totals, logits],
    (n, l) => Binomial(n, { logits: l.neg() }).logProb(n.mul(0)),
    (r) => -r.total * Math.log1p(Math.exp(-r.logit)),
  ],
  "NegativeBinomial, none": [
    [sizes, p],
    (n, probs) => NegativeBinomial(n, { probs }).logProb(n.mul(0)),
    (r) => r.size * Math.log1p(-r.p),
  ],
  "NegativeBinomial, none, by logits": [
    [sizes, logits],
    (n, l) => NegativeBinomial(n, { logits: l.neg() }).logProb(n.mul(0)),
    (r) => -r.size * Math.log1p(Math.exp(-r.logit)),
  ],
  "Poisson, none": [[p], (rate) => Poisson(rate).logProb(rate.mul(0)), (r) => -r.p],
  "Geometric, none": [
    [logits],
    (l) => Geometric({ logits: l }).logProb(l.mul(0)),
    (r) => -Math.log1p(Math.exp(-r.logit)),
  ],
  "Bernoulli, none": [[p], (probs) => Bernoulli({ probs }).logProb(probs.mul(0)), (r) => Math.log1p(-r.p)],
};

describe.each([
  ["host", Float64Array, 1e-13],
  ["native", Float64Array, 1e-13],
  ["native", Float32Array, 4e-6],
] as const)("on %s (%#)", (executor, Numbers, tolerance) => {
  test.each(Object.entries(cases))("%s", async (_, [given, of, expected]) => {
    const run = compile(
      (...t) => {
        const value = of(...t);
        return { value, slopes: grad(sum(value), [t[t.length - 1]])[0] };
      },
      { executor, threads: 1 },
    );
    const { value, slopes } = await run(...given.map((v) => Numbers.from(v)));
    rows.forEach((row, i) => {
      const right = expected(row);
      expect(Math.abs(Number(value.data[i]) / right - 1), JSON.stringify(row)).toBeLessThan(tolerance);
      expect(Number.isFinite(Number(slopes.data[i]))).toBe(true);
    });
  });
});
