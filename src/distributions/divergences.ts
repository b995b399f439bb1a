/**
 * Divergences as sums of parts that are never negative, each with a small relative error, also between distributions that hardly differ:
 * there the textbook forms are differences of nearly equal numbers, and the divergence is the square of what the parameters differ by.
 */
import {
  abs,
  add,
  div,
  expm1,
  less,
  lgamma,
  log1pMinus,
  mul,
  neg,
  square,
  sub,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { deviance, gammaExcess } from "./gamma-functions.ts";
import { logOf } from "./logarithms.ts";
import type { Categories, Odds } from "./numerics.ts";

/** Where log1pMinus is computed from its argument; elsewhere its parts do not cancel. */
const NEAR = 0.4;

/** r − 1 − ln r ≥ 0 for the ratio r = x/y of positive numbers. `logRatio` is ln r, if it is known otherwise. */
export function ratioExcess(x: Tensor, y: Tensor, logRatio: Tensor = sub(logOf(x), logOf(y))): Tensor {
  const t = div(sub(x, y), y);
  const near = less(abs(t), NEAR);
  return where(near, neg(log1pMinus(where(near, t, 0))), sub(t, logRatio));
}

/** eᵘ − 1 − u ≥ 0. */
export function expExcess(u: Tensor): Tensor {
  const grown = expm1(u);
  const near = less(abs(grown), NEAR);
  return where(near, neg(log1pMinus(where(near, grown, 0))), sub(grown, u));
}

/** KL(N(·, s²) ‖ N(·, t²)) from both scales, and the distance of the means in units of t. */
export function normalDivergence(s: Tensor, t: Tensor, distance: Tensor, logRatio?: Tensor): Tensor {
  // With r = s/t: (r² − 1)/2 − ln r = (r − 1)²/2 + (r − 1 − ln r).
  const squares = add(square(div(sub(s, t), t)), square(distance));
  return add(mul(squares, 0.5), ratioExcess(s, t, logRatio));
}

/** The divergence of one trial with two outcomes. */
export const binaryDivergence = (p: Odds, q: Odds): Tensor =>
  add(deviance(p.p, q.p, q.logP), deviance(p.q, q.q, q.logQ));

/** The divergence of one draw of a category, from probabilities that sum to 1. */
export const categoricalDivergence = (p: Categories, q: Categories): Tensor =>
  sum(deviance(p.probs, q.probs, q.logProbs), -1);

/**
 * The divergence of Gumbels, and of the logarithms of Weibulls, from the ratio of scales and the shift of locations in units of the
 * second scale: with u = ln Γ(1 + r) − shift, it is (eᵘ − 1 − u) + (ln Γ(r) − ψ(1)(r − 1)).
 */
export function gumbelDivergence(ratio: Tensor, shift: Tensor): Tensor {
  const one = add(mul(ratio, 0), 1);
  const ofShapes = add(deviance(ratio, one), gammaExcess(ratio, one));
  return add(expExcess(sub(lgamma(add(ratio, 1)), shift)), ofShapes);
}
