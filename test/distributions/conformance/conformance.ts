/**
 * What every distribution of the registry must satisfy; one test file for each part of the registry calls it. Estimates of a case are all made
 * from the same draws, by one graph. Statistical checks run on fixed seeds and allow 6 standard errors
 * of block means over 50 blocks: Student's t with 49 degrees of freedom exceeds that with probability 2.3e-7 (two-sided),
 * so that the roughly 1500 comparisons here would raise a false alarm on fewer than 1 in 2000 seeds.
 */
import { describe, expect, test } from "vitest";
import {
  ClosedFormError,
  type Distribution,
  expectedStatistics,
  exponentialFamilyLogProb,
  kl,
  type UniformDistribution,
} from "../../../src/distributions/index.ts";
import {
  cos,
  exp,
  grad,
  log1p,
  mean,
  square,
  sum,
  type Tensor,
  tanh,
  tensor,
  where,
} from "../../../src/tensor/index.ts";
import { testIf } from "../applicable.ts";
import { evaluate, largestError, prepare, rolled, symbolic, type Written } from "../cases.ts";
import type { DistributionCase } from "../registry/index.ts";

const BLOCKS = 50;
const DRAWS = 500;

type Estimates = Readonly<Record<string, readonly Estimate[]>>;

/** Means and standard errors over blocks of what a graph with noise returns. */
async function blocks(
  c: DistributionCase,
  build: (d: Distribution, p: Written) => Written,
): Promise<Estimates> {
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

/** A change of variable for Simpson's rule over `n` steps of t, with its Jacobian dx/dt. */
interface Mapping {
  readonly range: readonly [number, number];
  readonly steps: number;
  readonly x: (t: number) => number;
  readonly jacobian: (t: number) => number;
}

// The ranges end where every case's density times dx/dt is below 1e-12 of its whole.
const mappings: Readonly<Record<string, Mapping>> = {
  line: { range: [-45, 45], steps: 18_000, x: Math.sinh, jacobian: Math.cosh },
  halfLine: { range: [-330, 60], steps: 40_000, x: Math.exp, jacobian: Math.exp },
  unit: {
    range: [-160, 36],
    steps: 20_000,
    x: (t) => 1 / (1 + Math.exp(-t)),
    jacobian: (t) => 1 / (1 + Math.exp(-t)) / (1 + Math.exp(t)),
  },
};

const turn: Mapping = { range: [-Math.PI, Math.PI], steps: 2000, x: (t) => t, jacobian: () => 1 };

/** ∫ f(x) p(x) dx over a mapping's points. */
function integrate(
  d: Distribution,
  { range, steps, x, jacobian }: Mapping,
  f: (x: Tensor) => Tensor,
): Tensor {
  const [low, high] = range;
  const at = Array.from({ length: steps + 1 }, (_, i) => low + ((high - low) * i) / steps);
  const weights = simpson(steps).map((w, i) => w * (high - low) * jacobian(at[i]));
  const column = (xs: number[]) => tensor(xs, { dtype: "float64" }).reshape([steps + 1, 1]);
  const points = column(at.map(x));
  // A density may be infinite where its integral's weight has underflowed.
  const density = exp(d.logProb(points).add(column(weights.map((w) => Math.log(Math.max(w, 1e-300))))));
  return sum(density.mul(f(points)), 0);
}

/** A bounded function that tells a shift, a widening and a skew. */
const bounded = (x: Tensor): Tensor => cos(log1p(square(x))).add(tanh(x));

function ends(d: Distribution): [Tensor, Tensor] {
  if (d.support.name === "interval") return [(d as UniformDistribution).low, (d as UniformDistribution).high];
  if (d.support.name === "unitInterval") return [d.mean().mul(0), d.mean().mul(0).add(1)];
  const reach = d.variance().sqrt().mul(12);
  return [d.mean().sub(reach), d.mean().add(reach)];
}

const rowsOf = (tensors: readonly Tensor[]): Written =>
  Object.fromEntries(tensors.map((t, i) => [`t${i}`, t]));

function hasClosedKl(d: Distribution): boolean {
  try {
    return kl(d, d) !== undefined;
  } catch (error) {
    if (error instanceof ClosedFormError) return false;
    throw error;
  }
}

/** Whether the first sufficient statistic is the value itself, or its category. */
function statesMean(d: Distribution): boolean {
  const x = d.sample("x");
  return d.cardinality !== undefined || d.exponentialFamily?.sufficientStatistics(x)[0] === x;
}

/** 0, 1, …, n as a column. */
const counts = (n: number): Tensor =>
  tensor(
    Array.from({ length: n + 1 }, (_, i) => [i]),
    { dtype: "float64" },
  );

/** The other distribution of KL tests, in the graph of the first. */
const otherOf = (c: DistributionCase, p: Written): Distribution => {
  const other = rolled(c);
  return other.make(
    Object.fromEntries(
      Object.entries(other.parameters).map(([k, v]) => [k, tensor(v, { dtype: p[k].dtype })]),
    ),
  );
};

/** Where only some parameters are reparameterised, their gradients have tests of their own. */
const isPathwise = (c: DistributionCase, d: Distribution): boolean =>
  d.reparameterised && (c.heavyTailed === true || d.has("mean")) && c.biasedGradient !== true;

/** Everything that is estimated from draws. */
const estimate = (c: DistributionCase, d: Distribution): Promise<Estimates> =>
  blocks(c, (p, parameters) => {
    const { value: x, logProb } = p.sampleAndLogProb("x", [DRAWS]);
    const all: Record<string, Tensor> = {
      inside: mean(where(p.support.check(x), tensor(1, { dtype: "float64" }), 0), 0),
    };
    if (c.heavyTailed) all.mean = mean(bounded(x), 0);
    else if (p.has("mean")) {
      all.mean = mean(x, 0);
      all.variance = mean(square(x.sub(p.mean())), 0);
    }
    if (p.has("entropy")) all.entropy = mean(logProb, 0).neg();
    if (hasClosedKl(d)) all.kl = mean(logProb.sub(otherOf(c, parameters).logProb(x)), 0);
    (p.exponentialFamily?.sufficientStatistics(x) ?? []).forEach((t, i) => {
      all[`t${i}`] = mean(t, 0);
    });
    if (isPathwise(c, d)) {
      const total = sum((c.heavyTailed ? bounded : square)(x)).mul(1 / DRAWS);
      const names = Object.keys(parameters);
      grad(total, Object.values(parameters)).forEach((g, i) => {
        all[`gradient ${names[i]}`] = g;
      });
    }
    return all;
  });

/** Registers the tests of these cases. */
export function conformance(cases: readonly DistributionCase[]): void {
  describe.each(cases.map((c) => [c.name, c] as const))("%s", (_, c) => {
    conform(c);
  });
}

function conform(c: DistributionCase): void {
  const d = symbolic(c);
  let made: Promise<Estimates> | undefined;
  const estimates = (): Promise<Estimates> => {
    made ??= estimate(c, d);
    return made;
  };

  testIf(c.total !== "base" && c.total !== "reference")("the density totals one", async () => {
    const { total } = await evaluate(c, (p, points) => {
      const mapping = c.total === "turn" ? turn : mappings[c.total];
      if (mapping !== undefined) return { total: integrate(p, mapping, (x) => x.mul(0).add(1)) };
      if (c.total === "counts") return { total: sum(exp(p.logProb(counts(2000))), 0) };
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
    const exact = c.total === "support" || c.total === "points";
    for (const t of total) expect(Math.abs(t - 1)).toBeLessThan(exact ? 1e-12 : 2e-9);
  });

  test("draws have the distribution's mean and variance and lie in its support", async () => {
    const found = await estimates();
    for (const { mean: m } of found.inside) expect(m).toBeCloseTo(1, 12);
    if (c.heavyTailed) {
      agrees(found.mean, (await evaluate(c, (p) => ({ e: integrate(p, mappings[c.total], bounded) }))).e);
      return;
    }
    if (!d.has("mean")) return;
    const exact = await evaluate(c, (p) => ({ mean: p.mean(), variance: p.variance() }));
    agrees(found.mean, exact.mean);
    agrees(found.variance, exact.variance);
  });

  testIf(d.cardinality)("draws have the probabilities of the density", async () => {
    const size = d.cardinality ?? 0;
    const run = prepare(c, (p) => ({ x: p.sample("x", [DRAWS]), all: p.enumerate() }), { seed: 7 });
    // Counts by value and element of the batch.
    const counted = new Map<string, number>();
    const width = d.eventShape.reduce((a, b) => a * b, 1);
    const elements = d.batchShape.reduce((a, b) => a * b, 1);
    const key = (xs: readonly number[], at: number) => xs.slice(at * width, (at + 1) * width).join();
    let values: string[] = [];
    for (let block = 0; block < BLOCKS; block++) {
      const { x, all } = await run();
      values = Array.from({ length: size }, (_, k) => key(all, k));
      for (let i = 0; i < DRAWS * elements; i++) {
        const name = `${key(x, i)} ${i % elements}`;
        counted.set(name, (counted.get(name) ?? 0) + 1);
      }
    }
    const exact = await evaluate(c, (p) => ({ probs: exp(p.logProb(p.enumerate())) }));
    const batch = exact.probs.length / size;
    const n = BLOCKS * DRAWS;
    for (let k = 0; k < size; k++) {
      for (let b = 0; b < batch; b++) {
        const p = exact.probs[k * batch + b];
        // Bernstein's inequality for a count with mean n p, rare values included: exceeded with probability below 2e-7.
        const level = Math.log(1e7);
        const allowed = level / 3 + Math.sqrt((level / 3) ** 2 + 2 * level * n * p * (1 - p));
        const off = Math.abs((counted.get(`${values[k]} ${b}`) ?? 0) - n * p);
        expect(off, `value ${k} of element ${b}, probability ${p}`).toBeLessThanOrEqual(allowed);
      }
    }
  });

  testIf(isPathwise(c, d))("pathwise gradient of E[x²] is that of mean² + variance", async () => {
    const wrt = (p: Written) => Object.entries(p);
    const found = await estimates();
    const exact = await evaluate(c, (q, _, p) => {
      const gradients = grad(
        c.heavyTailed
          ? sum(integrate(q, mappings[c.total], bounded))
          : sum(square(q.mean()).add(q.variance())),
        wrt(p).map(([, t]) => t),
      );
      return Object.fromEntries(wrt(p).map(([k], i) => [k, gradients[i]]));
    });
    for (const k of Object.keys(c.parameters)) agrees(found[`gradient ${k}`], exact[k]);
  });

  const constants = Object.keys(c.parameters).filter((k) => !d.reparameterisedIn.includes(k));
  testIf(!d.reparameterised)("draws carry no gradient where they are not reparameterised", async () => {
    const { gradient } = await evaluate(c, (p, _, parameters) => ({
      gradient: grad(sum(p.sample("x", [4]).cast("float64")), [parameters[constants[0]]])[0],
    }));
    expect(gradient.every((g) => g === 0)).toBe(true);
  });

  testIf(d.has("entropy"))("entropy is −E[log p], with sampleAndLogProb", async () => {
    const { entropy } = await estimates();
    agrees(entropy, (await evaluate(c, (p) => ({ h: p.entropy() }))).h);
  });

  test("sampleAndLogProb draws what sample does, and gives its density", async () => {
    const found = await evaluate(c, (p) => {
      const { value, logProb } = p.sampleAndLogProb("x", [100]);
      return { direct: p.logProb(value), logProb, value };
    });
    const { sampled } = await evaluate(c, (p) => ({ sampled: p.sample("x", [100]) }));
    expect(largestError(found.value, sampled)).toBeLessThan(1e-12);
    // Where loc is 10⁵ scales away, x itself has been rounded to 1e-16 · 10⁵ of its scale, and z² doubles that.
    expect(largestError(found.logProb, found.direct)).toBeLessThan(1e-9);
  });

  testIf(hasClosedKl(d))(
    "KL to itself is zero, closed-form KL agrees with Monte Carlo and is never negative",
    async () => {
      const exact = await evaluate(c, (p, _, parameters) => ({
        self: kl(p, p),
        other: kl(p, otherOf(c, parameters)),
      }));
      for (const k of exact.self) expect(Math.abs(k)).toBeLessThan(1e-13);
      for (const k of exact.other) expect(k).toBeGreaterThan(0);
      const found = await estimates();
      const finite = exact.other.map((_, i) => i).filter((i) => Number.isFinite(exact.other[i]));
      expect(finite.length).toBeGreaterThan(0);
      agrees(
        finite.map((i) => found.kl[i]),
        finite.map((i) => exact.other[i]),
      );
      for (const [i, k] of exact.other.entries()) {
        if (!Number.isFinite(k)) expect(found.kl[i].mean).toBe(k);
      }
    },
  );

  testIf(d.exponentialFamily)("the exponential-family form is the same density, and ∇A = E[T]", async () => {
    const found = await evaluate(c, (p, x) => {
      const family = p.exponentialFamily;
      if (family === undefined) throw new Error("no exponential family");
      const value = p.isDiscrete ? x.cast(p.dtype) : x;
      const eta = family.naturalParameters;
      return {
        careful: p.logProb(x),
        form: exponentialFamilyLogProb(family, value),
        again: family.distributionAt(eta).logProb(value),
        ...rowsOf(expectedStatistics(family, eta)),
      };
    });
    // Both parts of the form are of size loc²/scale² and cancel: the careful form exists for a reason.
    const size = await evaluate(c, (p) => ({
      a: p.exponentialFamily?.logNormalizer(p.exponentialFamily.naturalParameters) ?? tensor(0),
    }));
    const scale = Math.max(1, ...size.a.map(Math.abs));
    expect(largestError(found.form, found.careful)).toBeLessThan(1e-13 * scale);
    expect(largestError(found.again, found.careful)).toBeLessThan(1e-12 * scale);
    const drawn = await estimates();
    for (const k of Object.keys(found).filter((name) => /^t\d+$/.test(name))) agrees(drawn[k], found[k]);
    if (!statesMean(d)) return;
    const expected = await evaluate(c, (p) => ({
      t: p.has("mean") ? p.mean() : exp(p.logProb(p.enumerate())).transpose(),
    }));
    expect(largestError(found.t0, expected.t)).toBeLessThan(1e-12);
  });

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
    if (d.has("entropy")) expect(wide.entropy().shape).toEqual([5, ...batchShape]);
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
}
