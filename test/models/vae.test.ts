import { describe, expect, test } from "vitest";
import { build, compile, type Executor } from "../../src/compile/index.ts";
import { initialValues } from "../../src/compile/leaves.ts";
import { ShapeError, UsageError } from "../../src/errors.ts";
import {
  Autoencoder,
  type LikelihoodName,
  likelihoodNames,
  VAE,
  type VaeObjectiveOptions,
  type VaeOptions,
} from "../../src/models/index.ts";
import { countParameters, trainingContext } from "../../src/nn/index.ts";
import { adam, compileStep, type Objective } from "../../src/optim/index.ts";
import { fillNormal, fillUniform, stream } from "../../src/random/index.ts";
import { convert } from "../../src/tensor/dtype.ts";
import { grad, input, mean, type Tensor } from "../../src/tensor/index.ts";
import { isNoise, isParameter } from "../../src/tensor/leaf.ts";

const BATCH = 6;

/** Bars: rows of ones in a square of zeros, a little of every other value where grey ones are asked for, gaps where they may be. */
function toys(features: number, likelihood: LikelihoodName): Float32Array {
  const u = new Float32Array(BATCH * features);
  fillUniform(u, stream(0, "toys"));
  return u.map((v, n) => {
    const on = Math.floor(n / 4) % 3 === Math.floor(n / features) % 3;
    if (likelihood === "bernoulli") return on ? 1 : 0;
    const grey = on ? 1 - 0.2 * v : 0.2 * v;
    if (likelihood === "table" && n % 5 === 0) return Number.NaN;
    return likelihood.startsWith("gaussian") || likelihood === "table" ? 4 * grey - 1 : grey;
  });
}

async function losses(
  objective: Objective,
  parameters: readonly { readonly name: string; readonly tensor: Tensor }[],
  data: Float32Array,
  count: number,
) {
  const step = await compileStep(objective, parameters, adam({ learningRate: 0.01 }), {
    seed: 0,
    threads: 1,
  });
  step.input("x").set(data);
  const found: number[] = [];
  for (let i = 0; i < count; i++) found.push((await step.run(i)).loss);
  return { step, found };
}

const average = (v: readonly number[]) => v.reduce((a, b) => a + b, 0) / v.length;

/** Values of every leaf, the same on every executor. */
async function valuesOf(outputs: readonly Tensor[], executor: Executor, data: Float32Array) {
  const program = await build(outputs, { executor, threads: 1 });
  const leaves = program.leaves.map((leaf) => {
    if (isParameter(leaf)) return Float32Array.from(initialValues(leaf, `shape ${leaf.shape}`, 4));
    const out = new Float32Array(leaf.size);
    if (isNoise(leaf))
      (leaf.attributes.kind === "normal" ? fillNormal : fillUniform)(out, stream(2, leaf.attributes.site));
    else if (leaf.size === 1) out[0] = 0.7;
    else out.set(data);
    return out;
  });
  const out = outputs.map((t) =>
    convert(new Float64Array(t.size), executor === "host" ? "float64" : t.dtype),
  );
  await program.bind(leaves, out)();
  return out.map((o) => Array.from(o, Number));
}

const architectures: readonly (readonly [string, VaeOptions])[] = [
  ["perceptron", { shape: [12], latent: 3, hidden: [7, 5] }],
  ["no hidden layer", { shape: [4, 3], latent: 2, hidden: [] }],
  ["batch normalisation", { shape: [12], latent: 2, hidden: [8], batchNorm: true }],
  ["dropout", { shape: [12], latent: 2, hidden: [8], dropout: 0.25, activation: "tanh" }],
  ["convolutions", { shape: [8, 8], latent: 2, hidden: [9], network: "convolutional", channels: [3, 4] }],
  [
    "convolutions of odd sizes",
    { shape: [7, 9], latent: 2, hidden: [], network: "convolutional", channels: [3, 4] },
  ],
  [
    "convolutions of colours, with normalisation and dropout",
    {
      shape: [5, 6, 3],
      latent: 2,
      hidden: [6],
      network: "convolutional",
      channels: [4],
      batchNorm: true,
      dropout: 0.1,
    },
  ],
  [
    "three levels of convolutions",
    { shape: [9, 5], latent: 2, hidden: [], network: "convolutional", channels: [2, 3, 4] },
  ],
];

