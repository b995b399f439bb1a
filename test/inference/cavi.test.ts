/** Coordinate ascent against closed forms, against the same ascents written by hand in NumPy, and against a Gibbs sampler. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import {
  Bernoulli,
  Categorical,
  Dirichlet,
  type Distribution,
  Exponential,
  Gamma,
  MultivariateNormal,
  Normal,
  Poisson,
} from "../../src/distributions/index.ts";
import { InternalError, NonFiniteError, UsageError } from "../../src/errors.ts";
import { type CaviResult, type CaviState, cavi } from "../../src/inference/cavi.ts";
import { importance } from "../../src/inference/importance.ts";
import { nuts } from "../../src/inference/mcmc/nuts.ts";
import { summary } from "../../src/inference/summary.ts";
import { condition, handled, model } from "../../src/program/index.ts";
import { gather, reciprocal, sqrt, tensor } from "../../src/tensor/index.ts";
import { conjugatePrograms } from "./cavi/programs.ts";
import { coin } from "./programs.ts";

// From test/inference/cavi/reference.py.
const reference = JSON.parse(readFileSync("test/inference/cavi/reference.json", "utf8"));

const numbers = ({ parameters }: CaviResult<never[]>, site: string, name: string): number[] =>
  Array.from(parameters.get(site)?.[name]?.data ?? [], Number);

/** Every element within 1e-8, absolutely and relatively. */
function agrees(found: readonly number[], expected: readonly number[] | number): void {
  const wanted = [expected].flat(9) as number[];
  expect(found).toHaveLength(wanted.length);
  found.forEach((v, i) => {
    expect(Math.abs(v - wanted[i]), `element ${i}: ${v}, not ${wanted[i]}`).toBeLessThan(
      1e-8 * Math.max(1, Math.abs(wanted[i])),
    );
  });
}

/** By rounding alone a sweep may end lower than the one before: ten digits of the largest value hold. */
function rises(elbo: Float64Array): void {
  elbo.forEach((v, i) => {
    if (i > 0) expect(v - elbo[i - 1]).toBeGreaterThan(-1e-10 * Math.abs(v));
  });
}

const lgamma = (n: number): number => (n === 1 ? 0 : Math.log(n - 1) + lgamma(n - 1));

describe("exact where the posterior factorises: its parameters and the log evidence", () => {
  test("Beta and Bernoulli", async () => {
    const fit = await cavi(coin()).run([]);
    agrees(numbers(fit, "p", "concentration1"), 16);
    agrees(numbers(fit, "p", "concentration0"), 14);
    // ln B(16, 14) − ln B(10, 10).
    const logB = (a: number, b: number) => lgamma(a) + lgamma(b) - lgamma(a + b);
    agrees([fit.elbo[0]], logB(16, 14) - logB(10, 10));
    expect(fit.converged).toBe(true);
    // The first sweep ends at the optimum, the second finds that nothing moves.
    expect(fit.elbo).toHaveLength(2);
  });

  test("Dirichlet and Categorical", async () => {
    const program = model(({ sample, observe, plate }) => {
      const p = sample("p", Dirichlet([1, 2, 3]));
      plate("row", 4, () =>
        observe("y", Categorical({ probs: p }), tensor([0, 2, 2, 1], { dtype: "int64" })),
      );
    });
    const fit = await cavi(program).run([]);
    agrees(numbers(fit, "p", "concentration"), [2, 3, 5]);
    // Γ(6)/Γ(10) · Γ(2)Γ(3)Γ(5)/(Γ(1)Γ(2)Γ(3)).
    agrees([fit.elbo[0]], lgamma(6) - lgamma(10) + lgamma(5));
  });

  test("a normal mean", async () => {
    const y = [1.2, 0.3, 2.1];
    const program = model(({ sample, observe, plate }) => {
      const mu = sample("mu", Normal(1, 2));
      plate("row", 3, () => observe("y", Normal(mu, 0.5), tensor(y)));
    });
    const fit = await cavi(program).run([]);
    const precision = 1 / 4 + 3 / 0.25;
    agrees(numbers(fit, "mu", "loc"), (1 / 4 + 3.6 / 0.25) / precision);
    agrees(numbers(fit, "mu", "logScale"), -0.5 * Math.log(precision));
    // y − 1 ~ N(0, ¼ I + 4 · 1 1ᵀ): determinant ¼² · 12¼, inverse 4 I − (16 / 12¼) · 1 1ᵀ.
    const squares = y.reduce((s, v) => s + (v - 1) ** 2, 0);
    const total = y.reduce((s, v) => s + v - 1, 0);
    const quadratic = 4 * squares - (16 / 12.25) * total ** 2;
    agrees([fit.elbo[0]], -0.5 * (3 * Math.log(2 * Math.PI) + Math.log(12.25 / 16) + quadratic));
  });

  test("Gamma and Poisson", async () => {
    const program = model(({ sample, observe }) => {
      observe("n", Poisson(sample("rate", Gamma(3, 2))), 4);
    });
    const fit = await cavi(program).run([]);
    agrees(numbers(fit, "rate", "concentration"), 7);
    agrees(numbers(fit, "rate", "rate"), 3);
    // Negative binomial: C(6, 4) (2/3)³ (1/3)⁴.
    agrees([fit.elbo[0]], Math.log(15 * (2 / 3) ** 3 * (1 / 3) ** 4));
  });

  const { x, y, known } = reference.regression;
  test.each([
    ["a vector of normals", Normal(0, 2).expand([3]).toEvent(1)],
    [
      "a multivariate normal",
      MultivariateNormal([0, 0, 0], {
        covariance: [
          [4, 0, 0],
          [0, 4, 0],
          [0, 0, 4],
        ],
      }),
    ],
  ])("Bayesian linear regression with known noise, its prior %s", async (_, prior) => {
    const program = model(({ sample, observe, plate }) => {
      const w = sample("w", prior);
      plate("row", 40, () => observe("y", Normal(tensor(x).matmul(w), 0.5), tensor(y)));
    });
    const fit = await cavi(program).run([]);
    agrees(numbers(fit, "w", "loc"), known.mean);
    const l = numbers(fit, "w", "scaleTril");
    const covariance = [0, 1, 2].map((i) =>
      [0, 1, 2].map((j) => [0, 1, 2].reduce((s, k) => s + l[3 * i + k] * l[3 * j + k], 0)),
    );
    agrees(covariance.flat(), known.covariance);
    agrees([fit.elbo[0]], known.logEvidence);
  });
});

