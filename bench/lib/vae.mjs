/** The model that every contestant trains; for its minibatches see `lib/mnist.mjs`. */
export const BATCH = 128;
export const LEARNING_RATE = 1e-3;
export const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** Input and output width of each dense layer, in the order of the forward pass. */
export const LAYERS = {
  hidden: [784, 400],
  mean: [400, 20],
  logVariance: [400, 20],
  expand: [20, 400],
  logits: [400, 784],
};

/** Uniform on ±1/sqrt(inputs) for weights and biases: PyTorch's default, so that all start in the same way. */
export const initialise = () =>
  Object.fromEntries(
    Object.entries(LAYERS).map(([name, [inputs, outputs]]) => {
      const draw = (length) =>
        Float32Array.from({ length }, () => (2 * Math.random() - 1) / Math.sqrt(inputs));
      return [name, { weight: draw(inputs * outputs), bias: draw(outputs), inputs, outputs }];
    }),
  );

/** `size` standard normal draws (Box and Muller, 1958). */
export const standardNormal = (out) => {
  for (let i = 0; i < out.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
    const angle = 2 * Math.PI * Math.random();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < out.length) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
};
