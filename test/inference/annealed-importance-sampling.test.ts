import { describe, expect, test } from "vitest";
import { ArrayValue, compile } from "../../src/compile/index.ts";
import { Bernoulli, Beta, Gamma, Normal } from "../../src/distributions/index.ts";
import { NonFiniteError, UsageError } from "../../src/errors.ts";
import {
  annealedImportanceSampling,
  inverseTemperatures,
  reverseAnnealedImportanceSampling,
} from "../../src/inference/annealed-importance-sampling.ts";
import { bidirectionalMonteCarlo } from "../../src/inference/bidirectional-monte-carlo.ts";
import { autoFullRankNormal } from "../../src/inference/guides/auto-full-rank-normal.ts";
import { autoNormal } from "../../src/inference/guides/auto-normal.ts";
import { VAE } from "../../src/models/index.ts";
import { initializers } from "../../src/nn/index.ts";
import { model } from "../../src/program/index.ts";
import { tensor } from "../../src/tensor/index.ts";
import { exact, generative, guideOf } from "./bounds/linear-gaussian.ts";
import { centredSchools, coin, eightSchools, schoolsData, schoolsPosterior } from "./programs.ts";

/**
 * A comparison fails by chance for 0.27 % of seeds, the thirty-two here together for 8 %; the seeds are fixed. Over 40 seeds z-scores had means
 * of −0.3 to 0.2 and standard deviations of 0.9 to 1.2 (the largest where the effective sample size was 32).
 */
const within = (
  { logEvidence, standardError }: { readonly logEvidence: number; readonly standardError: number },
  truth: number,
) => expect(Math.abs(logEvidence - truth)).toBeLessThan(3 * standardError);

const draws = async (seed: number, draw: () => Readonly<Record<string, ReturnType<typeof tensor>>>) => {
  const values = await compile(draw, { executor: "host", seed })();
  return new Map(
    Object.entries(values).map(([name, v]) => [
      name,
      new ArrayValue(v.shape, "float64", Float64Array.from(v.data, Number)),
    ]),
  );
};

describe("Beta(10, 10) prior, 6 heads of 10", () => {
  const logEvidence = -7.06937;

  test("forward and reverse agree with the log evidence, and their bounds bracket it", async () => {
    const options = { temperatures: 5, chains: 2000, leapfrogs: 5, seed: 1 };
    const forward = await annealedImportanceSampling(coin(), [], options);
    within(forward, logEvidence);
    // The posterior is Beta(16, 14).
    const posterior = await draws(7, () => ({
      p: Beta(16, 14).sample("p", [options.chains]),
    }));
    const reverse = await reverseAnnealedImportanceSampling(coin(), [], posterior, options);
    within(reverse, logEvidence);
    expect(forward.bound).toBeLessThan(logEvidence - 3 * forward.boundError);
    expect(reverse.bound).toBeGreaterThan(logEvidence + 3 * reverse.boundError);
    expect(forward.effectiveSampleSize).toBeGreaterThan(1500);
    // The pilot run adapts to 0.8.
    expect(Math.abs(forward.acceptance - 0.8)).toBeLessThan(0.1);
  });

  test("more temperatures, a tighter bracket", async () => {
    const at = async (temperatures: number) => {
      const options = { temperatures, chains: 400, leapfrogs: 5 };
      const posterior = await draws(7, () => ({ p: Beta(16, 14).sample("p", [400]) }));
      const forward = await annealedImportanceSampling(coin(), [], options);
      const reverse = await reverseAnnealedImportanceSampling(coin(), [], posterior, options);
      return reverse.bound - forward.bound;
    };
    expect(await at(40)).toBeLessThan((await at(4)) / 4);
  });

  test("weighted draws are draws of the posterior", async () => {
    const { draws, logWeights } = await annealedImportanceSampling(coin(), [], {
      chains: 2000,
      temperatures: 20,
    });
    const weights = Float64Array.from(logWeights.data as Float64Array, (w) => Math.exp(w + 7));
    const total = weights.reduce((a, b) => a + b, 0);
    const p = draws.get("p")?.data ?? [];
    const mean = weights.reduce((n, w, i) => n + (w / total) * Number(p[i]), 0);
    // sd 0.0896: standard error 0.002.
    expect(Math.abs(mean - 16 / 30)).toBeLessThan(0.006);
  });

  test("the same seed gives the same numbers, another one others", async () => {
    const run = (seed: number) =>
      annealedImportanceSampling(coin(), [], { temperatures: 5, chains: 10, seed });
    const [a, b, c] = [await run(3), await run(3), await run(4)];
    expect(a.logWeights.data).toEqual(b.logWeights.data);
    expect(a.logWeights.data).not.toEqual(c.logWeights.data);
  });
});

