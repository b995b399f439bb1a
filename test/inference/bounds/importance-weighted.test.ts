import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import {
  Bernoulli,
  Beta,
  Delta,
  HalfCauchy,
  MultivariateNormal,
  Normal,
} from "../../../src/distributions/index.ts";
import { UsageError } from "../../../src/errors.ts";
import { autoFlow, autoNormal, elbo, importanceWeighted, renyi, svi } from "../../../src/inference/index.ts";
import { model, type Program } from "../../../src/program/index.ts";
import { grad, mul, parameter, type Tensor, tensor } from "../../../src/tensor/index.ts";
import { exact, generative, guideOf, MEAN, SCALE } from "./linear-gaussian.ts";

const F = "float64";
const host = { executor: "host", seed: 5 } as const;
const numbers = async (t: Tensor) => Array.from((await t.value(host)).data, Number);

/** Mean, variance and standard error of each element over `count` draws. */
async function moments(term: () => Tensor, count: number, options: object = {}) {
  const f = compile(term, { ...host, ...options });
  const draws: number[][] = [];
  for (let i = 0; i < count; i++) draws.push(Array.from((await f()).data, Number));
  return draws[0].map((_, j) => {
    const mean = draws.reduce((t, d) => t + d[j], 0) / count;
    const variance = draws.reduce((t, d) => t + (d[j] - mean) ** 2, 0) / (count - 1);
    return { mean, variance, error: Math.sqrt(variance / count) };
  });
}

describe("the formula", () => {
  const logWeights = tensor(
    [
      [0, -1000],
      [-2, -1002],
    ],
    { dtype: F },
  );

  test("the mean of the weights is inside the logarithm, that of the data outside", async () => {
    // Two data of very different weights: log ½(e⁰ + e⁻²) and log ½(e⁻¹⁰⁰⁰ + e⁻¹⁰⁰²), which underflow as plain numbers.
    const first = Math.log((1 + Math.exp(-2)) / 2);
    const found = await numbers(renyi(logWeights, 0));
    expect(found[0]).toBeCloseTo(first, 12);
    expect(found[1]).toBeCloseTo(first - 1000, 10);
  });

  test("order 1 is the mean of the logarithms, and the bound falls as the order grows", async () => {
    expect(await numbers(renyi(logWeights, 1))).toEqual([-1, -1001]);
    const at: number[] = [];
    for (const alpha of [-1, 0, 0.5, 0.999, 1, 2]) at.push((await numbers(renyi(logWeights, alpha)))[0]);
    expect(at).toEqual([...at].sort((a, b) => b - a));
    expect(at[3]).toBeCloseTo(at[4], 2);
    // ½: 2 log ½ (e⁰ + e⁻¹).
    expect(at[2]).toBeCloseTo(2 * Math.log((1 + Math.exp(-1)) / 2), 12);
  });

  test("its gradient weighs the draws by their normalised weights", async () => {
    const w = tensor([[0], [Math.log(3)]], { dtype: F });
    const slope = await numbers(grad(renyi(w, 0).sum(), [w])[0]);
    expect(slope[0]).toBeCloseTo(0.25, 12);
    expect(slope[1]).toBeCloseTo(0.75, 12);
  });
});

