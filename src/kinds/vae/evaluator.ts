/** Evaluates a trained model on held-out data: the bound and its terms, active units, the log-likelihood. */
import { type ArrayValue, type Computed, compile } from "../../compile/index.ts";
import { type Dataset, overChunks, rowSize } from "../../data/index.ts";
import { UsageError } from "../../errors.ts";
import type { DeterministicAutoencoder, ParameterValues, Vae } from "../../models/index.ts";
import type { Tensor } from "../../tensor/index.ts";

/** A dimension is active when the variance over data of its posterior mean exceeds this (Burda et al. 2015). */
export const ACTIVE_UNIT_THRESHOLD = 0.01;

/** Options of an evaluation. */
export interface EvaluationOptions {
  /** Seed of the noise. Default 0. */
  readonly seed?: number;
  /** Threads within an operation. Default: one a core. */
  readonly threads?: number;
}

/** Means over the data, nats per datum. */
export interface VaeEvaluation {
  readonly elbo: number;
  readonly reconstruction: number;
  readonly kl: number;
  /** KL of each latent dimension. */
  readonly klPerDimension: readonly number[];
  /** Variance over the data of each dimension's posterior mean. */
  readonly activity: readonly number[];
  readonly activeUnits: number;
  /** Posterior means, [rows, latent]. */
  readonly means: Float32Array;
}

/** Samples and rows of a log-likelihood. */
export interface LogLikelihoodOptions {
  /** Importance samples per datum. Default 500. */
  readonly samples?: number;
  /** Number of rows, from the first. Default all. */
  readonly rows?: number;
  /** Also compute the importance-weighted bounds for these k, each of which must divide `samples`. Default none. */
  readonly bounds?: readonly number[];
  /** Called as rows are done. */
  readonly onRows?: (done: number, of: number) => void;
}

/** An importance-sampled log-likelihood, and importance-weighted bounds. */
export interface LogLikelihood {
  /** Estimate of log p(x): the mean over data of log (1/K) Σ w with all K samples. Its expectation is a lower bound. */
  readonly logLikelihood: number;
  /** Standard error of that mean over data. */
  readonly standardError: number;
  readonly importanceSamples: number;
  readonly rows: number;
  /** For each k in `bounds`: the mean over data, and over the K/k groups of samples, of log (1/k) Σ w. */
  readonly bounds: Readonly<Record<number, number>>;
}

/** Adds up the first `count` of an array's rows, column by column, in float64. */
function addRows(total: Float64Array, values: ArrayValue, count: number): void {
  const { length } = total;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < length; j++) total[j] += Number(values.data[i * length + j]);
  }
}

/** Variance of each column of [rows, columns], with divisor `rows`. */
function columnVariances(values: Float32Array, columns: number): number[] {
  const rows = values.length / columns;
  return Array.from({ length: columns }, (_, j) => {
    let total = 0;
    for (let i = 0; i < rows; i++) total += values[i * columns + j];
    const mu = total / rows;
    let squares = 0;
    for (let i = 0; i < rows; i++) squares += (values[i * columns + j] - mu) ** 2;
    return squares / rows;
  });
}

/** Compiled functions of one VAE, reading its parameters' current values. */
export interface VaeEvaluator {
  /** The ELBO (analytic KL, one sample of z per datum) and its terms. Data must be in the form the model was trained on. */
  evaluate(dataset: Dataset): Promise<VaeEvaluation>;
  /** Importance-sampled log-likelihood with the posterior as proposal (Burda et al. 2015, section 5). */
  logLikelihood(dataset: Dataset, options?: LogLikelihoodOptions): Promise<LogLikelihood>;
}

/** The functions of a model that are evaluated: its bound and its terms, for rows [batch, features]. */
export type Evaluable = Pick<Vae, "latent" | "elbo" | "klPerDimension" | "encode" | "logWeights">;

/** Compiles the evaluation of a VAE. Its parameters' values are read at each call. */
export function vaeEvaluator(
  vae: Evaluable,
  parameters: ParameterValues,
  options: EvaluationOptions = {},
): VaeEvaluator {
  const shared = { parameters, ...options };
  // Compiled again for each evaluation, so that the noise starts at step 0 and the same data give the same numbers.
  const terms = () =>
    compile((x) => {
      const { reconstruction, kl } = vae.elbo(x);
      return { reconstruction, kl, klPerDimension: vae.klPerDimension(x), mean: vae.encode(x).mean() };
    }, shared);
  const weights = (samples: number) => compile((x) => vae.logWeights(x, samples), shared);
  return {
    async evaluate(dataset) {
      const f = terms();
      const { latent } = vae;
      const totals = {
        reconstruction: new Float64Array(1),
        kl: new Float64Array(1),
        klPerDimension: new Float64Array(latent),
      };
      const means = new Float32Array(dataset.rows * latent);
      await overChunks(dataset, async (x, count, start) => {
        const out = await f(x);
        for (const [name, total] of Object.entries(totals))
          addRows(total, out[name as keyof typeof totals], count);
        means.set((out.mean.data as Float32Array).subarray(0, count * latent), start * latent);
      });
      const reconstruction = totals.reconstruction[0] / dataset.rows;
      const kl = totals.kl[0] / dataset.rows;
      const activity = columnVariances(means, latent);
      return {
        elbo: reconstruction - kl,
        reconstruction,
        kl,
        klPerDimension: [...totals.klPerDimension].map((v) => v / dataset.rows),
        activity,
        activeUnits: activity.filter((v) => v > ACTIVE_UNIT_THRESHOLD).length,
        means,
      };
    },
    logLikelihood: (dataset, settings) => importanceSample(weights, dataset, settings),
  };
}

