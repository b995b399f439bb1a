/** M1 of Kingma, Mohamed, Rezende and Welling (2014): a VAE's posterior as features for classifiers. */
import { compile } from "../compile/index.ts";
import { type Dataset, type GaussianRows, overChunks } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import { fillNormal, stream } from "../random/index.ts";
import { matmul, sqrt, type Tensor, tensor } from "../tensor/index.ts";
import type { LabelledFeatures } from "./classifiers/index.ts";
import type { Vae } from "./vae.ts";

/** A dimension is active when the standard deviation over data of its posterior mean exceeds this: the rule of the paper's code. */
export const ACTIVE_DEVIATION = 0.1;

/** Current values of a model's parameters and buffers; live views are read at each call. */
export type ParameterValues = ReadonlyMap<Tensor, Float32Array>;

/**
 * q(z|x) of every row: means and standard deviations. Grey pixels are not binarised, even if the VAE was trained on binary draws.
 *
 * @example
 * const features = await posteriorOf(trained.model, trained.parameters, digits);
 * await svm().fit({ x: features.means, features: features.features, labels, classes: 10 });
 */
export async function posteriorOf(
  vae: Vae,
  parameters: ParameterValues,
  data: Dataset,
  options: { readonly threads?: number } = {},
): Promise<GaussianRows> {
  const { latent } = vae;
  const f = compile(
    (x) => {
      const q = vae.encode(x);
      return { means: q.mean(), scales: sqrt(q.variance()) };
    },
    { parameters, ...options },
  );
  const means = new Float32Array(data.rows * latent);
  const scales = new Float32Array(data.rows * latent);
  await overChunks(data, async (x, count, start) => {
    const q = await f(x);
    for (const [all, part] of [
      [means, q.means],
      [scales, q.scales],
    ] as const) {
      all.set((part.data as Float32Array).subarray(0, count * latent), start * latent);
    }
  });
  return { rows: data.rows, features: latent, means, scales };
}

/** Posteriors by the values of the rows, with the sum of bits of the parameters that gave them. */
const seen = new WeakMap<Dataset["x"], { readonly by: number; readonly posterior: Promise<GaussianRows> }>();

/** A number that changes when parameters do. */
function checksum(parameters: ParameterValues): number {
  let sum = 0;
  for (const values of parameters.values()) {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < bits.length; i++) sum = (Math.imul(sum, 31) + bits[i]) | 0;
  }
  return sum;
}

/** {@link posteriorOf}, kept for as long as the rows are: M1 does not change while models are trained on its codes, one after the other. */
export function keptPosteriorOf(
  vae: Vae,
  parameters: ParameterValues,
  data: Dataset,
  options: { readonly threads?: number } = {},
): Promise<GaussianRows> {
  const by = checksum(parameters);
  const known = seen.get(data.x);
  if (known?.by === by) return known.posterior;
  const posterior = posteriorOf(vae, parameters, data, options);
  seen.set(data.x, { by, posterior });
  return posterior;
}

/** Dimensions, ascending, whose posterior mean varies over the rows: its standard deviation exceeds {@link ACTIVE_DEVIATION}. */
export function activeDimensions({ rows, features, means }: GaussianRows): readonly number[] {
  return Array.from({ length: features }, (_, j) => j).filter((j) => {
    let total = 0;
    for (let i = 0; i < rows; i++) total += means[i * features + j];
    const mean = total / rows;
    let squares = 0;
    for (let i = 0; i < rows; i++) squares += (means[i * features + j] - mean) ** 2;
    return Math.sqrt(squares / rows) > ACTIVE_DEVIATION;
  });
}

/** The same rows with these features only, in this order. */
export function selectFeatures(gaussian: GaussianRows, kept: readonly number[]): GaussianRows {
  const { rows, features } = gaussian;
  const part = (values: Float32Array): Float32Array => {
    const out = new Float32Array(rows * kept.length);
    for (let i = 0; i < rows; i++)
      for (let k = 0; k < kept.length; k++) out[i * kept.length + k] = values[i * features + kept[k]];
    return out;
  };
  return { rows, features: kept.length, means: part(gaussian.means), scales: part(gaussian.scales) };
}

/**
 * The labelled rows of a posterior, for fitting classifiers: means, or several draws per row, which show a classifier how certain the
 * encoder is.
 *
 * @param labels a class index per row; rows with -1 are left out
 * @throws UsageError when the number of draws is invalid.
 */
export function labelledFeatures(
  posterior: GaussianRows,
  labels: Int32Array,
  {
    classes,
    draws = 0,
    seed = 0,
  }: { readonly classes: number; readonly draws?: number; readonly seed?: number },
): LabelledFeatures {
  if (!Number.isInteger(draws) || draws < 0) {
    throw new UsageError(`m1: draws must be a whole number, 0 for the means; found ${draws}.`);
  }
  const { features, means, scales } = posterior;
  const rows = Array.from(labels.keys()).filter((row) => labels[row] >= 0);
  const x = new Float32Array(Math.max(draws, 1) * rows.length * features);
  if (draws > 0) fillNormal(x, stream(seed, "m1/draws"));
  for (let i = 0; i < x.length; i++) {
    const at = rows[Math.floor(i / features) % rows.length] * features + (i % features);
    x[i] = means[at] + scales[at] * x[i];
  }
  return {
    x,
    features,
    labels: Int32Array.from({ length: x.length / features }, (_, i) => labels[rows[i % rows.length]]),
    classes,
  };
}

/** Selects columns of `latent`, and puts them back among zeros, by products with a matrix of zeros and ones, which are exact. */
export function latentColumns(kept: readonly number[], latent: number) {
  const matrix = tensor(Array.from({ length: latent }, (_, d) => kept.map((k) => (k === d ? 1 : 0))));
  return {
    size: kept.length,
    /** [..., latent] → [..., kept]. */
    pick: (z: Tensor): Tensor => matmul(z, matrix),
    /** [..., kept] → [..., latent]. */
    place: (part: Tensor): Tensor => matmul(part, matrix, { transposeB: true }),
  };
}
