/**
 * The step of M2 that every contestant computes: Kingma, Mohamed, Rezende and Welling (2014), eq. 9, from 100 labelled and 100 unlabelled
 * rows. The class of an unlabelled row is summed out, which takes ten encodings and ten decodings.
 */
export const CLASSES = 10;
export const LATENT = 50;
/** Rows of each kind in a minibatch. */
export const ROWS = 100;
export const LABELLED = 100;
export const ALPHA = 0.1;
export const LEARNING_RATE = 1e-3;

/**
 * The two ways that the paper uses M2. `start` is the interval in which the first loss must be, `below` the limit for the average of the
 * last ones, in nats per row: after the full run's 250 steps, after a quick one's 66.
 */
export const SHAPES = {
  /** On M1's features of a digit: draws from normal posteriors; mean and variance of every feature are decoded. */
  features: {
    features: 22,
    hidden: 300,
    activation: "relu",
    likelihood: "gaussian-heteroscedastic",
    start: [40, 120],
    below: { full: 38, quick: 45 },
  },
  /** On the pixels. */
  pixels: {
    features: 784,
    hidden: 500,
    activation: "softplus",
    likelihood: "bernoulli",
    start: [480, 640],
    below: { full: 170, quick: 240 },
  },
};

/** The posteriors of the simulated M1: a centre for each class, rows spread around it, and the standard deviation of each draw. */
export const POSTERIORS = { rows: 10_000, spread: 0.5, scale: 0.3 };

/** Feature j of the centre of class k. */
export const centre = (k, j) => 2 * Math.sin(1 + 7.3 * k + 1.9 * j);
