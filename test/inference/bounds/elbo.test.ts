import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { Categorical, Normal, Uniform } from "../../../src/distributions/index.ts";
import { UsageError } from "../../../src/errors.ts";
import { type ElboOptions, elbo } from "../../../src/inference/index.ts";
import { model } from "../../../src/program/index.ts";
import { grad, mul, type Tensor, tensor } from "../../../src/tensor/index.ts";
import { exact, generative, guideOf, MEAN, SCALE } from "./linear-gaussian.ts";

const host = { executor: "host", seed: 3 } as const;
const F = "float64";

/** Mean and standard error over `count` draws of a vector. */
async function estimate(term: () => Tensor, count: number) {
  const f = compile(term, host);
  const draws: number[][] = [];
  for (let i = 0; i < count; i++) draws.push(Array.from((await f()).data, Number));
  return draws[0].map((_, j) => {
    const mean = draws.reduce((t, d) => t + d[j], 0) / count;
    const variance = draws.reduce((t, d) => t + (d[j] - mean) ** 2, 0) / (count - 1);
    return { mean, error: Math.sqrt(variance / count) };
  });
}

const bound = (options: ElboOptions) => elbo(generative, guideOf(), [], options);

describe.each([true, false])("closed-form KL: %s", (analyticKl) => {
  test("per datum it is log p(x) − KL(q ‖ p(z|x))", async () => {
    const found = await estimate(() => bound({ analyticKl, particles: 100 }).perDatum.elbo, 400);
    found.forEach(({ mean, error }, i) => {
      const { logEvidence, klPosterior } = exact(i);
      // Four standard errors of 40,000 draws: false alarm 6·10⁻⁵ each, were the seed not fixed.
      expect(Math.abs(mean - (logEvidence - klPosterior))).toBeLessThan(4 * error);
      expect(error).toBeLessThan(0.02);
      expect(mean).toBeLessThan(logEvidence);
    });
  });

  test("its terms add up, draw by draw: per datum, and over the data", async () => {
    for (const particles of [1, 3]) {
      const all = bound({ analyticKl, particles });
      const f = compile(
        () => ({
          ...all.perDatum,
          value: all.value,
          reconstructionOfAll: all.reconstruction,
          klOfAll: all.kl,
        }),
        host,
      );
      const out = await f();
      const [e, r, k] = [out.elbo, out.reconstruction, out.kl].map((v) => Array.from(v.data, Number));
      expect([out.elbo.shape, out.reconstruction.shape, out.kl.shape]).toEqual([[2], [2], [2]]);
      for (const i of [0, 1]) expect(e[i]).toBeCloseTo(r[i] - k[i], 12);
      expect(out.value.item()).toBeCloseTo(e[0] + e[1], 12);
      expect(out.reconstructionOfAll.item() - out.klOfAll.item()).toBeCloseTo(e[0] + e[1], 12);
    }
  });

  test("its KL is that of q from the prior", async () => {
    const found = await estimate(() => bound({ analyticKl, particles: 100 }).perDatum.kl, 200);
    found.forEach(({ mean, error }, i) => {
      expect(Math.abs(mean - exact(i).klPrior)).toBeLessThan(analyticKl ? 1e-12 : 4 * error);
    });
  });

  test("`scale` multiplies the bound and its gradient", async () => {
    const loc = tensor(MEAN, { dtype: F });
    const q = Normal(loc, tensor(SCALE, { dtype: F })).toEvent(1);
    const of = (scale: number) => {
      const { value, surrogate } = elbo(generative, guideOf(q), [], { analyticKl, scale });
      return [value, grad(surrogate, [loc])[0]];
    };
    // Both draw under one name, so they are compiled apart.
    const [a, ga] = await compile(() => of(1), host)();
    const [b, gb] = await compile(() => of(0.5), host)();
    expect(b.item()).toBeCloseTo(a.item() / 2, 12);
    Array.from(gb.data, Number).forEach((v, i) => {
      expect(v).toBeCloseTo(Number(ga.data[i]) / 2, 12);
    });
  });
});

test("where q is the posterior itself, the sampled form is log p(x) in every single draw", async () => {
  // One latent: x | z ~ N(2z, 1), so p(z|x) = N(2x/5, 1/5) and p(x) = N(0, 5).
  const data = tensor([1.5, -0.5], { dtype: F });
  const program = model(({ sample, observe, plate }) => {
    plate("row", 2, () => {
      const z = sample("z", Normal(tensor(0, { dtype: F }), 1));
      observe("x", Normal(mul(z, 2), 1), data);
    });
  });
  const guide = model(({ sample, plate }) => {
    plate("row", 2, () => sample("z", Normal(mul(data, 0.4), tensor(Math.sqrt(0.2), { dtype: F }))));
  });
  const value = await elbo(program, guide, []).perDatum.elbo.value(host);
  [1.5, -0.5].forEach((v, i) => {
    expect(Number(value.data[i])).toBeCloseTo(-0.5 * (Math.log(2 * Math.PI * 5) + v ** 2 / 5), 12);
  });
});

