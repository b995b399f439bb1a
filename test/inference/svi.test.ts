import { describe, expect, test } from "vitest";
import { build, compile } from "../../src/compile/index.ts";
import { Bernoulli, Categorical, Normal } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { elbo } from "../../src/inference/bounds/elbo.ts";
import { svi } from "../../src/inference/svi.ts";
import { initializers } from "../../src/nn/index.ts";
import { adam } from "../../src/optim/index.ts";
import { model } from "../../src/program/index.ts";
import { grad, input } from "../../src/tensor/index.ts";

const zeros = initializers.zeros;

describe("a conjugate model whose answer is known", () => {
  // mu ~ N(0, 1), x_i ~ N(mu, 1): posterior N(Σx / (n + 1), 1 / (n + 1)); evidence of x ~ N(0, I + 11ᵀ).
  const x = [1.2, 0.3, 2.1, -0.4, 1.5];
  const program = model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 1));
    plate("data", x.length, () => observe("x", Normal(mu, 1), x));
  });
  const guide = model(({ sample, param }) => {
    sample("mu", Normal(param("loc", [], zeros), { logScale: param("logScale", [], zeros) }));
  });
  const total = x.reduce((a, b) => a + b, 0);
  const mean = total / 6;
  const squares = x.reduce((a, b) => a + b * b, 0);
  const evidence = -0.5 * (squares - total ** 2 / 6) - 0.5 * Math.log(6) - 2.5 * Math.log(2 * Math.PI);

  test("the normal guide finds the posterior, and its bound the evidence", async () => {
    const { values, elbo } = await svi(program, guide).run([], {
      steps: 4000,
      seed: 0,
      optimizer: adam({ learningRate: 0.01 }),
    });
    // Adam at 0.01 leaves a jitter of about 0.01 around the optimum; the posterior scale is 0.408.
    expect(values.get("loc")?.[0]).toBeCloseTo(mean, 1);
    expect(Math.exp(values.get("logScale")?.[0] ?? 0)).toBeCloseTo(1 / Math.sqrt(6), 1);
    // At the exact posterior every draw gives the evidence: log p(x, mu) − log q(mu) is constant.
    const late = elbo.subarray(3000);
    const average = late.reduce((a, b) => a + b, 0) / late.length;
    expect(average).toBeLessThan(evidence + 0.02);
    expect(average).toBeGreaterThan(evidence - 0.05);
  });
});

