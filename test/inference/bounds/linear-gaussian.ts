/** z ~ N(0, I), x | z ~ N(W z, σ² I): the model whose evidence and posterior are known in closed form. */
import { type Distribution, Normal } from "../../../src/distributions/index.ts";
import { model as program } from "../../../src/program/index.ts";
import { matmul, type Tensor, tensor } from "../../../src/tensor/index.ts";

const F = "float64";

/** Two latents, three observed: W [3, 2]. */
export const W = [
  [1, 0.5],
  [-0.5, 1],
  [0.3, -0.8],
] as const;
export const SIGMA = 0.7;
export const DATA = [
  [0.4, -1.1, 0.2],
  [2.5, 0.3, -1.9],
] as const;

export const x: Tensor = tensor(DATA, { dtype: F });

const prior = Normal(tensor(0, { dtype: F }), 1)
  .expand([2])
  .toEvent(1);

/** p(x, z) for the two rows of data. */
export const generative = program<[], void>(({ sample, observe, plate }) => {
  plate("row", 2, () => {
    const z = sample("z", prior);
    const mean = matmul(z, tensor(W, { dtype: F }), { transposeB: true });
    observe("x", Normal(mean, tensor(SIGMA, { dtype: F })).toEvent(1), x);
  });
});

/** q(z|x), diagonal, with a mean and scale for each datum. */
export const MEAN = [
  [0.6, -0.3],
  [1.2, 1.1],
] as const;
export const SCALE = [
  [0.5, 0.4],
  [0.3, 0.6],
] as const;
export const posterior: Distribution = Normal(
  tensor(MEAN, { dtype: F }),
  tensor(SCALE, { dtype: F }),
).toEvent(1);

/** The guide of {@link posterior}, or of one with other parameters. */
export const guideOf = (q: Distribution = posterior) =>
  program<[], void>(({ sample, plate }) => {
    plate("row", 2, () => sample("z", q));
  });

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((t, v, i) => t + v * b[i], 0);

/** p(z|x) has precision P = I + WᵀW/σ², and mean P⁻¹Wᵀx/σ². */
export function exact(i: number) {
  const row = DATA[i];
  const column = (j: 0 | 1) => W.map((r) => r[j]);
  const s2 = SIGMA ** 2;
  const p00 = 1 + dot(column(0), column(0)) / s2;
  const p11 = 1 + dot(column(1), column(1)) / s2;
  const p01 = dot(column(0), column(1)) / s2;
  const det = p00 * p11 - p01 * p01;
  const h = [dot(column(0), row) / s2, dot(column(1), row) / s2];
  const mean = [(p11 * h[0] - p01 * h[1]) / det, (p00 * h[1] - p01 * h[0]) / det];
  // log N(x; 0, WWᵀ + σ²I) by the matrix determinant and inversion lemmas: |C| = σ⁶ |P|, xᵀC⁻¹x = xᵀx/σ² − hᵀP⁻¹h.
  const quadratic = dot(row, row) / s2 - dot(h, mean);
  const logEvidence = -0.5 * (3 * Math.log(2 * Math.PI) + 3 * Math.log(s2) + Math.log(det) + quadratic);
  // KL(q ‖ p(z|x)) of Gaussians: ½ (tr(PS) + dᵀPd − 2 − log|P| − log|S|).
  const [m, s] = [MEAN[i], SCALE[i]];
  const d = [m[0] - mean[0], m[1] - mean[1]];
  const klPosterior =
    0.5 *
    (p00 * s[0] ** 2 +
      p11 * s[1] ** 2 +
      p00 * d[0] ** 2 +
      2 * p01 * d[0] * d[1] +
      p11 * d[1] ** 2 -
      2 -
      Math.log(det) -
      2 * Math.log(s[0] * s[1]));
  const klPrior = 0.5 * (dot(s, s) + dot(m, m) - 2 - 2 * Math.log(s[0] * s[1]));
  return { logEvidence, klPosterior, klPrior };
}
