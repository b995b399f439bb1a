/** The evidence lower bound of a program under a guide, with a gradient estimator for each site. */

import { UsageError } from "../../errors.ts";
import { anything, checkOptions, nonNegative, type OptionRules, positive, whole } from "../../options.ts";
import type { Program } from "../../program/index.ts";
import { add, mean, mul, neg, scalar, stopGradient, sub, type Tensor } from "../../tensor/index.ts";
import { expectation } from "../elimination.ts";
import { ControlState } from "../estimators/baselines.ts";
import type { ElboDraws, SiteEstimator } from "../estimators/estimator.ts";
import { definitionOf } from "../estimators/registry.ts";
import { addOver, commonPlates, dependencies, perRow, sumOver, type Term, totalOf } from "../terms.ts";
import { closedKl } from "./analytic-kl.ts";
import type { Bound } from "./bound.ts";
import { freeBitsPenalty } from "./free-bits.ts";
import { checkSites, drawnSite, type Pair, type PairOptions, runPair, scoredSites } from "./pair.ts";

/** Options of {@link elbo}. */
export interface ElboOptions extends PairOptions {
  /**
   * Latent sites (or all: `true`) whose part of the bound, E_q[log q − log p], is computed as KL(q ‖ p) in closed form instead of from the
   * draw. Default: none.
   */
  readonly analyticKl?: boolean | readonly string[];
  /**
   * Weight of the KL: β-VAE (Higgins et al. 2017), or an input that a warm-up schedule feeds (Bowman et al. 2016). With β below 1 the
   * objective is not a lower bound on log p(x). Default 1.
   */
  readonly beta?: number | Tensor;
  /**
   * Free bits λ, nats per latent dimension and row (Kingma et al. 2016, "Improving variational inference with inverse autoregressive
   * flow", eq. 15): a dimension whose KL, averaged over the minibatch, is below λ counts as λ and gets no gradient. Divergences are
   * taken in closed form. Default 0: none.
   */
  readonly freeBits?: number;
}

/** The names of {@link elbo}'s options. */
export const elboRules: OptionRules<ElboOptions> = {
  analyticKl: anything,
  beta: anything,
  freeBits: nonNegative,
  layers: anything,
  scale: positive,
  stream: anything,
  estimators: anything,
  baseline: anything,
  particles: whole(1),
};

/** The bound's terms, nats: elbo = reconstruction − kl, without β and free bits. */
export interface ElboTerms {
  readonly elbo: Tensor;
  /** E_q[log p(x|z)] of observed sites (and of sites that the model summed out). */
  readonly reconstruction: Tensor;
  /** E_q[log q(z) − log p(z)], exact or from the draw. */
  readonly kl: Tensor;
}

export interface Elbo extends Bound, ElboTerms {
  /** The terms for each element of the plates that hold every random site (a row of data), their shape: innermost plate first. */
  readonly perDatum: ElboTerms;
}

/** A part of the bound: a term of log p (+1) or of log q or a divergence (−1). */
interface Part {
  readonly term: Term;
  readonly sign: 1 | -1;
  readonly of: "reconstruction" | "kl";
  /** Whether it is log q of a draw, not log p or a closed-form divergence. */
  readonly sampledLogQ: boolean;
}

/**
 * The evidence lower bound E_q[log p(x, z) − log q(z)]. Pathwise sites carry their own gradient; enumerated sites are summed with
 * their probabilities; score-function sites add stop(cost − baseline) · log q, where the cost holds only the terms that depend on
 * the site, element by element of its plates.
 *
 * @example
 * const { value, reconstruction, kl } = elbo(vae.model, vae.guide, [x], { analyticKl: true });
 *
 * @throws UsageError when model and guide do not match, an override cannot work, or a requested closed-form KL does not exist or would not
 * be valid.
 */
