/**
 * What was measured of a trained model on held-out rows, as everything that shows figures takes it: `evaluate`, reports, the
 * reproduction of papers. Densities are in nats per row, errors are shares of rows. Percent are for people, and made where text is.
 */

/** A mean over rows. */
export interface Mean {
  readonly value: number;
  /** Rows that it is a mean of. */
  readonly rows: number;
  /** Of the mean, from the spread over the rows. */
  readonly standardError?: number;
}

/** The bound and its terms. */
export interface BoundFigures {
  /** Absent of a model without a bound. */
  readonly elbo?: Mean;
  readonly reconstruction?: Mean;
  readonly kl?: Mean;
  /** Nats, per latent dimension. */
  readonly klPerDimension?: readonly number[];
  /** Variance over the rows of each dimension's posterior mean. */
  readonly activity?: readonly number[];
  /** Dimensions whose activity exceeds 0.01 (Burda et al., 2015). */
  readonly activeUnits?: number;
  /** Posterior means or codes, [rows, latent]. */
  readonly means?: Float32Array;
}

/** An importance-sampled log-likelihood, of the first rows. */
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
  /** Mean confidence of the rows, and the share of them that are right. */
  readonly confidence: number;
  readonly accuracy: number;
}

/** How one way to classify did. */
export interface ErrorFigures {
  /** The way's name, as results are keyed: `q(y|x)`, `Bayes`, `svm`. */
  readonly by: string;
  /** The same as it reads after "by". */
  readonly text: string;
  /** Share of the labelled rows that are given another class. */
  readonly error: Mean;
  /** The same share of the rows held out to validate. */
  readonly validation?: number;
  /** Labelled rows by true class (first index) and predicted class. */
  readonly confusion: readonly (readonly number[])[];
  /** Where it gives probabilities. */
  readonly calibration?: {
    /** Expected calibration error: mean of |accuracy − confidence| over the bins, weighted by their rows. */
    readonly error: number;
    readonly bins: readonly ConfidenceBin[];
  };
  /** Importance samples that it took. */
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
  /** Of a model that classifies: each way to classify, the one that is used first. */
  readonly errors?: readonly ErrorFigures[];
  /** Names of the ways among which the user may choose, in the order in which they are listed. */
  readonly choices?: readonly string[];
}

/** Nats of a row of so many values, as bits per dimension: −nats / (values · ln 2). */
export const bitsPerDimension = (nats: number, values: number): number => -nats / (values * Math.LN2);