describe("the logarithm is taken where the program falls apart", () => {
  const of = (particles: number) => importanceWeighted(generative, guideOf(), [], { particles });

  test("per datum, where every site stands in the plate of rows", async () => {
    const { logWeights, perDatum, value } = of(4);
    expect([logWeights.shape, perDatum.shape, value.shape]).toEqual([[4, 2], [2], []]);
    const [w, each, all] = await compile(() => [logWeights, perDatum, value], host)();
    const column = (i: number) => [0, 1, 2, 3].map((k) => Math.exp(Number(w.data[2 * k + i])));
    const byHand = [0, 1].map((i) => Math.log(column(i).reduce((a, b) => a + b, 0) / 4));
    byHand.forEach((v, i) => {
      expect(Number(each.data[i])).toBeCloseTo(v, 10);
    });
    expect(all.item()).toBeCloseTo(byHand[0] + byHand[1], 10);
  });

  test("of one draw it is the Monte Carlo ELBO, draw by draw", async () => {
    const one = await numbers(of(1).perDatum);
    const sampled = await numbers(elbo(generative, guideOf(), []).perDatum.elbo);
    one.forEach((v, i) => {
      expect(v).toBeCloseTo(sampled[i], 12);
    });
  });

  test("once for all data, where a site stands outside", async () => {
    const program = model(({ sample, observe, plate }) => {
      const mu = sample("mu", Normal(tensor(0, { dtype: F }), 1));
      plate("row", 2, () => observe("x", Normal(mu, 1), [0.5, -1]));
    });
    const guide = model(({ sample }) => sample("mu", Normal(tensor(0.2, { dtype: F }), 0.5)));
    const { logWeights, value } = importanceWeighted(program, guide, [], { particles: 3 });
    expect(logWeights.shape).toEqual([3]);
    const mu = Normal(tensor(0.2, { dtype: F }), 0.5).sample("mu", [3]);
    const [w, all] = await compile(() => [logWeights, value], host)();
    // Drawn under one name: compiled apart.
    const draws = await mu.value(host);
    const normal = (v: number, m: number, s: number) =>
      -0.5 * ((v - m) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI);
    const byHand = Array.from(draws.data, Number).map(
      (m) => normal(m, 0, 1) - normal(m, 0.2, 0.5) + normal(0.5, m, 1) + normal(-1, m, 1),
    );
    byHand.forEach((v, k) => {
      expect(Number(w.data[k])).toBeCloseTo(v, 10);
    });
    expect(all.item()).toBeCloseTo(Math.log(byHand.reduce((t, v) => t + Math.exp(v), 0) / 3), 10);
  });
});

test("the bound grows with the draws and tends to log p(x)", async () => {
  const at = (k: number, calls: number) =>
    moments(() => importanceWeighted(generative, guideOf(), [], { particles: k }).perDatum, calls);
  const bounds = [await at(1, 4000), await at(5, 4000), await at(50, 2000), await at(5000, 100)];
  for (const datum of [0, 1]) {
    const { logEvidence, klPosterior } = exact(datum);
    for (let i = 1; i < bounds.length; i++) {
      const [less, more] = [bounds[i - 1][datum], bounds[i][datum]];
      // Four standard errors of the difference; false alarm 3·10⁻⁵ were the seed not fixed.
      expect(more.mean).toBeGreaterThan(less.mean - 4 * Math.hypot(less.error, more.error));
    }
    expect(Math.abs(bounds[0][datum].mean - (logEvidence - klPosterior))).toBeLessThan(
      4 * bounds[0][datum].error,
    );
    const last = bounds[3][datum];
    // The bias is the weights' relative variance over 2k; it is within the standard error of the mean of 100.
    expect(Math.abs(last.mean - logEvidence)).toBeLessThan(4 * last.error + 0.01);
  }
});

