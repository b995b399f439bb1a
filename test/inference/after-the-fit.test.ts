/** Likelihoods by row, leave-one-out cross-validation, WAIC, and the data that ArviZ reads. */
import { describe, expect, test } from "vitest";
import { ArrayValue } from "../../src/compile/index.ts";
import { Categorical, constraints, flat, Normal } from "../../src/distributions/index.ts";
import { logLikelihood, loo, nuts, predictive, toInferenceData, waic } from "../../src/inference/index.ts";
import { model } from "../../src/program/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { tensor } from "../../src/tensor/index.ts";

const y = [1.2, 0.4, 2.2, 1.9, 0.9, 1.4, 2.6, 0.2, 1.1, 0.7];
const n = y.length;
const program = (data: readonly number[]) =>
  model(({ sample, observe, plate }) => {
    const mu = sample("mu", flat(constraints.real));
    plate("row", data.length, () => observe("y", Normal(mu, 1), tensor([...data])));
  });
const logNormal = (x: number, m: number, v: number): number =>
  -0.5 * (Math.log(2 * Math.PI * v) + (x - m) ** 2 / v);
const meanOf = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;

/** Exact draws of the mean: N(ȳ, 1/n). */
const DRAWS = 40_000;
function exactDraws(data: readonly number[]): ReadonlyMap<string, ArrayValue> {
  const z = new Float64Array(DRAWS);
  fillNormal(z, stream(3, "exact"), { step: 0 });
  const at = meanOf(data);
  return new Map([
    [
      "mu",
      new ArrayValue(
        [DRAWS],
        "float64",
        z.map((v) => at + v / Math.sqrt(data.length)),
      ),
    ],
  ]);
}

describe("against closed forms", () => {
  const posterior = exactDraws(y);

  test("log likelihoods are those of the rows at each draw", async () => {
    const rows = (await logLikelihood(program(y), [], { posterior })).get("y");
    expect(rows?.shape).toEqual([DRAWS, n]);
    const mu = posterior.get("mu")?.data ?? [];
    for (const [d, i] of [
      [0, 0],
      [7, 3],
      [DRAWS - 1, n - 1],
    ]) {
      // Data are float32.
      expect(Number(rows?.data[d * n + i])).toBeCloseTo(logNormal(Math.fround(y[i]), Number(mu[d]), 1), 6);
    }
  });

  // p(yᵢ | y₋ᵢ) = N(mean of the others, 1 + 1/(n − 1)).
  test("loo", async () => {
    const { elpd, pointwise, paretoK, rows, trusted, standardError, effectiveParameters } = await loo(
      program(y),
      [],
      { posterior },
    );
    const exact = y.map((v, i) => logNormal(v, meanOf(y.filter((_, j) => j !== i)), 1 + 1 / (n - 1)));
    // Weights of a posterior a tenth narrower have a relative sd below 1 in each row: six standard errors of 40,000 draws are below 0.02.
    pointwise.forEach((v, i) => {
      expect(Math.abs(v - exact[i])).toBeLessThan(0.02);
    });
    expect(elpd).toBeCloseTo(
      pointwise.reduce((a, b) => a + b),
      10,
    );
    const m = elpd / n;
    expect(standardError).toBeCloseTo(
      Math.sqrt((n / (n - 1)) * pointwise.reduce((s, v) => s + (v - m) ** 2, 0)),
      10,
    );
    expect(paretoK.length).toBe(n);
    expect(rows[3]).toEqual({ site: "y", index: 3 });
    expect(trusted).toBe(true);
    expect(effectiveParameters).toBeGreaterThan(0.5);
    expect(effectiveParameters).toBeLessThan(1.5);
  });

  // ln p(yᵢ | y) = N(ȳ, 1 + 1/n); Var ln p(yᵢ | μ) = (yᵢ − ȳ)²/n + 1/(2n²).
  test("waic", async () => {
    const { pointwise, variances, trusted } = await waic(program(y), [], { posterior });
    y.forEach((v, i) => {
      const variance = (v - meanOf(y)) ** 2 / n + 1 / (2 * n * n);
      expect(Math.abs(variances[i] - variance)).toBeLessThan(0.05 * variance);
      expect(Math.abs(pointwise[i] - (logNormal(v, meanOf(y), 1 + 1 / n) - variance))).toBeLessThan(0.02);
    });
    expect(trusted).toBe(true);
  });

  test("a row that pulls the posterior away has a k̂ of its own, and is named", async () => {
    const far = [0.1, -0.2, 0.3, 40];
    const { untrusted, trusted, verdict, paretoK } = await loo(program(far), [], {
      posterior: exactDraws(far),
    });
    expect(trusted).toBe(false);
    expect(untrusted).toContainEqual({ site: "y", index: 3 });
    expect(paretoK[3]).toBeGreaterThan(0.7);
    expect(verdict).toMatch(/y\[3\].*cannot be trusted/);
  });
});