describe("estimators", () => {
  /** min over theta of E_{b ~ Bernoulli(theta)} (b − t)²: as a bound, cost −(b − t)² with the entropy left out. */
  const toy = (t: number) => ({
    program: model(({ sample, observe }) => {
      const b = sample("b", Bernoulli({ probs: 0.5 }));
      // A Normal of scale √½ has log density −(b − t)² + constant.
      observe("t", Normal(b, Math.SQRT1_2), t);
    }),
    guide: model(({ sample, param }) => {
      sample("b", Bernoulli({ logits: param("logit", [], zeros) }));
    }),
  });

  test("enumeration of the only site is exact: no noise, and the gradient of the summed bound", async () => {
    const { program, guide } = toy(0.45);
    const { surrogate, value: bound, choices } = elbo(program, guide, []);
    expect(choices.map((c) => [c.site, c.estimator])).toEqual([["b", "enumeration"]]);
    const [{ tensor: logit }] = guide.parameters();
    const f = compile(() => [bound, ...grad(surrogate, [logit])], { executor: "host" });
    const [value, gradient] = await f();
    // theta = ½: E log p(b) = −ln 2, entropy ln 2, E[−(b − t)²] = −½ (0.45² + 0.55²), normaliser −½ ln π.
    expect(value.item()).toBeCloseTo(-0.5 * (0.45 ** 2 + 0.55 ** 2) - 0.5 * Math.log(Math.PI), 6);
    // d/dlogit of −E(b − t)² at ½ is −θ(1−θ)(1 − 2t) = −0.025; the prior and the entropy cancel there.
    expect(gradient.item()).toBeCloseTo(-0.025, 6);
  });

  test.each(["none", "decaying-average"] as const)(
    "the score function with baseline %s is unbiased",
    async (baseline) => {
      const { program, guide } = toy(0.45);
      const { surrogate } = elbo(program, guide, [], { estimators: { b: "score" }, baseline });
      const [{ tensor: logit }] = guide.parameters();
      const f = compile(() => grad(surrogate, [logit]), { executor: "host", seed: 1 });
      const n = 20_000;
      let total = 0;
      let squares = 0;
      for (let i = 0; i < n; i++) {
        const g = (await f())[0].item();
        total += g;
        squares += g * g;
      }
      const average = total / n;
      const error = Math.sqrt((squares / n - average ** 2) / n);
      // Five standard errors: a false alarm in 1.7 million.
      expect(Math.abs(average + 0.025)).toBeLessThan(5 * error);
    },
  );

  test("leave-one-out over particles is unbiased and has less variance than no baseline", async () => {
    const { program, guide } = toy(0.45);
    const moments = async (baseline: "none" | "leave-one-out") => {
      const { surrogate } = elbo(program, guide, [], {
        estimators: { b: "score" },
        baseline,
        particles: 4,
      });
      const [{ tensor: logit }] = guide.parameters();
      const f = compile(() => grad(surrogate, [logit]), { executor: "host", seed: 2 });
      const n = 8000;
      let total = 0;
      let squares = 0;
      for (let i = 0; i < n; i++) {
        const g = (await f())[0].item();
        total += g;
        squares += g * g;
      }
      return { mean: total / n, variance: squares / n - (total / n) ** 2, n };
    };
    const plain = await moments("none");
    const loo = await moments("leave-one-out");
    for (const m of [plain, loo])
      expect(Math.abs(m.mean + 0.025)).toBeLessThan(5 * Math.sqrt(m.variance / m.n));
    expect(loo.variance).toBeLessThan(plain.variance / 5);
  });

  test("a model's finite site that the guide leaves out is summed exactly, per row of its plate", async () => {
    const y = [-1.5, 0.2, 2.2];
    const mixture = model(({ observe, sample, plate, param }) => {
      const locs = param("locs", [2], { name: "locs", values: () => [-1, 2] });
      plate("row", 3, () => {
        const k = sample("k", Categorical({ probs: [0.3, 0.7] }));
        const isSecond = k.equal(1).cast("float32");
        const loc = locs
          .slice({ axis: 0, start: 0, end: 1 })
          .mul(isSecond.neg().add(1))
          .add(locs.slice({ axis: 0, start: 1 }).mul(isSecond));
        observe("y", Normal(loc, 1), y);
      });
    });
    const empty = model(() => undefined);
    const { value: bound, surrogate } = elbo(mixture, empty, []);
    const [{ tensor: locs }] = mixture.parameters();
    const [value, gradient] = await compile(() => [bound, ...grad(surrogate, [locs])], {
      executor: "host",
    })();
    const density = (v: number, m: number) => Math.exp(-0.5 * (v - m) ** 2) / Math.sqrt(2 * Math.PI);
    const expected = y.reduce((s, v) => s + Math.log(0.3 * density(v, -1) + 0.7 * density(v, 2)), 0);
    expect(value.item()).toBeCloseTo(expected, 5);
    const responsibility = (v: number) =>
      (0.3 * density(v, -1)) / (0.3 * density(v, -1) + 0.7 * density(v, 2));
    const byHand = y.reduce((s, v) => s + responsibility(v) * (v + 1), 0);
    expect(Number(gradient.data[0])).toBeCloseTo(byHand, 5);
  });

  test("Rao-Blackwellisation: the cost of a site holds only what depends on it", async () => {
    // Two independent coins with far apart costs: the gradient of the first must not see the second's.
    const program = model(({ sample, observe }) => {
      const a = sample("a", Bernoulli({ probs: 0.5 }));
      const b = sample("b", Bernoulli({ probs: 0.5 }));
      observe("x", Normal(a, 1), 0);
      observe("y", Normal(b.mul(100), 1), 0);
    });
    const guide = model(({ sample, param }) => {
      sample("a", Bernoulli({ logits: param("la", [], zeros) }));
      sample("b", Bernoulli({ logits: param("lb", [], zeros) }));
    });
    const { surrogate } = elbo(program, guide, [], {
      estimators: { a: "score", b: "score" },
      baseline: "none",
    });
    const [{ tensor: la }] = guide.parameters();
    const f = compile(() => grad(surrogate, [la]), { executor: "host" });
    let largest = 0;
    for (let i = 0; i < 200; i++) largest = Math.max(largest, Math.abs((await f())[0].item()));
    // Its own cost is at most a few nats; the other coin's is 5000.
    expect(largest).toBeLessThan(5);
  });
});

