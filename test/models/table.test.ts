/** Models of a table's rows with missing values, from encoder to density. */
import { describe, expect, test } from "vitest";
import { ArrayValue, compile } from "../../src/compile/index.ts";
import { createDataset } from "../../src/data/index.ts";
import { UsageError } from "../../src/errors.ts";
import { Autoencoder, M2, VAE } from "../../src/models/index.ts";
import { adam, compileStep } from "../../src/optim/index.ts";
import { train } from "../../src/runs/index.ts";
import { abs, grad, sum, type Tensor, tensor } from "../../src/tensor/index.ts";

const nan = Number.NaN;
const layout = { numeric: 2, categories: [3] } as const;
const gaps = [
  [0.5, -1, 0, 1, 0],
  [nan, 2, 1, 0, 0],
  [1.5, nan, nan, nan, nan],
  [nan, nan, 0, 0, 1],
  [nan, nan, nan, nan, nan],
];
const values = (rows: readonly (readonly number[])[]) =>
  new ArrayValue([rows.length, rows[0].length], "float32", Float32Array.from(rows.flat()));

describe("natively as on the host, gradients too", () => {
  const m2 = M2({ features: 5, classes: 2, latent: 2, hidden: [6], likelihood: "table", layout });
  const vae = VAE({ shape: [5], latent: 2, hidden: [6], likelihood: "table", layout });
  const bare = VAE({ shape: [5], latent: 2, hidden: [], likelihood: "table", layout });
  const code = Autoencoder({ shape: [5], latent: 2, hidden: [6], likelihood: "table", layout });
  // Read as a number, a count and three levels, each column of five that is missing in some row.
  const mixed = { numeric: 1, counts: 1, categories: [3], ordinal: [0] } as const;
  const typed = VAE({ shape: [5], latent: 2, hidden: [6], likelihood: "table", layout: mixed });
  const typedM2 = M2({ features: 5, classes: 2, latent: 2, hidden: [6], likelihood: "table", layout: mixed });
  test.each([
    ["m2, by Bayes' rule", m2, (x: Tensor) => m2.logJoint(x, 3)],
    ["m2, its classifier", m2, (x: Tensor) => m2.classify(x)],
    ["vae", vae, (x: Tensor) => vae.elbo(x).elbo],
    ["vae without hidden layers", bare, (x: Tensor) => bare.logWeights(x, 4)],
    ["vae of counts and levels", typed, (x: Tensor) => typed.logWeights(abs(x), 4)],
    ["m2 of counts and levels", typedM2, (x: Tensor) => typedM2.logJoint(abs(x), 3)],
    ["autoencoder", code, (x: Tensor) => code.reconstruction(x)],
  ])("%s", async (_, { parameters }, f) => {
    const run = async (executor: "host" | "native") => {
      const compiled = compile(
        (x: Tensor) => {
          const value = f(x);
          const gradients = grad(
            sum(value),
            parameters.map((p) => p.tensor),
          );
          return { value, ...Object.fromEntries(gradients.map((g, i) => [parameters[i].name, g])) };
        },
        { executor, seed: 3, threads: 1 },
      );
      return compiled(values(gaps));
    };
    const [host, native] = [await run("host"), await run("native")];
    for (const [name, { data }] of Object.entries(host)) {
      Array.from(data, Number).forEach((v, i) => {
        const found = Number((native as typeof host)[name as keyof typeof host].data[i]);
        expect(Number.isFinite(v)).toBe(true);
        expect(Math.abs(found - v), `${name} ${i}`).toBeLessThan(2e-5 * Math.max(1, Math.abs(v)));
      });
    }
  });
});

