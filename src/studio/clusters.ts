/** Weighted k-means, which makes a batch of rows that differ from each other. */
import { fillUniform, stream } from "../random/index.ts";
import type { Features } from "./features.ts";

/** Options of {@link cluster}. */
export interface ClusterOptions {
  /** Number of clusters, at most the number of rows. */
  readonly count: number;
  readonly seed: number;
  /** Weight of each row. Default 1. */
  readonly weights?: Float64Array;
}

/** Iterations of Lloyd's algorithm. After a few, clusters move little. */
const TURNS = 12;

/** The clusters of some rows. */
export interface Clusters {
  /** The cluster of each row. */
  readonly of: Int32Array;
  /** Squared distance of each row to the centre of its cluster. */
  readonly distances: Float64Array;
  readonly count: number;
}

/** Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii 2007), on these rows of the features. */
export function cluster(
  { values, width }: Features,
  rows: ArrayLike<number>,
  { count, seed, weights }: ClusterOptions,
): Clusters {
  const n = rows.length;
  const k = Math.min(count, n);
  const weight = (i: number): number => weights?.[i] ?? 1;
  const draws = new Float32Array(k);
  fillUniform(draws, stream(seed, "studio/clusters"));
  const centres = new Float64Array(k * width);
  const distances = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
  const of = new Int32Array(n);
  const squared = (i: number, c: number): number => {
    let sum = 0;
    const at = rows[i] * width;
    for (let j = 0; j < width; j++) {
      const d = values[at + j] - centres[c * width + j];
      sum += d * d;
    }
    return sum;
  };
  for (let c = 0; c < k; c++) {
    const chances = Float64Array.from(distances, (d, i) => weight(i) * (c === 0 ? 1 : d));
    const total = chances.reduce((a, b) => a + b, 0);
    let left = draws[c] * total;
    let chosen = 0;
    while (chosen < n - 1 && left >= chances[chosen]) left -= chances[chosen++];
    for (let j = 0; j < width; j++) centres[c * width + j] = values[rows[chosen] * width + j];
    for (let i = 0; i < n; i++) distances[i] = Math.min(distances[i], squared(i, c));
  }
  for (let turn = 0; turn < TURNS; turn++) {
    let moved = 0;
    for (let i = 0; i < n; i++) {
      let best = 0;
      let least = Number.POSITIVE_INFINITY;
      for (let c = 0; c < k; c++) {
        const d = squared(i, c);
        if (d < least) [best, least] = [c, d];
      }
      if (of[i] !== best) moved++;
      of[i] = best;
      distances[i] = least;
    }
    if (turn > 0 && moved === 0) break;
    const sums = new Float64Array(k * width);
    const totals = new Float64Array(k);
    for (let i = 0; i < n; i++) {
      totals[of[i]] += weight(i);
      for (let j = 0; j < width; j++) sums[of[i] * width + j] += weight(i) * values[rows[i] * width + j];
    }
    for (let c = 0; c < k; c++) {
      if (totals[c] === 0) continue;
      for (let j = 0; j < width; j++) centres[c * width + j] = sums[c * width + j] / totals[c];
    }
  }
  return { of, distances, count: k };
}
