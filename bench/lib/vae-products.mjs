// The matrix products of one train step of a VAE and nothing else, chained as in the real step, with the element-wise work between them left out.
import { productSession } from "./products.mjs";

const PIXELS = 784;
const ofWeight = { transA: true };
const ofInput = { transB: true };

/**
 * The products of a step. dX is the gradient of the loss in X, W(layer) a layer's weight; z stands for the mean, and the log-variance for its own
 * gradient, because sampling and the KL are not matrix products. Weights are inputs, since a train step may not pack them ahead. Each dense layer has
 * one product forward, one for the gradient of its weight, and one for that of its input; the pixels need none.
 */
const productsOf = ({ hidden, latent, batch }) => {
  const layers = [];
  const products = [];
  const back = [];
  const dense = (out, from, layer, shape) => {
    layers.push([layer, shape]);
    products.push([out, from, `W(${layer})`]);
  };
  let width = PIXELS;
  hidden.forEach((units, i) => {
    dense(`h${i + 1}`, i === 0 ? "x" : `h${i}`, `encoder${i + 1}`, [width, units]);
    width = units;
  });
  const last = hidden.length;
  dense("z", `h${last}`, "mean", [width, latent]);
  dense("dLogVariance", `h${last}`, "logVariance", [width, latent]);
  width = latent;
  const decoder = [...hidden].reverse();
  decoder.forEach((units, i) => {
    dense(`g${i + 1}`, i === 0 ? "z" : `g${i}`, `decoder${i + 1}`, [width, units]);
    width = units;
  });
  dense("logits", `g${last}`, "logits", [width, PIXELS]);

  back.push(["dW(logits)", `g${last}`, "dLogits", ofWeight]);
  back.push([`dg${last}`, "dLogits", "W(logits)", ofInput]);
  for (let i = last; i >= 1; i--) {
    back.push([`dW(decoder${i})`, i === 1 ? "z" : `g${i - 1}`, `dg${i}`, ofWeight]);
    back.push([i === 1 ? "dz" : `dg${i - 1}`, `dg${i}`, `W(decoder${i})`, ofInput]);
  }
  back.push(["dW(mean)", `h${last}`, "dz", ofWeight]);
  back.push(["dW(logVariance)", `h${last}`, "dLogVariance", ofWeight]);
  back.push([`dh${last}`, "dz", "W(mean)", ofInput]);
  back.push(["dh'", "dLogVariance", "W(logVariance)", ofInput]);
  for (let i = last; i >= 1; i--) {
    back.push([`dW(encoder${i})`, i === 1 ? "x" : `h${i - 1}`, `dh${i}`, ofWeight]);
    if (i > 1) back.push([`dh${i - 1}`, `dh${i}`, `W(encoder${i})`, ofInput]);
  }
  const inputs = {
    x: [batch, PIXELS],
    dLogits: [batch, PIXELS],
    ...Object.fromEntries(layers.map(([layer, shape]) => [`W(${layer})`, shape])),
  };
  // The last two are read by no other product: as outputs they stay in the graph.
  const outputs = {
    ...Object.fromEntries(layers.map(([layer, shape]) => [`dW(${layer})`, shape])),
    logits: [batch, PIXELS],
    "dh'": [batch, hidden[last - 1]],
  };
  return { products: [...products, ...back], inputs, outputs };
};

/** Resolves to the number of products, and a function that computes all of them once. */
export const vaeProducts = async (model, threads) => {
  const graph = productsOf(model);
  return { count: graph.products.length, run: await productSession({ ...graph, threads }) };
};