describe("weights of the KL", () => {
  const at = async (options: ElboOptions) => {
    const { surrogate, reconstruction, kl } = bound({ analyticKl: true, ...options });
    const out = await compile(() => [surrogate, reconstruction, kl], host)();
    return out.map((v) => v.item());
  };

  test.each([
    ["4", 4, 4],
    ["0", 0, 0],
    ["a tensor", tensor(0.5, { dtype: F }), 0.5],
  ] as const)("β %s weighs what is climbed, not what is reported", async (_, beta, factor) => {
    const [plain, reconstruction, kl] = await at({});
    expect(plain).toBeCloseTo(reconstruction - kl, 12);
    const [weighted, r, k] = await at({ beta });
    expect([r, k]).toEqual([reconstruction, kl]);
    expect(weighted).toBeCloseTo(reconstruction - factor * kl, 10);
  });

  test("free bits: the mean over rows of each dimension's KL costs at least λ", async () => {
    // KL(N(m, s²) ‖ N(0, 1)) = ½ (m² + s² − 1) − ln s, averaged over the two rows.
    const each = [0, 1].map(
      (d) =>
        [0, 1].reduce((t, i) => {
          const [m, s] = [MEAN[i][d], SCALE[i][d]];
          return t + 0.5 * (m * m + s * s - 1) - Math.log(s);
        }, 0) / 2,
    );
    for (const lambda of [0.1, (each[0] + each[1]) / 2, 3]) {
      const [climbed, reconstruction] = await at({ freeBits: lambda });
      const paid = each.reduce((t, v) => t + 2 * Math.max(v, lambda), 0);
      expect(climbed).toBeCloseTo(reconstruction - paid, 10);
    }
  });

  test("a dimension below its free bits is left alone by the KL", async () => {
    const scale = tensor(SCALE, { dtype: F });
    const q = Normal(tensor(MEAN, { dtype: F }), scale).toEvent(1);
    const slope = async (options: ElboOptions) => {
      const { surrogate, reconstruction } = elbo(generative, guideOf(q), [], {
        analyticKl: true,
        ...options,
      });
      const out = await compile(
        () => [grad(surrogate, [scale])[0], grad(reconstruction, [scale])[0]],
        host,
      )();
      return out.map((v) => Array.from(v.data, Number));
    };
    const [climbed, reconstruction] = await slope({ freeBits: 50 });
    climbed.forEach((v, i) => {
      expect(v).toBeCloseTo(reconstruction[i], 12);
    });
  });
});

describe("a divergence in closed form is taken only where it is valid", () => {
  test("there is none", () => {
    const program = model(({ sample }) => sample("z", Uniform(-9, 9)));
    const guide = model(({ sample }) => sample("z", Normal(0, 1)));
    expect(() => elbo(program, guide, [], { analyticKl: true })).toThrow(
      new UsageError(
        "site 'z': no closed form of KL(Normal ‖ Uniform); leave it out of analyticKl, and its part of the bound is estimated " +
          "from the draw, or register the form with registerKl.",
      ),
    );
    expect(elbo(program, guide, []).value.shape).toEqual([]);
  });

  // u ~ N(0, 1), z | u ~ N(u, 1).
  const hierarchy = model(({ sample, observe }) => {
    const u = sample("u", Normal(tensor(0, { dtype: F }), 1));
    const z = sample("z", Normal(u, 1));
    observe("x", Normal(z, 1), 1);
  });
  const f = (v: number) => tensor(v, { dtype: F });

  test("a prior that depends on what the guide draws from the site", () => {
    const upwards = model(({ sample }) => {
      const z = sample("z", Normal(f(0.4), 0.5));
      sample("u", Normal(mul(z, 0.5), f(0.7)));
    });
    expect(() => elbo(hierarchy, upwards, [], { analyticKl: ["z"] })).toThrow(
      new UsageError(
        "site 'z': its divergence in closed form is not valid here, because its prior depends on 'u', which the guide draws " +
          "from 'z'; leave 'z' out of analyticKl.",
      ),
    );
    expect(elbo(hierarchy, upwards, [], { analyticKl: ["u"] }).value.shape).toEqual([]);
  });

  test("a prior that depends on an earlier draw is fine: the same bound in expectation", async () => {
    const downwards = model(({ sample }) => {
      const u = sample("u", Normal(f(0.2), 0.6));
      sample("z", Normal(mul(u, 0.5).add(0.3), f(0.5)));
    });
    const [closed] = await estimate(
      () => elbo(hierarchy, downwards, [], { analyticKl: true, particles: 50 }).value,
      400,
    );
    const [sampled] = await estimate(() => elbo(hierarchy, downwards, [], { particles: 50 }).value, 400);
    expect(Math.abs(closed.mean - sampled.mean)).toBeLessThan(4 * Math.hypot(closed.error, sampled.error));
    expect(closed.error).toBeLessThan(sampled.error);
  });

  test("a guide's own variable, and a name that is none", () => {
    const guide = model(({ sample }) => {
      sample("u", Normal(f(0), 1));
      sample("z", Normal(f(0), 1));
      sample("own", Normal(f(0), 1), { auxiliary: true });
    });
    expect(() => elbo(hierarchy, guide, [], { analyticKl: ["own"] })).toThrow(
      new UsageError("analyticKl: site 'own' exists only in the guide, so it has no prior for a divergence."),
    );
    expect(() => elbo(hierarchy, guide, [], { analyticKl: ["w"] })).toThrow(
      new UsageError("analyticKl: the guide has no latent site 'w'; it has 'u', 'z', 'own'."),
    );
  });

  test("free bits of a site that is summed over are refused", () => {
    const program = model(({ sample }) => sample("k", Categorical({ probs: [0.5, 0.5] })));
    expect(() => elbo(program, program, [], { freeBits: 0.1 })).toThrow(
      new UsageError("free bits: site 'k' is not reparameterised (its estimator is \"enumeration\")."),
    );
  });
});