export function elbo<A extends readonly unknown[]>(
  model: Program<A>,
  guide: Program<A>,
  args: A,
  options: ElboOptions = {},
): Elbo {
  checkOptions("elbo", options, elboRules);
  const pair = runPair(model, guide, args, options);
  const parts = partsOf(pair, options);
  if (parts.length === 0)
    throw new UsageError(`${model.name}: the program has no random site, so it has no bound.`);

  const scored = new Set([...pair.choices.values()].filter(scoreOf).map((c) => c.site));
  // The gradient of a score-function site's own log q has mean zero: it would only add noise, so it is held constant.
  const own = (part: Part) => part.sampledLogQ && scored.has(part.term.site);
  const total = (of: Part["of"]) =>
    averaged(
      pair,
      parts.filter((p) => p.of === of),
      (chosen, draws) =>
        signedSum(
          chosen,
          (part) => totalOf(own(part) ? { ...part.term, value: stopGradient(part.term.value) } : part.term),
          pair.scale / draws,
        ),
    ) ?? scalar(0, parts[0].term.value.dtype);
  const reconstruction = total("reconstruction");
  const divergence = neg(total("kl"));
  const value = sub(reconstruction, divergence);

  const state = new ControlState();
  const draws: ElboDraws = { ...pair, state };
  const weigh = (part: Part): Tensor =>
    part.of === "kl" && options.beta !== undefined && options.beta !== 1
      ? mul(part.term.value, options.beta)
      : part.term.value;
  const costOf = (q: Term): Tensor => {
    const signed = parts
      .filter(({ term }) => dependencies(term.value, pair.drawn).has(q.site))
      .map((part) => ({ ...part.term, value: mul(weigh(part), part.sign) }));
    return addOver(pair.hidden, pair.depth, signed, q.plates).value;
  };
  const scores = pair.guideTerms.flatMap((q) => {
    const site = drawnSite(pair, q);
    const score = site && scoreOf(site.choice);
    return score ? [score(site, costOf(q), draws)] : [];
  });
  return {
    value,
    elbo: value,
    reconstruction,
    kl: divergence,
    surrogate: [...scores, ...state.losses.map(neg)].reduce(
      add,
      objectiveOf(pair, options, reconstruction, divergence),
    ),
    choices: [...pair.choices.values()],
    leaves: state.named(),
    updates: state.updates,
    scored: scoredSites(pair),
    perDatum: termsPerDatum(pair, parts),
  };
}

/** The function by which a site's estimator adds a term to the bound; undefined if it adds none. */
const scoreOf = (choice: SiteEstimator) => definitionOf(choice).elbo.score;

/** The objective that is maximised through the draws: the bound, or its form with β and free bits. */
function objectiveOf(
  pair: Pair,
  { beta = 1, freeBits = 0, layers }: ElboOptions,
  gain: Tensor,
  cost: Tensor,
): Tensor {
  const paid = freeBits > 0 ? freeBitsPenalty(pair, freeBits, layers?.ranks) : cost;
  return sub(gain, beta === 1 ? paid : mul(paid, beta));
}

/**
 * A sum of parts, averaged over particles. Parts that depend on no draw are counted once, not once per particle.
 * @param sum sums parts that all vary along the particles, or none that does, and is given the number of draws to divide by
 * @returns nothing without parts
 */
function averaged(
  { axis, particles }: Pair,
  parts: readonly Part[],
  sum: (parts: readonly [Part, ...Part[]], draws: number) => Tensor,
): Tensor | undefined {
  const drawn = parts.filter(({ term }) => axis !== undefined && term.axes.includes(axis));
  const shared = parts.filter((p) => !drawn.includes(p));
  return [
    { group: drawn, draws: particles },
    { group: shared, draws: 1 },
  ]
    .flatMap(({ group: [first, ...rest], draws }) =>
      first === undefined ? [] : [sum([first, ...rest], draws)],
    )
    .reduce<Tensor | undefined>((a, b) => (a === undefined ? b : add(a, b)), undefined);
}

function signedSum(
  [first, ...rest]: readonly [Part, ...Part[]],
  of: (part: Part) => Tensor,
  factor: number,
): Tensor {
  const start = first.sign > 0 ? of(first) : neg(of(first));
  const all = rest.reduce((acc, p) => (p.sign > 0 ? add(acc, of(p)) : sub(acc, of(p))), start);
  return factor === 1 ? all : mul(all, factor);
}

function partsOf(pair: Pair, { analyticKl = false }: ElboOptions): Part[] {
  const latent = new Set(pair.guideTerms.map((t) => t.site));
  const closed = new Set(
    analyticKl === true ? latent : analyticKl === false ? [] : checkSites("analyticKl", analyticKl, latent),
  );
  const expected = expectation(pair.hidden, pair.depth, pair.guideTerms, pair.listed);
  return [
    ...pair.modelTerms
      .filter((t) => !closed.has(t.site))
      .map(
        (t): Part => ({
          term: expected(t),
          sign: 1,
          of: latent.has(t.site) ? "kl" : "reconstruction",
          sampledLogQ: false,
        }),
      ),
    ...pair.guideTerms.map(
      (t): Part => ({
        term: expected(closed.has(t.site) ? closedKl(pair, t.site) : t),
        sign: -1,
        of: "kl",
        sampledLogQ: !closed.has(t.site),
      }),
    ),
  ];
}

function termsPerDatum(pair: Pair, parts: readonly Part[]): ElboTerms {
  const plates = commonPlates(parts.map((p) => p.term));
  const of = (kind: Part["of"]) => {
    const value = averaged(
      pair,
      parts.filter((p) => p.of === kind),
      (chosen, draws) => {
        const each = signedSum(chosen, ({ term }) => sumOver(term, plates), 1);
        return perRow(draws === 1 ? each : mean(each, 0), plates);
      },
    );
    return value ?? scalar(0, parts[0].term.value.dtype);
  };
  const [reconstruction, divergence] = [of("reconstruction"), neg(of("kl"))];
  return { elbo: sub(reconstruction, divergence), reconstruction, kl: divergence };
}
