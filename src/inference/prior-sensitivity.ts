import type { ArrayValue } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import { anything, checkOptions, given, type OptionRules, required } from "../options.ts";
import { latentSites, type Program, randomSites, trace } from "../program/index.ts";
import { add, cast, scalar, sum, type Tensor, type TypedArray } from "../tensor/index.ts";
import { elementNames } from "./element-names.ts";
import { smoothWeights, trustedShape } from "./pareto-smoothing.ts";
import { posteriorDraws, recalled } from "./predictive.ts";
import { repeatedDraws } from "./repeated-draws.ts";

/** Options of {@link priorSensitivity}. */
export interface PriorSensitivityOptions {
  /** Draws of the latent sites from the posterior, with equal weights: [draws, …site] or [chains, draws, …site]. */
  readonly posterior: ReadonlyMap<string, ArrayValue>;
  /** Values of the program's parameters, as `svi(…).run` returns them. Default: their initial values. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray>;
  /** Names of the latent sites whose priors are scaled. Default all; in a hierarchy it is usual to scale the top ones alone. */
  readonly priors?: readonly string[];
}

const rules: OptionRules<PriorSensitivityOptions> = {
  posterior: required(given("the values of posterior draws, such as those of nuts(…).run")),
  parameters: anything,
  priors: anything,
};

/** How much a quantity of the posterior changes with prior and likelihood. */
export interface SensitivityRow {
  /** `theta[2]`, indices from 0; the site's name alone for a number. */
  readonly name: string;
  /** Change with the prior's power, in square roots of a normalised divergence for each doubling; above 0.05 it matters. */
  readonly prior: number;
  /** The same with the likelihood's power. */
  readonly likelihood: number;
  /**
   * `none`: the prior hardly matters. `conflict`: both matter; prior and data may say different things. `strong prior`: the prior matters and the likelihood
   * does not; it is informative, or the data say little.
   */
  readonly diagnosis: "none" | "conflict" | "strong prior";
}

/** What {@link priorSensitivity} returns. */
export interface PriorSensitivity {
  readonly rows: readonly SensitivityRow[];
  /** The largest k̂ of the four sets of weights. */
  readonly paretoK: number;
  /** Whether k̂ is below what this number of draws allows. */
  readonly trusted: boolean;
}

/** The powers; the figures are slopes at 1, so that nearer ones would give the same. */
const POWERS = [0.99, 1.01] as const;
/** Kallioinen et al. (2023), section 3. */
const MATTERS = 0.05;
const FEWEST = 25;

/**
 * How sensitive a posterior is to its prior and its likelihood, without fitting again (Kallioinen, Paananen, Bürkner and Vehtari 2023, "Detecting and diagnosing
 * prior and likelihood sensitivity with power-scaling"). Prior or likelihood is raised to the powers 0.99 and 1.01 by Pareto-smoothed importance weights of the
 * draws, and each quantity's distribution is compared with the original by the cumulative Jensen–Shannon distance. A `factor` counts as likelihood.
 *
 * @example
 * const { values } = await nuts(eightSchools).run([y], { seed: 0 });
 * const { rows } = await priorSensitivity(eightSchools, [y], { posterior: values, priors: ["mu", "tau"] });
 *
 * @throws UsageError when a latent site has no draws or `priors` names none, when there are fewer than 25 draws, or a draw has no finite density.
 */