/** log Σ exp of a slice, in float64. */
function logSumExp(values: Float64Array, start: number, end: number): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = start; i < end; i++) top = Math.max(top, values[i]);
  let total = 0;
  for (let i = start; i < end; i++) total += Math.exp(values[i] - top);
  return top + Math.log(total);
}

async function importanceSample(
  weights: (samples: number) => (x: ArrayValue) => Promise<Computed<Tensor>>,
  dataset: Dataset,
  options: LogLikelihoodOptions = {},
): Promise<LogLikelihood> {
  const { samples = 500, bounds = [] } = options;
  const rows = Math.min(options.rows ?? dataset.rows, dataset.rows);
  if (!Number.isInteger(rows) || rows < 1) {
    throw new UsageError(`log-likelihood: rows must be a whole number of at least 1, found ${options.rows}.`);
  }
  for (const k of [samples, ...bounds]) {
    if (!Number.isInteger(k) || k < 1 || samples % k !== 0) {
      throw new UsageError(`importance samples: ${k} must be a whole number that divides ${samples}.`);
    }
  }
  const perCall = largestDivisor(samples, 10);
  const f = weights(perCall);
  const width = rowSize(dataset.shape);
  const first: Dataset = { ...dataset, rows, x: dataset.x.subarray(0, rows * width) };
  const perDatum = new Float64Array(rows);
  const totals = new Map(bounds.map((k) => [k, 0]));
  const visit = async (x: ArrayValue, count: number, start: number): Promise<void> => {
    const chunk = x.shape[0];
    const log = Array.from({ length: count }, () => new Float64Array(samples));
    for (let s = 0; s < samples; s += perCall) {
      const out = (await f(x)).data;
      for (let k = 0; k < perCall; k++)
        for (let i = 0; i < count; i++) log[i][s + k] = Number(out[k * chunk + i]);
    }
    log.forEach((w, i) => {
      perDatum[start + i] = logSumExp(w, 0, samples) - Math.log(samples);
      for (const k of bounds) {
        let total = 0;
        for (let g = 0; g < samples; g += k) total += logSumExp(w, g, g + k) - Math.log(k);
        totals.set(k, (totals.get(k) ?? 0) + total / (samples / k));
      }
    });
    options.onRows?.(start + count, rows);
  };
  await overChunks(first, visit, 100);
  const logLikelihood = perDatum.reduce((a, b) => a + b, 0) / rows;
  const spread = perDatum.reduce((a, b) => a + (b - logLikelihood) ** 2, 0) / Math.max(1, rows - 1);
  return {
    logLikelihood,
    standardError: Math.sqrt(spread / rows),
    importanceSamples: samples,
    rows,
    bounds: Object.fromEntries([...totals].map(([k, total]) => [k, total / rows])),
  };
}

function largestDivisor(n: number, limit: number): number {
  let d = Math.min(n, limit);
  while (n % d !== 0) d--;
  return d;
}

export interface AutoencoderEvaluation {
  /** Mean log p(x | code(x)), nats per datum. */
  readonly reconstruction: number;
  /** Variance over the data of each code dimension. */
  readonly activity: readonly number[];
  readonly activeUnits: number;
  /** Codes, [rows, latent]. */
  readonly means: Float32Array;
}

export async function evaluateAutoencoder(
  model: DeterministicAutoencoder,
  parameters: ParameterValues,
  dataset: Dataset,
  options: EvaluationOptions = {},
): Promise<AutoencoderEvaluation> {
  const f = compile((x) => ({ reconstruction: model.reconstruction(x), mean: model.encode(x) }), {
    parameters,
    ...options,
  });
  const total = new Float64Array(1);
  const means = new Float32Array(dataset.rows * model.latent);
  await overChunks(dataset, async (x, count, start) => {
    const out = await f(x);
    addRows(total, out.reconstruction, count);
    means.set((out.mean.data as Float32Array).subarray(0, count * model.latent), start * model.latent);
  });
  const activity = columnVariances(means, model.latent);
  return {
    reconstruction: total[0] / dataset.rows,
    activity,
    activeUnits: activity.filter((v) => v > ACTIVE_UNIT_THRESHOLD).length,
    means,
  };
}