describe("eight schools", () => {
  const { logEvidence } = schoolsPosterior;

  /** Exact draws: tau from its marginal on a grid, mu given tau, and the schools given both, in closed form. */
  async function posteriorDraws(chains: number) {
    const { y, sigma } = schoolsData;
    const conditional = (tau: number) => {
      const precisions = sigma.map((s) => 1 / (s * s + tau * tau));
      const precision = 1 / 25 + precisions.reduce((a, b) => a + b, 0);
      const mean = precisions.reduce((n, w, j) => n + w * y[j], 0) / precision;
      // ln p(y, tau) up to a constant: mu integrated out.
      const log =
        -Math.log(1 + (tau / 5) ** 2) +
        0.5 * precisions.reduce((n, w, j) => n + Math.log(w) - w * y[j] ** 2, 0) -
        0.5 * Math.log(precision) +
        0.5 * precision * mean ** 2;
      return { mean, sd: 1 / Math.sqrt(precision), log };
    };
    // tau = exp(u) on a grid of u, fine against the width of the posterior.
    const grid = Array.from({ length: 4000 }, (_, i) => Math.exp(-12 + (18 * i) / 4000));
    const mass = grid.map((tau) => tau * Math.exp(conditional(tau).log));
    const cumulative: number[] = [];
    mass.reduce((total, m, i) => (cumulative[i] = total + m), 0);
    const noise = await compile(
      () => ({
        u: Normal(0, 1).sample("u", [chains]),
        mu: Normal(0, 1).sample("mu", [chains]),
        z: Normal(0, 1).sample("z", [chains, 8]),
      }),
      { executor: "host", seed: 11 },
    )();
    const order = Array.from(noise.u.data, Number);
    const rank = order.map((v) => order.filter((w) => w < v).length);
    const [mu, tau, z] = [new Float64Array(chains), new Float64Array(chains), new Float64Array(8 * chains)];
    for (let c = 0; c < chains; c++) {
      const level = ((rank[c] + 0.5) / chains) * cumulative[cumulative.length - 1];
      tau[c] = grid[cumulative.findIndex((m) => m >= level)];
      const { mean, sd } = conditional(tau[c]);
      mu[c] = mean + sd * Number(noise.mu.data[c]);
      for (let j = 0; j < 8; j++) {
        // theta = mu + tau z; z has precision 1 + tau²/sigma².
        const precision = 1 + (tau[c] / sigma[j]) ** 2;
        const m = (tau[c] * (y[j] - mu[c])) / sigma[j] ** 2 / precision;
        z[8 * c + j] = m + Number(noise.z.data[8 * c + j]) / Math.sqrt(precision);
      }
    }
    const value = (shape: number[], data: Float64Array) => new ArrayValue(shape, "float64", data);
    return new Map([
      ["mu", value([chains, 1], mu)],
      ["tau", value([chains, 1], tau)],
      ["z", value([chains, 8], z)],
    ]);
  }

  test("forward and reverse agree with the log evidence, and their bounds bracket it", async () => {
    const options = { temperatures: 60, chains: 300, seed: 2 };
    const forward = await annealedImportanceSampling(eightSchools(), [], options);
    const reverse = await reverseAnnealedImportanceSampling(
      eightSchools(),
      [],
      await posteriorDraws(options.chains),
      options,
    );
    for (const found of [forward, reverse]) within(found, logEvidence);
    // A draw of tau from the tail of its half-Cauchy prior costs a chain thousands of nats: its bound is loose.
    expect(forward.bound).toBeLessThan(logEvidence);
    expect(reverse.bound).toBeGreaterThan(logEvidence + 3 * reverse.boundError);
  });

  test("the centred program has the same evidence, which its chains find harder", async () => {
    const found = await annealedImportanceSampling(centredSchools(), [], { temperatures: 200, chains: 200 });
    within(found, logEvidence);
  });

  test("simulated data are bracketed", async () => {
    const { lower, upper, gap, data } = await bidirectionalMonteCarlo(eightSchools(), [], {
      temperatures: 100,
      chains: 100,
    });
    expect(data.get("y")?.shape).toEqual([8]);
    expect(lower.bound).toBeLessThan(upper.bound);
    expect(Math.abs(gap)).toBeLessThan(4 * Math.hypot(lower.standardError, upper.standardError));
  });
});