test("a linear model with gaps: the importance-weighted mean is the normal density of what is there", async () => {
  // x = W z + b + ε: without hidden layers the decoder is linear, so any columns of x are jointly normal (probabilistic PCA).
  const vae = VAE({
    shape: [3],
    latent: 1,
    hidden: [],
    likelihood: "table",
    layout: { numeric: 3, categories: [] },
  });
  const rows = Array.from({ length: 60 }, (_, i) => {
    const z = Math.sin(i * i);
    return [2 * z, -z + 0.3 * Math.cos(7 * i), 0.5 * Math.sin(3 * i)].map((v, j) =>
      (i + j) % 4 === 0 ? nan : v,
    );
  });
  const dataset = createDataset({
    name: "gaps",
    shape: [3],
    x: Float32Array.from(rows.flat(), (v) => (Number.isNaN(v) ? 0 : v)),
    observed: Uint8Array.from(rows.flat(), (v) => Number(!Number.isNaN(v))),
  });
  const { parameters } = await train(vae, dataset, { epochs: 200, batch: 60, lr: 0.02, binarize: "none" });
  const of = (name: string) =>
    Array.from(parameters.get(vae.parameters.find((p) => p.name.endsWith(name))?.tensor ?? tensor(0)) ?? []);
  const [w, b, logScale] = ["decoder.layers.0.weight", "decoder.layers.0.bias", "logScale"].map(of);
  expect([w.length, b.length, logScale.length]).toEqual([3, 3, 3]);
  // log N(x; b, w wᵀ + diag σ²) of the columns that are there, by the determinant and inverse of a rank-one update.
  const exact = rows.map((row) => {
    const there = [0, 1, 2].filter((j) => !Number.isNaN(row[j]));
    const precision = (j: number) => Math.exp(-2 * logScale[j]);
    const total = (f: (j: number) => number) => there.reduce((t, j) => t + f(j), 0);
    const inner = 1 + total((j) => w[j] ** 2 * precision(j));
    const along = total((j) => w[j] * (row[j] - b[j]) * precision(j));
    const distance = total((j) => (row[j] - b[j]) ** 2 * precision(j)) - along ** 2 / inner;
    const logDeterminant = Math.log(inner) + total((j) => 2 * logScale[j]);
    return -0.5 * (there.length * Math.log(2 * Math.PI) + logDeterminant + distance);
  });
  const samples = 4000;
  const weigh = compile((x: Tensor) => vae.logWeights(x, samples), { parameters, seed: 1, threads: 1 });
  const { data } = await weigh(values(rows));
  exact.forEach((expected, row) => {
    const weights = Array.from({ length: samples }, (_, k) => Math.exp(Number(data[k * rows.length + row])));
    const mean = weights.reduce((t, v) => t + v, 0) / samples;
    const variance = weights.reduce((t, v) => t + (v - mean) ** 2, 0) / samples;
    const error = Math.sqrt(variance / samples) / mean;
    // Five standard errors of 60 means: one false alarm in 30,000 seeds; float32 rounds at 1e-5.
    expect(Math.abs(Math.log(mean) - expected)).toBeLessThan(5 * error + 2e-5);
    expect(error).toBeLessThan(0.05);
  });
});

describe("what the encoder makes of marks", () => {
  const sizes = { labelled: { size: 4, rows: 4 }, unlabelled: { size: 4, rows: 4 } };
  const complete = [
    [0.5, -1, 0, 1, 0],
    [-0.5, 2, 1, 0, 0],
    [1.5, 1, 0, 0, 1],
    [-1, -1, 0, 0, 1],
  ];
  /** The gain and the classes of two rows, after a few steps on some data. */
  const learnt = async (rows: readonly (readonly number[])[]) => {
    const m2 = M2({ features: 5, classes: 2, latent: 2, hidden: [6], likelihood: "table", layout });
    const step = await compileStep(m2.objective(sizes), m2.parameters, adam({ learningRate: 0.01 }), {
      seed: 0,
      threads: 1,
    });
    step.input("y").set([1, 0, 0, 1, 1, 0, 0, 1]);
    for (const name of ["x", "xLabelled"]) step.input(name).set(rows.flat());
    for (let i = 0; i < 20; i++) await step.run(i);
    const parameters = new Map(m2.parameters.map(({ name, tensor: t }) => [t, step.value(name)]));
    const classify = compile((x: Tensor) => m2.classify(x), { parameters, threads: 1 });
    const { data } = await classify(
      values([
        [0, 1, 1, 0, 0],
        [nan, 1, 1, 0, 0],
      ]),
    );
    return { gain: [...step.value("front.gain")], classes: Array.from(data, Number) };
  };

  test("complete data leave them alone: a value that is missing later counts as the mean", async () => {
    const { gain, classes } = await learnt(complete);
    expect(gain).toEqual([0, 0, 0, 0, 0]);
    expect(classes.slice(2)).toEqual(classes.slice(0, 2));
  });

  test("missing values teach them, each column's its own", async () => {
    const { gain, classes } = await learnt(complete.map(([a, ...rest], i) => [i % 2 ? nan : a, ...rest]));
    expect(gain[0]).not.toBe(0);
    expect(gain.slice(1)).toEqual([0, 0, 0, 0]);
    expect(Math.abs(classes[2] - classes[0])).toBeGreaterThan(1e-3);
  });
});

test("data with missing values need the likelihood that knows them", async () => {
  const data = { shape: [2], x: Float32Array.of(1, 0, 2, 3), observed: Uint8Array.of(1, 0, 1, 1) };
  const vae = VAE({ shape: [2], latent: 1, hidden: [4], likelihood: "gaussian" });
  await expect(train(vae, createDataset({ name: "d", ...data }), { binarize: "none" })).rejects.toThrow(
    new UsageError(
      'd: values are missing, which a gaussian likelihood cannot handle; use `likelihood: "table"`, or fill them in.',
    ),
  );
});
