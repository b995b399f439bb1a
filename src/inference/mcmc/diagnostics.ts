/**
 * Convergence diagnostics of Markov chains: rank-normalised split R̂, bulk and tail effective sample sizes, Monte Carlo standard errors
 * (Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021, "Rank-normalization, folding, and localization", Bayesian Analysis 16) and the
 * energy fraction E-BFMI (Betancourt 2016). Every function takes one quantity's draws, chain by chain, and how many chains there are.
 */
import { UsageError } from "../../errors.ts";
import { ndtri } from "../../tensor/index.ts";

type Chains = readonly Float64Array[];

/** @throws UsageError when the draws are not chains of equal length with at least four draws each. */
function chainsOf(values: Float64Array, chains: number): Chains {
  const draws = values.length / chains;
  if (!Number.isInteger(chains) || chains < 1 || !Number.isInteger(draws) || draws < 4) {
    throw new UsageError(
      `diagnostics: expected at least 4 draws in each of ${chains} chains, chain by chain, found ${values.length} values.`,
    );
  }
  return Array.from({ length: chains }, (_, c) => values.subarray(c * draws, (c + 1) * draws));
}

/** First and second halves as separate chains; with an odd number the middle draw is left out. */
const split = (chains: Chains): Chains =>
  chains.flatMap((chain) => {
    const half = Math.floor(chain.length / 2);
    return [chain.subarray(0, half), chain.subarray(chain.length - half)];
  });

const mean = (x: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i];
  return total / x.length;
};

/** Sample variance, over n − 1. */
const variance = (x: ArrayLike<number>): number => {
  const m = mean(x);
  let total = 0;
  for (let i = 0; i < x.length; i++) total += (x[i] - m) ** 2;
  return total / (x.length - 1);
};

const mapChains = (chains: Chains, f: (v: number) => number): Chains => chains.map((c) => c.map(f));

/** The q-quantile of values in ascending order, interpolated linearly (type 7 of Hyndman and Fan 1996). */
export function quantileOfSorted(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

const sortedOf = (chains: Chains): Float64Array => {
  const all = new Float64Array(chains.reduce((n, c) => n + c.length, 0));
  let at = 0;
  for (const chain of chains) {
    all.set(chain, at);
    at += chain.length;
  }
  return all.sort();
};

/** Each value as the normal quantile of its rank among all draws, ties sharing their mean rank (Blom's fractional offsets). */
function rankNormalise(chains: Chains): Chains {
  const sorted = sortedOf(chains);
  const scores = new Map<number, number>();
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && sorted[to] === sorted[from]) to++;
    scores.set(sorted[from], ndtri(((from + 1 + to) / 2 - 3 / 8) / (sorted.length + 1 / 4)));
    from = to;
  }
  return mapChains(chains, (v) => scores.get(v) ?? Number.NaN);
}

/** √ of (variance between and within chains) / (variance within chains). */
function basicRHat(chains: Chains): number {
  const n = chains[0].length;
  const within = mean(chains.map(variance));
  const between = variance(chains.map(mean));
  return Math.sqrt((n - 1) / n + between / within);
}

/** Distances from the median. */
function fold(chains: Chains): Chains {
  const median = quantileOfSorted(sortedOf(chains), 0.5);
  return mapChains(chains, (v) => Math.abs(v - median));
}

/**
 * R̂, rank-normalised and split: the larger of that of the draws and that of their distances from the median. Above 1.01 the chains have
 * not mixed. NaN if all draws are equal. Chains are split, so that drift within a chain shows as well.
 */
export function rHat(values: Float64Array, chains: number): number {
  // Ranks would put NaN at one end and find nothing wrong.
  if (values.some(Number.isNaN)) return Number.NaN;
  const parts = split(chainsOf(values, chains));
  return Math.max(basicRHat(rankNormalise(parts)), basicRHat(rankNormalise(fold(parts))));
}

/** Mean over chains of the autocovariance at a lag, over n. */
function autocovariance(chains: Chains, means: readonly number[], lag: number): number {
  let total = 0;
  chains.forEach((chain, c) => {
    for (let i = lag; i < chain.length; i++) total += (chain[i] - means[c]) * (chain[i - lag] - means[c]);
  });
  return total / chains[0].length / chains.length;
}

