/**
 * What every distribution of the registry must satisfy. Statistical checks run on fixed seeds and allow 6 standard errors
 * of block means over 50 blocks: Student's t with 49 degrees of freedom exceeds that with probability 2.3e-7 (two-sided),
 * so that the roughly 300 comparisons here would raise a false alarm on fewer than 1 in 10,000 seeds.
 */
import { describe, expect, test } from "vitest";

import {
  type Distribution,
  type DistributionCase,
  distributionCases,
  exponentialFamilyLogProb,
  kl,
  klMonteCarlo,
  type UniformDistribution,
} from "../../src/distributions/index.ts";
import { exp, gather, grad, mean, square, sum, type Tensor, tensor, where } from "../../src/tensor/index.ts";
import { evaluate, largestError, prepare, rolled, symbolic, type Written } from "./cases.ts";

const BLOCKS = 50;
const DRAWS = 2000;

/** Means and standard errors over blocks of what a graph with noise returns. */
async function blocks(c: DistributionCase, build: (d: Distribution, p: Written) => Written) {
  const run = prepare(c, (d, _, p) => build(d, p), { seed: 7 });
  const rows: Record<string, number[]>[] = [];
  for (let i = 0; i < BLOCKS; i++) rows.push(await run());
  return Object.fromEntries(
    Object.keys(rows[0]).map((key) => [
      key,
      rows[0][key].map((_, j) => {
        const xs = rows.map((r) => r[key][j]);
        const m = xs.reduce((a, b) => a + b, 0) / BLOCKS;
        const v = xs.reduce((a, b) => a + (b - m) ** 2, 0) / (BLOCKS - 1);
        return { mean: m, error: Math.sqrt(v / BLOCKS) };
      }),
    ]),
  );
}

type Estimate = { readonly mean: number; readonly error: number };

/** Within 6 standard errors; rounding of the sums of draws is allowed for where there is no spread. */
function agrees(found: readonly Estimate[], expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  found.forEach(({ mean: m, error }, i) => {
    const allowed = 6 * error + 1e-12 * Math.max(1, Math.abs(expected[i]));
    const off = Math.abs(m - expected[i]);
    expect(off, `element ${i}: ${m} ± ${error} against ${expected[i]}`).toBeLessThanOrEqual(allowed);
  });
}

/** Simpson's weights on n + 1 points (n even) of [0, 1]. */
const simpson = (n: number): number[] =>
  Array.from({ length: n + 1 }, (_, i) => (i === 0 || i === n ? 1 : i % 2 === 1 ? 4 : 2) / (3 * n));

function ends(d: Distribution): [Tensor, Tensor] {
  if (d.support.name === "interval") return [(d as UniformDistribution).low, (d as UniformDistribution).high];
  if (d.support.name === "unitInterval") return [d.mean().mul(0), d.mean().mul(0).add(1)];
  const reach = d.variance().sqrt().mul(12);
  return [d.mean().sub(reach), d.mean().add(reach)];
}