describe("the fixed point where the posterior does not factorise", () => {
  test("Normal–Gamma: the closed form of Bishop (2006), section 10.1.3", async () => {
    const y = [1.2, 0.3, 2.1, -0.4, 1.5];
    const [m0, k0, a0, b0] = [0.5, 0.1, 2, 1];
    const program = model(({ sample, observe, plate }) => {
      const tau = sample("tau", Gamma(a0, b0));
      const mu = sample("mu", Normal(m0, reciprocal(sqrt(tau.mul(k0)))));
      plate("row", 5, () => observe("y", Normal(mu, tau.pow(-0.5)), tensor(y)));
    });
    const fit = await cavi(program).run([], { tolerance: 1e-10 });
    const m = (k0 * m0 + 4.7) / (k0 + 5);
    const a = a0 + 3;
    const s = y.reduce((total, v) => total + (v - m) ** 2, k0 * (m - m0) ** 2);
    // b = b₀ + ½ (s + (κ₀ + N) Var μ) with Var μ = 1 / ((κ₀ + N) a/b).
    const b = (b0 + s / 2) / (1 - 1 / (2 * a));
    agrees(numbers(fit, "mu", "loc"), m);
    agrees(numbers(fit, "mu", "logScale"), -0.5 * Math.log(((k0 + 5) * a) / b));
    agrees(numbers(fit, "tau", "concentration"), a);
    agrees(numbers(fit, "tau", "rate"), b);
    rises(fit.elbo);
  });

  test("Bayesian linear regression with a gamma precision", async () => {
    const { x, y, unknown } = reference.regression;
    const program = model(({ sample, observe, plate }) => {
      const w = sample("w", Normal(0, 2).expand([3]).toEvent(1));
      const tau = sample("tau", Gamma(2, 1));
      plate("row", 40, () => observe("y", Normal(tensor(x).matmul(w), tau.pow(-0.5)), tensor(y)));
    });
    const fit = await cavi(program).run([], { tolerance: 1e-10 });
    agrees(numbers(fit, "w", "loc"), unknown.mean);
    agrees(numbers(fit, "tau", "concentration"), unknown.concentration);
    agrees(numbers(fit, "tau", "rate"), unknown.rate);
    agrees([fit.elbo[fit.elbo.length - 1]], unknown.elbo);
    rises(fit.elbo);
  });

  test("row and column effects, each with a precision of its own", async () => {
    const { y, mu, row, column, concentration, rate, elbo } = reference.effects;
    const program = model(({ sample, observe, plate }) => {
      const centre = sample("mu", Normal(0, 3));
      const [tauRow, tauColumn, tau] = ["tau row", "tau column", "tau"].map((n) => sample(n, Gamma(2, 1)));
      const b = plate("column", 4, () => sample("column effect", Normal(0, tauColumn.pow(-0.5))));
      const a = plate("row", 6, () => sample("row effect", Normal(0, tauRow.pow(-0.5))));
      plate("column", 4, () =>
        plate("row", 6, () =>
          observe("y", Normal(centre.add(a.unsqueeze(1)).add(b), tau.pow(-0.5)), tensor(y)),
        ),
      );
    });
    const fit = await cavi(program).run([], { tolerance: 1e-10, sweeps: 20_000 });
    agrees(numbers(fit, "mu", "loc"), mu);
    agrees(numbers(fit, "row effect", "loc"), row);
    agrees(numbers(fit, "column effect", "loc"), column);
    const names = ["tau row", "tau column", "tau"];
    agrees(
      names.flatMap((n) => numbers(fit, n, "concentration")),
      concentration,
    );
    agrees(
      names.flatMap((n) => numbers(fit, n, "rate")),
      rate,
    );
    agrees([fit.elbo[fit.elbo.length - 1]], elbo);
    rises(fit.elbo);
  });
});

