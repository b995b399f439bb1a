import { describe, expect, test } from "vitest";
import { hostWork } from "../../src/compile/index.ts";
import {
  Categorical,
  Dirichlet,
  Gamma,
  HalfNormal,
  LogNormal,
  Normal,
  Poisson,
  Uniform,
} from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import {
  type UnconstrainedDensity,
  type UnconstrainedDensityOptions,
  unconstrainedDensity,
} from "../../src/inference/unconstrained-density.ts";
import { initializers } from "../../src/nn/index.ts";
import { model, type Program } from "../../src/program/index.ts";
import { gather, input, noise, tensor } from "../../src/tensor/index.ts";
import { centredSchools, coin, eightSchools, schoolsData } from "./programs.ts";

const at = async (density: UnconstrainedDensity, q: readonly number[], beta?: number) => {
  const gradient = new Float64Array(density.dimension);
  const value = await density.logDensityAndGradient(Float64Array.from(q), gradient, beta);
  return { value, gradient };
};

/** Central differences of the value against the gradient, at a starting point. */
async function expectGradient(
  program: Program<[]>,
  options: UnconstrainedDensityOptions = {},
  beta?: number,
) {
  const density = await unconstrainedDensity(program, [], options);
  const q = [...density.initial(3)];
  const { gradient } = await at(density, q, beta);
  for (let i = 0; i < q.length; i++) {
    const h = 1e-5;
    const [up, down] = [h, -h].map((d) => q.map((v, j) => (j === i ? v + d : v)));
    const difference =
      ((await at(density, up, beta)).value - (await at(density, down, beta)).value) / (2 * h);
    expect(Math.abs(gradient[i] - difference) / Math.max(1, Math.abs(difference))).toBeLessThan(1e-7);
  }
}

const logNormal = (x: number, loc: number, scale: number): number =>
  -0.5 * ((x - loc) / scale) ** 2 - Math.log(scale) - 0.5 * Math.log(2 * Math.PI);

describe("closed forms", () => {
  test("a point or gradient of another length is refused", async () => {
    const density = await unconstrainedDensity(coin(), []);
    const refused = new UsageError(
      "coin: logDensityAndGradient needs a point and a gradient of 1 numbers, found 2 and 1.",
    );
    expect(() => density.logDensityAndGradient(new Float64Array(2), new Float64Array(1))).toThrow(refused);
  });

  test("Beta(10, 10) with 6 heads of 10: ln p + 16 and 14 of the logistic, and its derivative", async () => {
    const density = await unconstrainedDensity(coin(), []);
    expect(density.dimension).toBe(1);
    const q = 0.7;
    const p = 1 / (1 + Math.exp(-q));
    const { value, gradient } = await at(density, [q]);
    // p^9 (1 − p)^9 / B(10, 10) · p^6 (1 − p)^4 · dp/dq with dp/dq = p (1 − p); ln B(10, 10) = −13.736229.
    expect(value).toBeCloseTo(16 * Math.log(p) + 14 * Math.log(1 - p) + 13.736229, 5);
    expect(gradient[0]).toBeCloseTo(16 * (1 - p) - 14 * p, 12);
    expect(density.constrain(Float64Array.of(q)).get("p")?.item()).toBeCloseTo(p, 15);
  });

  test("without the Jacobian it is the density of the site's own value", async () => {
    const density = await unconstrainedDensity(coin(), [], { jacobian: false });
    const p = 1 / (1 + Math.exp(-0.7));
    const { gradient } = await at(density, [0.7]);
    expect(gradient[0]).toBeCloseTo(15 * (1 - p) - 13 * p, 12);
  });

  test("eight schools, in float64 whatever the program's dtype", async () => {
    const density = await unconstrainedDensity(centredSchools(), []);
    const q = [3.1, 0.4, 9, 5, 2, 6, 1, 3, 8, 4];
    const [mu, tau] = [q[0], Math.exp(q[1])];
    const theta = q.slice(2);
    const expected =
      logNormal(mu, 0, 5) +
      Math.log(2 / (Math.PI * 5 * (1 + (tau / 5) ** 2))) +
      q[1] +
      theta.reduce(
        (s, t, i) => s + logNormal(t, mu, tau) + logNormal(schoolsData.y[i], t, schoolsData.sigma[i]),
        0,
      );
    expect((await at(density, q)).value).toBeCloseTo(expected, 11);
  });
});