describe("it rises to the evidence under a trained guide", () => {
  const coin = model(({ sample, observe, plate }) => {
    const p = sample("p", Beta(10, 10));
    plate("flip", 10, () => observe("x", Bernoulli({ probs: p }), [1, 1, 1, 1, 1, 1, 0, 0, 0, 0]));
  });
  const schools = model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 5));
    const tau = sample("tau", HalfCauchy(5));
    plate("school", 8, () => {
      const theta = sample("theta", Normal(mu, tau));
      observe(
        "y",
        Normal(theta, tensor([15, 10, 16, 11, 9, 11, 10, 18])),
        tensor([28, 8, -3, 7, -1, 1, 18, 12]),
      );
    });
  });

  test.each<[string, Program<[]>, Program<[]>, number, number]>([
    ["Beta–Bernoulli", coin, autoNormal(coin), -7.06937, 0.002],
    // A normal guide misses the neck of the funnel, and at 1,000 draws is still 0.7 nats below; a flow is not.
    ["eight schools", schools, autoFlow(schools), -31.3115, 0.2],
  ])("%s", async (_, program, guide, evidence, left) => {
    const { parameters } = await svi(program, guide).run([], { steps: 2000, particles: 10, seed: 0 });
    const at = async (particles: number, calls: number) =>
      (
        await moments(() => importanceWeighted(program, guide, [], { particles }).value, calls, {
          parameters,
        })
      )[0];
    const bounds = [await at(1, 3000), await at(10, 1000), await at(100, 300), await at(1000, 100)];
    bounds.forEach(({ mean, error }, i) => {
      expect(mean).toBeLessThan(evidence + 4 * error + 1e-4);
      if (i > 0)
        expect(mean).toBeGreaterThan(bounds[i - 1].mean - 4 * Math.hypot(error, bounds[i - 1].error));
    });
    expect(bounds[3].mean).toBeGreaterThan(evidence - left);
  });
});

