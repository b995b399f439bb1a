/** Log densities of observed rows at draws from a posterior, which `loo` and `waic` compare models by. */
import type { ArrayValue } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import { checkOptions, mapped, type OptionRules, required } from "../options.ts";
import { latentSites, type Program, randomSites, trace } from "../program/index.ts";
import { cast, sizeOf, type Tensor, type TypedArray } from "../tensor/index.ts";
import { checkWholeData } from "./minibatch.ts";
import { posteriorDraws, recalled, type StoredSite } from "./predictive.ts";
import { repeatedDraws } from "./repeated-draws.ts";

/** Options of {@link logLikelihood}, {@link loo} and {@link waic}. */
export interface RowLikelihoodOptions {
  /**
   * Draws of the latent sites from the posterior, with equal weights: [draws, …site] or [chains, draws, …site], such as the `values` of
   * `nuts`, `hmc`, `laplace` or `pathfinder`.
   */
  readonly posterior: ReadonlyMap<string, ArrayValue>;
  /** Values of the program's parameters, as `svi(…).run` returns them. Default: their initial values. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray>;
}

/** The option names. */
export const logLikelihoodRules: OptionRules<RowLikelihoodOptions> = {
  posterior: required(mapped("the values of posterior draws, such as those of nuts(…).run")),
  parameters: mapped("values by parameter, such as the parameters of svi(…).run"),
};

/** Number of draws in a posterior: chains × draws. @throws UsageError when sites differ. */
function countOf(program: string, stored: readonly StoredSite[]): number {
  const [first, other] = [stored[0], stored.find((s) => s.count !== stored[0].count)];
  if (first === undefined)
    throw new UsageError(`${program}: the program has no latent site, so it has no posterior.`);
  if (other !== undefined) {
    throw new UsageError(
      `${program}: site '${first.name}' has ${first.count} draws and site '${other.name}' ${other.count}; give joint draws.`,
    );
  }
  return first.count;
}

/** Evaluates the program with its latent sites at given values: the log density of each observed site, by row. */
function rowsOf<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  stored: readonly StoredSite[],
  inputs: readonly Tensor[],
): Record<string, Tensor> {
  const sites = randomSites(trace(program, args, [recalled(stored, inputs)]));
  checkWholeData(program.name, sites, "");
  const observed = sites.filter((s) => s.kind === "observe" && s.distribution.name !== "Factor");
  if (observed.length === 0)
    throw new UsageError(`${program.name}: the program observes nothing, so no row has a likelihood.`);
  return Object.fromEntries(
    observed.map(({ name, distribution, value }) => [name, cast(distribution.logProb(value), "float64")]),
  );
}

/**
 * The log likelihood log p(yᵢ | θ) of every observed row at every posterior draw, in nats: for each observed site an array [draws, …rows],
 * with the chains one after another. A row is one element of the site's plates; at a site with an event shape (a vector, or `toEvent`) each
 * event is one row. A `factor` is not a row and is left out.
 *
 * @example
 * const chains = await nuts(eightSchools).run([], { chains: 4, draws: 1000, seed: 0 });
 * const rows = await logLikelihood(eightSchools, [], { posterior: chains.values });
 * rows.get("y"); // [4000, 8]
 *
 * @throws UsageError when a latent site has no draws (for example, a finite site that was summed out), or when the program reads its data
 * in minibatches.
 */
export async function logLikelihood<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: RowLikelihoodOptions,
): Promise<ReadonlyMap<string, ArrayValue>> {
  checkOptions("logLikelihood", options, logLikelihoodRules);
  const { posterior, parameters } = options;
  const finite = latentSites(trace(program, args)).find(
    ({ name, distribution }) => distribution.cardinality !== undefined && !posterior.has(name),
  );
  if (finite !== undefined) {
    throw new UsageError(
      `${program.name}: the finite site '${finite.name}' was summed out and has no draws, but a row's likelihood depends on its value. Write the ` +
        "sum as a distribution, Mixture(weights, components), which has one likelihood for each row.",
    );
  }
  const stored = posteriorDraws(program, args, posterior);
  const draws = countOf(program.name, stored);
  return repeatedDraws((...inputs) => rowsOf(program, args, stored, inputs), {
    draws,
    seed: 0,
    parameters,
    feeds: (i) => stored.map((site) => site.at(i, draws)),
  });
}

/** The log likelihoods of one row over all draws. */
export interface Row {
  /** The observed site. */
  readonly site: string;
  /** Its index among the site's rows. */
  readonly index: number;
  /** The log likelihood at each draw. */
  readonly logLikelihoods: Float64Array;
}

/** The rows of all observed sites, in order. @throws UsageError when a likelihood is not a number. */
export function rowsByDraw(program: string, bySite: ReadonlyMap<string, ArrayValue>): Row[] {
  return [...bySite].flatMap(([site, { shape, data }]) => {
    const [draws, ...rest] = shape;
    const width = sizeOf(rest);
    return Array.from({ length: width }, (_, index) => {
      const logLikelihoods = Float64Array.from({ length: draws }, (_, d) => Number(data[d * width + index]));
      const bad = logLikelihoods.findIndex((l) => !Number.isFinite(l));
      if (bad >= 0) {
        throw new UsageError(
          `${program}: the log likelihood of row ${index} of site '${site}' is ${logLikelihoods[bad]} at draw ${bad}; if a row is impossible at a posterior draw, its predictive density ` +
            "cannot be estimated. Check the site's distribution and the draws.",
        );
      }
      return { site, index, logLikelihoods };
    });
  });
}

/** ln Σ exp. */
export function logSumExp(x: ArrayLike<number>): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < x.length; i++) top = Math.max(top, x[i]);
  let total = 0;
  for (let i = 0; i < x.length; i++) total += Math.exp(x[i] - top);
  return top + Math.log(total);
}

/** A sum over rows and its standard error, √(n Var), which is NaN for a single row. */
export function totalOf(pointwise: Float64Array): { readonly total: number; readonly standardError: number } {
  const n = pointwise.length;
  const total = pointwise.reduce((a, b) => a + b, 0);
  const squares = pointwise.reduce((s, v) => s + (v - total / n) ** 2, 0);
  return { total, standardError: n > 1 ? Math.sqrt((n * squares) / (n - 1)) : Number.NaN };
}