describe("a mixture of two normals on 1,000 points", async () => {
  const { x, weights, loc, sd, concentration, rate, elbo, gibbs } = reference.mixture;
  const program = model(({ sample, observe, plate }) => {
    const w = sample("weights", Dirichlet([1, 1]));
    const { mu, tau } = plate("component", 2, () => ({
      mu: sample("mu", Normal(0, 5)),
      tau: sample("tau", Gamma(2, 1)),
    }));
    plate("row", 1000, () => {
      const z = sample("z", Categorical({ probs: w }));
      observe("x", Normal(gather(mu, z), reciprocal(sqrt(gather(tau, z)))), tensor(x));
    });
  });
  const fit = await cavi(program).run([], { tolerance: 1e-10 });
  // Components are exchangeable: from the left.
  const order = numbers(fit, "mu", "loc")[0] < numbers(fit, "mu", "loc")[1] ? [0, 1] : [1, 0];
  const sorted = (site: string, name: string): number[] => order.map((k) => numbers(fit, site, name)[k]);

  test("the fixed point and the bound of the same ascent written by hand", () => {
    agrees(sorted("weights", "concentration"), weights);
    agrees(sorted("mu", "loc"), loc);
    agrees(sorted("mu", "logScale").map(Math.exp), sd);
    agrees(sorted("tau", "concentration"), concentration);
    agrees(sorted("tau", "rate"), rate);
    agrees([fit.elbo[fit.elbo.length - 1]], elbo);
    expect(fit.converged).toBe(true);
    rises(fit.elbo);
  });

  test("the posterior of a Gibbs sampler, its spread a little too small", () => {
    const [a, b] = [sorted("tau", "concentration"), sorted("tau", "rate")];
    const [w0, w1] = sorted("weights", "concentration");
    const means = [w0 / (w0 + w1), ...sorted("mu", "loc"), ...a.map((v, k) => v / b[k])];
    const sds = [
      Math.sqrt((w0 * w1) / ((w0 + w1) ** 2 * (w0 + w1 + 1))),
      ...sorted("mu", "logScale").map(Math.exp),
      ...a.map((v, k) => Math.sqrt(v) / b[k]),
    ];
    means.forEach((m, i) => {
      // The sampler's error is below 0.01 posterior standard deviations; the rest is the factorisation's.
      expect(Math.abs(m - gibbs.mean[i]) / gibbs.sd[i], gibbs.names[i]).toBeLessThan(0.1);
      expect(sds[i] / gibbs.sd[i], gibbs.names[i]).toBeGreaterThan(0.85);
      expect(sds[i] / gibbs.sd[i], gibbs.names[i]).toBeLessThan(1.01);
    });
  });

  test("the posterior of the no-U-turn sampler, labels summed out, on every parameter", async () => {
    // Both chains start in the mode that the ascent found: there is another one, with the labels exchanged.
    const initial = new Map([
      ["weights", [0, 1].map((k) => numbers(fit, "weights", "concentration")[k] / 1002)],
      ["mu", numbers(fit, "mu", "loc")],
      ["tau", [0, 1].map((k) => numbers(fit, "tau", "concentration")[k] / numbers(fit, "tau", "rate")[k])],
    ]);
    const posterior = await nuts(program).run([], {
      chains: 2,
      warmUp: 300,
      draws: 400,
      initial,
      workers: 1,
    });
    const { rows } = summary(posterior);
    for (const site of ["weights", "mu", "tau"]) {
      const factor = fit.factors.get(site) as Distribution;
      const [mean, variance] = (
        await compile(() => [factor.mean(), factor.variance()], { executor: "host" })()
      ).map((v) => Array.from(v.data, Number));
      mean.forEach((m, k) => {
        const row = rows.find((r) => r.name === `${site}[${k}]`);
        if (row === undefined) throw new Error(`no ${site}[${k}]`);
        expect(row.rHat).toBeLessThan(1.02);
        // The factorisation's own error, below a tenth of a standard deviation as beside Gibbs, and 4 standard errors of the draws.
        expect(Math.abs(m - row.mean)).toBeLessThan(0.1 * row.sd + 4 * row.mcseMean);
        expect(Math.sqrt(variance[k])).toBeLessThan(row.sd + 4 * row.mcseSd);
        expect(Math.sqrt(variance[k])).toBeGreaterThan(0.85 * row.sd - 4 * row.mcseSd);
      });
    }
  });

  test("another seed is another start, and the same seed the same one", async () => {
    const machine = cavi(program);
    const [one, two, again] = await Promise.all([1, 2, 1].map((seed) => machine.init([], { seed })));
    expect(one.natural.get("z")).toEqual(again.natural.get("z"));
    expect(one.natural.get("z")).not.toEqual(two.natural.get("z"));
  });
});

