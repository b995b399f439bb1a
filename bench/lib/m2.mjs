/**
 * The step of M2 that every contestant makes: Kingma, Mohamed, Rezende and Welling (2014), eq. 9, from 100 labelled and 100 unlabelled
 * rows. The class of an unlabelled row is summed out: ten encodings and ten decodings of it.
 */
export const CLASSES = 10;
export const LATENT = 50;
/** Rows of either kind in a minibatch. */
export const ROWS = 100;
export const LABELLED = 100;
export const ALPHA = 0.1;
export const LEARNING_RATE = 1e-3;

/**
 * The two places that M2 has in the paper. `start` and `below` say between what the first loss must lie and below what the last ones must
 * average, in nats a row: after the full run's 250 steps, after a quick one's 66.
 */
export const SHAPES = {
  /** On what M1 sees in a digit: draws from normal posteriors; mean and variance of every feature are decoded. */
  features: {
    features: 22,
    hidden: 300,
    activation: "relu",
    likelihood: "gaussian-heteroscedastic",
    start: [40, 120],
    below: { full: 38, quick: 45 },
  },
  /** On the pixels themselves. */
  pixels: {
    features: 784,
    hidden: 500,
    activation: "softplus",
    likelihood: "bernoulli",
    start: [480, 640],
    below: { full: 170, quick: 240 },
  },
};

/** The posteriors of the made-up M1: a centre for each class, rows spread about it, and the standard deviation of each draw. */
export const POSTERIORS = { rows: 10_000, spread: 0.5, scale: 0.3 };

/** Feature j of the centre of class k. */
export const centre = (k, j) => 2 * Math.sin(1 + 7.3 * k + 1.9 * j);
