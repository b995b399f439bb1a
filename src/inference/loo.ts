import { UsageError } from "../errors.ts";
import { checkOptions } from "../options.ts";
import type { Program } from "../program/index.ts";
import {
  logLikelihood,
  logLikelihoodRules,
  logSumExp,
  type RowLikelihoodOptions,
  rowsByDraw,
  totalOf,
} from "./log-likelihood.ts";
import { smoothWeights, trustedShape } from "./pareto-smoothing.ts";

/** Which row a figure belongs to. */
export interface RowOf {
  /** The observed site. */
  readonly site: string;
  /** Its index among the site's rows. */
  readonly index: number;
}

/** What {@link loo} returns: how well each row is predicted from the others. */
export interface LooResult {
  /** Σᵢ ln p(yᵢ | y₋ᵢ), nats: the expected log predictive density of as many new rows. Higher is better. */
  readonly elpd: number;
  /** Standard error of `elpd`, over rows. NaN for a single row. */
  readonly standardError: number;
  /** The effective number of parameters: how much better, in nats, the rows are predicted if they are included in the data. */
  readonly effectiveParameters: number;
  /** ln p(yᵢ | y₋ᵢ), nats, one for each row. */
  readonly pointwise: Float64Array;
  /** k̂, one for each row: how heavy the tail of its importance weights is. */
  readonly paretoK: Float64Array;
  /** The site and index of each row, in the order of `pointwise` and `paretoK`. */
  readonly rows: readonly RowOf[];
  /** The rows whose k̂ is not below min(1 − 1 / log₁₀ S, 0.7) for S draws. Their figures, and the sum, cannot be trusted. */
  readonly untrusted: readonly RowOf[];
  /** Whether every row's k̂ is below that limit. */
  readonly trusted: boolean;
  /** The verdict in words. */
  readonly verdict: string;
}

/** With fewer draws than this, the tail of the weights cannot be fitted. */
const FEWEST = 25;

/**
 * Leave-one-out cross-validation without refitting (PSIS-LOO; Vehtari, Gelman and Gabry 2017). The draws of the full posterior, weighted by
 * 1 / p(yᵢ | θ) with a Pareto-smoothed tail, replace draws from the posterior without row i. For each row, k̂ says whether that is
 * accurate. Rows are as in {@link logLikelihood}; flat priors are fine.
 *
 * Compare models by the difference of their `elpd` on the same rows. Its standard error is √(n Var), where Var is the variance of the rows'
 * differences.
 *
 * @example
 * const { values } = await nuts(eightSchools).run([], { chains: 4, draws: 1000, seed: 0 });
 * const { elpd, standardError, paretoK, verdict } = await loo(eightSchools, [], { posterior: values });
 *
 * @throws UsageError as {@link logLikelihood}; when there are fewer than 25 draws; or when a row is impossible at a draw.
 */
export async function loo<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: RowLikelihoodOptions,
): Promise<LooResult> {
  checkOptions("loo", options, logLikelihoodRules);
  const rows = rowsByDraw(program.name, await logLikelihood(program, args, options));
  const draws = rows[0].logLikelihoods.length;
  if (draws < FEWEST)
    throw new UsageError(
      `loo: the tail of the weights needs at least ${FEWEST} draws, found ${draws}; draw more.`,
    );
  const limit = trustedShape(draws);
  const pointwise = new Float64Array(rows.length);
  const paretoK = new Float64Array(rows.length);
  let seen = 0;
  for (const [i, { logLikelihoods: l }] of rows.entries()) {
    const { logWeights, shape } = smoothWeights(l.map((v) => -v));
    pointwise[i] = logSumExp(logWeights.map((w, d) => w + l[d])) - logSumExp(logWeights);
    // Equal weights have no tail, so there is nothing to fit.
    paretoK[i] = l.every((v) => v === l[0]) ? Number.NEGATIVE_INFINITY : shape;
    seen += logSumExp(l) - Math.log(draws);
  }
  const { total: elpd, standardError } = totalOf(pointwise);
  const named = rows.map(({ site, index }) => ({ site, index }));
  const untrusted = named.filter((_, i) => !(paretoK[i] < limit));
  return {
    elpd,
    standardError,
    effectiveParameters: seen - elpd,
    pointwise,
    paretoK,
    rows: named,
    untrusted,
    trusted: untrusted.length === 0,
    verdict: verdictOf(untrusted, rows.length, limit),
  };
}

function verdictOf(untrusted: readonly RowOf[], rows: number, limit: number): string {
  if (untrusted.length === 0)
    return `k̂ is below ${limit.toFixed(2)} for each of ${rows} rows: the estimate can be trusted.`;
  const first = untrusted
    .slice(0, 5)
    .map(({ site, index }) => `${site}[${index}]`)
    .join(", ");
  return (
    `k̂ is not below ${limit.toFixed(2)} for ${untrusted.length} of ${rows} rows (${first}${untrusted.length > 5 ? ", …" : ""}), so the estimate cannot be trusted: ` +
    "the posterior without such a row differs too much from the one with it. Fit again without these rows, draw more, or use a likelihood with heavier tails (StudentT)."
  );
}
