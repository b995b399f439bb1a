/**
 * Distribution functions: what a family of numbers writes to have `cdf`, `survival`, their logarithms, `icdf` and `median`, and the tests
 * of ends and missing values that are the same for all of them.
 *
 * Everything passes through logarithms of probabilities. ln P(X ≤ x) has its digits in both tails: it is large in the lower one, and
 * −P(X > x) in the upper one.
 */
import {
  add,
  arange,
  cast,
  exp,
  expm1,
  floor,
  full,
  greater,
  greaterEqual,
  isFloat,
  less,
  lessEqual,
  log,
  log1p,
  logicalOr,
  logsumexp,
  minimum,
  mul,
  neg,
  slice,
  sub,
  sum,
  Tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { type Constraint, type IntervalConstraint, numberInside } from "./constraints.ts";
import { logOneMinusExp } from "./logarithms.ts";
import { elementOf } from "./membership.ts";

/** What a family of numbers knows of its distribution function. Values are inside the support, and whole numbers if it is discrete. */
export interface Cumulative {
  /** ln P(X ≤ x). */
  readonly logCdf: (x: Tensor) => Tensor;
  /** ln P(X > x). */
  readonly logSurvival: (x: Tensor) => Tensor;
  /** P(X ≤ x). Default: from its logarithm. */
  readonly cdf?: (x: Tensor) => Tensor;
  /** P(X > x). Default: from its logarithm. */
  readonly survival?: (x: Tensor) => Tensor;
  /** The smallest x with P(X ≤ x) ≥ eˡ, for l between −∞ and 0. */
  readonly logIcdf?: (l: Tensor) => Tensor;
  /** The smallest x with P(X > x) ≤ eˡ. Default: `logIcdf` of the complement, which is lost where eˡ underflows. */
  readonly logIsf?: (l: Tensor) => Tensor;
  /** The same of a probability between 0 and 1. Default: from its logarithm. */
  readonly icdf?: (p: Tensor) => Tensor;
  /** Default: the value of `icdf` at ½. */
  readonly median?: () => Tensor;
  /** The ends of the support. Default: those that the constraint tells. */
  readonly ends?: Ends;
  /** The quantiles at 0 and 1. Default: the ends. */
  readonly reach?: () => { readonly low: Tensor; readonly high: Tensor };
  /** Whether single values may have a probability of their own. Default: whether the family is discrete. */
  readonly atoms?: boolean;
}

/** The ends of an interval; they broadcast with the batch. */
export interface Ends {
  readonly low: Tensor | number;
  readonly high: Tensor | number;
  /** A value between them. Default: computed from the ends. */
  readonly inside?: Tensor | number;
}

const INFINITY = Number.POSITIVE_INFINITY;

const fixedEnds: Readonly<Record<string, readonly [number, number]>> = {
  real: [-INFINITY, INFINITY],
  positive: [0, INFINITY],
  nonNegative: [0, INFINITY],
  nonNegativeInteger: [0, INFINITY],
  boolean: [0, 1],
};

/** The smallest and largest value of a support of numbers, or undefined if it is not an interval. */
export function endsOf(support: Constraint): Ends | undefined {
  const { low, high } = support as Partial<IntervalConstraint>;
  if (low !== undefined && high !== undefined) return { low, high };
  const fixed = fixedEnds[elementOf(support).name];
  return fixed && { low: fixed[0], high: fixed[1] };
}

/** A value between the ends. */
export const insideOf = ({ low, high, inside }: Ends): Tensor | number => inside ?? numberInside(low, high);

/** Two values between the ends, the smaller one first. */
export function pairInside(ends: Ends): readonly [Tensor | number, Tensor | number] {
  const middle = insideOf(ends);
  if (ends.high === INFINITY) return [middle, typeof middle === "number" ? middle + 1 : add(middle, 1)];
  if (ends.low === -INFINITY) return [typeof middle === "number" ? middle - 1 : sub(middle, 1), middle];
  return [middle, insideOf({ low: middle, high: ends.high })];
}

/** The four functions of a value. */
export type OfValue = "cdf" | "survival" | "logCdf" | "logSurvival";
/** The functions of a probability. */
export type OfProbability = "icdf" | "logIcdf" | "logIsf";

/** Below the support, and from its upper end on. */
const outsideOf: Readonly<Record<OfValue, readonly [number, number]>> = {
  cdf: [0, 1],
  survival: [1, 0],
  logCdf: [-INFINITY, 0],
  logSurvival: [0, -INFINITY],
};

const formula = (of: Cumulative, which: OfValue): ((x: Tensor) => Tensor) => {
  if (which === "cdf") return of.cdf ?? ((x) => exp(of.logCdf(x)));
  if (which === "survival") return of.survival ?? ((x) => exp(of.logSurvival(x)));
  return of[which];
};

/** A distribution function at any value: 0 or 1 outside the support, NaN at NaN. Of discrete families, x is rounded down. */
export function atValue(of: Cumulative, ends: Ends, which: OfValue, x: Tensor, discrete: boolean): Tensor {
  const { low, high } = ends;
  const y = discrete && isFloat(x.dtype) ? floor(x) : x;
  const reached = (of.atoms === true || discrete) && low !== -INFINITY;
  // Bounds of censored counts need not be whole numbers.
  const under = reached ? less(x, low) : lessEqual(y, low);
  const over = greaterEqual(x, high);
  const safe = where(logicalOr(under, over), reached ? low : insideOf(ends), y);
  const [below, above] = outsideOf[which];
  const found = formula(of, which)(safe);
  return where(under, full([], below, found.dtype), where(over, full([], above, found.dtype), found));
}

/** The quantile of a probability, or of its logarithm: the ends of the support at 0 and 1, NaN outside. */
export function atProbability(
  of: Cumulative,
  ends: Ends,
  which: OfProbability,
  p: Tensor,
): Tensor | undefined {
  const { logIcdf } = of;
  if (logIcdf === undefined) return undefined;
  const asLog = which !== "icdf";
  const quantile =
    which === "logIcdf"
      ? logIcdf
      : which === "logIsf"
        ? (of.logIsf ?? ((l: Tensor) => logIcdf(logOneMinusExp(l))))
        : (of.icdf ?? ((q: Tensor) => logIcdf(log(q))));
  const [none, all, some] = asLog ? [-INFINITY, 0, -Math.LN2] : [0, 1, 0.5];
  const [under, over] = [lessEqual(p, none), greaterEqual(p, all)];
  const safe = where(logicalOr(under, over), some, p);
  const found = quantile(safe);
  const end = (value: Tensor | number): Tensor =>
    value instanceof Tensor ? value : full([], value, found.dtype);
  const missing = full([], Number.NaN, found.dtype);
  const { low: least, high: most } = of.reach?.() ?? ends;
  const [first, last] = which === "logIsf" ? [most, least] : [least, most];
  const low = where(less(p, none), missing, end(first));
  const high = where(greater(p, all), missing, end(last));
  return where(under, low, where(over, high, found));
}

/** ln(1 − e^−H) for the cumulative hazard H = eˡ ≥ 0, given as its logarithm: it stays right where H underflows. */
export function logCdfOfHazard(l: Tensor): Tensor {
  const small = less(l, SMALL_HAZARD);
  // From e^9.3 on, e^−H is 0 with all its derivatives.
  const h = exp(where(small, SMALL_HAZARD, minimum(l, 9.3)));
  const tiny = exp(where(small, l, SMALL_HAZARD));
  // ln(1 − e^−H) = ln H − H/2 + H²/24 − …
  return where(small, sub(l, mul(tiny, sub(0.5, mul(tiny, 1 / 24)))), logOneMinusExp(neg(h)));
}

/** ln 1e-3. */
const SMALL_HAZARD = -6.907755278982137;

/** ln H for the cumulative hazard H = −ln(1 − eˡ), with the digits that eˡ alone would lose in the lower tail. */
export function logHazardAt(l: Tensor): Tensor {
  const small = less(l, SMALL_HAZARD);
  const p = exp(where(small, l, SMALL_HAZARD));
  // −ln(1 − p)/p = 1 + p/2 + p²/3 + …
  const series = [1 / 5, 1 / 4, 1 / 3, 1 / 2].reduce<Tensor>(
    (sum, c) => mul(add(sum, c), p),
    full([], 0, l.dtype),
  );
  return where(small, add(l, log1p(series)), log(neg(logOneMinusExp(where(small, SMALL_HAZARD, l)))));
}

/** The tail beyond a ≥ 0 of a family that is symmetric about 0, and its logarithm. */
export interface Tail {
  readonly tail: (a: Tensor) => Tensor;
  readonly logTail: (a: Tensor) => Tensor;
}

/** The distribution function at z of a symmetric family. */
export function symmetric({ tail, logTail }: Tail, standardise: (x: Tensor) => Tensor): Cumulative {
  // |z|, whose slope at 0 is that of the side on which 0 is counted below.
  const sizeOf = (z: Tensor): Tensor => where(less(z, 0), neg(z), z);
  const cdf = (z: Tensor): Tensor => {
    const t = tail(sizeOf(z));
    return where(less(z, 0), t, sub(1, t));
  };
  const logCdf = (z: Tensor): Tensor => {
    const size = sizeOf(z);
    return where(less(z, 0), logTail(size), log1p(neg(tail(size))));
  };
  return {
    cdf: (x) => cdf(standardise(x)),
    survival: (x) => cdf(neg(standardise(x))),
    logCdf: (x) => logCdf(standardise(x)),
    logSurvival: (x) => logCdf(neg(standardise(x))),
  };
}

/**
 * Both logarithms from two that are accurate where they are below ln ½: the other is that of the complement.
 *
 * @param lowerCdf P(X ≤ x) itself, for families whose density is not 0 at their lower end: second derivatives through its logarithm, −1/x², would cancel there
 */
export const pairOfTails = (
  lower: (x: Tensor) => Tensor,
  upper: (x: Tensor) => Tensor,
  lowerCdf?: (x: Tensor) => Tensor,
): Pick<Cumulative, "logCdf" | "logSurvival"> => {
  const better = (own: Tensor, other: Tensor, plain?: Tensor): Tensor => {
    const large = less(-Math.LN2, own);
    const rest =
      plain === undefined
        ? logOneMinusExp(where(large, minimum(other, 0), -1))
        : log1p(neg(where(large, plain, 0)));
    return where(large, rest, own);
  };
  return {
    logCdf: (x) => better(lower(x), upper(x)),
    logSurvival: (x) => better(upper(x), lower(x), lowerCdf?.(x)),
  };
};

/** The quantile of a symmetric family at ln p = l. */
export function symmetricLogIcdf(fromLogTail: (l: Tensor) => Tensor, l: Tensor): Tensor {
  const low = less(l, -Math.LN2);
  const a = fromLogTail(where(low, l, logOneMinusExp(where(low, -Math.LN2, l))));
  return where(low, neg(a), a);
}

/** 1 − eˡ for l ≤ 0. */
export const complement = (l: Tensor): Tensor => neg(expm1(l));

/**
 * A whole number near the quantile, moved to the smallest one whose probability P(X ≤ k) is at least eˡ: the rounding of a formula may
 * miss it by one.
 */
export function settle(logCdf: (k: Tensor) => Tensor, k: Tensor, l: Tensor): Tensor {
  const start = where(less(k, 0), 0, k);
  const before = sub(start, 1);
  const enoughBefore = greaterEqual(logCdf(where(less(before, 0), 0, before)), l);
  const lower = where(less(before, 0), start, where(enoughBefore, before, start));
  return where(less(logCdf(lower), l), add(lower, 1), lower);
}

/** The distribution function of 0, …, K − 1 from their log masses along the last axis of `logs`. Both tails are sums of masses. */
export function cumulativeOfMasses(logs: Tensor): Cumulative & Required<Pick<Cumulative, "logIcdf">> {
  const size = logs.shape[logs.rank - 1];
  const index = arange(size, logs.dtype);
  const share = (keep: Tensor, of: Tensor): Tensor =>
    logsumexp(where(keep, of, full([], -INFINITY, logs.dtype)), -1);
  const column = (x: Tensor): Tensor => unsqueeze(x.dtype === logs.dtype ? x : cast(x, logs.dtype), -1);
  // NaN is not a value: it stays NaN.
  const kept = (x: Tensor, l: Tensor): Tensor => (isFloat(x.dtype) ? add(l, mul(x, 0)) : l);
  return {
    ...pairOfTails(
      (x) => kept(x, share(lessEqual(index, column(x)), logs)),
      (x) => kept(x, share(greater(index, column(x)), logs)),
    ),
    // The number of values whose own distribution function is too small.
    logIcdf: (l) => {
      const each = share(lessEqual(index, unsqueeze(index, -1)), unsqueeze(logs, -2));
      const short = less(slice(each, { axis: -1, end: -1 }), unsqueeze(l, -1));
      return sum(cast(short, l.dtype), -1);
    },
  };
}
