import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import type { Exported } from "../../../src/kinds/index.ts";
import { exportOnnx } from "../../../src/kinds/vae/export.ts";
import { Autoencoder, type AutoencoderOptions, VAE, type VaeOptions } from "../../../src/models/index.ts";
import { fillNormal, fillUniform, stream } from "../../../src/random/index.ts";
import { train } from "../../../src/runs/index.ts";
import { bars } from "../../runs/toys.ts";

const BATCH = 3;

async function run(model: Exported, data: Float32Array) {
  const session = await InferenceSession.create(model.bytes, { intraOpNumThreads: 1 });
  expect([session.inputNames, session.outputNames]).toEqual([
    model.inputs.map((i) => i.name),
    model.outputs.map((o) => o.name),
  ]);
  const [{ name: input, shape: taken }] = model.inputs;
  const rows = data.length / taken[1];
  const found = await session.run({ [input]: new Tensor("float32", data, [rows, taken[1]]) });
  return Object.fromEntries(
    model.outputs.map(({ name, shape }) => {
      expect(found[name].dims).toEqual([rows, ...shape.slice(1)]);
      return [name, found[name].data as Float32Array];
    }),
  );
}

/** The same graph, but weights folded where they were inputs: the order of float32 roundings may change. */
function expectClose(found: Float32Array, expected: ArrayLike<number>): void {
  expect(found.length).toBe(expected.length);
  found.forEach((v, i) => {
    expect(Math.abs(v - expected[i])).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected[i])));
  });
}

const models: readonly (readonly [string, VaeOptions & AutoencoderOptions])[] = [
  ["perceptron", { shape: [4, 3], latent: 2, hidden: [8, 5] }],
  ["no hidden layers", { shape: [4, 3], latent: 2, hidden: [] }],
  [
    "batch normalisation and dropout",
    { shape: [4, 3], latent: 2, hidden: [8], batchNorm: true, dropout: 0.2 },
  ],
  ["convolutions", { shape: [4, 3], latent: 2, hidden: [6], network: "convolutional", channels: [2, 3] }],
];

describe.each(models)("%s", (_, options) => {
  const x = new Float32Array(BATCH * 12);
  fillUniform(x, stream(0, "x"));
  const z = new Float32Array(BATCH * 2);
  fillNormal(z, stream(0, "z"));

  test("a VAE's encoder and decoder run on plain ONNX Runtime and give what Trained gives", async () => {
    const vae = VAE(options);
    const trained = await train(vae, bars(40), { epochs: 2, batch: 20, threads: 1 });
    const [encoder, decoder] = exportOnnx(trained, BATCH);
    expect(encoder.inputs).toEqual([{ name: "x", shape: [BATCH, 12], tried: "uniform" }]);
    expect(encoder.outputs.map((o) => [o.name, o.shape])).toEqual([
      ["mean", [BATCH, 2]],
      ["logVariance", [BATCH, 2]],
    ]);
    const encoded = await run(encoder, x);
    expectClose(encoded.mean, await trained.encode(x));
    const rows = Array.from({ length: BATCH }, (_, i) => Array.from(x.subarray(12 * i, 12 * i + 12)));
    const variance = await compile((t) => vae.encode(t).variance(), {
      parameters: trained.parameters,
      threads: 1,
    })(rows);
    expectClose(encoded.logVariance, (variance.data as Float32Array).map(Math.log));
    expectClose((await run(decoder, z)).mean, await trained.decode(z));
  });

  test("an autoencoder's", async () => {
    const trained = await train(Autoencoder(options), bars(40), { epochs: 2, batch: 20, threads: 1 });
    const [encoder, decoder] = exportOnnx(trained, BATCH);
    expectClose((await run(encoder, x)).code, await trained.encode(x));
    expectClose((await run(decoder, z)).mean, await trained.decode(z));
  });
});

test.each(models)("by default for any number of rows: %s", async (_, options) => {
  const trained = await train(VAE(options), bars(40), { epochs: 1, batch: 20, threads: 1 });
  const graphs = exportOnnx(trained);
  for (const graph of graphs) {
    const [{ name, shape }] = graph.inputs;
    expect(shape).toEqual(["batch", graph.name === "encoder" ? 12 : 2]);
    for (const rows of [1, 11]) {
      const values = new Float32Array(rows * shape[1]);
      fillUniform(values, stream(rows, "x"));
      const expected = await graph.compute({ [name]: values });
      for (const [key, found] of Object.entries(await run(graph, values))) expectClose(found, expected[key]);
    }
  }
});

test("a posterior of extreme variance is exported as it is", async () => {
  const vae = VAE({ shape: [2], latent: 1, hidden: [], likelihood: "gaussian" });
  const trained = await train(
    vae,
    { ...bars(20), shape: [2], rows: 120, kind: "table" },
    { epochs: 1, binarize: "none", threads: 1 },
  );
  for (const { name, tensor } of vae.parameters) {
    if (name === "encoder.logVariance.bias") trained.parameters.get(tensor)?.fill(-200);
    if (name === "encoder.logVariance.weight") trained.parameters.get(tensor)?.fill(0);
  }
  const { logVariance } = await run(exportOnnx(trained)[0], Float32Array.of(0.5, 0.5));
  // e⁻²⁰⁰ is no float32; its logarithm is.
  expect(Array.from(logVariance)).toEqual([-200]);
});