test.each([
  ["coin", coin, -7.06937, -7.068],
  ["eight schools", eightSchools, schoolsPosterior.logEvidence, -31.2951],
] as const)("the figures of the README: %s", async (_, make, truth, figure) => {
  const found = await annealedImportanceSampling(make(), [], { temperatures: 200, chains: 400, seed: 0 });
  within(found, truth);
  expect(found.logEvidence).toBeCloseTo(figure, 3);
});

test("finite sites are summed out all along the path", async () => {
  const x = [1.4, -0.9, 2.2];
  const mixture = model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 1));
    plate("row", 3, () => {
      const k = sample("k", Bernoulli({ probs: 0.3 }));
      observe("x", Normal(mu.add(k.mul(2)), 0.7), tensor(x));
    });
  });
  // By the trapezoidal rule in mu, exact to rounding for a function that vanishes at both ends.
  const normal = (v: number, m: number, s: number) =>
    Math.exp(-0.5 * ((v - m) / s) ** 2) / (s * Math.sqrt(2 * Math.PI));
  let evidence = 0;
  for (let mu = -8; mu < 8; mu += 0.001)
    evidence +=
      0.001 *
      normal(mu, 0, 1) *
      x.reduce((n, v) => n * (0.7 * normal(v, mu, 0.7) + 0.3 * normal(v, mu + 2, 0.7)), 1);
  within(
    await annealedImportanceSampling(mixture, [], { temperatures: 30, chains: 500, seed: 5 }),
    Math.log(evidence),
  );
});

describe("rows of a plate have weights of their own", () => {
  const truths = [exact(0).logEvidence, exact(1).logEvidence];

  test("forward, on both executors", async () => {
    const options = { temperatures: 30, chains: 300, leapfrogs: 6 };
    const host = await annealedImportanceSampling(generative, [], options);
    expect(host.logWeights.shape).toEqual([300, 2]);
    host.perDatum.forEach((datum, i) => {
      within(datum, truths[i]);
    });
    within(host, truths[0] + truths[1]);
    const native = await annealedImportanceSampling(generative, [], { ...options, executor: "native" });
    // The same draws in float64: only the order of sums differs, until an accept step falls the other way.
    expect(Math.abs(native.logEvidence - host.logEvidence)).toBeLessThan(1e-6);
    const single = await annealedImportanceSampling(generative, [], {
      ...options,
      executor: "native",
      precision: "float32",
    });
    within(single, truths[0] + truths[1]);
  });

  test("from a guide that is near the posterior a few temperatures do", async () => {
    const options = { temperatures: 10, chains: 200, leapfrogs: 6 };
    const prior = await annealedImportanceSampling(generative, [], options);
    const guided = await annealedImportanceSampling(generative, [], { ...options, guide: guideOf() });
    for (const found of [prior, guided]) within(found, truths[0] + truths[1]);
    expect(guided.standardError).toBeLessThan(prior.standardError);
  });

  test("simulated rows", async () => {
    const { lower, upper } = await bidirectionalMonteCarlo(generative, [], { temperatures: 40, chains: 100 });
    expect(lower.perDatum).toHaveLength(2);
    lower.perDatum.forEach((datum, i) => {
      const other = upper.perDatum[i];
      expect(Math.abs(datum.logEvidence - other.logEvidence)).toBeLessThan(
        4 * Math.hypot(datum.standardError, other.standardError),
      );
    });
  });
});

