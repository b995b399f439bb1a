/**
 * Densities, entropies and divergences that involve gamma functions, without the differences of large lgammas in their textbook
 * forms. The large parts are cancelled by hand (Loader 2000). Deviances, remainders of Stirling's formula and logarithms are left,
 * each with a small relative error, in float32 and for counts and concentrations of 1e10.
 *
 * Below, δ(x) = ln Γ(x) − [(x − ½) ln x − x + ½ ln 2π] and ρ = δ′, so that ψ(x) = ln x − 1/(2x) + ρ(x).
 */
import {
  abs,
  add,
  constant,
  cumsum,
  div,
  equal,
  exp,
  expm1,
  floor,
  full,
  greater,
  greaterEqual,
  less,
  lgamma,
  lgammaAboutTwo,
  log,
  log1p,
  log1pMinus,
  logicalAnd,
  logicalNot,
  logicalOr,
  mul,
  neg,
  square,
  stirlingRemainder,
  stopGradient,
  sub,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { HALF_LOG_TWO_PI, type Odds } from "./numerics.ts";

/** Ratios above this, or below its inverse, are computed as differences of logarithms: float32 would lose them. */
const MODERATE = 2 ** 100;

/**
 * The deviance x ln(x/μ) + μ − x for x ≥ 0, μ ≥ 0: never negative, 0 if they are equal. `logMu` is ln μ, if that is known more
 * accurately than from μ, which may have underflowed.
 */
export function deviance(x: Tensor, mu: Tensor, logMu?: Tensor): Tensor {
  const some = greater(x, 0);
  const n = where(some, x, 1);
  const t = div(sub(mu, n), n);
  const near = less(abs(t), 0.4);
  const close = neg(mul(n, log1pMinus(where(near, t, 0))));
  const ratio = div(mu, n);
  const moderate = logicalAnd(greater(ratio, 1 / MODERATE), less(ratio, MODERATE));
  const whole = log(where(moderate, ratio, 1));
  const extreme = logicalAnd(some, logicalNot(moderate));
  const parts = sub(where(extreme, logMu ?? log(where(extreme, mu, 1)), 0), where(extreme, log(n), 0));
  const far = sub(sub(mu, n), mul(n, where(moderate, whole, parts)));
  return where(some, where(near, close, far), mu);
}

/** ½ ln 2πx + δ(x) for x > 0: what Stirling's formula for ln Γ(x + 1) adds to x ln x − x. */
const stirling = (x: Tensor): Tensor => add(add(mul(log(x), 0.5), HALF_LOG_TWO_PI), stirlingRemainder(x));

/** The option names of {@link poissonLogMass}. */
interface PoissonOptions {
  /** ln μ, if it is known more accurately than from μ. */
  readonly logMu?: Tensor;
  /** k + 1, if k was computed from it: for k + 1 below 1e-16, k itself rounds to −1. */
  readonly next?: Tensor;
  /** Whether k is a whole number wherever the result is used. Default false: any number above −1. */
  readonly whole?: boolean;
}

/**
 * ln [μᵏ e^−μ / Γ(k + 1)] for k > −1 and μ ≥ 0: the log mass of a Poisson, and up to a factor the density of a gamma. For k ≥ 1 it is
 * computed as −deviance − ½ ln 2πk − δ(k).
 */
export function poissonLogMass(
  k: Tensor,
  mu: Tensor,
  { logMu, next, whole = false }: PoissonOptions = {},
): Tensor {
  const large = greaterEqual(k, 1);
  const n = where(large, k, 1);
  const impossible = logMu === undefined ? equal(mu, 0) : equal(logMu, Number.NEGATIVE_INFINITY);
  // Where μ = 0 the mass is 0. ln μ has the derivative 1/μ there, and where a sum over values leaves an impossible one out, 0 · ∞ would be NaN.
  const usual = logicalAnd(large, logicalNot(impossible));
  const mass = neg(add(deviance(n, where(usual, mu, 1), logMu && where(usual, logMu, 0)), stirling(n)));
  const saddle = where(impossible, Number.NEGATIVE_INFINITY, mass);
  if (whole) return where(large, saddle, neg(mu));
  const s = where(large, 0, k);
  // For μ = 0, 0 ln 0 is 0. For other μ, keep the derivative in k at k = 0.
  const none = logicalAnd(equal(s, 0), impossible);
  const logarithm = logMu === undefined ? log(where(none, 1, mu)) : where(none, 0, logMu);
  const factorial = lgamma(next === undefined ? add(s, 1) : where(large, 1, next));
  return where(large, saddle, sub(sub(mul(s, logarithm), mu), factorial));
}

/** {@link poissonLogMass} of n with mean n. */
function ownLogMass(n: Tensor, whole: boolean): Tensor {
  const large = greaterEqual(n, 1);
  const saddle = neg(stirling(where(large, n, 1)));
  if (whole) return where(large, saddle, 0);
  const s = where(large, 0.5, n);
  const none = equal(s, 0);
  const plain = sub(sub(mul(s, log(where(none, 1, s))), s), lgamma(add(s, 1)));
  return where(large, saddle, plain);
}

/**
 * ln [Γ(k + m + 1)/(Γ(k + 1) Γ(m + 1)) pᵏ qᵐ], from three Poisson masses: of k with mean np, of m with mean nq, and of n = k + m with mean n.
 * `whole`: k and m are whole numbers; otherwise any numbers of at least 0.
 */
export function binomialLogMass(k: Tensor, m: Tensor, { p, q, logP, logQ }: Odds, whole = true): Tensor {
  const n = add(k, m);
  const logN = log(where(greater(n, 0), n, 1));
  const one = poissonLogMass(k, mul(n, p), { ...(logP && { logMu: add(logN, logP) }), whole });
  const other = poissonLogMass(m, mul(n, q), { ...(logQ && { logMu: add(logN, logQ) }), whole });
  return sub(add(one, other), ownLogMass(n, whole));
}

/** ln x, from 1 − x where x is nearer to 1; `use`: where it is needed, so that nothing is infinite elsewhere. */
function logBy(x: Tensor, complement: Tensor, use: Tensor): Tensor {
  const high = greater(x, 0.5);
  return where(
    high,
    log1p(neg(where(logicalAnd(use, high), complement, 0))),
    log(where(logicalAnd(use, logicalNot(high)), x, 1)),
  );
}

/**
 * {@link binomialLogMass} with small relative error where it is near 0, which is at the ends: at k = 0 and at m = 0 it is m ln q and k ln p, where
 * the three masses would cancel. Derivatives are those of the masses.
 */
export function binomialLogDensity(k: Tensor, m: Tensor, odds: Odds, whole = true): Tensor {
  const { p, q, logP, logQ } = odds;
  const [none, all] = [equal(k, 0), equal(m, 0)];
  const inner = binomialLogMass(k, m, odds, whole);
  const without = logicalAnd(none, logicalNot(all));
  const every = logicalAnd(all, logicalNot(none));
  const lnQ = logQ === undefined ? logBy(q, p, without) : where(without, logQ, 0);
  const lnP = logP === undefined ? logBy(p, q, every) : where(every, logP, 0);
  const end = stopGradient(where(without, mul(m, lnQ), mul(k, lnP)));
  const known = logicalAnd(logicalOr(without, every), less(abs(inner), Number.POSITIVE_INFINITY));
  return where(known, add(end, sub(inner, stopGradient(inner))), inner);
}

/**
 * ln [n!/Π xₖ! Π pₖ^xₖ] over the last axis, for counts x that sum to n and probabilities that sum to 1, from Poisson masses: of each xₖ with
 * mean n pₖ, and of n with mean n.
 */
export function multinomialLogMass(x: Tensor, n: number, p: Tensor, logP: Tensor): Tensor {
  if (n === 0) return sum(mul(x, 0), -1);
  const total = full([], n, x.dtype);
  const masses = poissonLogMass(x, mul(p, n), { logMu: add(logP, Math.log(n)), whole: true });
  const inner = sub(sum(masses, -1), ownLogMass(total, true));
  // Where all counts are of one category the masses cancel, and it is n ln p. Derivatives are those of the masses.
  const all = equal(x, n);
  const end = stopGradient(mul(sum(where(all, logP, 0), -1), n));
  const known = logicalAnd(greater(sum(where(all, x, 0), -1), 0), less(abs(inner), Number.POSITIVE_INFINITY));
  return where(known, add(end, sub(inner, stopGradient(inner))), inner);
}

/** The log density of a gamma with concentration a and rate 1 at μ. */
export const gammaLogDensity = (mu: Tensor, a: Tensor, logMu?: Tensor): Tensor =>
  poissonLogMass(sub(a, 1), mu, { next: a, ...(logMu && { logMu }) });

/** ½ ln 2π + δ(n) − ½ ln n: ln Γ(n) − n ln n + n. */
const ownGamma = (n: Tensor): Tensor => add(sub(stirlingRemainder(n), mul(log(n), 0.5)), HALF_LOG_TWO_PI);

/** ln [x^(a − 1) (1 − x)^(b − 1) / B(a, b)], from gamma densities at nx, n(1 − x) and n, with n = a + b. */
export function betaLogDensity({ p: x, q: y, logP: logX, logQ: logY }: Odds, a: Tensor, b: Tensor): Tensor {
  const n = add(a, b);
  const logN = log(n);
  const one = gammaLogDensity(mul(n, x), a, logX && add(logN, logX));
  const other = gammaLogDensity(mul(n, y), b, logY && add(logN, logY));
  return add(add(one, other), add(ownGamma(n), mul(logN, 2)));
}

/** Σ xₖ − 1 over the last axis, exact to the last digit: the leading bits of the parts are added without rounding. */
function excessOverOne(x: Tensor): Tensor {
  const leading = (t: Tensor, unit: number): Tensor => mul(floor(mul(t, 1 / unit)), unit);
  const first = leading(x, 2 ** -12);
  const rest = sub(x, first);
  const second = leading(rest, 2 ** -24);
  return add(add(sub(sum(first, -1), 1), sum(second, -1)), sum(sub(rest, second), -1));
}

/**
 * ln [Γ(n)/Π Γ(αₖ) Π xₖ^(αₖ − 1)] over the last axis, n = Σ αₖ, from gamma densities at n xₖ and at n. `normalised`: the xₖ sum to 1 up to
 * rounding, which is then ignored.
 */
export function dirichletLogDensity(
  x: Tensor,
  logX: Tensor | undefined,
  alpha: Tensor,
  normalised: boolean,
): Tensor {
  const n = sum(alpha, -1, { keepDims: true });
  const logN = log(n);
  const parts = add(gammaLogDensity(mul(n, x), alpha, logX && add(logN, logX)), logN);
  const total = sum(n, -1);
  const density = add(sum(parts, -1), ownGamma(total));
  return normalised ? density : add(density, mul(total, excessOverOne(x)));
}

/** ln Γ(x + m) − ln Γ(x) for x > 0, m ≥ 0. */
export function lgammaDifference(x: Tensor, m: Tensor): Tensor {
  const r = div(m, x);
  const leading = add(mul(m, log(x)), add(mul(x, log1pMinus(r)), mul(sub(m, 0.5), log1p(r))));
  return add(leading, sub(stirlingRemainder(add(x, m)), stirlingRemainder(x)));
}

/** ln Γ(h + ½) − ln Γ(h) − ½ ln h, which goes to 0 as h grows. */
export const halfStep = (h: Tensor): Tensor =>
  add(mul(h, log1pMinus(div(0.5, h))), sub(stirlingRemainder(add(h, 0.5)), stirlingRemainder(h)));

/** ψ(x + m) − ψ(x) for x > 0, m ≥ 0. */
export function digammaDifference(x: Tensor, m: Tensor | number): Tensor {
  const far = add(x, m);
  const leading = add(log1p(div(m, x)), mul(div(m, far), div(0.5, x)));
  return add(leading, sub(stirlingRemainder(far, 1), stirlingRemainder(x, 1)));
}

/** ln B(a, b). */
export function logBeta(a: Tensor, b: Tensor): Tensor {
  const ordered = less(a, b);
  const [small, large] = [where(ordered, a, b), where(ordered, b, a)];
  return sub(lgamma(small), lgammaDifference(large, small));
}

/** ln Γ(a) + a − (a − k) ψ(a), a part of the entropies of gammas and Dirichlets. It falls like (k − ½) ln a, without cancellation. */
export function entropyTerm(a: Tensor, k: number): Tensor {
  const leading = add(mul(log(a), k - 0.5), HALF_LOG_TWO_PI + 0.5);
  const remainders = sub(stirlingRemainder(a), mul(sub(a, k), stirlingRemainder(a, 1)));
  return add(leading, sub(remainders, div(k / 2, a)));
}

/** ln Γ(c) − ln Γ(a) − (c − a) ψ(a) − deviance(c, a): the divergence of gammas minus that of Poissons. Never negative. */
export function gammaExcess(c: Tensor, a: Tensor): Tensor {
  const difference = sub(c, a);
  const ratio = div(difference, a);
  const leading = mul(log1pMinus(ratio), -0.5);
  const remainders = sub(stirlingRemainder(c), stirlingRemainder(a));
  const far = sub(remainders, mul(difference, stirlingRemainder(a, 1)));
  const near = less(abs(ratio), 0.1);
  return add(leading, where(near, remainderNear(a, where(near, difference, 0)), far));
}

/**
 * δ(a + d) − δ(a) − d δ′(a) for |d| < a/10, where the three cancel: d² ∫₀¹ (1 − s) δ″(a + s d) ds, whose integrand is smooth. Gauss's rule
 * with n points leaves 38⁻²ⁿ of it. Below 1, where δ″ goes to infinity, it is taken at a + 1, with what δ(x) − δ(x + 1) adds.
 */
function remainderNear(a: Tensor, d: Tensor): Tensor {
  const small = less(a, 1);
  const next = add(a, 1);
  const rule = a.dtype === "float64" ? gauss.five : gauss.three;
  const along = (values: readonly number[]): Tensor =>
    constant(values, [rule.length, ...d.shape.map(() => 1)], a.dtype);
  const curvature = stirlingRemainder(add(where(small, next, a), mul(d, along(rule.map(([s]) => s)))), 2);
  const integral = sum(mul(curvature, along(rule.map(([s, weight]) => weight * (1 - s)))), 0);
  const logs = mul(add(log1pMinus(div(d, a)), log1pMinus(div(d, next))), -0.5);
  const deviances = sub(devianceBy(add(next, d), neg(d), next), devianceBy(add(a, d), neg(d), a));
  return add(mul(square(d), integral), where(small, add(logs, deviances), 0));
}

/** Points in [0, 1] and weights of Gauss's rule (Abramowitz and Stegun 1964, table 25.4). */
const gauss = {
  three: onUnitInterval([
    [0, 0.8888888888888888],
    [0.7745966692414834, 0.5555555555555556],
  ]),
  five: onUnitInterval([
    [0, 0.5688888888888889],
    [0.5384693101056831, 0.47862867049936647],
    [0.906179845938664, 0.23692688505618908],
  ]),
};

/** The rule on [0, 1] from its points of at least 0 on [−1, 1]. */
function onUnitInterval(half: readonly (readonly [point: number, weight: number])[]) {
  const both = half.flatMap(
    ([x, w]) =>
      (x === 0
        ? [[x, w]]
        : [
            [x, w],
            [-x, w],
          ]) as [number, number][],
  );
  return both.map(([x, w]) => [(1 + x) / 2, w / 2] as const);
}

/** ln Γ(1 + 2u) − 2 ln Γ(1 + u) for u > 0: ln of E[x²]/E[x]² of a Weibull. Near 0 the linear terms cancel, so the series has none. */
export function weibullMomentRatio(u: Tensor): Tensor {
  const near = less(u, 0.25);
  const small = where(near, u, 0);
  // ln Γ(1 + z) = ln Γ(2 + z) − ln(1 + z), and (1 + 2u)/(1 + u)² = 1 − (u/(1 + u))².
  const series = lgammaAboutTwo
    .map((c, i) => c * (2 ** (i + 1) - 2))
    .reduceRight<Tensor>((t, c) => add(mul(t, small), c), full([], 0, u.dtype));
  const close = sub(mul(series, small), log1p(neg(square(div(small, add(small, 1))))));
  const large = where(near, 1, u);
  return where(near, close, sub(lgamma(add(mul(large, 2), 1)), mul(lgamma(add(large, 1)), 2)));
}

/** Γ(1 + 2u) − Γ(1 + u)². */
export const weibullVariance = (u: Tensor): Tensor =>
  mul(exp(mul(lgamma(add(u, 1)), 2)), expm1(weibullMomentRatio(u)));

/** For each element of the last axis, the sum of the others: 1 − p for probabilities, without cancellation. */
export const sumOfOthers = (x: Tensor): Tensor =>
  add(cumsum(x, -1, { exclusive: true }), cumsum(x, -1, { exclusive: true, reverse: true }));

/** x ln(x/μ) + μ − x for the difference d = μ − x, which is known more accurately than from μ: 0 or more. */
export function devianceBy(x: Tensor, d: Tensor, mu: Tensor): Tensor {
  const some = greater(x, 0);
  const n = where(some, x, 1);
  const t = div(d, n);
  const near = less(abs(t), 0.4);
  const close = neg(mul(n, log1pMinus(where(near, t, 0))));
  const ratio = where(logicalAnd(some, logicalNot(near)), div(mu, n), 1);
  const far = sub(d, mul(n, log(ratio)));
  return where(some, where(near, close, far), d);
}

/** What Stirling's formulas leave of ln [Γ(k + a)/(Γ(a) k!)] beside x ln x terms, for whole k; 0 at k = 0. */
function risingRemainder(k: Tensor, a: Tensor): Tensor {
  const some = greater(k, 0);
  const n = where(some, k, 1);
  const total = add(n, a);
  const logs = mul(add(log(div(a, total)), neg(log(n))), 0.5);
  const remainders = sub(stirlingRemainder(total), add(stirlingRemainder(a), stirlingRemainder(n)));
  return where(some, sub(add(logs, remainders), HALF_LOG_TWO_PI), 0);
}

/**
 * ln [C(k + m, k) B(k + a, m + b)/B(a, b)] for whole k, m ≥ 0. The x ln x terms of the nine gamma functions are the mutual information of
 * the table [[k, a], [m, b]], a sum of four deviances from its expected cells, which all differ by d = (am − bk)/N.
 */
export function betaBinomialLogMass(k: Tensor, m: Tensor, a: Tensor, b: Tensor): Tensor {
  const [n, s] = [add(k, m), add(a, b)];
  const whole = add(n, s);
  const d = sub(mul(a, div(m, whole)), mul(b, div(k, whole)));
  const [first, second] = [div(add(k, a), whole), div(add(m, b), whole)];
  const cells = [
    devianceBy(k, d, mul(n, first)),
    devianceBy(a, neg(d), mul(s, first)),
    devianceBy(m, neg(d), mul(n, second)),
    devianceBy(b, d, mul(s, second)),
  ].reduce((x, y) => add(x, y));
  return sub(add(risingRemainder(k, a), sub(risingRemainder(m, b), risingRemainder(n, s))), cells);
}
