import { ArrayValue, compile } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import { checkOptions, mapped, type OptionRules, required, whole } from "../options.ts";
import { latentSites, logDensity, type Program, randomSites, replay, trace } from "../program/index.ts";
import { cast, sub, type Tensor, type TypedArray } from "../tensor/index.ts";
import { checkMatch } from "./bounds/pair.ts";
import { checkWholeData } from "./minibatch.ts";
import { doubtOf, effectiveSampleSize, smoothWeights } from "./pareto-smoothing.ts";
import { checkProper } from "./proper.ts";

/** Options of {@link importance}. */
export interface ImportanceOptions {
  /** Number of draws from the guide, at least 25. */
  readonly draws: number;
  /** Values of the guide's parameters, as returned by `svi(…).run`; all others have their initial values. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray>;
  /** Seed of the draws. Default 0. */
  readonly seed?: number;
}

const importanceRules: OptionRules<ImportanceOptions> = {
  draws: required(whole(25)),
  parameters: mapped("values by parameter, such as the parameters of svi(…).run"),
  seed: whole(0),
};

/** The result of importance sampling, and whether the guide can be trusted. */
export interface ImportanceResult {
  /** log (1/S) Σ w: an estimate of log p(data); in expectation a lower bound, and consistent. */
  readonly logEvidence: number;
  /** log w of each draw, raw and with a smoothed tail. */
  readonly logWeights: Float64Array;
  readonly smoothedLogWeights: Float64Array;
  /** The guide's draws of each latent site, [draws, …site], unweighted. */
  readonly draws: ReadonlyMap<string, ArrayValue>;
  /** Corrected moments of each latent site, from draws weighted by smoothed weights, for the site's elements in order. */
  readonly moments: ReadonlyMap<string, SiteMoments>;
  /** (Σ w)² / Σ w²: the number of posterior draws that the weighted draws are worth. */
  readonly effectiveSampleSize: number;
  /**
   * Shape of a generalised Pareto distribution fitted to the largest weights. Below 0.5 the estimates have finite variance; up to
   * 0.7 they are usable; above, the guide misses part of the posterior, and neither it nor these estimates can be trusted. If the effective
   * sample size is close to the number of draws, the weights are nearly equal and the shape of their tail means nothing.
   */
  readonly paretoK: number;
  /** The mean of log w: the guide's own bound, nats. */
  readonly bound: number;
  /** `logEvidence` − `bound`, nats: an estimate of KL(guide ‖ posterior). */
  readonly gap: number;
  /**
   * Whether the corrected estimates (`logEvidence`, `moments`) can be trusted: k̂ is below what this number of draws allows,
   * min(1 − 1 / log₁₀ S, 0.7), and the effective sample size is at least 100 (with fewer than 400 draws, a quarter of them).
   */
  readonly trusted: boolean;
  /** Whether the guide itself can be used as the posterior: the estimates can be trusted, and the gap is below 0.5 nats. */
  readonly guideTrusted: boolean;
  /** Both verdicts in words, with the figures behind them. */
  readonly verdict: string;
}

/** Moments of a latent site from weighted draws. */
export interface SiteMoments {
  readonly mean: Float64Array;
  /** Mean of the posterior. */
  readonly sd: Float64Array;
  /** Monte Carlo standard error of the mean, √Σ w̃² (z − mean)² (Owen 2013, section 9.2). Above k̂ 0.7 it is too small. */
  readonly standardError: Float64Array;
}

/**
 * Importance sampling with a guide as the proposal, and its Pareto-smoothed diagnostic k̂ (Vehtari, Simpson, Gelman, Yao and Gabry
 * 2024; Yao et al. 2018, "Yes, but did it work?"): a check on any guide.
 *
 * @example
 * const fit = await svi(coin, guide).run([flips], { steps: 2000, seed: 0 });
 * const { logEvidence, paretoK } = await importance(coin, guide, [flips], { parameters: fit.parameters, draws: 2000 });
 *
 * @throws UsageError when model and guide do not match, a latent site has a flat prior, or there are fewer than 25 draws.
 */
