/**
 * What a report is made from: numbers, strings and typed arrays, so that a report can be drawn from a file
 * written long ago, in a process that holds no model.
 *
 * Signs follow the field: `elbo = reconstruction - kl`, where `reconstruction` is the expected log-likelihood
 * E_q[log p(x | z)] (higher is better). A `loss` is minimised. All of them are in nats per datum.
 */

/** One line of a run's metrics. Values that are not finite leave a gap in the curve. */
export interface EpochRecord {
  readonly epoch: number;
  readonly step: number;
  /** Wall time since the start of training. */
  readonly seconds: number;
  readonly train: TermValues;
  readonly test?: TermValues & { readonly logLikelihood?: number };
  readonly activeUnits?: number;
  readonly learningRate?: number;
  readonly beta?: number;
  readonly gradientNorm?: number;
}

/** The bound and its two terms, averaged over data, in nats per datum. */
export interface TermValues {
  readonly elbo?: number;
  readonly loss?: number;
  /** Absent where training recorded the bound alone (importance-weighted bounds have no such term). */
  readonly reconstruction?: number;
  readonly kl?: number;
}

/** Images of one size. `pixels` has shape `[count, height, width, channels]`, row-major, values in [0, 1]. */
export interface ImageStack {
  readonly pixels: Float32Array;
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

/** One row of images per dimension, one column per value of that dimension; the others rest at zero. */
export interface Traversals {
  /** `dimensions.length * values.length` images, row-major. */
  readonly images: ImageStack;
  readonly dimensions: readonly number[];
  /** Values of z, in standard deviations of the prior. */
  readonly values: readonly number[];
}

/** Posterior means of the test set. `points` has shape `[rows, dimensions]`, row-major. */
export interface LatentPoints {
  readonly points: Float32Array;
  readonly dimensions: number;
  /** One class index per row. */
  readonly labels?: Int32Array;
  /** Names of the classes, by index. */
  readonly classes?: readonly string[];
}

/** The headline figures, in nats per datum where they are bounds or terms. */
export interface ReportSummary {
  readonly elbo?: number;
  readonly logLikelihood?: number;
  readonly importanceSamples?: number;
  /** Test rows that the log-likelihood and the importance-weighted bounds are means over, the first ones. */
  readonly logLikelihoodRows?: number;
  /** Importance-weighted bounds (Burda et al., 2015) of the same rows. */
  readonly importanceWeighted?: readonly { readonly samples: number; readonly value: number }[];
  readonly reconstruction: number;
  readonly kl?: number;
  readonly activeUnits?: number;
  /** Number of latent dimensions. */
  readonly latent: number;
  readonly parameters: number;
  readonly trainRows: number;
  readonly testRows: number;
  /** Wall time of training. */
  readonly seconds: number;
}

/** Everything a report shows. Sections whose data are absent are left out, or say why they are empty. */
export interface ReportData {
  readonly title: string;
  readonly subtitle?: string;
  /** The command line that made the run, as one would type it. */
  readonly command: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly version: string;
  readonly model: "vae" | "autoencoder";
  readonly config: Readonly<Record<string, unknown>>;
  readonly summary: ReportSummary;
  readonly history: readonly EpochRecord[];
  /** KL(q(z_j | x) || p(z_j)) averaged over the test set, per latent dimension, in nats. */
  readonly klPerDimension?: readonly number[];
  /** Var_x(E_q[z_j | x]) per latent dimension; a unit is active above 0.01 (Burda et al., 2015). */
  readonly activity?: readonly number[];
  readonly originals?: ImageStack;
  /** In the order of `originals`. */
  readonly reconstructions?: ImageStack;
  /** Decoded draws from the prior. */
  readonly samples?: ImageStack;
  readonly traversals?: Traversals;
  readonly latent?: LatentPoints;
}
