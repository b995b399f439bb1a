/**
 * The figures of a trained model on held-out rows, for everything that shows them: `evaluate`, reports, the reproduction of papers.
 * Densities are in nats per row, errors are shares of rows. They become percentages only in text for people.
 */

/** A mean over rows. */
export interface Mean {
  readonly value: number;
  /** Number of rows that it is the mean of. */
  readonly rows: number;
  /** Standard error of the mean, from the spread over the rows. */
  readonly standardError?: number;
}

/** The bound and its terms. */
export interface BoundFigures {
  /** Absent for a model without a bound. */
  readonly elbo?: Mean;
  readonly reconstruction?: Mean;
  readonly kl?: Mean;
  /** Nats, per latent dimension. */
  readonly klPerDimension?: readonly number[];
  /** Variance over the rows of each dimension's posterior mean. */
  readonly activity?: readonly number[];
  /** Number of dimensions whose activity exceeds 0.01 (Burda et al., 2015). */
  readonly activeUnits?: number;
  /** Posterior means or codes, [rows, latent]. */
  readonly means?: Float32Array;
}

/** An importance-sampled log-likelihood of the first rows. */
export interface LikelihoodFigures {
  readonly logLikelihood: Mean;
  readonly importanceSamples: number;
  /** Importance-weighted bounds, by their number of samples. */
  readonly bounds: Readonly<Record<number, number>>;
  /** The ELBO of the same rows, to compare the bounds with. */
  readonly elbo: number;
}

/** Rows whose confidence, the probability of the class predicted, lies in (from, to]. */
export interface ConfidenceBin {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Mean confidence of the rows, and the share that is right. */
  readonly confidence: number;
  readonly accuracy: number;
}

/** The errors of one way to classify. */
export interface ErrorFigures {
  /** Its key in results: `q(y|x)`, `Bayes`, `svm`. */
  readonly by: string;
  /** Its name, to follow "by". */
  readonly text: string;
  /** Share of labelled rows that are misclassified. */
  readonly error: Mean;
  /** The same share among the validation rows. */
  readonly validation?: number;
  /** Labelled rows by true class (first index) and predicted class. */
  readonly confusion: readonly (readonly number[])[];
  /** Present if it gives probabilities. */
  readonly calibration?: {
    /** Expected calibration error: mean of |accuracy − confidence| over the bins, weighted by their rows. */
    readonly error: number;
    readonly bins: readonly ConfidenceBin[];
  };
  /** Importance samples used. */
  readonly samples?: number;
}

/** How much of x class and style each say, of a model that tells them apart: means over rows, in nats. */
export interface CarriedFigures {
  /** What log p(x|y, z) loses when the class, or the style, is a draw from its prior instead of the row's own. */
  readonly class: number;
  readonly style: number;
  /** What the decoder tells of the class where x and the style are known: log p(y|x, z) − log p(y). */
  readonly told: number;
  /** What there is to tell: the entropy of p(y). */
  readonly entropy: number;
  readonly rows: number;
}

/** All figures of a trained model on held-out rows. */
export interface Measured {
  readonly rows: number;
  readonly bound: BoundFigures;
  readonly likelihood?: LikelihoodFigures;
  readonly carried?: CarriedFigures;
  /** Pixel values of a row, where its density is of 256 levels: figures are then told in bits per dimension too. */
  readonly levels?: number;
  /** What a person should be told of the figures. */
  readonly warnings?: readonly string[];
  /** For a model that classifies: each way to classify, the default one first. */
  readonly errors?: readonly ErrorFigures[];
  /** Names of the ways that the user can choose from, in the order in which to list them. */
  readonly choices?: readonly string[];
}

/** Nats of a row of so many values, as bits per dimension: −nats / (values · ln 2). */
export const bitsPerDimension = (nats: number, values: number): number => -nats / (values * Math.LN2);
