/** The importance-weighted bound of a program under a guide, and its relatives, with a gradient estimator for each site. */
import { anything, checkOptions, type OptionRules, positive, whole } from "../../options.ts";
import { type Plate, type Program, scaleOf } from "../../program/index.ts";
import { add, expand, mul, neg, sub, sum, type Tensor, zeros } from "../../tensor/index.ts";
import { ControlState } from "../estimators/baselines.ts";
import type { DrawnSite, WeightedDraws } from "../estimators/estimator.ts";
import { definitionOf } from "../estimators/registry.ts";
import type { Lifted } from "../hidden-axes.ts";
import { checkWeighedWhole } from "../minibatch.ts";
import { addOver, commonPlates, perRow, rowsShape, type Term } from "../terms.ts";
import type { Bound } from "./bound.ts";
import { drawnSite, type Pair, type PairOptions, runPair, scoredSites } from "./pair.ts";
import { renyi } from "./renyi.ts";

/** Options of {@link importanceWeighted}. */
export interface ImportanceWeightedOptions extends PairOptions {
  /** K, the number of draws inside the logarithm. Default 1. */
  readonly particles?: number;
  /** Order of the Rényi divergence; 0, the default, is the importance-weighted bound. */
  readonly alpha?: number;
}

/** The names of {@link importanceWeighted}'s options. */
export const importanceWeightedRules: OptionRules<ImportanceWeightedOptions> = {
  alpha: anything,
  layers: anything,
  scale: positive,
  stream: anything,
  estimators: anything,
  baseline: anything,
  particles: whole(1),
};

export interface ImportanceWeighted extends Bound {
  /** The bound of each element of the plates that hold every random site, their shape: innermost plate first. */
  readonly perDatum: Tensor;
  /** log p(x, z) − log q(z) of each draw: shape [particles, …perDatum]. */
  readonly logWeights: Tensor;
}

/**
 * log w of each particle and of each element of the plates that hold every site, [particles, …plates].
 * @param alpha order of the bound: with order 1 the log weights are averaged, without a logarithm of a sum
 * @throws UsageError when a logarithm of a sum would be taken over a minibatch.
 */
export function weigh(
  pair: Pair,
  alpha = 0,
): {
  readonly logWeights: Tensor;
  /** log q of the same draws, of the same shape. */
  readonly logGuide: Tensor;
  readonly scale: number;
  /** The plates that hold every site. */
  readonly plates: readonly Plate[];
} {
  const parts = [...pair.modelTerms, ...pair.guideTerms];
  const plates = commonPlates(parts);
  if (pair.particles > 1 && alpha !== 1) checkWeighedWhole(parts, plates);
  const total = (terms: readonly Term[]): Tensor =>
    terms.length === 0
      ? zeros([pair.particles, ...rowsShape(plates)])
      : perRow(ofEach(pair, addOver(pair.hidden, pair.depth, terms, plates), plates), plates, [
          pair.particles,
        ]);
  const logGuide = total(pair.guideTerms);
  return {
    logWeights: pair.guideTerms.length === 0 ? total(pair.modelTerms) : sub(total(pair.modelTerms), logGuide),
    logGuide,
    scale: pair.scale * scaleOf(plates),
    plates,
  };
}

/** A sum of terms with one value per particle, even if it depends on no draw. */
function ofEach({ axis, depth }: Pair, sum: Lifted, plates: readonly Plate[]): Tensor {
  if (axis === undefined || sum.axes.includes(axis)) return sum.value;
  const layout = new Array<number>(depth).fill(1);
  for (const { dimension, rows } of plates) layout[depth + dimension] = rows;
  return expand(sum.value, [axis.size, ...layout]);
}

/**
 * The importance-weighted bound of Burda, Grosse and Salakhutdinov (2015), E[log (1/K) Σ w], or the Rényi bound of order `alpha`. The
 * logarithm is taken for each datum: for each element of the plates that hold every random site of model and guide, along which the program
 * splits into independent rows. A program with a site outside all plates has a single logarithm, because that site's weight belongs to all
 * data together; minibatches are then refused.
 *
 * Score-function sites use VIMCO by default.
 *
 * @example
 * const { perDatum } = importanceWeighted(vae.model, vae.guide, [x], { particles: 50 }); // [batch]
 *
 * @throws UsageError when model and guide do not match, or an estimator cannot work under one logarithm.
 */
export function importanceWeighted<A extends readonly unknown[]>(
  model: Program<A>,
  guide: Program<A>,
  args: A,
  options: ImportanceWeightedOptions = {},
): ImportanceWeighted {
  checkOptions("importanceWeighted", options, importanceWeightedRules);
  const { alpha = 0 } = options;
  const pair = runPair(model, guide, args, options, { kind: "importance-weighted", alpha });
  const { logWeights, scale, plates } = weigh(pair, alpha);
  const perDatum = renyi(logWeights, alpha);
  const value = mul(sum(perDatum), scale);
  const state = new ControlState();
  const draws: WeightedDraws = { ...pair, scale, state, logWeights, plates, bound: (w) => renyi(w, alpha) };
  const sites = pair.guideTerms.flatMap((q) => drawnSite(pair, q) ?? []);
  return {
    value,
    surrogate: [...scores(sites, draws), ...state.losses.map(neg)].reduce(
      add,
      pathOf(pair, sites, draws) ?? value,
    ),
    choices: [...pair.choices.values()],
    leaves: state.named(),
    updates: state.updates,
    scored: scoredSites(pair, true),
    perDatum,
    logWeights,
  };
}

/** Terms for sites whose draws carry no gradient. */
const scores = (sites: readonly DrawnSite[], draws: WeightedDraws): Tensor[] =>
  sites.flatMap((site) => definitionOf(site.choice).importanceWeighted.score?.(site, draws) ?? []);

/** The objective that replaces the bound, if the estimator of the held draws defines one. */
function pathOf({ held }: Pair, sites: readonly DrawnSite[], draws: WeightedDraws): Tensor | undefined {
  const apart = sites.flatMap((site) => {
    const constant = held.get(site.choice.site);
    return constant === undefined ? [] : [{ ...site, held: constant }];
  });
  return apart.length === 0
    ? undefined
    : definitionOf(apart[0].choice).importanceWeighted.path?.(apart, draws);
}