export async function priorSensitivity<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: PriorSensitivityOptions,
): Promise<PriorSensitivity> {
  checkOptions("priorSensitivity", options, rules);
  const { posterior, parameters, priors } = options;
  const latent = latentSites(trace(program, args));
  const unknown = priors?.find((name) => !latent.some((site) => site.name === name));
  if (unknown !== undefined) {
    throw new UsageError(
      `priorSensitivity: there is no latent site '${unknown}'; there are ${latent.map(({ name }) => `'${name}'`).join(", ") || "none"}.`,
    );
  }
  const summedOut = latent.find(
    ({ name, distribution }) => distribution.cardinality !== undefined && !posterior.has(name),
  );
  if (summedOut !== undefined) {
    throw new UsageError(
      `priorSensitivity: the finite site '${summedOut.name}' was summed out and has no draws, so prior and likelihood cannot be told apart. Write the sum as ` +
        "Mixture(weights, components).",
    );
  }
  const stored = posteriorDraws(program, args, posterior);
  const [first] = stored;
  if (first === undefined)
    throw new UsageError(`priorSensitivity: ${program.name} has no latent site with draws.`);
  const other = stored.find(({ count }) => count !== first.count);
  if (other !== undefined || first.count < FEWEST) {
    throw new UsageError(
      other === undefined
        ? `priorSensitivity: expected at least ${FEWEST} draws, found ${first.count}.`
        : `priorSensitivity: site '${first.name}' has ${first.count} draws and site '${other.name}' ${other.count}; give joint draws.`,
    );
  }
  const draws = first.count;
  const densities = await repeatedDraws(
    (...inputs) => {
      const sites = randomSites(trace(program, args, [recalled(stored, inputs)]));
      const isPrior = ({ kind }: (typeof sites)[number]): boolean => kind !== "observe";
      const total = (chosen: typeof sites): Tensor =>
        chosen
          .map(({ distribution, value }) => sum(cast(distribution.logProb(value), "float64")))
          .reduce((a, b) => add(a, b), scalar(0, "float64"));
      return {
        prior: total(sites.filter((s) => isPrior(s) && (priors === undefined || priors.includes(s.name)))),
        likelihood: total(sites.filter((s) => !isPrior(s))),
      };
    },
    { draws, seed: 0, parameters, feeds: (i) => stored.map((site) => site.at(i, draws)) },
  );
  const columns = stored.flatMap((site) => {
    const all = Array.from({ length: draws }, (_, i) => site.at(i, draws));
    return elementNames(site.name, all[0].shape).map((name, k) => ({
      name,
      values: Float64Array.from(all, ({ data }) => Number(data[k])),
    }));
  });
  let paretoK = Number.NEGATIVE_INFINITY;
  const weightsOf = (part: string): Float64Array[] =>
    POWERS.map((power) => {
      const log = Float64Array.from(densities.get(part)?.data ?? [], Number);
      const bad = log.findIndex((v) => !Number.isFinite(v));
      if (bad >= 0)
        throw new UsageError(
          `priorSensitivity: the log ${part} is ${log[bad]} at draw ${bad}; power-scaling needs finite ones.`,
        );
      const raw = log.map((v) => (power - 1) * v);
      const { logWeights, shape } = smoothWeights(raw);
      if (raw.some((v) => v !== raw[0])) paretoK = Math.max(paretoK, shape);
      const top = logWeights.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const weights = logWeights.map((w) => Math.exp(w - top));
      const total = weights.reduce((a, b) => a + b, 0);
      return weights.map((w) => w / total);
    });
  const [byPrior, byLikelihood] = [weightsOf("prior"), weightsOf("likelihood")];
  const rows = columns.map(({ name, values }): SensitivityRow => {
    const order = Array.from(values, (_, i) => i).sort((i, j) => values[i] - values[j]);
    // The mean of the slopes on both sides, as in the authors' priorsense.
    const slope = (weights: readonly Float64Array[]): number =>
      weights.reduce(
        (total, w, i) => total + distance(values, order, w) / Math.abs(Math.log2(POWERS[i])),
        0,
      ) / POWERS.length;
    const [prior, likelihood] = [slope(byPrior), slope(byLikelihood)];
    const diagnosis = prior < MATTERS ? "none" : likelihood < MATTERS ? "strong prior" : "conflict";
    return { name, prior, likelihood, diagnosis };
  });
  return { rows, paretoK, trusted: paretoK < trustedShape(draws) };
}

/**
 * The cumulative Jensen–Shannon distance (Nguyen and Vreeken 2015) of weighted draws from the same draws with equal weights: the larger one of those of the
 * values and of their negatives, √ of the divergence over its upper bound.
 */
function distance(values: Float64Array, order: readonly number[], weights: Float64Array): number {
  return Math.max(oneSided(values, order, weights, 1), oneSided(values, [...order].reverse(), weights, -1));
}

function oneSided(
  values: Float64Array,
  order: readonly number[],
  weights: Float64Array,
  sign: 1 | -1,
): number {
  const n = order.length;
  let [p, q, areaP, areaQ, divergence] = [0, 0, 0, 0, 0];
  const part = (a: number, b: number): number => (a > 0 ? a * Math.log2(a / (0.5 * a + 0.5 * b)) : 0);
  for (let i = 0; i < n - 1; i++) {
    p += 1 / n;
    q += weights[order[i]];
    const width = sign * (values[order[i + 1]] - values[order[i]]);
    areaP += p * width;
    areaQ += q * width;
    divergence += (part(p, q) + part(q, p)) * width;
  }
  // The terms ± (∫Q − ∫P) / 2 ln 2 of the two directions cancel in their sum.
  return areaP + areaQ > 0 ? Math.sqrt(Math.max(0, divergence) / (areaP + areaQ)) : 0;
}
