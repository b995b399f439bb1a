// The train step in TensorFlow.js on its WebAssembly backend (SIMD; one thread: its Node build has no more).
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import * as wasm from "@tensorflow/tfjs-backend-wasm";
import { binarise, minibatches, PIXELS, readPixels } from "../lib/mnist.mjs";
import { serve } from "../lib/serve.mjs";
import { ADAM, BATCH, initialise, LEARNING_RATE } from "../lib/vae.mjs";

wasm.setWasmPaths(
  fileURLToPath(new URL("../node_modules/@tensorflow/tfjs-backend-wasm/dist/", import.meta.url)),
);
await tf.setBackend("wasm");

const layers = Object.fromEntries(
  Object.entries(initialise()).map(([name, { weight, bias, inputs, outputs }]) => [
    name,
    { weight: tf.variable(tf.tensor2d(weight, [inputs, outputs])), bias: tf.variable(tf.tensor1d(bias)) },
  ]),
);
const dense = ({ weight, bias }, x) => tf.add(tf.matMul(x, weight), bias);

const negativeElbo = (x) => {
  const h = tf.relu(dense(layers.hidden, x));
  const mean = dense(layers.mean, h);
  const logVariance = dense(layers.logVariance, h);
  const noise = tf.randomNormal(mean.shape);
  const z = tf.add(mean, tf.mul(tf.exp(tf.mul(logVariance, 0.5)), noise));
  const logits = dense(layers.logits, tf.relu(dense(layers.expand, z)));
  const reconstruction = tf.sum(tf.sub(tf.softplus(logits), tf.mul(x, logits)));
  const kl = tf.mul(
    -0.5,
    tf.sum(tf.sub(tf.add(1, logVariance), tf.add(tf.square(mean), tf.exp(logVariance)))),
  );
  return tf.div(tf.add(reconstruction, kl), BATCH);
};

const pixels = readPixels();
const next = minibatches(pixels.length / PIXELS, BATCH);
const minibatch = new Float32Array(BATCH * PIXELS);
const adam = tf.train.adam(LEARNING_RATE, ADAM.beta1, ADAM.beta2, ADAM.epsilon);

// Gathered and binarised on the host: level with tf.gather and tf.randomUniform (191 against 193 ms a step).
const step = () =>
  tf.tidy(() => {
    const x = tf.tensor2d(binarise(pixels, next(), minibatch), [BATCH, PIXELS]);
    return adam.minimize(() => negativeElbo(x), true).dataSync()[0];
  });

await serve({
  name: "TensorFlow.js wasm",
  version: tf.version.tfjs,
  threads: wasm.getThreadsCount(),
  step,
});
