/** Error rates on MNIST's 10,000 test images as reported by Kingma, Mohamed, Rezende and Welling, and one from another source. */

/** A row of the paper's Table 1. Errors are shares of the test rows; the deviation is the number after ± in the paper. */
export interface PublishedError {
  readonly method: string;
  readonly labels: number;
  readonly error: number;
  readonly deviation?: number;
  /** Absent if the source is Table 1 of Kingma et al. 2014. */
  readonly source?: string;
}

/**
 * The models of Table 1 in Kingma, Mohamed, Rezende and Welling (2014, "Semi-supervised learning with deep generative models", arXiv
 * 1406.5298) that are reproduced here, and one later figure for M2. The figures are as quoted by others: the paper itself was not at hand,
 * and the errors of M1+TSVM and M2 at 3000 labels have not been checked against a second source.
 */
export const published: readonly PublishedError[] = [
  { method: "M1+TSVM", labels: 100, error: 0.1182, deviation: 0.0025 },
  { method: "M2", labels: 100, error: 0.1197, deviation: 0.0171 },
  { method: "M2", labels: 100, error: 0.0681, deviation: 0.006, source: "the M2 example of Pyro" },
  { method: "M1+M2", labels: 100, error: 0.0333, deviation: 0.0014 },
  { method: "M1+TSVM", labels: 3000, error: 0.0349, deviation: 0.0004 },
  { method: "M2", labels: 3000, error: 0.0392, deviation: 0.0063 },
  { method: "M1+M2", labels: 3000, error: 0.0218, deviation: 0.0004 },
];
