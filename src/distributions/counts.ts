/**
 * Samplers of counts as graphs: inversion for small means, transformed rejection (Hörmann 1993) for large ones.
 */

import {
  abs,
  add,
  arange,
  cast,
  cumsum,
  type DType,
  div,
  exp,
  floor,
  greater,
  greaterEqual,
  isConstant,
  less,
  lessEqual,
  log,
  log1p,
  logicalAnd,
  maximum,
  mul,
  neg,
  noise,
  type Shape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { binomialLogMass, poissonLogMass } from "./gamma-functions.ts";
import { oddsOf } from "./numerics.ts";
import { firstAccepted } from "./rejection.ts";

/** Means below this are drawn by inversion; the rejection samplers need at least this. */
const SMALL_MEAN = 10;

/** Inversion tries 0 … 44: a Poisson with mean 10 exceeds 44 with probability 1e-15, a binomial with less. */
const LARGEST_SEARCHED = 44;

/** A proposal is rejected with probability at most ¼ (mean 10), and all of them with probability below 1e-9. */
const POISSON_PROPOSALS = 15;
/** A proposal is rejected with probability at most 0.31 (mean 10 of 20), and all of them with probability below 1e-9. */
const BINOMIAL_PROPOSALS = 18;

/** The log mass of k of n, for p at most ½ and above 0. It decides acceptance, in float32 too. */
const logBinomialMass = (k: Tensor, n: Tensor, p: Tensor): Tensor =>
  binomialLogMass(k, sub(n, k), oddsOf({ probs: p }));

/** 0, 1, …, 44 in a float dtype. */
const searched = (dtype: DType): Tensor => arange(LARGEST_SEARCHED + 1, dtype);

/** Counts by inversion: the number of values of the distribution function at 0 … 44 (the last axis) that a uniform exceeds. */
function invert(site: string, shape: Shape, logMass: Tensor): Tensor {
  const cumulative = cumsum(exp(logMass), -1);
  const u = unsqueeze(noise("uniform", site, shape, logMass.dtype), -1);
  return sum(cast(less(cumulative, u), logMass.dtype), -1);
}

/** One sampler for small means and another for the rest. If all means are known and on the same side, only that sampler is written. */
function byMean(mean: Tensor, small: (chosen: Tensor) => Tensor, large: (chosen: Tensor) => Tensor): Tensor {
  const isSmall = less(mean, SMALL_MEAN);
  if (isConstant(mean)) {
    const { values } = mean.attributes;
    if (values.every((m) => m < SMALL_MEAN)) return small(isSmall);
    if (values.every((m) => m >= SMALL_MEAN)) return large(isSmall);
  }
  return where(isSmall, small(isSmall), large(isSmall));
}

/**
 * Poisson draws of `shape`, to which `rate` broadcasts. Below a mean of 10 by inversion (in float32 the uniforms
 * resolve tail probabilities down to 2⁻²⁴), otherwise by PTRS with 15 unrolled proposals (none is accepted with
 * probability below 1e-9).
 */
export function drawPoisson(site: string, shape: Shape, rate: Tensor): Tensor {
  const bySearch = (isSmall: Tensor): Tensor => {
    const mu = unsqueeze(where(isSmall, rate, 1), -1);
    const k = searched(rate.dtype);
    return invert(`${site}/inversion`, shape, poissonLogMass(k, mu, { whole: true }));
  };
  const byRejection = (isSmall: Tensor): Tensor => {
    const mu = unsqueeze(where(isSmall, SMALL_MEAN, rate), -1);
    const wide = [...shape, POISSON_PROPOSALS];
    const b = add(mul(sqrt(mu), 2.53), 0.931);
    const a = sub(mul(b, 0.02483), 0.059);
    const inverseAlpha = add(div(1.1328, sub(b, 3.4)), 1.1239);
    const u = sub(noise("uniform", `${site}/proposals`, wide, rate.dtype), 0.5);
    const v = noise("uniform", `${site}/acceptance`, wide, rate.dtype);
    const us = sub(0.5, abs(u));
    const k = floor(add(mul(add(div(mul(a, 2), us), b), u), add(mu, 0.43)));
    const hat = log(div(mul(v, inverseAlpha), add(div(a, square(us)), b)));
    const fits = lessEqual(hat, poissonLogMass(maximum(k, 0), mu, { whole: true }));
    return firstAccepted(maximum(k, 0), cast(logicalAnd(fits, greaterEqual(k, 0)), rate.dtype));
  };
  return byMean(rate, bySearch, byRejection);
}

/**
 * Binomial draws of `shape`, to which `total` and `probs` broadcast. By inversion if fewer than 10 of the rarer outcome are
 * expected, else by BTRS with 18 unrolled proposals (none is accepted with probability below 1e-9).
 */
export function drawBinomial(site: string, shape: Shape, total: Tensor, probs: Tensor): Tensor {
  const { dtype } = probs;
  const flipped = greater(probs, 0.5);
  const p = where(flipped, sub(1, probs), probs);
  const mean = mul(total, p);
  const bySearch = (isSmall: Tensor): Tensor => {
    const [n, rare] = [unsqueeze(total, -1), unsqueeze(where(isSmall, p, 0), -1)];
    // ln C(n, k) as the running sum of ln (n − j)/(j + 1), −∞ past n; with p = 0 all mass is at 0.
    const j = searched(dtype);
    const open = greater(n, j);
    const factors = where(open, log(div(where(open, sub(n, j), 1), add(j, 1))), Number.NEGATIVE_INFINITY);
    const odds = log(div(rare, sub(1, rare)));
    const ratios = cumsum(add(factors, odds), -1, { exclusive: true });
    return invert(`${site}/inversion`, shape, add(ratios, mul(n, log1p(neg(rare)))));
  };
  const byRejection = (isSmall: Tensor): Tensor => {
    const n = unsqueeze(where(isSmall, 2 * SMALL_MEAN, total), -1);
    const q = unsqueeze(where(isSmall, 0.5, p), -1);
    const wide = [...shape, BINOMIAL_PROPOSALS];
    const spread = sqrt(mul(mul(n, q), sub(1, q)));
    const b = add(mul(spread, 2.53), 1.15);
    const a = add(sub(mul(b, 0.0248), 0.0873), mul(q, 0.01));
    const centre = add(mul(n, q), 0.5);
    const alpha = mul(add(div(5.1, b), 2.83), spread);
    const u = sub(noise("uniform", `${site}/proposals`, wide, dtype), 0.5);
    const v = noise("uniform", `${site}/acceptance`, wide, dtype);
    const us = sub(0.5, abs(u));
    const k = floor(add(mul(add(div(mul(a, 2), us), b), u), centre));
    const possible = logicalAnd(greaterEqual(k, 0), lessEqual(k, n));
    const count = where(possible, k, 0);
    const hat = log(div(mul(v, alpha), add(div(a, square(us)), b)));
    const mode = floor(mul(add(n, 1), q));
    const relative = sub(logBinomialMass(count, n, q), logBinomialMass(mode, n, q));
    return firstAccepted(count, cast(logicalAnd(possible, lessEqual(hat, relative)), dtype));
  };
  const rarer = byMean(mean, bySearch, byRejection);
  return where(flipped, sub(total, rarer), rarer);
}
