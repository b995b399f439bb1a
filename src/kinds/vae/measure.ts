/** All figures of a trained VAE or autoencoder on held-out rows. */
import { type Dataset, take } from "../../data/index.ts";
import type { BoundFigures, LikelihoodFigures, Measured } from "../../report/index.ts";
import type { MeasureOptions } from "../kind.ts";
import type { Evaluation, Trained } from "./trained.ts";

/** The numbers of samples of the importance-weighted bounds that are reported. */
const BOUNDS = [5, 50] as const;

/** The bound and its terms, as means over rows. */
function boundOf({ elbo, reconstruction, kl, ...rest }: Evaluation, rows: number): BoundFigures {
  const mean = (value: number) => ({ value, rows });
  return {
    ...(elbo !== undefined && { elbo: mean(elbo) }),
    reconstruction: mean(reconstruction),
    ...(kl !== undefined && { kl: mean(kl) }),
    ...rest,
  };
}

/** How many values a row has, where its density is of 256 levels. */
export const levelsOf = (likelihood: string, features: number): Pick<Measured, "levels"> =>
  likelihood === "discretised-logistic" ? { levels: features } : {};

/**
 * The ELBO and its terms over all rows; of a VAE also the log-likelihood of the first rows and the importance-weighted bounds of 5 and
 * 50 samples (those that divide `samples`). Cost: `samples` passes through the decoder for each of `rows`.
 * @throws UsageError when `samples` is not a whole number above 0.
 */
export async function measureVae(
  trained: Trained,
  test: Dataset,
  { samples = 500, rows = 2000, onProgress }: MeasureOptions = {},
): Promise<Measured> {
  const evaluation = await trained.evaluate(test);
  const bound = boundOf(evaluation, test.rows);
  const levels = levelsOf(trained.model.likelihood.name, trained.model.features);
  if (trained.model.kind !== "vae") return { rows: test.rows, bound, ...levels };
  const first = rows < test.rows ? take(test, rows) : test;
  const { elbo = Number.NaN } = first === test ? evaluation : await trained.evaluate(first);
  const found = await trained.logLikelihood(first, {
    samples,
    bounds: BOUNDS.filter((k) => samples % k === 0),
    ...(onProgress && {
      onRows: (done, of) => onProgress(`Log-likelihood: ${Math.floor((100 * done) / of)} %`),
    }),
  });
  const likelihood: LikelihoodFigures = {
    logLikelihood: { value: found.logLikelihood, rows: found.rows, standardError: found.standardError },
    importanceSamples: found.importanceSamples,
    bounds: found.bounds,
    elbo,
  };
  return { rows: test.rows, bound, likelihood, ...levels };
}