describe.each(architectures)("%s", (_, options) => {
  const vae = VAE(options);
  const autoencoder = Autoencoder(options);
  const { features, latent } = vae;
  /** Whether the decoder begins with a layer that is normalised where there is normalisation. */
  const beginsWithLayer = options.network === "convolutional" || options.hidden?.length !== 0;

  test("shapes", () => {
    const x = input("x", [BATCH, features]);
    const q = vae.encode(x);
    expect([q.batchShape, q.eventShape]).toEqual([[BATCH], [latent]]);
    const p = vae.decode(input("z", [5, BATCH, latent]));
    expect([p.batchShape, p.eventShape]).toEqual([[5, BATCH], [features]]);
    const terms = vae.elbo(x, { samples: 2 });
    expect([terms.elbo.shape, terms.kl.shape, terms.reconstruction.shape]).toEqual([
      [BATCH],
      [BATCH],
      [BATCH],
    ]);
    expect(vae.klPerDimension(x).shape).toEqual([BATCH, latent]);
    expect(vae.logWeights(x, 3).shape).toEqual([3, BATCH]);
    expect(vae.objective({ batch: BATCH }).loss.shape).toEqual([]);
    expect(autoencoder.encode(x).shape).toEqual([BATCH, latent]);
    expect(autoencoder.decode(input("z", [BATCH, latent])).eventShape).toEqual([features]);
    expect(autoencoder.reconstruction(x).shape).toEqual([BATCH]);
  });

  test("the bias of codes is trained, unless the decoder begins by taking their mean away", async () => {
    const bias = async (batchNorm: boolean) => {
      const { objective, parameters } = Autoencoder({ ...options, batchNorm });
      const { step } = await losses(objective({ batch: BATCH }), parameters, toys(features, "bernoulli"), 5);
      return [...step.arena.parameter("encoder.code.bias")];
    };
    expect((await bias(false)).every((value) => value !== 0)).toBe(true);
    expect((await bias(true)).every((value) => (value === 0) === beginsWithLayer)).toBe(true);
  });

  test("a few steps lower the loss, of the VAE and of the autoencoder", async () => {
    const data = toys(features, "bernoulli");
    for (const model of [vae, autoencoder]) {
      const { found, step } = await losses(model.objective({ batch: BATCH }), model.parameters, data, 120);
      expect(average(found.slice(-10))).toBeLessThan(0.9 * average(found.slice(0, 5)));
      // Every parameter has a gradient, but for a bias that normalisation takes away: none is left out of the graph.
      const isIdle = (name: string) =>
        name === "encoder.code.bias" && options.batchNorm === true && beginsWithLayer;
      for (const { name } of step.arena.tensors)
        expect(
          step.arena.gradient(name).some((g) => g !== 0),
          name,
        ).toBe(!isIdle(name));
    }
  });

  test("gradients: native float32 against host float64, with the same noise", async () => {
    const { loss, metrics } = vae.objective({ batch: BATCH, beta: "input", samples: 2, freeBits: 0.1 });
    const trainable = vae.parameters
      .map(({ tensor }) => tensor)
      .filter((t) => isParameter(t) && t.attributes.trainable);
    const outputs = [loss, ...Object.values(metrics), ...grad(loss, trainable)];
    const data = toys(features, "bernoulli");
    const host = await valuesOf(outputs, "host", data);
    const native = await valuesOf(outputs, "native", data);
    host.forEach((expected, i) => {
      const scale = Math.max(1, ...expected.map(Math.abs));
      expected.forEach((v, j) => {
        // Some 50 float32 operations in sequence over sums of up to 200 terms: 50 · √200 · 2⁻²⁴ is 4·10⁻⁵.
        expect(Math.abs(native[i][j] - v), `output ${i}, element ${j}: ${v}`).toBeLessThan(1e-4 * scale);
      });
    });
  });
});

