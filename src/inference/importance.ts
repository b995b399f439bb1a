import { compile } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import { latentSites, logDensity, type Program, replay, trace } from "../program/index.ts";
import type { TypedArray } from "../tensor/dtype.ts";
import { sub } from "../tensor/ops/arithmetic.ts";
import { cast } from "../tensor/ops/cast.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { checkMatch } from "./bounds/pair.ts";

export interface ImportanceOptions {
  /** Number of draws from the guide. */
  readonly draws: number;
  /** Values of the guide's parameters, as `svi(…).run` returns them. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray>;
  readonly seed?: number;
}

export interface ImportanceResult {
  /** log (1/S) Σ w: an estimate of log p(data); in expectation a lower bound, and consistent. */
  readonly logEvidence: number;
  /** log w of each draw. */
  readonly logWeights: Float64Array;
  /** (Σ w)² / Σ w²: how many draws from the posterior the weighted draws are worth. */
  readonly effectiveSampleSize: number;
  /**
   * Shape of a generalised Pareto distribution fitted to the largest weights. Below 0.5 the estimates have finite variance; up to
   * 0.7 they are usable; above, the guide misses mass of the posterior, and neither it nor these estimates can be trusted. Where
   * the effective sample size is close to the number of draws the weights are all but equal, and their tail's shape says nothing.
   */
  readonly paretoK: number;
}

/**
 * Importance sampling with a guide as the proposal, and its Pareto-smoothed diagnostic k̂ (Vehtari, Simpson, Gelman, Yao and Gabry
 * 2024; Yao et al. 2018, "Yes, but did it work?"): a check on any guide.
 *
 * @example
 * const fit = await svi(coin, guide).run([flips], { steps: 2000, seed: 0 });
 * const { logEvidence, paretoK } = await importance(coin, guide, [flips], { parameters: fit.parameters, draws: 2000 });
 *
 * @throws UsageError when model and guide do not match, or there are fewer than 25 draws.
 */
export async function importance<A extends readonly unknown[]>(
  model: Program<A>,
  guide: Program<A>,
  args: A,
  options: ImportanceOptions,
): Promise<ImportanceResult> {
  const { draws, parameters, seed = 0 } = options;
  if (!Number.isInteger(draws) || draws < 25) {
    throw new UsageError(`importance: draws must be a whole number of at least 25, found ${draws}.`);
  }
  const drawn = trace(guide, args);
  const scored = trace(model, args, [replay(drawn)]);
  checkMatch(scored, drawn);
  const unmatched = latentSites(scored).find((site) => !drawn.sites.has(site.name));
  if (unmatched !== undefined) {
    throw new UsageError(
      `importance: the guide has no site '${unmatched.name}'; every latent site needs a proposal.`,
    );
  }
  // The host computes in float64 throughout; a float32 result would tie the weights of a good guide.
  const draw = compile(() => cast(sub(logDensity(scored), logDensity(drawn)), "float64"), {
    executor: "host",
    seed,
    ...(parameters && { parameters }),
  });
  const logWeights = new Float64Array(draws);
  for (let i = 0; i < draws; i++) logWeights[i] = (await draw()).item();
  const top = logWeights.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = logWeights.map((w) => Math.exp(w - top));
  const total = weights.reduce((a, b) => a + b, 0);
  const squares = weights.reduce((a, b) => a + b * b, 0);
  return {
    logEvidence: top + Math.log(total / draws),
    logWeights,
    effectiveSampleSize: total ** 2 / squares,
    paretoK: paretoShape(weights),
  };
}

/** k̂ of the largest weights: min(S / 5, 3 √S) of them, measured from the next one. */
export function paretoShape(weights: Float64Array): number {
  const sorted = weights.slice().sort();
  const count = Math.ceil(Math.min(0.2 * sorted.length, 3 * Math.sqrt(sorted.length)));
  const cutoff = sorted[sorted.length - count - 1];
  const exceedances = sorted.slice(sorted.length - count).map((w) => w - cutoff);
  return fitGeneralisedPareto(exceedances.filter((x) => x > 0));
}

/**
 * Shape of a generalised Pareto distribution, by the empirical Bayes estimate of Zhang and Stephens (2009, Technometrics 51), drawn
 * towards ½ with the weight of ten observations as Vehtari et al. do. Ascending positive exceedances; too few give infinity.
 */
export function fitGeneralisedPareto(x: Float64Array): number {
  const n = x.length;
  if (n < 5) return Number.POSITIVE_INFINITY;
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
  const k = shapeAt(bs.reduce((sum, b, j) => sum + b * posterior[j], 0));
  return (n * k + 5) / (n + 10);
}