/** A state whose factor of one site has the given logits. */
const startingAt = (state: CaviState, site: string, logits: readonly unknown[]): CaviState => ({
  ...state,
  natural: new Map([...state.natural, [site, [Float64Array.from(logits.flat(9) as number[])]]]),
});

describe("sweep by sweep as by hand, from the same start", () => {
  test("latent Dirichlet allocation", async () => {
    const { words, logits, beta, theta, elbo } = reference.topics;
    const program = model(({ sample, observe, plate }) => {
      const topics = plate("topic", 3, () => sample("beta", Dirichlet(new Array<number>(8).fill(0.5))));
      plate("document", 12, () => {
        const mix = sample("theta", Dirichlet([0.3, 0.3, 0.3]));
        plate("word", 20, () => {
          const z = sample("z", Categorical({ probs: mix }));
          observe("w", Categorical({ probs: gather(topics, z) }), tensor(words, { dtype: "int64" }));
        });
      });
    });
    const machine = cavi(program);
    let state = startingAt(await machine.init([]), "z", logits);
    const found: number[] = [];
    for (let sweep = 0; sweep < 60; sweep++) {
      const next = await machine.step(state);
      state = next.state;
      found.push(next.info.elbo);
    }
    agrees(found, elbo);
    agrees(
      Array.from(state.natural.get("beta")?.[0] ?? [], (v) => v + 1),
      beta,
    );
    agrees(
      Array.from(state.natural.get("theta")?.[0] ?? [], (v) => v + 1),
      theta,
    );
  });

  test("documents of hidden classes, words inside documents", async () => {
    const { words, logits, weights, phi, elbo } = reference.classes;
    const program = model(({ sample, observe, plate }) => {
      const w = sample("weights", Dirichlet([1, 1, 1]));
      const classes = plate("class", 3, () => sample("phi", Dirichlet(new Array<number>(6).fill(0.7))));
      plate("document", 15, () => {
        const c = sample("c", Categorical({ probs: w }));
        plate("word", 12, () =>
          observe("w", Categorical({ probs: gather(classes, c) }), tensor(words, { dtype: "int64" })),
        );
      });
    });
    const machine = cavi(program);
    let state = startingAt(await machine.init([]), "c", logits);
    const found: number[] = [];
    for (let sweep = 0; sweep < 40; sweep++) {
      const next = await machine.step(state);
      state = next.state;
      found.push(next.info.elbo);
    }
    agrees(found, elbo);
    agrees(
      Array.from(state.natural.get("weights")?.[0] ?? [], (v) => v + 1),
      weights,
    );
    agrees(
      Array.from(state.natural.get("phi")?.[0] ?? [], (v) => v + 1),
      phi,
    );
  });
});

describe("the bound is what draws from the factors say it is", () => {
  // 4,000 draws; 5 standard errors: 24 comparisons raise a false alarm on fewer than one in 50,000 seeds, were they normal.
  test.each(Object.entries(conjugatePrograms))("%s", async (_, program) => {
    const { guide, elbo, converged } = await cavi(program).run([], { sweeps: 3000 });
    rises(elbo);
    expect(converged).toBe(true);
    const { logWeights } = await importance(program, guide, [], { draws: 4000, seed: 1 });
    const mean = logWeights.reduce((a, b) => a + b, 0) / logWeights.length;
    const variance = logWeights.reduce((a, b) => a + (b - mean) ** 2, 0) / logWeights.length;
    const error = Math.sqrt(variance / logWeights.length);
    expect(Math.abs(mean - elbo[elbo.length - 1])).toBeLessThan(5 * error + 1e-6);
  });
});

