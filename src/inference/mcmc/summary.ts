/** Summary of chains: a table of quantities, and warnings with advice. */
import { UsageError } from "../../errors.ts";
import { elementNames } from "../element-names.ts";
import { inColumns } from "../in-columns.ts";
import { digitsFor, number } from "../summary-cells.ts";
import { energyFraction, essBulk, essTail, mcseMean, mcseSd, moments, rHat } from "./diagnostics.ts";
import type { Mcmc } from "./sampler.ts";

/** One number of the program: an element of a site. */
export interface SummaryRow {
  /** `theta[2]`, indices from 0; the site's name alone for a number. */
  readonly name: string;
  readonly mean: number;
  readonly sd: number;
  /** Monte Carlo standard errors of mean and sd. */
  readonly mcseMean: number;
  readonly mcseSd: number;
  /** Quantiles. */
  readonly q5: number;
  readonly median: number;
  readonly q95: number;
  /** Effective sample sizes of centre and tails. */
  readonly essBulk: number;
  readonly essTail: number;
  readonly rHat: number;
}

/** Moments, quantiles and diagnostics of a run's draws, and warnings. */
export interface Summary {
  readonly chains: number;
  readonly draws: number;
  readonly rows: readonly SummaryRow[];
  readonly divergences: number;
  /** Number of transitions whose trajectory was cut off at the maximal depth. */
  readonly saturated: number;
  /** E-BFMI of each chain. */
  readonly energyFractions: readonly number[];
  /** One sentence for each problem, with advice; empty if there are none. */
  readonly warnings: readonly string[];
}

/** Above this value chains have not mixed (Vehtari et al. 2021, section 4). */
const MIXED = 1.01;
/** Effective draws for each chain below which R̂ and the standard errors are themselves unsure (the same). */
const ENOUGH_DRAWS = 100;
/** Betancourt (2016). */
const ENOUGH_ENERGY = 0.3;

/** Every number of a run with its draws, chain by chain. */
export function quantities({ values }: Mcmc): { readonly name: string; readonly draws: Float64Array }[] {
  return [...values].flatMap(([site, { shape, data }]) => {
    const names = elementNames(site, shape.slice(2));
    return names.map((name, j) => ({
      name,
      draws: Float64Array.from({ length: shape[0] * shape[1] }, (_, i) => Number(data[i * names.length + j])),
    }));
  });
}

/**
 * Mean, sd, Monte Carlo errors, quantiles, effective sample sizes and R̂ of every number of a run, and a warning for each problem.
 * @throws UsageError when there are fewer than four draws per chain.
 */
export function summaryOfChains(run: Mcmc): Summary {
  const { chains, draws, statistics, maxTreeDepth } = run;
  if (draws < 4) {
    throw new UsageError(`summary: expected at least 4 draws per chain, found ${draws}.`);
  }
  const rows = quantities(run).map(({ name, draws: x }): SummaryRow => {
    const { mean, sd, quantiles } = moments(x, [0.05, 0.5, 0.95]);
    const [q5, median, q95] = quantiles;
    return {
      name,
      mean,
      sd,
      mcseMean: mcseMean(x, chains),
      mcseSd: mcseSd(x, chains),
      q5,
      median,
      q95,
      essBulk: essBulk(x, chains),
      essTail: essTail(x, chains),
      rHat: rHat(x, chains),
    };
  });
  const count = (x: Float64Array, of: (v: number) => boolean): number => x.filter(of).length;
  const found = {
    chains,
    draws,
    rows,
    divergences: count(statistics.divergent, (v) => v === 1),
    saturated: maxTreeDepth === undefined ? 0 : count(statistics.treeDepth, (v) => v >= maxTreeDepth),
    energyFractions: Array.from({ length: chains }, (_, c) =>
      energyFraction(statistics.energy.subarray(c * draws, (c + 1) * draws)),
    ),
  };
  return { ...found, warnings: warningsOf(found, maxTreeDepth) };
}

