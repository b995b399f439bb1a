// The floor: the matrix products of one train step and nothing else, as one ONNX graph on the runtime that
// Tightbound uses. Five dense layers make 5 products forward, 5 for the gradients of their weights and 4 for
// the gradients of their inputs (the pixels need none): 14. They are chained as in the real step, with the
// element-wise work between them left out; weights are inputs, since a train step may not pack them ahead.
import { productSession } from "../lib/products.mjs";
import { serve } from "../lib/serve.mjs";
import { BATCH, LAYERS } from "../lib/vae.mjs";
import { versionOf } from "../lib/version.mjs";

const THREADS = 2;
const ofWeight = { transA: true };
const ofInput = { transB: true };

// dX is the gradient of the loss in X, W(layer) a layer's weight; z stands for the mean, and the
// log-variance for its own gradient, because sampling and the KL are not matrix products.
const products = [
  ["h", "x", "W(hidden)"],
  ["z", "h", "W(mean)"],
  ["dLogVariance", "h", "W(logVariance)"],
  ["g", "z", "W(expand)"],
  ["logits", "g", "W(logits)"],
  ["dW(logits)", "g", "dLogits", ofWeight],
  ["dg", "dLogits", "W(logits)", ofInput],
  ["dW(expand)", "z", "dg", ofWeight],
  ["dz", "dg", "W(expand)", ofInput],
  ["dW(mean)", "h", "dz", ofWeight],
  ["dW(logVariance)", "h", "dLogVariance", ofWeight],
  ["dh", "dz", "W(mean)", ofInput],
  ["dh'", "dLogVariance", "W(logVariance)", ofInput],
  ["dW(hidden)", "x", "dh", ofWeight],
];
const inputs = {
  x: [BATCH, 784],
  dLogits: [BATCH, 784],
  ...Object.fromEntries(Object.entries(LAYERS).map(([layer, shape]) => [`W(${layer})`, shape])),
};
// The last two are read by no other product: as outputs they stay in the graph.
const outputs = {
  ...Object.fromEntries(Object.entries(LAYERS).map(([layer, shape]) => [`dW(${layer})`, shape])),
  logits: [BATCH, 784],
  "dh'": [BATCH, 400],
};

const run = await productSession({ products, inputs, outputs, threads: THREADS });

await serve({
  name: `its ${products.length} matrix products alone`,
  version: versionOf("onnxruntime-node"),
  threads: THREADS,
  step: async () => {
    await run();
    return null;
  },
});