describe("sites and coordinates", () => {
  const mixed = model(({ sample, plate }) => {
    const scale = sample("scale", LogNormal(0, 1).expand([2]).toEvent(1));
    const weights = sample("weights", Dirichlet(tensor([2, 3, 4])));
    plate("group", 3, () => {
      sample("x", Normal(scale.sum(-1), 1).expand([3]));
      sample("within", Uniform(0, weights.sum(-1).add(scale.sum(-1))));
    });
  });

  test("shapes are kept; a simplex of three takes two coordinates", async () => {
    const density = await unconstrainedDensity(mixed, []);
    expect(density.sites.map(({ name, start, end, shape }) => [name, start, end, shape])).toEqual([
      ["scale", 0, 2, [2]],
      ["weights", 2, 4, [3]],
      ["x", 4, 7, [3]],
      ["within", 7, 10, [3]],
    ]);
    const values = density.constrain(density.initial(0));
    const weights = [...(values.get("weights")?.data ?? [])].map(Number);
    expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect([...values.keys()]).toEqual(["scale", "weights", "x", "within"]);
  });

  test("its gradient is that of its values, a support that depends on other sites included", () =>
    expectGradient(mixed));

  test("unconstrain undoes constrain", async () => {
    const density = await unconstrainedDensity(mixed, []);
    const q = density.initial(1);
    const back = await density.unconstrain(density.constrain(q));
    back.forEach((v, i) => {
      expect(v).toBeCloseTo(q[i], 10);
    });
  });

  test("unconstrain names the site that has no values, the wrong number, or values outside its support", async () => {
    const density = await unconstrainedDensity(eightSchools(), []);
    const values = (tau: readonly number[]) =>
      new Map<string, readonly number[]>([
        ["mu", [1]],
        ["tau", tau],
        ["z", new Array(8).fill(0)],
      ]);
    await expect(density.unconstrain(new Map())).rejects.toThrow(
      new UsageError("eightSchools: site 'mu' needs 1 values of shape [], found none."),
    );
    await expect(density.unconstrain(values([1, 2]))).rejects.toThrow(
      /site 'tau' needs 1 values .* found 2\./,
    );
    await expect(density.unconstrain(values([-1]))).rejects.toThrow(/site 'tau' lie outside its support/);
  });

  test("deterministic sites are among the values", async () => {
    const density = await unconstrainedDensity(eightSchools(), []);
    const values = density.constrain(Float64Array.of(1, Math.log(2), 1, 2, 3, 4, 5, 6, 7, 8));
    expect(values.get("theta")?.toArray()).toEqual(
      [3, 5, 7, 9, 11, 13, 15, 17].map((v) => expect.closeTo(v, 12)),
    );
  });

  test("a starting point is uniform on (−2, 2), and a function of seed and attempt", async () => {
    const density = await unconstrainedDensity(mixed, []);
    const q = density.initial(5);
    expect(q.every((v) => Math.abs(v) < 2)).toBe(true);
    expect(density.initial(5)).toEqual(q);
    expect(density.initial(5, 1)).not.toEqual(q);
    expect(density.initial(6)).not.toEqual(q);
  });
});