describe.each(likelihoodNames)("likelihood %s", (likelihood) => {
  test.each<[string, Omit<VaeObjectiveOptions, "batch">]>([
    ["ELBO", {}],
    ["Monte Carlo ELBO", { form: "monteCarlo" }],
    ["IWAE", { bound: "iwae", samples: 5 }],
  ])("trains by the %s", async (_, options) => {
    const layout = { numeric: 12, categories: [] };
    const vae = VAE({ shape: [12], latent: 2, hidden: [16], likelihood, layout });
    const { found } = await losses(
      vae.objective({ batch: BATCH, ...options }),
      vae.parameters,
      toys(12, likelihood),
      150,
    );
    expect(average(found.slice(-20))).toBeLessThan(average(found.slice(0, 5)) - 1);
  });
});

describe("parameters", () => {
  test("have the names of their places, and 784-400-20-400-784 has 653,000 of them", () => {
    const vae = VAE({ shape: [28, 28], latent: 20, hidden: [400] });
    expect(vae.parameters.map(({ name }) => name)).toEqual([
      "encoder.body.layers.0.weight",
      "encoder.body.layers.0.bias",
      "encoder.mean.weight",
      "encoder.mean.bias",
      "encoder.logVariance.weight",
      "encoder.logVariance.bias",
      "decoder.layers.0.weight",
      "decoder.layers.0.bias",
      "decoder.layers.2.weight",
      "decoder.layers.2.bias",
    ]);
    // 784·400 + 400 + 2 (400·20 + 20) + 20·400 + 400 + 400·784 + 784
    expect(countParameters(vae.parameters.map(({ tensor }) => tensor))).toBe(652_824);
  });

  test("a learned scale is one of them; running statistics are buffers", () => {
    const vae = VAE({
      shape: [3],
      latent: 1,
      hidden: [2],
      likelihood: "gaussian-per-feature",
      batchNorm: true,
    });
    const shapes = new Map(vae.parameters.map(({ name, tensor }) => [name, tensor.shape]));
    expect(shapes.get("likelihood.logScale")).toEqual([3]);
    expect(shapes.get("encoder.body.layers.1.runningMean")).toEqual([2]);
    // The bias of a layer before batch normalisation would do nothing.
    expect([...shapes.keys()]).not.toContain("encoder.body.layers.0.bias");
    const updates = vae.objective({ batch: 4 }).updates ?? new Map();
    expect(updates.size).toBe(4);
  });
});

