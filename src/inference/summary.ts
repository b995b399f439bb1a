/** Summaries of draws: chains with their diagnostics, a guide or a normal approximation without. */

import type { ArrayValue } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import { anything, checkOptions, knownOptions, type OptionRules, whole } from "../options.ts";
import { elementNames } from "./element-names.ts";
import { type GuideDrawsOptions, guideDrawsRules } from "./guide-draws.ts";
import { inColumns } from "./in-columns.ts";
import type { LaplaceResult } from "./laplace.ts";
import { moments } from "./mcmc/diagnostics.ts";
import type { Mcmc } from "./mcmc/sampler.ts";
import { chainsText, type Summary, summaryOfChains } from "./mcmc/summary.ts";
import type { PathfinderResult } from "./pathfinder.ts";
import { digitsFor, number } from "./summary-cells.ts";
import type { SviFit } from "./svi.ts";

/** The sites in a summary. */
export interface SummaryOptions {
  /** Names of latent and deterministic sites, in the order of the rows. Default all. */
  readonly sites?: readonly string[];
}

/** Which sites, and how many draws of the guide. */
export interface FitSummaryOptions extends SummaryOptions, GuideDrawsOptions {}

const summaryRules: OptionRules<SummaryOptions> = { sites: anything };
const fitSummaryRules: OptionRules<FitSummaryOptions> = {
  ...summaryRules,
  draws: whole(4),
  seed: anything,
};

/** One number of the program under independent draws: a site's element, on the site's own support. */
export interface FitSummaryRow {
  /** `theta[2]`, indices from 0; the site's name alone for a number. */
  readonly name: string;
  readonly mean: number;
  readonly sd: number;
  /** Monte Carlo standard errors of mean and sd, due to the number of draws, not to the approximation. */
  readonly mcseMean: number;
  readonly mcseSd: number;
  /** Quantiles. */
  readonly q5: number;
  readonly median: number;
  readonly q95: number;
}

/** Moments and quantiles of independent draws from an approximation of the posterior. */
export interface FitSummary {
  readonly method: "svi" | "laplace" | "pathfinder";
  readonly draws: number;
  readonly rows: readonly FitSummaryRow[];
}

/**
 * Mean, sd, Monte Carlo errors and quantiles of every number of a posterior, on the sites' own supports. For chains also effective sample
 * sizes and R̂, with a warning for each problem. For an `svi` fit the draws come from the guide, for a `laplace` fit from the normal: they
 * describe the approximation, not whether it is right, which `importance` checks.
 *
 * @example
 * const { rows, warnings } = summary(await nuts(coin).run([flips], { seed: 0 }));
 * const { rows } = await summary(await svi(coin, guide).run([flips], { steps: 2000 }), { draws: 4000, sites: ["p"] });
 *
 * @throws UsageError when there is no such site, or there are fewer than four draws (for chains, per chain).
 */
export function summary(run: Mcmc, options?: SummaryOptions): Summary;
export function summary(fit: LaplaceResult | PathfinderResult, options?: SummaryOptions): FitSummary;
export function summary(fit: SviFit, options?: FitSummaryOptions): Promise<FitSummary>;
export function summary(
  of: Mcmc | LaplaceResult | PathfinderResult | SviFit,
  options: FitSummaryOptions = {},
): Summary | FitSummary | Promise<FitSummary> {
  if (of.method === "svi") return ofGuide(of, options);
  checkOptions("summary", options, summaryRules);
  if (of.method === "laplace" || of.method === "pathfinder")
    return ofDraws(of.method, chosen(of.values, options.sites));
  return summaryOfChains({ ...of, values: chosen(of.values, options.sites) });
}

async function ofGuide(fit: SviFit, options: FitSummaryOptions): Promise<FitSummary> {
  checkOptions("summary", options, fitSummaryRules);
  const values = await fit.draw(knownOptions(options, guideDrawsRules));
  return ofDraws("svi", chosen(values, options.sites));
}

/** The values of some sites, in the order in which they are named. */
function chosen(
  values: ReadonlyMap<string, ArrayValue>,
  sites: readonly string[] | undefined,
): ReadonlyMap<string, ArrayValue> {
  if (sites === undefined) return values;
  return new Map(
    sites.map((name) => {
      const value = values.get(name);
      if (value !== undefined) return [name, value];
      const known = [...values.keys()].map((n) => `'${n}'`).join(", ") || "none";
      throw new UsageError(`summary: there are no draws of site '${name}'. Sites with draws: ${known}.`);
    }),
  );
}

function ofDraws(method: FitSummary["method"], values: ReadonlyMap<string, ArrayValue>): FitSummary {
  const [first] = values.values();
  const draws = first === undefined ? 0 : first.shape[0];
  if (first !== undefined && draws < 4)
    throw new UsageError(`summary: expected at least 4 draws, found ${draws}.`);
  const rows = [...values].flatMap(([site, { shape, data }]) => {
    const names = elementNames(site, shape.slice(1));
    return names.map((name, j): FitSummaryRow => {
      const x = Float64Array.from({ length: draws }, (_, i) => Number(data[i * names.length + j]));
      const { mean, sd, quantiles } = moments(x, [0.05, 0.5, 0.95]);
      const [q5, median, q95] = quantiles;
      // Independent draws count fully.
      return {
        name,
        mean,
        sd,
        mcseMean: sd / Math.sqrt(draws),
        mcseSd: errorOfSd(x, mean, sd),
        q5,
        median,
        q95,
      };
    });
  });
  return { method, draws, rows };
}

/** √((m₄ − s⁴) / (4 s² n)), by the delta method from the variance's own error. */
function errorOfSd(x: Float64Array, mean: number, sd: number): number {
  const fourth = x.reduce((total, v) => total + (v - mean) ** 4, 0) / x.length;
  return sd === 0 ? 0 : Math.sqrt(Math.max(0, fourth - sd ** 4) / (4 * sd ** 2 * x.length));
}

/**
 * A summary as text: a table, then warnings or advice. Means, sds and quantiles have as many digits as their Monte Carlo errors allow.
 *
 * @example
 * console.log(summaryText(summary(posterior)));
 */
export function summaryText(found: Summary | FitSummary): string {
  if ("chains" in found) return chainsText(found);
  const { rows, draws, method } = found;
  const cells = rows.map((r) => {
    const digits = digitsFor(r.mcseMean);
    return [r.name, ...[r.mean, r.sd, r.mcseMean, r.q5, r.median, r.q95].map((v) => number(v, digits))];
  });
  const source =
    method === "svi" ? "the guide; importance(…) says" : "the normal approximation; its paretoK says";
  return [
    inColumns([["", "mean", "sd", "mcse", "5 %", "50 %", "95 %"], ...cells], 1),
    "",
    `${draws} draws of ${source} how far to trust it.`,
  ].join("\n");
}