describe("finite sites", () => {
  const x = [-1.2, 0.3, 2.5, 3.1];
  const mixture = model(({ sample, observe, plate, deterministic }) => {
    const loc = sample("loc", Normal(0, 3).expand([2]).toEvent(1));
    plate("row", 4, () => {
      const k = sample("k", Categorical({ probs: tensor([0.3, 0.7]) }));
      deterministic("twice", k.mul(2));
      observe("x", Normal(gather(loc, k), 1), tensor(x));
    });
  });

  test("are summed out exactly", async () => {
    const density = await unconstrainedDensity(mixture, []);
    const loc = [-1, 2.2];
    const expected =
      loc.reduce((s, l) => s + logNormal(l, 0, 3), 0) +
      x.reduce(
        (s, v) => s + Math.log(0.3 * Math.exp(logNormal(v, -1, 1)) + 0.7 * Math.exp(logNormal(v, 2.2, 1))),
        0,
      );
    expect((await at(density, loc)).value).toBeCloseTo(expected, 11);
    expect(density.graph.summedOut).toEqual(["k"]);
    // What varies with k has no value of its own.
    expect([...density.constrain(Float64Array.from(loc)).keys()]).toEqual(["loc"]);
    await expectGradient(mixture);
  });

  test("a support that depends on one is refused", async () => {
    const program = model(
      ({ sample }) => {
        const k = sample("k", Categorical({ probs: tensor([0.5, 0.5]) }));
        sample("u", Uniform(0, k.add(1).cast("float32")));
      },
      { name: "widths" },
    );
    await expect(unconstrainedDensity(program, [])).rejects.toThrow(
      new UsageError(
        "widths: the support of site 'u' (Uniform) depends on the finite site 'k', which is summed out, so it has no one set of values. " +
          "Give it a support that is the same for all values of the finite site.",
      ),
    );
  });
});

test("annealed: β = 0 is the prior, β = 1 the posterior, with what is observed to the power β before sums", async () => {
  const program = model(({ sample, observe }) => {
    const loc = sample("loc", Normal(0, 3));
    const k = sample("k", Categorical({ probs: tensor([0.3, 0.7]) }));
    observe("x", Normal(gather(tensor([-1, 1]), k).add(loc), 1), 0.5);
  });
  const density = await unconstrainedDensity(program, [], { annealed: true });
  for (const beta of [0, 0.3, 1]) {
    const likelihood = [-1, 1].map((m) => Math.exp(beta * logNormal(0.5, m + 0.2, 1)));
    const expected = logNormal(0.2, 0, 3) + Math.log(0.3 * likelihood[0] + 0.7 * likelihood[1]);
    expect((await at(density, [0.2], beta)).value).toBeCloseTo(expected, 11);
  }
  await expectGradient(program, { annealed: true }, 0.4);
  const plain = await unconstrainedDensity(program, []);
  await expect(at(plain, [0.2], 0.5)).rejects.toThrow(
    /an inverse temperature of 0.5 was given, .* \{ annealed: true \}\)\./,
  );
});

describe("executors", () => {
  test.each([
    ["float64", 1e-12],
    ["float32", 2e-5],
  ] as const)("native in %s agrees with the host", async (precision, tolerance) => {
    const q = [3.1, 0.4, 9, 5, 2, 6, 1, 3, 8, 4];
    const host = await at(await unconstrainedDensity(centredSchools(), []), q);
    const native = await at(
      await unconstrainedDensity(centredSchools(), [], { executor: "native", precision, threads: 1 }),
      q,
    );
    expect(Math.abs(native.value / host.value - 1)).toBeLessThan(tolerance);
    native.gradient.forEach((g, i) => {
      expect(Math.abs(g - host.gradient[i])).toBeLessThan(
        tolerance * Math.max(1, Math.abs(host.gradient[i])) * 10,
      );
    });
  });

  test("a density of eight schools' size, value and gradient, takes microseconds on the host", async () => {
    // Of the graph, not by a clock, which would measure what else the machine does. On a quiet machine it takes 1.2 µs.
    const { executor, logDensity, derivatives } = await unconstrainedDensity(centredSchools(), [], {
      executor: "auto",
    });
    expect(executor).toBe("host");
    expect(hostWork([logDensity, ...derivatives])).toBeLessThan(5000);
  });
});

