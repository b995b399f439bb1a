/** All figures of a trained model on held-out data, at once: what `evaluate` prints and a report opens with. */
import { type Dataset, take } from "../data/index.ts";
import type { LogLikelihood } from "./evaluate.ts";
import type { Evaluation, Trained } from "./trained.ts";

/** Options of {@link assess}. */
export interface AssessOptions {
  /** Importance samples of the log-likelihood. Default 500. */
  readonly importanceSamples?: number;
  /** The log-likelihood is of the first rows only. Default 2000. */
  readonly likelihoodRows?: number;
  /** Called as rows of the log-likelihood are done. */
  readonly onRows?: (done: number, of: number) => void;
}

/** All figures of a trained model on held-out rows. */
export interface Assessment {
  readonly evaluation: Evaluation;
  /** Rows that the evaluation is a mean over. */
  readonly rows: number;
  /** Of a model that has a density. */
  readonly likelihood?: LogLikelihood & {
    /** The ELBO of the same rows as the log-likelihood, so that the two can be compared. */
    readonly elbo: number;
  };
}

/** The importance-weighted bounds that are reported, by their number of samples. */
const BOUNDS = [5, 50] as const;

/**
 * Evaluates a model on held-out data: the ELBO and its terms over all rows; for a VAE also the log-likelihood of the first
 * rows and the importance-weighted bounds of 5 and 50 samples (those that divide `importanceSamples`).
 * Cost: `importanceSamples` passes through the decoder for each of `likelihoodRows`.
 * @throws UsageError when `importanceSamples` is no whole number above 0.
 */
export async function assess(
  trained: Trained,
  test: Dataset,
  options: AssessOptions = {},
): Promise<Assessment> {
  const { importanceSamples = 500, likelihoodRows = 2000, onRows } = options;
  const evaluation = await trained.evaluate(test);
  const rows = test.rows;
  if (trained.model.kind !== "vae") return { evaluation, rows };
  const first = likelihoodRows < rows ? take(test, likelihoodRows) : test;
  const { elbo = Number.NaN } = first === test ? evaluation : await trained.evaluate(first);
  const likelihood = await trained.logLikelihood(first, {
    samples: importanceSamples,
    bounds: BOUNDS.filter((k) => importanceSamples % k === 0),
    ...(onRows && { onRows }),
  });
  return { evaluation, rows, likelihood: { ...likelihood, elbo } };
}