test("where the guide is the posterior every weight is the evidence", async () => {
  const y = [0.5, 1.5];
  const mean = model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 1));
    plate("datum", 2, () => observe("y", Normal(mu, 1), tensor(y)));
  });
  // Precision 1 + 2, mean Σ y / 3.
  const posterior = model(({ sample, param }) => {
    sample("mu", Normal(param("loc", [], initializers.constant(2 / 3)), Math.sqrt(1 / 3)));
  });
  const { logWeights, standardError } = await annealedImportanceSampling(mean, [], {
    guide: posterior,
    temperatures: 3,
    chains: 5,
  });
  // ln N(y; 0, I + 11ᵀ), determinant 3.
  const truth = -0.5 * (2 * Math.log(2 * Math.PI) + Math.log(3) + 2.5 - 4 / 3);
  for (const w of logWeights.data) expect(Number(w)).toBeCloseTo(truth, 10);
  expect(standardError).toBeLessThan(1e-10);
});

test("a guide over other supports: the density of a constrained site is its own", async () => {
  const counts = model(({ sample, observe }) => {
    const rate = sample("rate", Gamma(2, 1));
    observe("y", Normal(rate, 0.5), tensor(1.3));
  });
  const plain = await annealedImportanceSampling(counts, [], { temperatures: 30, chains: 500 });
  const guided = await annealedImportanceSampling(counts, [], {
    guide: autoNormal(counts, { initialScale: 0.5 }),
    temperatures: 30,
    chains: 500,
  });
  let evidence = 0;
  for (let rate = 1e-4; rate < 12; rate += 1e-3)
    evidence += 1e-3 * rate * Math.exp(-rate - 2 * (1.3 - rate) ** 2) * Math.sqrt(2 / Math.PI);
  for (const found of [plain, guided]) within(found, Math.log(evidence));
});

test("a VAE's rows against quadrature over its two latent dimensions", async () => {
  const vae = VAE({ shape: [6], latent: 2, hidden: [8] });
  const x = [
    [1, 0, 1, 1, 0, 0],
    [0, 0, 0, 1, 1, 1],
    [1, 1, 1, 1, 1, 1],
  ];
  const parameters = new Map(
    vae.parameters.map(({ tensor: leaf }, k) => [
      leaf,
      Float32Array.from({ length: leaf.size }, (_, i) => Math.sin(1 + 3.7 * i + k)),
    ]),
  );
  const side = Array.from({ length: 121 }, (_, i) => -6 + i / 10);
  const grid = side.flatMap((a) => side.map((b) => [a, b]));
  const logits = await compile(() => vae.decode(tensor(grid)).logProb(tensor(x).unsqueeze(1)), {
    executor: "host",
    parameters,
  })();
  const truths = x.map((_, i) => {
    const total = grid.reduce(
      (n, [a, b], k) => n + Math.exp(Number(logits.data[i * grid.length + k]) - (a * a + b * b) / 2),
      0,
    );
    return Math.log((total * 0.01) / (2 * Math.PI));
  });
  for (const guide of [undefined, vae.guide]) {
    const { perDatum } = await annealedImportanceSampling(vae.model, [tensor(x)], {
      temperatures: 60,
      chains: 200,
      seed: 1,
      parameters,
      executor: "native",
      precision: "float32",
      ...(guide && { guide }),
    });
    perDatum.forEach((datum, i) => {
      within(datum, truths[i]);
    });
  }
});