describe("parameters and data", () => {
  const scaled = model(
    ({ sample, param }) => {
      sample("x", Normal(param("loc", [], initializers.constant(2)), 1));
    },
    { name: "scaled" },
  );

  test("parameters take given values, or their initial ones", async () => {
    expect((await at(await unconstrainedDensity(scaled, []), [2])).gradient[0]).toBeCloseTo(0, 12);
    const parameters = new Map([[scaled.parameters()[0].tensor, Float32Array.of(3)]]);
    const density = await unconstrainedDensity(scaled, [], { parameters });
    expect((await at(density, [2])).gradient[0]).toBeCloseTo(1, 12);
  });

  test("an input's numbers may be refilled between calls of one density", async () => {
    const y = input("y", [2]);
    const fed = model(({ sample, observe, plate }) => {
      const x = sample("x", Normal(0, 1));
      plate("row", 2, () => observe("y", Normal(x, 1), y));
    });
    const numbers = Float64Array.of(1, 2);
    const density = await unconstrainedDensity(fed, [], { data: new Map([[y, numbers]]) });
    // The gradient is Σ (y − x) − x.
    expect((await at(density, [0.5])).gradient[0]).toBeCloseTo(3 - 1 - 0.5, 12);
    numbers.set([4, 4]);
    expect((await at(density, [0.5])).gradient[0]).toBeCloseTo(8 - 1 - 0.5, 12);
  });

  const refused = (program: Program<[]>) => unconstrainedDensity(program, []);

  test("an input without a value, and noise, are refused by name", async () => {
    const fed = model(
      ({ sample, observe }) => observe("y", Normal(sample("x", Normal(0, 1)), 1), input("y", [])),
      {
        name: "fed",
      },
    );
    await expect(refused(fed)).rejects.toThrow(
      new UsageError(
        "fed: input 'y' has no value. A posterior needs fixed data: pass them as a constant, tensor(…).",
      ),
    );
    const noisy = model(({ sample }) => sample("x", Normal(noise("normal", "jitter", []), 1)), {
      name: "noisy",
    });
    await expect(refused(noisy)).rejects.toThrow(
      /^noisy: the log density reads noise 'jitter', so it would change from call to call\./,
    );
  });

  test("a discrete site without a finite support is refused with the ways out", async () => {
    const counts = model(
      ({ sample, observe }) => {
        const n = sample("n", Poisson(sample("rate", Gamma(2, 1))));
        observe("y", Normal(n, 1), 3);
      },
      { name: "counts" },
    );
    await expect(refused(counts)).rejects.toThrow(
      new UsageError(
        "counts: site 'n' (Poisson) is discrete and its values cannot be listed, so it can neither be summed out nor follow a gradient. " +
          "Marginalise it by hand (a Gamma-Poisson is a NegativeBinomial), bound it (a Categorical over the values that matter), or fit " +
          "the program with svi and a guide for it.",
      ),
    );
  });

  test("a latent site in a minibatch, and a program without continuous sites, are refused", async () => {
    const local = model(
      ({ sample, plate }) => plate("row", 100, () => sample("z", Normal(0, 1)), { rows: 10 }),
      {
        name: "local",
      },
    );
    await expect(refused(local)).rejects.toThrow(
      /^local: site 'z' is in plate 'row', of which only 10 of 100 rows are seen\. A posterior needs all rows: /,
    );
    const none = model(({ observe }) => observe("y", Normal(0, 1), 1), { name: "none" });
    await expect(refused(none)).rejects.toThrow(
      new UsageError("none: the program has no continuous latent site; nothing can be moved."),
    );
  });

  test("a program whose sites change from run to run is refused", async () => {
    let runs = 0;
    const moody = model(
      ({ sample }) => {
        sample("a", Normal(0, 1));
        if (runs++ % 2 === 0) sample("b", HalfNormal(1));
      },
      { name: "moody" },
    );
    await expect(refused(moody)).rejects.toThrow(
      new UsageError(
        "moody: two runs met different sites: number 2 was b (sample, HalfNormal, event []) in the first, absent in the second. Which " +
          "sites a program has must not depend on chance or on state outside it; put chance into a sample site, and fix the structure " +
          "by the arguments.",
      ),
    );
  });
});
