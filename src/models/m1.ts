/** M1 of Kingma, Mohamed, Rezende and Welling (2014): a VAE's posterior as features for whatever learns from labels. */
import { compile } from "../compile/compile.ts";
import { type Dataset, type GaussianRows, overChunks } from "../data/index.ts";
import { sqrt } from "../tensor/ops/arithmetic.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Vae } from "./vae.ts";

/** A dimension is of use when the standard deviation over data of its posterior mean exceeds this: the rule of the paper's code. */
export const ACTIVE_DEVIATION = 0.1;

/** Current values of a model's parameters and buffers; live views are read at each call. */
export type ParameterValues = ReadonlyMap<Tensor, Float32Array>;

/**
 * q(z|x) of every row: means and standard deviations. Grey pixels go in as they are, whatever binary draws the VAE was trained on.
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
