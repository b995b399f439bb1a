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
import type { RowOf } from "./loo.ts";

/** What {@link waic} returns. */
export interface WaicResult {
  /** Σᵢ (ln p(yᵢ | y) − pᵢ), nats: an estimate of the expected log predictive density. Multiply by −2 for the deviance scale. */
  readonly elpd: number;
  /** Standard error of `elpd`, over rows. NaN for a single row. */
  readonly standardError: number;
  /** Σᵢ pᵢ, the effective number of parameters. */
  readonly effectiveParameters: number;
  /** The contribution of each row to `elpd`, nats. */
  readonly pointwise: Float64Array;
  /** pᵢ = Var log p(yᵢ | θ) over draws. Above 0.4 the estimate fails. */
  readonly variances: Float64Array;
  /** The site and index of each row. */
  readonly rows: readonly RowOf[];
  /** Whether every pᵢ is at most 0.4. */
  readonly trusted: boolean;
}

/** If a pᵢ is larger than this, the expansion behind the criterion fails (Vehtari, Gelman and Gabry 2017, section 2.2). */
const LARGEST = 0.4;

/**
 * The widely applicable information criterion (Watanabe 2010), as a log predictive density: that of the observed rows, minus the variance
 * of each row's log likelihood over posterior draws. {@link loo} costs the same and says more about when it fails; use it unless you need a
 * WAIC to compare with another.
 *
 * @example
 * const { values } = await nuts(eightSchools).run([], { chains: 4, draws: 1000, seed: 0 });
 * const { elpd, trusted } = await waic(eightSchools, [], { posterior: values });
 *
 * @throws UsageError as {@link logLikelihood}; or when there are fewer than two draws.
 */
export async function waic<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: RowLikelihoodOptions,
): Promise<WaicResult> {
  checkOptions("waic", options, logLikelihoodRules);
  const rows = rowsByDraw(program.name, await logLikelihood(program, args, options));
  const draws = rows[0].logLikelihoods.length;
  if (draws < 2) throw new UsageError(`waic: a variance needs at least 2 draws, found ${draws}.`);
  const variances = Float64Array.from(rows, ({ logLikelihoods: l }) => {
    const mean = l.reduce((a, b) => a + b, 0) / draws;
    return l.reduce((s, v) => s + (v - mean) ** 2, 0) / (draws - 1);
  });
  const pointwise = Float64Array.from(
    rows,
    ({ logLikelihoods: l }, i) => logSumExp(l) - Math.log(draws) - variances[i],
  );
  const { total: elpd, standardError } = totalOf(pointwise);
  return {
    elpd,
    standardError,
    effectiveParameters: variances.reduce((a, b) => a + b, 0),
    pointwise,
    variances,
    rows: rows.map(({ site, index }) => ({ site, index })),
    trusted: variances.every((p) => p <= LARGEST),
  };
}
