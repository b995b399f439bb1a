// The train step in jax-js on its WebAssembly backend, jitted as one function. In Node it runs on one thread
// as shipped; with JAXJS_WORKERS=2 it gets the worker threads that it would have in a browser
// (that import comes first: jax-js looks for `Worker` while it loads).
import "../lib/web-worker.mjs";

import { blockUntilReady, defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import { binarise, minibatches, PIXELS, readPixels } from "../lib/mnist.mjs";
import { serve } from "../lib/serve.mjs";
import { ADAM, BATCH, initialise, LEARNING_RATE, standardNormal } from "../lib/vae.mjs";
import { versionOf } from "../lib/version.mjs";

const workers = Number(process.env.JAXJS_WORKERS ?? 0);
await init("wasm");
defaultDevice("wasm");

const mapTree = (f, ...trees) =>
  Object.fromEntries(
    Object.keys(trees[0]).map((name) => [
      name,
      {
        weight: f(...trees.map((tree) => tree[name].weight)),
        bias: f(...trees.map((tree) => tree[name].bias)),
      },
    ]),
  );
const zeros = (array) => np.zeros(array.shape);

// jax-js arrays are owned by the function they are passed to; `.ref` keeps one for another use.
const dense = ({ weight, bias }, x) => np.matmul(x, weight).add(bias);

const negativeElbo = (layers, x, noise) => {
  const h = nn.relu(dense(layers.hidden, x.ref));
  const mean = dense(layers.mean, h.ref);
  const logVariance = dense(layers.logVariance, h);
  const z = mean.ref.add(np.exp(logVariance.ref.mul(0.5)).mul(noise));
  const logits = dense(layers.logits, nn.relu(dense(layers.expand, z)));
  const reconstruction = nn.softplus(logits.ref).sub(x.mul(logits)).sum();
  const kl = logVariance.ref.add(1).sub(np.square(mean)).sub(np.exp(logVariance)).sum().mul(-0.5);
  return reconstruction.add(kl).div(BATCH);
};

const train = jit(({ layers, first, second, rate, x, noise }) => {
  const [loss, gradient] = valueAndGrad(negativeElbo)(
    mapTree((p) => p.ref, layers),
    x,
    noise,
  );
  const m = mapTree((m, g) => m.mul(ADAM.beta1).add(g.ref.mul(1 - ADAM.beta1)), first, gradient);
  const v = mapTree((v, g) => v.mul(ADAM.beta2).add(np.square(g).mul(1 - ADAM.beta2)), second, gradient);
  const updated = mapTree(
    (p, m, v) => p.sub(m.ref.mul(rate.ref).div(np.sqrt(v.ref).add(ADAM.epsilon))),
    layers,
    m,
    v,
  );
  rate.dispose();
  return { loss, layers: updated, first: m, second: v };
});

const pixels = readPixels();
const next = minibatches(pixels.length / PIXELS, BATCH);
const minibatch = new Float32Array(BATCH * PIXELS);
const draws = new Float32Array(BATCH * 20);
const start = initialise();
const layers = Object.fromEntries(
  Object.entries(start).map(([name, { weight, bias, inputs, outputs }]) => [
    name,
    { weight: np.array(weight).reshape([inputs, outputs]), bias: np.array(bias) },
  ]),
);
let state = { layers, first: mapTree(zeros, layers), second: mapTree(zeros, layers) };
let count = 0;

const step = async () => {
  count++;
  const x = np.array(binarise(pixels, next(), minibatch), { shape: [BATCH, PIXELS] });
  const noise = np.array(standardNormal(draws), { shape: [BATCH, 20] });
  const rate = (LEARNING_RATE * Math.sqrt(1 - ADAM.beta2 ** count)) / (1 - ADAM.beta1 ** count);
  const { loss, ...after } = train({ ...state, rate: np.array(rate), x, noise });
  state = await blockUntilReady(after);
  return (await loss.data())[0];
};

await serve({
  name: workers > 0 ? "jax-js wasm, jitted, with a Worker shim" : "jax-js wasm, jitted",
  version: versionOf("@jax-js/jax"),
  threads: Math.max(1, workers),
  step,
});