describe.each(distributionCases.map((c) => [c.name, c] as const))("%s", (_, c) => {
  const d = symbolic(c);

  test.runIf(c.total !== "base")("the density totals one", async () => {
    const { total } = await evaluate(c, (p, points) => {
      if (c.total === "support") return { total: sum(exp(p.logProb(p.enumerate())), 0) };
      if (c.total === "points") return { total: sum(exp(p.logProb(points)), 0) };
      const n = 4000;
      const [low, high] = ends(p);
      const column = (xs: number[]) => tensor(xs, { dtype: "float64" }).reshape([n + 1, 1]);
      const at = column(Array.from({ length: n + 1 }, (_, i) => i / n));
      const density = exp(p.logProb(high.sub(low).mul(at).add(low)));
      return { total: sum(density.mul(column(simpson(n))), 0).mul(high.sub(low)) };
    });
    // Simpson's error for e^{−80 x}, the steepest case: (80 / 4000)⁴ / 180 ≈ 1e-9 relative.
    for (const t of total) expect(Math.abs(t - 1)).toBeLessThan(c.total === "quadrature" ? 2e-9 : 1e-12);
  });

  test("draws have the distribution's mean and variance and lie in its support", async () => {
    const found = await blocks(c, (p) => {
      const x = p.sample("x", [DRAWS]);
      const inside = mean(where(p.support.check(x), tensor(1, { dtype: "float64" }), 0), 0);
      if (!p.has("mean")) return { inside };
      return { inside, mean: mean(x, 0), variance: mean(square(x.sub(p.mean())), 0) };
    });
    for (const { mean: m } of found.inside) expect(m).toBeCloseTo(1, 12);
    if (!d.has("mean")) return;
    const exact = await evaluate(c, (p) => ({ mean: p.mean(), variance: p.variance() }));
    agrees(found.mean, exact.mean);
    agrees(found.variance, exact.variance);
  });

  test.runIf(d.cardinality)("draws have the probabilities of the density", async () => {
    const size = d.cardinality ?? 0;
    const frequency = (p: Distribution) => {
      const x = p.sample("x", [DRAWS]);
      const all = p.enumerate();
      const one = (k: number) => {
        const value = gather(all, tensor([k], { dtype: "int64" }), 0);
        // A vector is the k-th value when what it shares with it is still a member of the support.
        const same = x.equal(value);
        const eventual = p.eventShape.length === 0 ? same : p.support.check(where(same, x, 0));
        return mean(where(eventual, tensor(1, { dtype: "float64" }), 0), 0);
      };
      return Object.fromEntries(Array.from({ length: size }, (_, k) => [`v${k}`, one(k)]));
    };
    const found = await blocks(c, frequency);
    const exact = await evaluate(c, (p) => ({ probs: exp(p.logProb(p.enumerate())) }));
    const batch = exact.probs.length / size;
    for (let k = 0; k < size; k++) agrees(found[`v${k}`], exact.probs.slice(k * batch, (k + 1) * batch));
  });

  test.runIf(d.reparameterised)("pathwise gradient of E[x²] is that of mean² + variance", async () => {
    const wrt = (p: Written) => Object.entries(p);
    const found = await blocks(c, (q, p) => {
      const gradients = grad(
        sum(square(q.sample("x", [DRAWS]))).mul(1 / DRAWS),
        wrt(p).map(([, t]) => t),
      );
      return Object.fromEntries(wrt(p).map(([k], i) => [k, gradients[i]]));
    });
    const exact = await evaluate(c, (q, _, p) => {
      const gradients = grad(
        sum(square(q.mean()).add(q.variance())),
        wrt(p).map(([, t]) => t),
      );
      return Object.fromEntries(wrt(p).map(([k], i) => [k, gradients[i]]));
    });
    for (const k of Object.keys(c.parameters)) agrees(found[k], exact[k]);
  });

  test.runIf(!d.reparameterised)("draws carry no gradient", async () => {
    const { gradient } = await evaluate(c, (p, _, parameters) => ({
      gradient: grad(sum(p.sample("x", [4]).cast("float64")), [Object.values(parameters)[0]])[0],
    }));
    expect(gradient.every((g) => g === 0)).toBe(true);
  });

  test("entropy is −E[log p], with sampleAndLogProb", async () => {
    const found = await blocks(c, (p) => ({ h: mean(p.sampleAndLogProb("x", [DRAWS]).logProb, 0).neg() }));
    agrees(found.h, (await evaluate(c, (p) => ({ h: p.entropy() }))).h);
  });

  test("sampleAndLogProb gives the density of what it drew", async () => {
    const found = await evaluate(c, (p) => {
      const { value, logProb } = p.sampleAndLogProb("x", [100]);
      return { direct: p.logProb(value), logProb };
    });
    // Where loc is 10⁵ scales away, x itself has been rounded to 1e-16 · 10⁵ of its scale, and z² doubles that.
    expect(largestError(found.logProb, found.direct)).toBeLessThan(1e-9);
  });

  test("KL to itself is zero, closed-form KL agrees with Monte Carlo and is never negative", async () => {
    const other = rolled(c);
    const make = (p: Written, of: DistributionCase) =>
      of.make(
        Object.fromEntries(
          Object.entries(of.parameters).map(([k, v]) => [k, tensor(v, { dtype: p[k].dtype })]),
        ),
      );
    const exact = await evaluate(c, (p, _, parameters) => ({
      self: kl(p, p),
      other: kl(p, make(parameters, other)),
    }));
    for (const k of exact.self) expect(Math.abs(k)).toBeLessThan(1e-13);
    for (const k of exact.other) expect(k).toBeGreaterThan(0);
    const found = await blocks(c, (p, parameters) => ({
      kl: klMonteCarlo(p, make(parameters, other), "x", DRAWS),
    }));
    const finite = exact.other.map((_, i) => i).filter((i) => Number.isFinite(exact.other[i]));
    expect(finite.length).toBeGreaterThan(0);
    agrees(
      finite.map((i) => found.kl[i]),
      finite.map((i) => exact.other[i]),
    );
    for (const [i, k] of exact.other.entries()) {
      if (!Number.isFinite(k)) expect(found.kl[i].mean).toBe(k);
    }
  });

  test.runIf(d.exponentialFamily)(
    "the exponential-family form is the same density, and ∇A = E[T]",
    async () => {
      const found = await evaluate(c, (p, x) => {
        const family = p.exponentialFamily;
        if (family === undefined) throw new Error("no exponential family");
        const value = p.isDiscrete ? x.cast(p.dtype) : x;
        const eta = family.naturalParameters;
        const rows = grad(sum(family.logNormalizer(eta)), eta);
        return { careful: p.logProb(x), form: exponentialFamilyLogProb(family, value), gradient: rows[0] };
      });
      // Both parts of the form are of size loc²/scale² and cancel: the careful form exists for a reason.
      const size = await evaluate(c, (p) => ({
        a: p.exponentialFamily?.logNormalizer(p.exponentialFamily.naturalParameters) ?? tensor(0),
      }));
      const scale = Math.max(1, ...size.a.map(Math.abs));
      expect(largestError(found.form, found.careful)).toBeLessThan(1e-13 * scale);
      const expected = await evaluate(c, (p) => ({
        t: p.has("mean") ? p.mean() : exp(p.logProb(p.enumerate())).transpose(),
      }));
      expect(largestError(found.gradient, expected.t)).toBeLessThan(1e-12);
    },
  );

  test("natively in float32 as on the host: log density and its gradients", async () => {
    const build = (p: Distribution, x: Tensor, parameters: Written): Written => {
      const logProb = p.logProb(x);
      const names = Object.keys(parameters);
      const finite = sum(where(logProb.greater(Number.NEGATIVE_INFINITY), logProb, 0));
      const gradients = grad(finite, [...Object.values(parameters), x]);
      return { logProb, ...Object.fromEntries([...names, "value"].map((k, i) => [k, gradients[i]])) };
    };
    const host = await evaluate(c, build, { dtype: "float32" });
    const native = await evaluate(c, build, { dtype: "float32", executor: "native", threads: 1 });
    for (const k of Object.keys(host)) expect(largestError(native[k], host[k]), k).toBeLessThan(1e-5);
  });

  test("batch and event shapes, expansion and detachment", async () => {
    const { batchShape, eventShape } = d;
    const wide = d.expand([5, ...batchShape]);
    expect(wide.batchShape).toEqual([5, ...batchShape]);
    expect(wide.parameters).toBe(d.parameters);
    const x = wide.sample("x", [3, 2]);
    expect([x.shape, x.dtype]).toEqual([[3, 2, 5, ...batchShape, ...eventShape], d.dtype]);
    expect(wide.logProb(x).shape).toEqual([3, 2, 5, ...batchShape]);
    expect(wide.logProb(d.sample("y")).shape).toEqual([5, ...batchShape]);
    expect(wide.sampleAndLogProb("x", [3]).logProb.shape).toEqual([3, 5, ...batchShape]);
    expect(wide.entropy().shape).toEqual([5, ...batchShape]);
    if (d.has("mean")) expect(wide.mean().shape).toEqual([5, ...batchShape, ...eventShape]);
    expect(d.support.check(d.sample("x", [3])).shape).toEqual([3, ...batchShape]);
    const event = wide.toEvent(2);
    expect(event.batchShape).toEqual([]);
    expect(event.logProb(x).shape).toEqual([3, 2]);
    expect(wide.detach().batchShape).toEqual([5, ...batchShape]);
    const { gradient } = await evaluate(c, (p, points, q) => ({
      gradient: grad(sum(p.detach().logProb(points)), [Object.values(q)[0]])[0],
    }));
    expect(gradient.every((g) => g === 0)).toBe(true);
  });
});
