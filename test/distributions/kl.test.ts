import { expect, test } from "vitest";
import "../../src/compile/index.ts";
import {
  Bernoulli,
  ClosedFormError,
  hasKl,
  kl,
  klMonteCarlo,
  Normal,
  NormalDistribution,
  registerKl,
  Uniform,
  UniformDistribution,
} from "../../src/distributions/index.ts";
import { ShapeError } from "../../src/errors.ts";
import { grad, input, scalar } from "../../src/tensor/index.ts";

test("a pair without a closed form is refused with both names and the way out", () => {
  const [p, q] = [Uniform(0, 1), Normal(0, 1)];
  expect(hasKl(p, q)).toBe(false);
  expect(() => kl(p, q)).toThrow(ClosedFormError);
  expect(() => kl(p, q)).toThrow(
    "kl: no closed form of KL(Uniform ‖ Normal) is registered. " +
      "Use klMonteCarlo(p, q, site, samples), or register the form with registerKl.",
  );
});

test("Monte Carlo takes its place", async () => {
  // −E[log q] over U(0, 1): ½ ln 2π + E[x²]/2 = 0.918939 + 1/6. Var(x²/2) = 1/45, so 6 standard errors are 0.0063;
  // false-alarm rate 2e-9.
  const estimate = (await klMonteCarlo(Uniform(0, 1), Normal(0, 1), "x", 20_000).value({ seed: 3 })).item();
  expect(Math.abs(estimate - 1.0856052)).toBeLessThan(0.0063);
});

test("event shapes that differ are refused with all four shapes", () => {
  expect(() => kl(Normal(input("m", [128, 20]), 1).toEvent(1), Normal(0, 1))).toThrow(ShapeError);
  expect(() => kl(Normal(input("m", [128, 20]), 1).toEvent(1), Normal(0, 1))).toThrow(
    "kl: Independent(Normal, 1) has event shape [20] (batch [128]), Normal has event shape [] (batch []); " +
      "they must be equal. Use toEvent(n) on the one with fewer event dimensions, after expand if its batch is too small.",
  );
});

test("batches broadcast, and repeats count", async () => {
  const p = Normal(input("m", [4, 1]), 1);
  expect(kl(p, Normal(0, input("s", [3]))).shape).toEqual([4, 3]);
  expect(klMonteCarlo(p, Normal(0, input("s", [3])), "x", 7).shape).toEqual([4, 3]);
  // KL(N(1, 1) ‖ N(0, 1)) = ½, five times.
  const five = kl(Normal(1, 1).expand([5]).toEvent(1), Normal(0, 1).expand([5]).toEvent(1));
  expect((await five.value()).item()).toBeCloseTo(2.5, 6);
});

test("nested events are summed as far as they agree", async () => {
  const p = Bernoulli({ logits: input("l", [2, 3, 4]) });
  expect(kl(p.toEvent(2), p.toEvent(1).toEvent(1)).shape).toEqual([2]);
});

test("a scale and a log scale give one divergence, and the gradient of neither takes a logarithm back", async () => {
  const s = scalar(0.7, "float64");
  const q = Normal(scalar(1, "float64"), scalar(2, "float64"));
  const m = scalar(0.3, "float64");
  const byScale = kl(Normal(m, s.exp()), q);
  const byLog = kl(Normal(m, { logScale: s }), q);
  expect((await byScale.value()).item()).toBeCloseTo((await byLog.value()).item(), 12);
  const [a, b] = [grad(byScale, [s])[0], grad(byLog, [s])[0]];
  expect((await a.value()).item()).toBeCloseTo((await b.value()).item(), 12);
});

test("forms serve subclasses, and a form of their own comes first", async () => {
  class Wider extends NormalDistribution {}
  const w = new Wider({ loc: scalar(1), scale: scalar(1) });
  expect((await kl(w, Normal(0, 1)).value()).item()).toBeCloseTo(0.5, 6);
  registerKl(Wider, NormalDistribution, () => scalar(42));
  expect((await kl(w, Normal(0, 1)).value()).item()).toBe(42);
  expect(hasKl(w, Uniform(0, 1))).toBe(false);
  registerKl(UniformDistribution, Wider, () => scalar(7));
  expect((await kl(Uniform(0, 1), w).value()).item()).toBe(7);
});
