/** The importance-weighted bound of a program under a guide, and its relatives, with a gradient estimator for each site. */
import { UsageError } from "../../errors.ts";
import { type Program, scaleOf } from "../../program/index.ts";
import { grad } from "../../tensor/grad.ts";
import { zeros } from "../../tensor/leaf.ts";
import { add, mul, neg, sub } from "../../tensor/ops/arithmetic.ts";
import { reshape } from "../../tensor/ops/movement.ts";
import { softmax, sum } from "../../tensor/ops/reduce.ts";
import { stopGradient } from "../../tensor/ops/stop-gradient.ts";
import { sizeOf } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { baselineOf, ControlState, checkParticles } from "../estimators/baselines.ts";
import { isScored, type SiteEstimator } from "../estimators/choose.ts";
import { leaveOneOutBounds } from "../estimators/vimco.ts";
import { commonPlates, sumOver, type Term } from "../terms.ts";
import { type Bound, perRow, rowsShape } from "./bound.ts";
import { type Pair, type PairOptions, runPair, scoredSites } from "./pair.ts";
import { renyi } from "./renyi.ts";

/** Options of {@link importanceWeighted}. */
export interface ImportanceWeightedOptions extends PairOptions {
  /** K, the draws under the logarithm. Default 1. */
  readonly particles?: number;
  /** Order of the Rényi divergence; 0, the default, is the importance-weighted bound. */
  readonly alpha?: number;
}

export interface ImportanceWeighted extends Bound {
  /** The bound of each element of the plates that hold every random site, their shape: innermost plate first. */
  readonly perDatum: Tensor;
  /** log p(x, z) − log q(z) of each draw: shape [particles, …perDatum]. */
  readonly logWeights: Tensor;
}

/** log w of each particle and of each element of the plates that hold every site, [particles, …plates]. */
export function weigh(pair: Pair): {
  readonly logWeights: Tensor;
  /** log q of the same draws, of the same shape. */
  readonly logGuide: Tensor;
  readonly scale: number;
} {
  const plates = commonPlates([...pair.modelTerms, ...pair.guideTerms]);
  const total = (terms: readonly Term[]): Tensor =>
    terms.length === 0
      ? zeros([pair.particles, ...rowsShape(plates)])
      : perRow(terms.map((t) => sumOver(t, plates)).reduce(add), plates, [pair.particles]);
  const logGuide = total(pair.guideTerms);
  return {
    logWeights: pair.guideTerms.length === 0 ? total(pair.modelTerms) : sub(total(pair.modelTerms), logGuide),
    logGuide,
    scale: pair.scale * scaleOf(plates),
  };
}

/**
 * The importance-weighted bound of Burda, Grosse and Salakhutdinov (2015), E[log (1/K) Σ w], or the Rényi bound of order `alpha`.
 * The logarithm is taken for each datum: for each element of the plates that hold every random site of model and guide, along which
 * the program falls apart into independent rows. A program with a site outside all plates has one logarithm for all of it, because
 * that site's weight belongs to all data together.
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
  const { alpha = 0 } = options;
  const pair = runPair(model, guide, args, options, false);
  const choices = [...pair.choices.values()];
  checkEstimators(choices, alpha);
  const { logWeights, scale } = weigh(pair);
  const perDatum = renyi(logWeights, alpha);
  const value = mul(sum(perDatum), scale);
  const state = new ControlState();
  const path = pair.held.size > 0 ? doublyReparameterised(pair, logWeights, scale) : value;
  return {
    value,
    surrogate: [
      ...choices
        .filter((c) => c.estimator === "score")
        .map((c) => scoreTerm(pair, c, logWeights, alpha, scale, state)),
      ...state.losses.map(neg),
    ].reduce(add, path),
    choices,
    leaves: state.named(),
    updates: state.updates,
    scored: scoredSites(pair, true),
    perDatum,
    logWeights,
  };
}

function checkEstimators(choices: readonly SiteEstimator[], alpha: number): void {
  const doubly = choices.find((c) => c.estimator === "doubly-reparameterised");
  const relaxed = choices.find((c) => c.estimator === "rebar" || c.estimator === "relax");
  const scored = choices.find((c) => isScored(c.estimator));
  if (relaxed !== undefined) {
    throw new UsageError(
      `site '${relaxed.site}': "${relaxed.estimator}" is for the ELBO; under the importance-weighted bound use "score", whose ` +
        "leave-one-out baseline is VIMCO.",
    );
  }
  if (doubly !== undefined && (alpha !== 0 || scored !== undefined)) {
    throw new UsageError(
      `site '${doubly.site}': doubly reparameterised gradients hold for ` +
        (alpha !== 0
          ? `the importance-weighted bound (alpha 0), found alpha ${alpha}.`
          : `programs whose every site has a path; '${scored?.site}' has none.`),
    );
  }
}

/** Σ w̃ log w for all that stands below the draws, and Σ w̃² ∂log w/∂z · z for the draws' own path (Tucker et al. 2019). */
function doublyReparameterised(pair: Pair, logWeights: Tensor, scale: number): Tensor {
  const normalised = stopGradient(softmax(logWeights, 0));
  const direct = mul(sum(mul(normalised, logWeights)), scale);
  const held = [...pair.held];
  const gradients = grad(
    direct,
    held.map(([, z]) => z),
  );
  const paths = held.map(([name], i) => {
    const g = gradients[i];
    const live = pair.guide.sites.get(name)?.value ?? g;
    const weighted = pair.particles === 1 ? g : mul(g, besideEvents(pair, normalised, g));
    return sum(mul(stopGradient(weighted), live));
  });
  return paths.reduce(add, direct);
}

/** Weights [particles, …plates] in the layout of a site's value, [particles, …all plates, …event]. */
function besideEvents(pair: Pair, weights: Tensor, value: Tensor): Tensor {
  const plates = commonPlates([...pair.modelTerms, ...pair.guideTerms]);
  const depth = -pair.particleAxis - 1;
  const batch = new Array<number>(depth).fill(1);
  for (const p of plates) batch[depth + p.dimension] = p.rows;
  const events = new Array<number>(value.rank - depth - 1).fill(1);
  return reshape(weights, [pair.particles, ...batch, ...events]);
}

/** Σ stop(bound − baseline) · log q of one site, with what is left out of the bound by each draw as the default baseline. */
function scoreTerm(
  pair: Pair,
  choice: SiteEstimator,
  logWeights: Tensor,
  alpha: number,
  scale: number,
  state: ControlState,
): Tensor {
  const term = pair.guideTerms.find((t) => t.site === choice.site);
  if (term === undefined) throw new UsageError(`the guide has no site '${choice.site}'.`);
  const plates = commonPlates([...pair.modelTerms, ...pair.guideTerms]);
  const [k, rows] = [pair.particles, sizeOf(rowsShape(plates))];
  const logQ = reshape(sumOver(term, plates), [k, rows]);
  const flat = reshape(logWeights, [k, rows]);
  const whole = (w: Tensor) => renyi(w, alpha);
  const bound = stopGradient(reshape(whole(flat), [1, rows]));
  return mul(sum(mul(stopGradient(sub(bound, baseline())), logQ)), scale);

  function baseline(): Tensor {
    if (choice.baseline === "leave-one-out") {
      checkParticles(choice.site, k);
      return leaveOneOutBounds(flat, whole);
    }
    return baselineOf(choice, bound, { particles: 1, particleAxis: -2 }, state);
  }
}