describe("the objective", () => {
  const vae = VAE({ shape: [12], latent: 3, hidden: [7] });
  const data = toys(12, "bernoulli");
  const at = async (objective: Objective) => {
    const names = ["loss", ...Object.keys(objective.metrics)];
    const values = await valuesOf([objective.loss, ...Object.values(objective.metrics)], "host", data);
    return Object.fromEntries(names.map((n, i) => [n, values[i][0]]));
  };

  test("loss is the negative ELBO; its terms are reported", async () => {
    const { loss, reconstruction, kl } = await at(vae.objective({ batch: BATCH }));
    expect(loss).toBeCloseTo(kl - reconstruction, 10);
    expect(kl).toBeGreaterThan(0);
  });

  test("β, as a number or as an input, weighs the KL in the loss alone", async () => {
    const { reconstruction, kl } = await at(vae.objective({ batch: BATCH }));
    const four = await at(vae.objective({ batch: BATCH, beta: 4 }));
    expect([four.loss, four.kl]).toEqual([expect.closeTo(4 * kl - reconstruction, 10), kl]);
    // valuesOf feeds 0.7 to a scalar input.
    const fed = await at(vae.objective({ batch: BATCH, beta: "input" }));
    expect(fed.loss).toBeCloseTo(0.7 * kl - reconstruction, 6);
  });

  test("free bits: what a dimension costs at least", async () => {
    const { reconstruction } = await at(vae.objective({ batch: BATCH }));
    const { loss } = await at(vae.objective({ batch: BATCH, freeBits: 100 }));
    expect(loss).toBeCloseTo(300 - reconstruction, 6);
  });

  test("IWAE of one sample is the Monte Carlo ELBO; of more it is higher on average", async () => {
    const one = await at(vae.objective({ batch: BATCH, bound: "iwae" }));
    const elbo = await at(vae.objective({ batch: BATCH, form: "monteCarlo" }));
    expect(one.elbo).toBeCloseTo(-elbo.loss, 5);
    const many = await at(vae.objective({ batch: BATCH, bound: "iwae", samples: 200 }));
    expect(many.elbo).toBeGreaterThan(one.elbo);
  });

  test("klPerDimension adds up to the KL", async () => {
    const x = input("x", [BATCH, 12]);
    const [each, total] = await valuesOf([vae.klPerDimension(x), vae.elbo(x).kl], "host", data);
    total.forEach((v, i) => {
      expect(v).toBeCloseTo(
        each.slice(3 * i, 3 * i + 3).reduce((a, b) => a + b, 0),
        9,
      );
    });
  });

  test("dropout and batch normalisation act in training alone", async () => {
    const model = VAE({ shape: [12], latent: 2, hidden: [8], dropout: 0.5, batchNorm: true });
    const x = input("x", [BATCH, 12]);
    const [a, b] = await valuesOf(
      [model.encode(x).mean(), model.encode(x, trainingContext()).mean()],
      "host",
      data,
    );
    expect(a).not.toEqual(b);
    const again = await valuesOf([model.encode(x).mean()], "host", data);
    expect(again[0]).toEqual(a);
  });
});

test("a convolutional network at 28 × 28 keeps the size of its images", async () => {
  const vae = VAE({ shape: [28, 28], latent: 4, hidden: [], network: "convolutional", channels: [4, 8] });
  const f = compile((z) => mean(vae.decode(z).mean()), { threads: 1 });
  expect(vae.decode(input("z", [2, 4])).eventShape).toEqual([784]);
  // Biases start at 0, so at z = 0 every pixel is σ(0).
  expect((await f([[0, 0, 0, 0]])).item()).toBeCloseTo(0.5, 6);
});

describe("what models refuse", () => {
  test("no latent dimensions", () => {
    for (const latent of [0, -1, 1.5]) {
      expect(() => VAE({ shape: [4], latent })).toThrow(UsageError);
      expect(() => Autoencoder({ shape: [4], latent })).toThrow(UsageError);
    }
    expect(() => VAE({ shape: [4], latent: 0 })).toThrow(
      new UsageError("vae: latent must be a whole number of at least 1, found 0."),
    );
  });

  test("rows for a convolutional network", () => {
    expect(() => VAE({ shape: [30], network: "convolutional" })).toThrow(
      new UsageError(
        "a convolutional network needs images, [height, width] or [height, width, channels]; found rows of shape [30]. " +
          'Use `network: "mlp"`.',
      ),
    );
  });

  test("a convolutional network without convolutions", () => {
    expect(() => VAE({ shape: [4, 4], network: "convolutional", channels: [] })).toThrow(
      new UsageError(
        'a convolutional network needs at least one convolution; found no channels. Use `network: "mlp"`.',
      ),
    );
  });

  test("data of another width", () => {
    const vae = VAE({ shape: [12], hidden: [3] });
    expect(() => vae.encode(input("x", [2, 11]))).toThrow(ShapeError);
  });
});