describe("gradients through the draws", () => {
  // Two rows, a hierarchy z1 → z2 → x, and a guide in the other order of magnitude: every estimator against the plain one.
  const leaf = (values: readonly number[]): Tensor =>
    parameter([values.length], { name: "values", values: () => [...values] }, { dtype: F });
  const hierarchy = () => {
    const [a, b, c] = [leaf([0.3, -0.4]), leaf([0.6, 0.2]), leaf([0.5])];
    const zero = tensor(0, { dtype: F });
    const program = model(({ sample, observe, plate }) => {
      plate("row", 2, () => {
        const z1 = sample("z1", Normal(zero, 1));
        const z2 = sample("z2", Normal(z1, 0.8));
        observe("x", Normal(mul(z2, 1.5), 0.7), tensor([1.2, -0.9], { dtype: F }));
      });
    });
    const guide = model(({ sample, plate }) => {
      plate("row", 2, () => {
        const z1 = sample("z1", Normal(a, { logScale: c.mul(-1) }));
        sample("z2", Normal(z1.mul(0.5).add(b), { logScale: c.mul(-1.5) }));
      });
    });
    return { program, guide, leaves: [a, b, c] };
  };
  const gradients = async (
    estimators: "pathwise" | "sticking-the-landing" | "doubly-reparameterised",
    particles: number,
    count = 6000,
  ) => {
    const { program, guide, leaves } = hierarchy();
    return moments(() => {
      const { surrogate } = importanceWeighted(program, guide, [], { estimators, particles });
      const [a, b, c] = grad(surrogate, leaves);
      return tensor([1, 0, 0, 0, 0], { dtype: F })
        .mul(a.slice({ axis: 0, start: 0, end: 1 }))
        .add(tensor([0, 1, 0, 0, 0], { dtype: F }).mul(a.slice({ axis: 0, start: 1 })))
        .add(tensor([0, 0, 1, 0, 0], { dtype: F }).mul(b.slice({ axis: 0, start: 0, end: 1 })))
        .add(tensor([0, 0, 0, 1, 0], { dtype: F }).mul(b.slice({ axis: 0, start: 1 })))
        .add(tensor([0, 0, 0, 0, 1], { dtype: F }).mul(c));
    }, count);
  };
  const apart = (p: readonly { mean: number; error: number }[], q: typeof p) =>
    p.map(({ mean, error }, i) => Math.abs(mean - q[i].mean) / Math.hypot(error, q[i].error));
  const total = (m: readonly { variance: number }[]) => m.reduce((t, { variance }) => t + variance, 0);

  test("doubly reparameterised: the plain gradient in expectation, through a hierarchy, with less variance", async () => {
    const plain = await gradients("pathwise", 8);
    const doubly = await gradients("doubly-reparameterised", 8);
    // Five standard errors for each of five: a false alarm in 300,000, were the seed not fixed.
    for (const z of apart(plain, doubly)) expect(z).toBeLessThan(5);
    expect(total(doubly)).toBeLessThan(total(plain) / 1.5);
  });

  test("sticking the landing is unbiased for one draw, and biased for many", async () => {
    for (const z of apart(await gradients("pathwise", 1), await gradients("sticking-the-landing", 1)))
      expect(z).toBeLessThan(5);
    const bias = apart(
      await gradients("pathwise", 8, 20_000),
      await gradients("sticking-the-landing", 8, 20_000),
    );
    expect(Math.max(...bias)).toBeGreaterThan(6);
  });

  test("a guide of one joint draw, its sites computed from it, doubly reparameterised too", async () => {
    const loc = leaf([0.2, -0.3]);
    const program = model(({ sample, observe }) => {
      const a = sample("a", Normal(tensor(0, { dtype: F }), 1));
      const b = sample("b", Normal(a, 1));
      observe("x", Normal(b, 0.5), tensor(0.8, { dtype: F }));
    });
    const guide = model(({ sample }) => {
      const L = tensor(
        [
          [0.9, 0],
          [0.4, 0.7],
        ],
        { dtype: F },
      );
      const u = sample("u", MultivariateNormal(loc, { scaleTril: L }), { auxiliary: true });
      const part = (i: number) => u.slice({ axis: -1, start: i, end: i + 1 }).squeeze(-1);
      sample("a", Delta(part(0)));
      sample("b", Delta(part(1)));
    });
    const of = (estimators: "pathwise" | "doubly-reparameterised") =>
      moments(
        () => grad(importanceWeighted(program, guide, [], { estimators, particles: 6 }).surrogate, [loc])[0],
        6000,
      );
    const [plain, doubly] = [await of("pathwise"), await of("doubly-reparameterised")];
    for (const z of apart(plain, doubly)) expect(z).toBeLessThan(5);
    expect(total(doubly)).toBeLessThan(total(plain));
  });

  test("sticking the landing has no noise at all where the guide is the posterior", async () => {
    // z ~ N(0, 1), x | z ~ N(2z, 1): p(z|x) = N(2x/5, 1/5).
    const [loc, logScale] = [leaf([0.6]), leaf([0.5 * Math.log(0.2)])];
    const program = model(({ sample, observe, plate }) => {
      plate("row", 1, () => {
        const z = sample("z", Normal(tensor(0, { dtype: F }), 1));
        observe("x", Normal(z.mul(2), 1), tensor([1.5], { dtype: F }));
      });
    });
    const guide = model(({ sample, plate }) => {
      plate("row", 1, () => sample("z", Normal(loc, { logScale })));
    });
    const of = (estimators: "pathwise" | "sticking-the-landing") =>
      moments(() => {
        const [l, s] = grad(elbo(program, guide, [], { estimators }).surrogate, [loc, logScale]);
        return l.add(s);
      }, 200);
    expect((await of("sticking-the-landing"))[0].variance).toBeLessThan(1e-20);
    expect((await of("pathwise"))[0].variance).toBeGreaterThan(0.1);
  });
});