describe("programs at the edges", () => {
  test("observed by a handler, the same site has no factor", async () => {
    const program = handled(coin(), condition({ p: tensor(0.5) }));
    await expect(cavi(program).run([])).rejects.toThrow(
      new UsageError("coin: the program has no latent site; there is nothing to infer. Sample one."),
    );
  });

  test("a category of probability zero stays at zero, and the bound is finite", async () => {
    const program = model(({ sample, observe, plate }) => {
      const mu = plate("component", 3, () => sample("mu", Normal(tensor([-1, 0, 1]), 1)));
      plate("row", 4, () => {
        const z = sample("z", Categorical({ probs: [0.5, 0, 0.5] }));
        observe("y", Normal(gather(mu, z), 1), tensor([-1, 0, 0.5, 1]));
      });
    });
    const { factors, elbo } = await cavi(program).run([]);
    const z = factors.get("z");
    const probs = z && "probs" in z ? (await (z.probs as ReturnType<typeof tensor>).value()).toArray() : [];
    expect((probs as number[][]).map((row) => row[1])).toEqual([0, 0, 0, 0]);
    rises(elbo);
    expect(Number.isFinite(elbo[elbo.length - 1])).toBe(true);
    // An unused component keeps its prior.
    const mu = factors.get("mu");
    expect((await mu?.mean().value())?.toArray()).toHaveProperty("1", 0);
  });

  test("a bound that falls is a fault of ours", async () => {
    const machine = cavi(coin());
    const { state } = await machine.step(await machine.init([]));
    await expect(machine.step({ ...state, elbo: state.elbo + 1e-9 })).rejects.toThrow(InternalError);
    await expect(machine.step({ ...state, elbo: state.elbo + 1e-9 })).rejects.toThrow(
      /^internal: cavi: the ELBO of coin fell from -7\.069\d* to -7\.069\d* in sweep 2; an update is wrong$/,
    );
  });

  test("a factor that is lost is named by its site", async () => {
    const program = model(
      ({ sample, observe, plate }) => {
        const mu = sample("mu", Normal(1, 1e-200));
        plate("row", 2, () => observe("y", Normal(mu, 1), tensor([1, 2])));
      },
      { name: "gap" },
    );
    await expect(cavi(program).run([])).rejects.toThrow(
      new NonFiniteError(
        "gap: sweep 1 of coordinate ascent gave an ELBO of NaN: site 'mu' has natural parameters that are not finite. Look for missing or " +
          "infinite values in the data, for data far from 0 in units of their spread (centre them), for values that are impossible under the model, and " +
          "for an improper prior that the data do not make proper.",
      ),
    );
  });

  test("sweeps are bounded, and must be a number", async () => {
    const { elbo, converged } = await cavi(coin()).run([], { sweeps: 1 });
    expect([elbo.length, converged]).toEqual([1, false]);
    await expect(cavi(coin()).run([], { sweeps: 0 })).rejects.toThrow(
      new UsageError("cavi: sweeps must be a whole number of at least 1, found 0."),
    );
  });

  test("what each site's factor is, and what its update reads", () => {
    const program = model(({ sample, observe, plate }) => {
      const w = sample("w", Normal(0, 1).expand([2]).toEvent(1));
      const tau = sample("tau", Exponential(1));
      plate("row", 3, () => {
        const on = sample("on", Bernoulli({ probs: 0.5 }));
        observe("y", Normal(w.sum().mul(on), tau.pow(-0.5)), [1, 1, 1]);
      });
    });
    expect(cavi(program).explain([])).toBe(
      [
        "site  prior                   factor              shape  statistics of x  update reads",
        "w     Independent(Normal, 1)  MultivariateNormal  [2]    x, x xᵀ          on, tau, y",
        "tau   Exponential             Gamma               []     ln x, x          w, on, y",
        "on    Bernoulli               Bernoulli           [3]    x                w, tau, y",
      ].join("\n"),
    );
  });

  test("each sweep is told", async () => {
    const seen: number[] = [];
    const { elbo } = await cavi(coin()).run([], { onSweep: ({ sweep, elbo: e }) => seen.push(sweep, e) });
    expect(seen).toEqual([1, elbo[0], 2, elbo[1]]);
  });
});
