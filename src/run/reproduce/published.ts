/** What Kingma, Mohamed, Rezende and Welling report, and what others do: error rates on MNIST's 10,000 test images. */

/** A row of the paper's Table 1. Errors in percent; the deviation is what the paper writes after ±. */
export interface PublishedError {
  readonly method: string;
  readonly labels: number;
  readonly error: number;
  readonly deviation?: number;
  /** Absent: Table 1 of Kingma et al. 2014. */
  readonly source?: string;
}

/**
 * Table 1 of Kingma, Mohamed, Rezende and Welling (2014, "Semi-supervised learning with deep generative models", arXiv 1406.5298), for the
 * numbers of labels that are reproduced here, and one later figure of M2.
 */
export const published: readonly PublishedError[] = [
  { method: "NN", labels: 100, error: 25.81 },
  { method: "CNN", labels: 100, error: 22.98 },
  { method: "TSVM", labels: 100, error: 16.81 },
  { method: "AtlasRBF", labels: 100, error: 8.1, deviation: 0.95 },
  { method: "M1+TSVM", labels: 100, error: 11.82, deviation: 0.25 },
  { method: "M2", labels: 100, error: 11.97, deviation: 1.71 },
  { method: "M2", labels: 100, error: 6.81, deviation: 0.6, source: "the M2 example of Pyro" },
  { method: "M1+M2", labels: 100, error: 3.33, deviation: 0.14 },
  { method: "NN", labels: 3000, error: 6.04 },
  { method: "CNN", labels: 3000, error: 3.35 },
  { method: "TSVM", labels: 3000, error: 3.45 },
  { method: "M1+TSVM", labels: 3000, error: 3.49, deviation: 0.04 },
  { method: "M2", labels: 3000, error: 3.92, deviation: 0.63 },
  { method: "M1+M2", labels: 3000, error: 2.18, deviation: 0.04 },
];