describe("score functions under one logarithm", () => {
  // Two bits, z1 → z2, and the exact gradient of the two-draw bound by summing over all sixteen outcomes.
  const theta = [0.3, -0.6, 0.8];
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const logJoint = (a: number, b: number) =>
    Math.log(a ? 0.7 : 0.3) + Math.log(b === a ? 0.8 : 0.2) - 0.5 * (1.1 - a - 0.5 * b) ** 2;
  const logQ = ([t0, t1, t2]: readonly number[], a: number, b: number) => {
    const [p, q] = [sigmoid(t0), sigmoid(t1 + t2 * a)];
    return Math.log(a ? p : 1 - p) + Math.log(b ? q : 1 - q);
  };
  const bound = (t: readonly number[]) => {
    const states = [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ];
    let value = 0;
    for (const s of states)
      for (const r of states) {
        const q = [logQ(t, s[0], s[1]), logQ(t, r[0], r[1])];
        const w = [logJoint(s[0], s[1]) - q[0], logJoint(r[0], r[1]) - q[1]];
        value += Math.exp(q[0] + q[1]) * Math.log((Math.exp(w[0]) + Math.exp(w[1])) / 2);
      }
    return value;
  };
  const slope = theta.map((_, i) => {
    const at = (h: number) => bound(theta.map((v, j) => (j === i ? v + h : v)));
    return (at(1e-5) - at(-1e-5)) / 2e-5;
  });
  const program = model(({ sample, factor }) => {
    const a = sample("a", Bernoulli({ probs: tensor(0.7, { dtype: F }) }));
    const b = sample("b", Bernoulli({ probs: a.mul(0.6).add(0.2) }));
    factor("x", a.add(b.mul(0.5)).sub(1.1).square().mul(-0.5));
  });
  const leaf = parameter([3], { name: "theta", values: () => theta }, { dtype: F });
  const guide = model(({ sample }) => {
    const at = (i: number) => leaf.slice({ axis: 0, start: i, end: i + 1 }).reshape([]);
    const a = sample("a", Bernoulli({ logits: at(0) }));
    sample("b", Bernoulli({ logits: a.mul(at(2)).add(at(1)) }));
  });

  test.each(["none", "decaying-average", "leave-one-out"] as const)(
    "baseline %s is unbiased",
    async (baseline) => {
      const found = await moments(
        () => grad(importanceWeighted(program, guide, [], { baseline, particles: 2 }).surrogate, [leaf])[0],
        20_000,
      );
      found.forEach(({ mean, error }, i) => {
        // Five standard errors for each of three: a false alarm in 600,000.
        expect(Math.abs(mean - slope[i])).toBeLessThan(5 * error);
      });
    },
  );

  test("VIMCO, the leave-one-out baseline, has less variance than none; it is the default", async () => {
    const of = async (options: object) =>
      (
        await moments(
          () =>
            grad(importanceWeighted(program, guide, [], { particles: 5, ...options }).surrogate, [leaf])[0],
          4000,
        )
      ).reduce((t, m) => t + m.variance, 0);
    const vimco = await of({ baseline: "leave-one-out" });
    expect(vimco).toBeLessThan((await of({ baseline: "none" })) / 3);
    expect(await of({})).toBe(vimco);
  });
});

describe("what is refused", () => {
  const bit = model(({ sample }) => sample("k", Bernoulli({ probs: 0.5 })));
  const line = guideOf(Normal(tensor(MEAN, { dtype: F }), tensor(SCALE, { dtype: F })).toEvent(1));

  test("particles that are no number of draws", () => {
    for (const particles of [0, -1, 2.5]) {
      expect(() => importanceWeighted(generative, line, [], { particles })).toThrow(
        new UsageError(
          `importanceWeighted: particles must be a whole number of at least 1, found ${particles}.`,
        ),
      );
    }
  });

  test("estimators that cannot stand under one logarithm", () => {
    expect(() => importanceWeighted(bit, bit, [], { estimators: "enumeration" })).toThrow(
      /site 'k': "enumeration" has no gradient under the importance-weighted bound, because .* Use "score" or "gumbel-softmax"\.$/,
    );
    expect(() => importanceWeighted(bit, bit, [], { estimators: "rebar" })).toThrow(
      /site 'k': "rebar" has no gradient under the importance-weighted bound, because .*VIMCO\)\. Use "score" or "gumbel-softmax"\.$/,
    );
    expect(() =>
      importanceWeighted(generative, line, [], { estimators: "doubly-reparameterised", alpha: 0.5 }),
    ).toThrow(
      /site 'z': "doubly-reparameterised" has no gradient under the Rényi bound of order 0.5, because .*Use "pathwise", "sticking-the-landing" or "score"/,
    );
    expect(() => importanceWeighted(bit, bit, [], { baseline: "leave-one-out" })).toThrow(
      new UsageError("site 'k': a leave-one-out baseline needs at least 2 particles."),
    );
  });
});