/** Names of the worst few, with their values. */
function worst(rows: readonly SummaryRow[], of: (row: SummaryRow) => string): string {
  const shown = rows.slice(0, 3).map((row) => `${row.name} ${of(row)}`);
  return shown.join(", ") + (rows.length > 3 ? ` and ${rows.length - 3} more` : "");
}

function warningsOf(found: Omit<Summary, "warnings">, maxTreeDepth: number | undefined): string[] {
  const { chains, draws, rows, divergences, saturated, energyFractions } = found;
  const warnings: string[] = [];
  const lost = rows.filter((r) => !Number.isFinite(r.mean));
  if (lost.length > 0) {
    warnings.push(
      `Draws of ${worst(lost, (r) => `(mean ${r.mean})`)} are not all finite, so they cannot be summarised. A deterministic site overflowed, or took ` +
        "the logarithm or root of a negative number: compute it in another form (on the log scale).",
    );
  }
  const apart = rows.filter((r) => r.rHat > MIXED).sort((a, b) => b.rHat - a.rHat);
  if (apart.length > 0) {
    warnings.push(
      `The chains have not mixed: R̂ above ${MIXED} for ${worst(apart, (r) => r.rHat.toFixed(2))}. Their means do not estimate the posterior's. Draw longer; if R̂ stays high, the chains are in different ` +
        "modes or move slowly: look at each chain separately, and write the program in other coordinates.",
    );
  }
  if (chains === 1) {
    warnings.push("There is only one chain, so nothing shows whether another would end elsewhere. Run four.");
  }
  const few = rows
    .filter((r) => Math.min(r.essBulk, r.essTail) < ENOUGH_DRAWS * chains)
    .sort((a, b) => Math.min(a.essBulk, a.essTail) - Math.min(b.essBulk, b.essTail));
  if (few.length > 0) {
    warnings.push(
      `Few effective draws (below ${ENOUGH_DRAWS} per chain) for ` +
        `${worst(few, (r) => Math.min(r.essBulk, r.essTail).toFixed(0))}: their errors and R̂ are unreliable. Draw more.`,
    );
  }
  if (divergences > 0) {
    warnings.push(
      `${divergences} of ${chains * draws} transitions diverged: steps were too long for ` +
        "part of the posterior, which the draws miss. Raise targetAcceptance (0.95, 0.99); if some remain, change coordinates: draw the sites under a scale as z ~ Normal(0, 1) " +
        "and compute loc + scale · z.",
    );
  }
  if (saturated > 0) {
    warnings.push(
      `${saturated} of ${chains * draws} trajectories were cut off at ${maxTreeDepth} doublings: the draws are valid but expensive. Scale the data, ` +
        'use metric "dense" if sites are correlated, or raise maxTreeDepth.',
    );
  }
  const low = energyFractions.filter((f) => f < ENOUGH_ENERGY).length;
  if (low > 0) {
    warnings.push(
      `E-BFMI is below ${ENOUGH_ENERGY} in ${low} of ${chains} chains (lowest ${Math.min(...energyFractions).toFixed(2)}): chains move ` +
        "slowly between energies and may miss heavy tails. Change coordinates as for divergences, or give heavy-tailed sites narrower priors.",
    );
  }
  return warnings;
}

/** A summary of chains as text: a table, then its warnings. */
export function chainsText({ rows, warnings, chains, draws }: Summary): string {
  const header = ["", "mean", "sd", "mcse", "5 %", "50 %", "95 %", "ess bulk", "ess tail", "R̂"];
  const cells = rows.map((r) => {
    const digits = digitsFor(r.mcseMean);
    return [
      r.name,
      ...[r.mean, r.sd, r.mcseMean, r.q5, r.median, r.q95].map((v) => number(v, digits)),
      number(r.essBulk, 0),
      number(r.essTail, 0),
      number(r.rHat, 3),
    ];
  });
  const verdict =
    warnings.length === 0
      ? [`${chains} chains of ${draws} draws: no problems found.`]
      : warnings.map((w) => `Warning: ${w}`);
  return [inColumns([header, ...cells], 1), "", ...verdict].join("\n");
}
