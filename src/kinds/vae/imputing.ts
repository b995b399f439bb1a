/** Missing values by the posterior of a VAE: importance sampling, with q(z|x) of what is there as the proposal. */
import { compile } from "../../compile/index.ts";
import { type Dataset, overChunks, rowSize, rowsOf } from "../../data/index.ts";
import { UsageError } from "../../errors.ts";
import type { Vae } from "../../models/index.ts";
import { checkOptions, whole } from "../../options.ts";
import { fillUniform, stream } from "../../random/index.ts";
import { add, sub } from "../../tensor/index.ts";
import type { ImputeOptions } from "../kind.ts";
import type { Trained } from "./trained.ts";

/** Numbers of one computation, at most: samples × rows × features. */
const MOST = 4_000_000;

/**
 * Rows with their missing values filled: `draws` completions of each row, or, without, one of means. Values that are there stay as they
 * are.
 *
 * z is drawn `samples` times from q(z|x) and weighted by p(x, z)/q(z|x), x being what is there (Mattei and Frellsen 2019, "MIWAE"). A mean
 * is the weighted mean of the means of p(x|z), of a category the weighted mean of its probabilities; a draw takes one z by the weights and
 * draws from p(x|z).
 *
 * @returns [draws or 1, rows, features]
 * @throws UsageError when the model has no posterior, or a number is none.
 */
export async function imputeRows(
  { model, parameters, settings }: Trained,
  rows: Dataset,
  options: ImputeOptions,
): Promise<Float32Array> {
  checkOptions("impute", options, { draws: whole(1), samples: whole(1), seed: whole(0) });
  const { draws, samples = 200, seed = 0 } = options;
  if (model.kind !== "vae")
    throw new UsageError("impute: an autoencoder has no posterior. Train a vae instead.");
  const vae: Vae = model;
  const features = rowSize(rows.shape);
  const completions = draws ?? 1;
  const all = Array.from({ length: rows.rows }, (_, i) => i);
  const given = rowsOf(rows, all, new Float32Array(rows.rows * features));
  const out = new Float32Array(completions * given.length);
  for (let d = 0; d < completions; d++) out.set(given, d * given.length);
  const { threads } = settings;
  const f = compile(
    (x) => {
      const q = vae.encode(x);
      const z = q.sample("z", [samples]);
      const px = vae.decode(z);
      const logWeights = sub(add(px.logProb(x), vae.prior.logProb(z)), q.logProb(z));
      return { logWeights, values: draws === undefined ? px.mean() : px.sample("x") };
    },
    { parameters, seed, ...(threads !== undefined && { threads }) },
  );
  const uniforms = new Float32Array(rows.rows * completions);
  fillUniform(uniforms, stream(seed, "impute/which"));
  const chunk = Math.max(1, Math.min(500, Math.floor(MOST / (samples * features))));
  const visit = async (x: Parameters<Parameters<typeof overChunks>[1]>[0], count: number, start: number) => {
    const { logWeights, values } = await f(x);
    const [size] = x.shape;
    const [weights, found] = [logWeights.data as Float32Array, values.data as Float32Array];
    for (let i = 0; i < count; i++) {
      const row = start + i;
      const shares = normalised(weights, i, size, samples);
      for (let d = 0; d < completions; d++) {
        const target = out.subarray((d * rows.rows + row) * features, (d * rows.rows + row + 1) * features);
        const which = draws === undefined ? undefined : pick(shares, uniforms[row * completions + d]);
        for (let j = 0; j < features; j++) {
          if (!Number.isNaN(target[j])) continue;
          target[j] =
            which === undefined
              ? shares.reduce((sum, share, s) => sum + share * found[(s * size + i) * features + j], 0)
              : found[(which * size + i) * features + j];
        }
      }
    }
  };
  await overChunks(rows, visit, chunk);
  return out;
}

/** The weights of one row, which sum to 1. */
function normalised(logs: Float32Array, row: number, rows: number, samples: number): Float64Array {
  let top = Number.NEGATIVE_INFINITY;
  for (let s = 0; s < samples; s++) top = Math.max(top, logs[s * rows + row]);
  const shares = Float64Array.from({ length: samples }, (_, s) => Math.exp(logs[s * rows + row] - top));
  const total = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / total);
}

/** The index at which the sum of shares passes u. */
function pick(shares: Float64Array, u: number): number {
  let left = u;
  for (let s = 0; s < shares.length; s++) {
    left -= shares[s];
    if (left < 0) return s;
  }
  return shares.length - 1;
}
