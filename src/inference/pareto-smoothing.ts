/** Pareto-smoothed importance sampling (Vehtari, Simpson, Gelman, Yao and Gabry 2024). */

/** A generalised Pareto distribution of the values above a threshold. */
export interface ParetoTail {
  readonly shape: number;
  readonly scale: number;
}

/**
 * Fits a generalised Pareto distribution to exceedances, by the empirical Bayes estimate of Zhang and Stephens (2009, Technometrics
 * 51). As in Vehtari et al., its shape is shrunk towards ½ with the weight of ten observations. Exceedances must be positive and ascending;
 * if there are too few, the shape is infinite.
 */
export function fitGeneralisedPareto(x: Float64Array): ParetoTail {
  const n = x.length;
  if (n < 5) return { shape: Number.POSITIVE_INFINITY, scale: Number.NaN };
  const m = 30 + Math.floor(Math.sqrt(n));
  const quartile = x[Math.floor(n / 4 + 0.5) - 1];
  const shapeAt = (b: number): number => x.reduce((sum, v) => sum + Math.log1p(-b * v), 0) / n;
  const bs = Array.from(
    { length: m },
    (_, j) => 1 / x[n - 1] + (1 - Math.sqrt(m / (j + 0.5))) / (3 * quartile),
  );
  const profile = bs.map((b) => {
    const k = shapeAt(b);
    return n * (Math.log(-b / k) - k - 1);
  });
  const posterior = profile.map((own) => 1 / profile.reduce((sum, other) => sum + Math.exp(other - own), 0));
  const b = bs.reduce((sum, v, j) => sum + v * posterior[j], 0);
  const k = shapeAt(b);
  return { shape: (n * k + 5) / (n + 10), scale: -k / b };
}

/** Importance weights with a smoothed tail. */
export interface SmoothedWeights {
  /** The largest weights are replaced by the expected order statistics of the fitted tail, at most the largest raw weight. */
  readonly logWeights: Float64Array;
  /** k̂, the shape of the tail. */
  readonly shape: number;
}

/** The number of the S weights that form the tail: min(S / 5, 3 √S). */
const tailLength = (draws: number): number => Math.ceil(Math.min(0.2 * draws, 3 * Math.sqrt(draws)));

/**
 * Smooths the largest importance weights. If the tail is too short to fit, or all its weights are equal, they are not
 * changed.
 *
 * @param logWeights one for each draw, in any order and up to a constant
 *
 * @example
 * const { logWeights, shape } = smoothWeights(raw);
 */
export function smoothWeights(logWeights: Float64Array): SmoothedWeights {
  const order = [...logWeights.keys()].sort((a, b) => logWeights[a] - logWeights[b]);
  const count = tailLength(logWeights.length);
  const top = logWeights[order[order.length - 1]];
  const relative = (i: number): number => Math.exp(logWeights[i] - top);
  const cutoff = relative(order[order.length - count - 1]);
  // Weights of discrete draws can tie: those equal to the cutoff do not belong to the tail.
  const tail = order.slice(order.length - count).filter((i) => relative(i) > cutoff);
  const { shape, scale } = fitGeneralisedPareto(Float64Array.from(tail, (i) => relative(i) - cutoff));
  const smoothed = logWeights.slice();
  if (Number.isFinite(shape)) {
    tail.forEach((i, rank) => {
      const p = (rank + 0.5) / tail.length;
      const quantile = (scale / shape) * ((1 - p) ** -shape - 1);
      smoothed[i] = top + Math.min(0, Math.log(cutoff + quantile));
    });
  }
  return { logWeights: smoothed, shape };
}

/**
 * If k̂ is below this, estimates from S draws can be trusted (Vehtari et al. 2024, section 3.2.4): min(1 − 1 / log₁₀ S, 0.7).
 */
export const trustedShape = (draws: number): number => Math.min(1 - 1 / Math.log10(draws), 0.7);

/** The smallest effective sample size for trustworthy estimates; a quarter of the draws if there are few. */
const ENOUGH = 100;

/** (Σ w)² / Σ w²: the number of draws of equal weight that the weighted ones are worth. */
export function effectiveSampleSize(logWeights: Float64Array): number {
  const top = logWeights.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = logWeights.map((w) => Math.exp(w - top));
  return weights.reduce((a, w) => a + w, 0) ** 2 / weights.reduce((a, w) => a + w * w, 0);
}

/**
 * Why estimates from weighted draws cannot be trusted, in words; undefined if they can. k̂ alone is not enough: its tail can
 * look light although a few draws have all the weight.
 */
export function doubtOf(logWeights: Float64Array, shape: number): string | undefined {
  const draws = logWeights.length;
  const size = effectiveSampleSize(logWeights);
  const least = Math.min(ENOUGH, draws / 4);
  if (!(shape < trustedShape(draws)))
    return `k̂ is ${shape.toFixed(2)}, not below ${trustedShape(draws).toFixed(2)}`;
  if (!(size >= least))
    return `the ${draws} draws are worth ${size.toPrecision(2)}, fewer than ${Math.round(least)}`;
  return undefined;
}