export async function importance<A extends readonly unknown[]>(
  model: Program<A>,
  guide: Program<A>,
  args: A,
  options: ImportanceOptions,
): Promise<ImportanceResult> {
  checkOptions("importance", options, importanceRules);
  const { draws, parameters, seed = 0 } = options;
  const drawn = trace(guide, args);
  const scored = trace(model, args, [replay(drawn)]);
  checkMatch(scored, drawn);
  checkWholeData(model.name, [...randomSites(scored), ...randomSites(drawn)]);
  checkProper("importance", randomSites(scored));
  const unmatched = latentSites(scored).find((site) => !drawn.sites.has(site.name));
  if (unmatched !== undefined) {
    throw new UsageError(
      `importance: the guide has no site '${unmatched.name}'; every latent site needs a proposal.`,
    );
  }
  // The host computes in float64 throughout; a float32 result would tie the weights of a good guide.
  const latent = latentSites(scored);
  const draw = compile(
    () =>
      [sub(logDensity(scored), logDensity(drawn)), ...latent.map((s) => s.value)].map((t) =>
        cast(t, "float64"),
      ),
    { executor: "host", seed, ...(parameters && { parameters }) },
  );
  const logWeights = new Float64Array(draws);
  const values = latent.map((s) => new ArrayValue([draws, ...s.value.shape], "float64"));
  for (let i = 0; i < draws; i++) {
    const [w, ...sites] = await draw();
    logWeights[i] = w.item();
    sites.forEach(({ data }, j) => {
      (values[j].data as Float64Array).set(Float64Array.from(data, Number), i * data.length);
    });
  }
  const raw = normalise(logWeights);
  const smooth = smoothWeights(logWeights);
  const { weights } = normalise(smooth.logWeights);
  const doubt = doubtOf(logWeights, smooth.shape);
  const bound = logWeights.reduce((a, w) => a + w / draws, 0);
  const gap = raw.logMean - bound;
  return {
    logEvidence: raw.logMean,
    logWeights,
    smoothedLogWeights: smooth.logWeights,
    draws: new Map(latent.map((s, j) => [s.name, values[j]])),
    moments: new Map(latent.map((s, j) => [s.name, momentsOf(values[j].data as Float64Array, weights)])),
    effectiveSampleSize: effectiveSampleSize(logWeights),
    paretoK: smooth.shape,
    bound,
    gap,
    trusted: doubt === undefined,
    guideTrusted: doubt === undefined && gap < CLOSE,
    verdict: verdictOf(doubt, gap),
  };
}

/** Largest divergence from the posterior, in nats, at which a guide's own means and sds are still about right. */
const CLOSE = 0.5;

function verdictOf(doubt: string | undefined, gap: number): string {
  const apart = `${gap.toPrecision(2)} nats from the posterior`;
  if (doubt !== undefined) {
    return (
      `Neither the guide nor its corrected estimates can be trusted: ${doubt}. The guide misses part of the posterior (at least ` +
      `${apart}). Use a more flexible guide (autoFullRankNormal, autoFlow), other coordinates, or nuts.`
    );
  }
  return gap < CLOSE
    ? `The corrected estimates can be trusted, and so can the guide: it is ${apart}.`
    : `The corrected estimates (logEvidence, moments) can be trusted; the guide itself cannot: it is ${apart}. Use the weighted moments.`;
}

/** Weights that add up to 1, and the logarithm of the mean weight. */
function normalise(logWeights: Float64Array) {
  const top = logWeights.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = logWeights.map((w) => Math.exp(w - top));
  const total = weights.reduce((a, b) => a + b, 0);
  return { weights: weights.map((w) => w / total), logMean: top + Math.log(total / logWeights.length) };
}

/** Weighted moments of each column of [draws, size]. */
function momentsOf(values: Float64Array, weights: Float64Array): SiteMoments {
  const size = values.length / weights.length;
  const mean = new Float64Array(size);
  const squares = new Float64Array(size);
  const errors = new Float64Array(size);
  weights.forEach((w, i) => {
    for (let j = 0; j < size; j++) mean[j] += w * values[i * size + j];
  });
  weights.forEach((w, i) => {
    for (let j = 0; j < size; j++) {
      const square = w * (values[i * size + j] - mean[j]) ** 2;
      squares[j] += square;
      errors[j] += w * square;
    }
  });
  return { mean, sd: squares.map(Math.sqrt), standardError: errors.map(Math.sqrt) };
}