test("schedules", () => {
  expect(inverseTemperatures(4, "linear")).toEqual([0, 0.25, 0.5, 0.75, 1]);
  const sigmoid = inverseTemperatures(10, "sigmoid");
  expect([sigmoid[0], sigmoid[5], sigmoid[10]]).toEqual([0, 0.5, 1]);
  // (σ(4·(2·0.1 − 1)) − σ(−4)) / (σ(4) − σ(−4))
  expect(sigmoid[1]).toBeCloseTo(0.0219698, 6);
  expect(sigmoid[1]).toBeLessThan(0.1);
  expect(() => inverseTemperatures(0, "linear")).toThrow(
    new UsageError("annealing: temperatures must be a whole number of at least 1, found 0."),
  );
  for (const bad of [[0], [0, 0.5], [0, 0.6, 0.6, 1], [0.1, 1]])
    expect(() => inverseTemperatures(1, bad)).toThrow(
      new UsageError("annealing: a schedule's inverse temperatures must rise from 0 to 1."),
    );
});

describe("what cannot be done is said", () => {
  const run = (options: Parameters<typeof annealedImportanceSampling<[]>>[2]) =>
    annealedImportanceSampling(coin(), [], { temperatures: 2, chains: 2, ...options });

  test("settings", async () => {
    await expect(run({ chains: 0 })).rejects.toThrow(
      new UsageError("annealing: chains must be a whole number of at least 1, found 0."),
    );
    await expect(run({ leapfrogs: 0 })).rejects.toThrow(
      new UsageError("annealing: leapfrogs must be a whole number of at least 1, found 0."),
    );
    await expect(run({ targetAcceptance: 1 })).rejects.toThrow(
      new UsageError("annealing: targetAcceptance must be between 0 and 1, found 1."),
    );
  });

  test("guides without densities of their own, or of other sites", async () => {
    await expect(run({ guide: autoFullRankNormal(coin()) })).rejects.toThrow(
      new UsageError(
        "autoFullRankNormal(coin): site 'joint' has no density at a value that it did not draw; a path starts from a guide whose sites " +
          "are the program's continuous sites, each with its own distribution (autoNormal, or an amortised one).",
      ),
    );
    const empty = model(() => undefined, { name: "empty" });
    await expect(run({ guide: empty })).rejects.toThrow(
      new UsageError("empty: the guide has no site 'p', which the start of the path needs."),
    );
  });

  test("posterior draws that are no draw for each chain", async () => {
    const few = new Map([["p", new ArrayValue([1], "float64", Float64Array.of(0.5))]]);
    await expect(reverseAnnealedImportanceSampling(coin(), [], few, { chains: 2 })).rejects.toThrow(
      new UsageError("coin: site 'p' needs 2 values, a draw for each of 2 chains; found 1."),
    );
  });

  test("a program that observes nothing has evidence 1", async () => {
    for (const program of [
      model(({ sample }) => sample("z", Normal(0, 1))),
      model(({ sample, plate }) => plate("row", 3, () => sample("z", Gamma(2, 1)))),
    ]) {
      const { logEvidence, warnings } = await annealedImportanceSampling(program, [], {
        temperatures: 4,
        chains: 12,
      });
      expect(logEvidence).toBe(0);
      expect(warnings).toEqual([]);
    }
  });

  test("an estimate that a few chains make says so: a narrow ridge", async () => {
    const ridge = model(({ sample, observe }) => {
      const [a, b] = ["a", "b"].map((name) => sample(name, Normal(0, 100)));
      observe("y", Normal(a.add(b), 1e-3), 1);
    });
    const { logEvidence, warnings } = await annealedImportanceSampling(ridge, [], { chains: 20 });
    // Its evidence is that of N(1; 0, 2 · 100²): −5.87.
    expect(logEvidence).toBeLessThan(-100);
    expect(warnings.join()).toContain("The weights of 20 chains are worth");
  });

  test("data of density zero", async () => {
    const impossible = model(({ sample, factor }) => {
      factor("never", sample("p", Beta(1, 1)).mul(0).add(Number.NEGATIVE_INFINITY));
    });
    await expect(annealedImportanceSampling(impossible, [], { temperatures: 2, chains: 2 })).rejects.toThrow(
      NonFiniteError,
    );
  });
});