test("refused: no draws of a site, too few, finite sites that were summed out, impossible rows", async () => {
  await expect(loo(program(y), [], { posterior: new Map() })).rejects.toThrow(/no values of site 'mu'/);
  await expect(loo(program(y), [], {} as never)).rejects.toThrow(/posterior is missing/);
  // A fit where its values are asked for.
  const fit = { values: new Map() } as never;
  await expect(loo(program(y), [], { posterior: fit })).rejects.toThrow(
    /posterior must be a Map, .* found an object/,
  );
  await expect(predictive(program(y), [], { posterior: fit, draws: 2 })).rejects.toThrow(
    /posterior must be a Map/,
  );
  const few = new Map([["mu", new ArrayValue([10], "float64")]]);
  await expect(loo(program(y), [], { posterior: few })).rejects.toThrow(/at least 25 draws, found 10/);
  const nan = new Map([["mu", new ArrayValue([30], "float64", new Float64Array(30).fill(Number.NaN))]]);
  await expect(waic(program(y), [], { posterior: nan })).rejects.toThrow(/row 0 of site 'y' is NaN/);
  const mixed = model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 1));
    plate("row", 2, () => {
      const k = sample("k", Categorical({ logits: tensor([0, 0]) }));
      observe("y", Normal(mu.add(k.cast("float32")), 1), tensor([1, 2]));
    });
  });
  await expect(loo(mixed, [], { posterior: few })).rejects.toThrow(/finite site 'k'.*Mixture/s);
});

test("the data that arviz.from_dict takes", async () => {
  const chains = await nuts(program(y)).run([], { chains: 2, draws: 20, warmUp: 50, seed: 0 });
  const rows = await logLikelihood(program(y), [], { posterior: chains.values });
  const replicated = await predictive(program(y), [], { posterior: chains.values, draws: 40, seed: 0 });
  const data = toInferenceData(chains, {
    logLikelihood: rows,
    posteriorPredictive: replicated,
    observedData: { y },
    dims: { y: ["row"] },
    coords: { row: y.map((_, i) => `r${i}`) },
  });
  const shapeOf = (v: unknown): number[] => (Array.isArray(v) ? [v.length, ...shapeOf(v[0])] : []);
  expect(shapeOf(data.posterior.mu)).toEqual([2, 20]);
  expect(shapeOf(data.log_likelihood?.y)).toEqual([2, 20, n]);
  expect(shapeOf(data.posterior_predictive?.y)).toEqual([2, 20, n]);
  expect(Object.keys(data.posterior_predictive ?? {})).toEqual(["y"]);
  expect(Object.keys(data.sample_stats ?? {})).toEqual([
    "lp",
    "acceptance_rate",
    "step_size",
    "tree_depth",
    "n_steps",
    "diverging",
    "energy",
  ]);
  for (const v of Object.values(data.sample_stats ?? {})) expect(shapeOf(v)).toEqual([2, 20]);
  const again = JSON.parse(JSON.stringify(data));
  expect(again.posterior.mu[1][3]).toBe(chains.values.get("mu")?.data[23]);
  expect(again.log_likelihood.y[1][3][2]).toBe(rows.get("y")?.data[23 * n + 2]);
  expect(typeof again.sample_stats.diverging[0][0]).toBe("boolean");
  expect(again.dims).toEqual({ y: ["row"] });
  expect(() =>
    toInferenceData(chains, { logLikelihood: new Map([["y", new ArrayValue([3, n], "float64")]]) }),
  ).toThrow(/all 40 draws/);
  expect(shapeOf(toInferenceData({ values: exactDraws(y) }).posterior.mu)).toEqual([1, DRAWS]);
});