/**
 * Effective sample size: S / (1 + 2 Σ ρ_t), with autocorrelations from all chains, truncated by Geyer's initial monotone sequence. At
 * most S log₁₀ S.
 */
function effectiveSize(chains: Chains): number {
  const n = chains[0].length;
  const total = n * chains.length;
  const means = chains.map(mean);
  const within = (autocovariance(chains, means, 0) * n) / (n - 1);
  const between = chains.length > 1 ? variance(means) : 0;
  const pooled = (within * (n - 1)) / n + between;
  // If all draws are equal, an effective number of them has no meaning.
  if (!(pooled > 0)) return Number.NaN;
  const correlation = (lag: number): number => 1 - (within - autocovariance(chains, means, lag)) / pooled;

  // Sums of an even and the next odd lag are positive and decreasing in theory; when they stop being so, noise dominates.
  const pairs: (readonly [number, number])[] = [[1, correlation(1)]];
  let last = pairs[0];
  for (let t = 2; t < n - 3 && last[0] + last[1] > 0; t += 2) {
    last = [correlation(t), correlation(t + 1)];
    if (last[0] + last[1] > 0) pairs.push(last);
  }
  const ended = last[0] + last[1] > 0 ? pairs.pop() : undefined;
  const [tail] = ended ?? last;
  let bound = Number.POSITIVE_INFINITY;
  let sum = 0;
  for (const [even, odd] of pairs) {
    bound = Math.min(bound, even + odd);
    sum += bound;
  }
  const time = -1 + 2 * sum + Math.max(0, tail);
  return total / Math.max(time, 1 / Math.log10(total));
}

/** Bulk effective sample size: of rank-normalised draws, so that it exists even without moments. */
export const essBulk = (values: Float64Array, chains: number): number =>
  values.some(Number.isNaN) ? Number.NaN : effectiveSize(rankNormalise(split(chainsOf(values, chains))));

/** Effective sample size of the tails: the smaller one of the 5 % and the 95 % quantile. */
export function essTail(values: Float64Array, chains: number): number {
  if (values.some(Number.isNaN)) return Number.NaN;
  const parts = split(chainsOf(values, chains));
  const sorted = sortedOf(parts);
  const sizes = [0.05, 0.95].map((q) => {
    const limit = quantileOfSorted(sorted, q);
    return effectiveSize(mapChains(parts, (v) => (v <= limit ? 1 : 0)));
  });
  return Math.min(...sizes);
}

/** Monte Carlo standard error of the mean: sd / √ESS of the draws themselves. */
export const mcseMean = (values: Float64Array, chains: number): number =>
  Math.sqrt(variance(values) / effectiveSize(split(chainsOf(values, chains))));

/** Monte Carlo standard error of the standard deviation, by the delta method, without assuming normality. */
export function mcseSd(values: Float64Array, chains: number): number {
  const centre = mean(values);
  const squares = values.map((v) => (v - centre) ** 2);
  const size = effectiveSize(split(chainsOf(squares, chains)));
  const second = mean(squares);
  return Math.sqrt((mean(squares.map((v) => v ** 2)) - second ** 2) / size / second / 4);
}

/**
 * E-BFMI of one chain's energies: how much of the energy's spread one transition explores. Below 0.3 momentum is too weak to reach the
 * tails: the posterior is heavy-tailed or its scale varies.
 */
export function energyFraction(energies: Float64Array): number {
  let steps = 0;
  for (let i = 1; i < energies.length; i++) steps += (energies[i] - energies[i - 1]) ** 2;
  return steps / (variance(energies) * (energies.length - 1));
}

/** Mean, sample standard deviation and quantiles of one quantity. */
export function moments(values: Float64Array, quantiles: readonly number[]) {
  const sorted = values.slice().sort();
  return {
    mean: mean(values),
    sd: Math.sqrt(variance(values)),
    quantiles: quantiles.map((q) => quantileOfSorted(sorted, q)),
  };
}