describe("explain and errors", () => {
  test("explain says which estimator each site got and why", () => {
    const program = model(({ sample }) => {
      const p = sample("p", Normal(0, 1));
      sample("k", Bernoulli({ logits: p }));
    });
    const guide = model(({ sample, param }) => {
      sample("p", Normal(param("loc", [], zeros), 1));
      sample("k", Bernoulli({ logits: param("logit", [], zeros) }));
    });
    expect(svi(program, guide).explain([], { estimators: { k: "score" } })).toBe(
      [
        "site  distribution  estimator  reason                   control variate",
        "p     Normal        pathwise   Normal is reparameterised  none",
        "k     Bernoulli     score      asked for                decaying-average",
      ]
        .join("\n")
        .replace("reason                   control", "reason                     control")
        .replace("asked for                decaying", "asked for                  decaying"),
    );
  });

  test("sites that do not match, estimators that cannot work, plates that differ", () => {
    const program = model(({ sample }) => {
      sample("a", Normal(0, 1));
      sample("b", Normal(0, 1));
    });
    const half = model(({ sample }) => {
      sample("a", Normal(0, 1));
      sample("c", Normal(0, 1));
    });
    expect(() => elbo(program, half, [])).toThrow(
      new UsageError(
        "model and guide do not match: the guide has no site for 'b', and the model no latent site for 'c'. " +
          "Latent in the model: 'a', 'b'; in the guide: 'a', 'c'.",
      ),
    );
    const coin = model(({ sample }) => sample("k", Bernoulli({ probs: 0.5 })));
    expect(() => elbo(coin, coin, [], { estimators: { k: "pathwise" } })).toThrow(
      new UsageError(
        "site 'k': Bernoulli is not reparameterised, so there is no pathwise gradient. " +
          'Use "enumeration", "score", "rebar", "relax" or "gumbel-softmax".',
      ),
    );
    for (const bound of ["elbo", "importance-weighted"] as const) {
      expect(() => svi(coin, coin).explain([], { bound, estimators: { K: "score" } })).toThrow(
        new UsageError("estimators: the guide has no latent site 'K'; it has 'k'."),
      );
    }
    const rows = (n: number) =>
      model(({ sample, plate }) => plate("p", 10, () => sample("z", Normal(0, 1)), { rows: n }));
    expect(() => elbo(rows(5), rows(2), [])).toThrow(
      new UsageError(
        "plate 'p': the model has 5 of 10 rows, the guide 2 of 10; both need the same minibatch.",
      ),
    );
  });
});

test("minibatches: the scaled bound over random rows is the full bound in expectation", async () => {
  const data = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i));
  const bound = (rows: number) => {
    const x = input("x", [rows]);
    const program = model(({ observe, plate, sample }) => {
      const mu = sample("mu", Normal(0, 1));
      plate("data", 40, () => observe("x", Normal(mu, 1), x), { rows });
    });
    const guide = model(({ sample }) => {
      sample("mu", Normal(0.3, 1e-6));
    });
    return { x, elbo: elbo(program, guide, []).value };
  };
  const full = bound(40);
  const part = bound(10);
  const run = async ({ x, elbo: value }: ReturnType<typeof bound>, values: Float32Array): Promise<number> => {
    const program = await build([value], { executor: "host" });
    const out = new Float64Array(1);
    await program.bind(
      program.leaves.map((l) => (l === x ? values : new Float32Array(l.size))),
      [out],
    )();
    return out[0];
  };
  const whole = await run(full, data);
  let average = 0;
  for (let start = 0; start < 40; start += 10)
    average += (await run(part, data.subarray(start, start + 10))) / 4;
  expect(average).toBeCloseTo(whole, 3);
});
