/**
 * The sets of allowed parameters and values. A constraint is data; transforms are looked up by its name.
 *
 * @module
 */
import { simplify } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import {
  abs,
  add,
  arange,
  cast,
  cholesky,
  constant,
  diagonal,
  equal,
  eye,
  floor,
  full,
  greater,
  greaterEqual,
  isConstant,
  isFloat,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  max,
  mul,
  slice,
  sub,
  sum,
  Tensor,
  type TensorLike,
  transpose,
  triu,
  where,
} from "../tensor/index.ts";
import type { Transform } from "./transforms/transform.ts";

/** A set of values, and a test of membership. */
export interface Constraint {
  /** The name in messages, and the key under which transforms are found: `real`, `positive`, `simplex`, … */
  readonly name: string;
  /** The number of trailing dimensions that make one element of the set: 0 for numbers, 1 for vectors. */
  readonly eventRank: number;
  readonly isDiscrete: boolean;
  /** The elements in words, in the plural, for messages: "whole numbers of at least 0". Default: the name. */
  readonly description?: string;
  /** An element of the set that broadcasts to a value. It replaces values outside the set before the density is computed. Default: none. */
  readonly member?: (value: Tensor) => TensorLike;
  /** If the set is the image of another set: the map between them. */
  readonly image?: Transform;
  /** What the set depends on besides its ends. Two sets of one name are taken for the same if these parts are. Default: nothing. */
  readonly of?: readonly unknown[];
  /** Whether each element is in the set: bool, of the value's shape without its last `eventRank` dimensions. NaN never is. */
  check(value: Tensor): Tensor;
}

/** An interval, with its ends, which transforms need. */
export interface IntervalConstraint extends Constraint {
  readonly low: Tensor | number;
  readonly high: Tensor | number;
}

const continuous = (
  name: string,
  description: string,
  member: TensorLike | (() => TensorLike),
  check: (x: Tensor) => Tensor,
): Constraint => ({
  name,
  eventRank: 0,
  isDiscrete: false,
  description,
  member: typeof member === "function" ? member : () => member,
  check,
});

/** The end of an interval in words. */
const inWords = (end: Tensor | number): string => {
  if (typeof end === "number") return String(end);
  return isConstant(end) && end.size === 1 ? String(end.attributes.values[0]) : "a given bound";
};

/** The elements of a set in words, for messages: "finite numbers", "vectors of numbers of at least 0 that sum to 1". */
export const describeConstraint = ({ description, name }: Constraint): string =>
  description ?? `values of '${name}'`;

const finite = (x: Tensor): Tensor => less(abs(x), Number.POSITIVE_INFINITY);

const numberBetween = (low: number, high: number): number => {
  if (Number.isFinite(low)) return Number.isFinite(high) ? low / 2 + high / 2 : low + 1;
  return Number.isFinite(high) ? high - 1 : 0;
};

/** A number between two ends and away from both, where a density may be infinite. Either end may be infinite, also in some places of an array alone. */
export function numberInside(low: Tensor | number, high: Tensor | number): Tensor | number {
  if (typeof low === "number" && typeof high === "number") return numberBetween(low, high);
  if (high === Number.POSITIVE_INFINITY || low === Number.NEGATIVE_INFINITY) {
    const [end, step] = high === Number.POSITIVE_INFINITY ? [low, 1] : [high, -1];
    if (typeof end === "number") return end + step;
    return where(finite(end), add(end, step), 0);
  }
  const half = (end: Tensor | number): Tensor | number => (typeof end === "number" ? end / 2 : mul(end, 0.5));
  const middle = add(half(low), half(high));
  const below = typeof high === "number" ? high - 1 : sub(high, 1);
  const beside = typeof low === "number" ? low + 1 : where(finite(low), add(low, 1), below);
  const other = where(finite(middle), middle, beside);
  return where(finite(other), other, 0);
}

/** The image of a set under a map. It tells how to reach a transformed variable from unconstrained reals. */
export interface ImageConstraint extends Constraint {
  /** The transform. */
  readonly image: Transform;
  /** The set that is mapped. */
  readonly from: Constraint;
}

/** A constraint on arrays, and the constraint that each of their parts satisfies. */
export interface IndependentConstraint extends Constraint {
  readonly base: Constraint;
  /** The number of dimensions, beyond those of `base`, that make one element. */
  readonly reinterpreted: number;
}

/** True where all values along the last `n` dimensions are true. */
function all(ok: Tensor, n: number): Tensor {
  const axes = Array.from({ length: n }, (_, i) => i - n);
  return equal(sum(cast(logicalNot(ok), "float32"), axes), 0);
}

/** Finite numbers. */
export const real: Constraint = continuous("real", "finite numbers", 0, finite);
/** Angles: finite numbers. Two that differ by whole turns of 2π are the same angle. */
export const angle: Constraint = continuous("angle", "angles, which are finite numbers", 0, finite);
/** Finite numbers above 0. */
export const positive: Constraint = continuous("positive", "finite numbers above 0", 1, (x) =>
  logicalAnd(greater(x, 0), finite(x)),
);
/** Finite numbers of at least 0. */
export const nonNegative: Constraint = continuous("nonNegative", "finite numbers of at least 0", 1, (x) =>
  logicalAnd(greaterEqual(x, 0), finite(x)),
);
/** [0, 1]. */
export const unitInterval: IntervalConstraint = {
  ...continuous("unitInterval", "numbers from 0 to 1", 0.5, (x) =>
    logicalAnd(greaterEqual(x, 0), lessEqual(x, 1)),
  ),
  low: 0,
  high: 1,
};

/** The unit interval without its ends, for densities that are 0 or undefined there. */
export const insideUnitInterval: IntervalConstraint = {
  ...unitInterval,
  description: "numbers between 0 and 1",
  check: (x) => logicalAnd(greater(x, 0), less(x, 1)),
};

/** [0, 1). */
export const halfOpenUnitInterval: IntervalConstraint = {
  ...continuous("halfOpenUnitInterval", "numbers from 0 up to, not including, 1", 0.5, (x) =>
    logicalAnd(greaterEqual(x, 0), less(x, 1)),
  ),
  low: 0,
  high: 1,
};
/** (0, 1]. */
export const leftOpenUnitInterval: IntervalConstraint = {
  ...continuous("leftOpenUnitInterval", "numbers above 0 and up to 1", 0.5, (x) =>
    logicalAnd(greater(x, 0), lessEqual(x, 1)),
  ),
  low: 0,
  high: 1,
};

/** [low, high]; the ends may be tensors that broadcast with the value. */
export const interval = (low: Tensor | number, high: Tensor | number): IntervalConstraint => ({
  ...continuous(
    "interval",
    `numbers from ${inWords(low)} to ${inWords(high)}`,
    () => numberInside(low, high),
    (x) => logicalAnd(greaterEqual(x, low), lessEqual(x, high)),
  ),
  low,
  high,
});

/** [low, ∞). */
export const atLeast = (low: Tensor | number): IntervalConstraint => ({
  ...continuous(
    "atLeast",
    `finite numbers of at least ${inWords(low)}`,
    () => numberInside(low, Number.POSITIVE_INFINITY),
    (x) => logicalAnd(greaterEqual(x, low), finite(x)),
  ),
  low,
  high: Number.POSITIVE_INFINITY,
});

/** (−∞, high]. */
export const atMost = (high: Tensor | number): IntervalConstraint => ({
  ...continuous(
    "atMost",
    `finite numbers of at most ${inWords(high)}`,
    () => numberInside(Number.NEGATIVE_INFINITY, high),
    (x) => logicalAnd(lessEqual(x, high), finite(x)),
  ),
  low: Number.NEGATIVE_INFINITY,
  high,
});

/** [low, high], either of which may be infinite, with an element between them: no transform of latent sites leads there. */
export const betweenEnds = (name: string, low: Tensor, high: Tensor, inside: Tensor): IntervalConstraint => ({
  ...continuous(name, "finite numbers between the ends of the support", inside, (x) =>
    logicalAnd(logicalAnd(greaterEqual(x, low), lessEqual(x, high)), finite(x)),
  ),
  low,
  high,
});

/** (low, ∞). */
export const greaterThan = (low: Tensor | number): IntervalConstraint => ({
  ...continuous(
    "greaterThan",
    `finite numbers above ${inWords(low)}`,
    typeof low === "number" ? low + 1 : add(low, 1),
    (x) => logicalAnd(greater(x, low), finite(x)),
  ),
  low,
  high: Number.POSITIVE_INFINITY,
});

/** 0 or 1, in a float dtype, like data. */
export const boolean: Constraint = {
  name: "boolean",
  eventRank: 0,
  isDiscrete: true,
  description: "0 or 1",
  member: () => 0,
  check: (x) => logicalOr(equal(x, 0), equal(x, 1)),
};

/** Whole numbers from low to high, both included; the ends may be tensors that broadcast with the value. */
export const integerInterval = (low: Tensor | number, high: Tensor | number): IntervalConstraint => ({
  name: "integerInterval",
  eventRank: 0,
  isDiscrete: true,
  description: `whole numbers from ${inWords(low)} to ${inWords(high)}`,
  member: () => low,
  low,
  high,
  check: (x) => {
    const inside = logicalAnd(greaterEqual(x, low), lessEqual(x, high));
    if (!isFloat(x.dtype)) return inside;
    const whole = logicalAnd(inside, equal(x, floor(x)));
    return high === Number.POSITIVE_INFINITY ? logicalAnd(whole, finite(x)) : whole;
  },
});

/** …, −1, 0, 1, 2, … in a float dtype. */
export const integer: Constraint = {
  name: "integer",
  eventRank: 0,
  isDiscrete: true,
  description: "whole numbers",
  member: () => 0,
  check: (x) => logicalAnd(finite(x), equal(x, floor(x))),
};

/** 0, 1, 2, … in a float dtype. */
export const nonNegativeInteger: Constraint = {
  name: "nonNegativeInteger",
  eventRank: 0,
  isDiscrete: true,
  description: "whole numbers of at least 0",
  member: () => 0,
  check: (x) => logicalAnd(nonNegative.check(x), equal(x, floor(x))),
};

/** Extends a constraint on numbers (or vectors, …) to arrays of them: the last `n` dimensions become one element. */
export const independentConstraint = (base: Constraint, n: number): Constraint | IndependentConstraint =>
  n === 0
    ? base
    : {
        name: `independent(${base.name}, ${n})`,
        eventRank: base.eventRank + n,
        isDiscrete: base.isDiscrete,
        description: `arrays of ${describeConstraint(base)}`,
        ...(base.member && { member: base.member }),
        base,
        reinterpreted: n,
        check: (x) => all(base.check(x), n),
      };

/** Vectors of finite numbers. */
export const realVector: Constraint = {
  ...independentConstraint(real, 1),
  name: "realVector",
  description: "vectors of finite numbers",
};

/** Unnormalised log probabilities of categories: −∞ marks an impossible one. */
export const logitVector: Constraint = {
  ...independentConstraint(
    continuous("logit", "numbers below ∞", 0, (x) => less(x, Number.POSITIVE_INFINITY)),
    1,
  ),
  name: "logitVector",
  description: "vectors of numbers below ∞",
};

/** Vectors of non-negative numbers that sum to 1, within 1e-4 (rounding of float32 over many categories). */
export const simplex: Constraint = {
  name: "simplex",
  eventRank: 1,
  isDiscrete: false,
  description: "vectors of numbers of at least 0 that sum to 1",
  member: (x) => full(x.shape.slice(-1), 1 / x.shape[x.rank - 1], x.dtype),
  check: (x) => logicalAnd(all(greaterEqual(x, 0), 1), less(abs(sub(sum(x, -1), 1)), 1e-4)),
};

/** The simplex without its edges. */
export const insideSimplex: Constraint = {
  ...simplex,
  description: "vectors of numbers above 0 that sum to 1",
  check: (x) => logicalAnd(all(greater(x, 0), 1), simplex.check(x)),
};

/** Vectors of finite numbers, each larger than the one before. */
export const orderedVector: Constraint = {
  name: "orderedVector",
  eventRank: 1,
  isDiscrete: false,
  description: "vectors of increasing finite numbers",
  member: (x) => arange(x.shape[x.rank - 1], x.dtype),
  check: (x) => {
    const steps = sub(slice(x, { axis: -1, start: 1 }), slice(x, { axis: -1, end: -1 }));
    return logicalAnd(all(finite(x), 1), all(greater(steps, 0), 1));
  },
};

/** Vectors of finite numbers above 0, each above the one before. */
export const positiveOrderedVector: Constraint = {
  ...orderedVector,
  name: "positiveOrderedVector",
  description: "vectors of increasing finite numbers above 0",
  member: (x) => add(arange(x.shape[x.rank - 1], x.dtype), 1),
  check: (x) => logicalAnd(all(greater(x, 0), 1), orderedVector.check(x)),
};

/** Vectors of length 1, within 1e-4 of its square: the points of a sphere. */
export const unitVector: Constraint = {
  name: "unitVector",
  eventRank: 1,
  isDiscrete: false,
  description: "vectors of length 1",
  member: (x) => firstOf(x, 1),
  check: (x) => less(abs(sub(sum(mul(x, x), -1), 1)), 1e-4),
};

/** Lower triangular matrices of finite numbers with a positive diagonal: the Cholesky factors. */
export const lowerCholesky: Constraint = {
  name: "lowerCholesky",
  eventRank: 2,
  isDiscrete: false,
  description: "lower triangular matrices with a positive diagonal",
  member: (x) => eye(x.shape[x.rank - 1], x.dtype),
  check: (x) => {
    const triangular = all(equal(triu(x, 1), 0), 2);
    return logicalAnd(logicalAnd(all(finite(x), 2), triangular), all(greater(diagonal(x), 0), 1));
  },
};

/** Symmetric positive definite matrices; symmetric within 1e-4 of the largest element. */
export const positiveDefinite: Constraint = {
  name: "positiveDefinite",
  eventRank: 2,
  isDiscrete: false,
  description: "symmetric positive definite matrices",
  member: (x) => eye(x.shape[x.rank - 1], x.dtype),
  check: (x) => {
    const axes = Array.from({ length: x.rank }, (_, i) => i);
    const flipped = transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
    const size = max(abs(x), [-2, -1], { keepDims: true });
    const symmetric = all(lessEqual(abs(sub(x, flipped)), mul(size, 1e-4)), 2);
    // For any other matrix the factor is NaN.
    return logicalAnd(symmetric, all(greater(diagonal(cholesky(x)), 0), 1));
  },
};

/** Cholesky factors of correlation matrices: lower triangular, with a positive diagonal and rows of length 1 (within 1e-4 of its square). */
export const correlationCholesky: Constraint = {
  ...lowerCholesky,
  name: "correlationCholesky",
  description: "lower triangular matrices with a positive diagonal and rows of length 1",
  check: (x) => logicalAnd(lowerCholesky.check(x), all(unitVector.check(x), 1)),
};

/** Correlation matrices: positive definite, with ones on the diagonal (within 1e-4). */
export const correlation: Constraint = {
  ...positiveDefinite,
  name: "correlation",
  description: "symmetric positive definite matrices with ones on the diagonal",
  check: (x) => logicalAnd(positiveDefinite.check(x), all(less(abs(sub(diagonal(x), 1)), 1e-4), 1)),
};

/** A vector of the same length as those of x, with all of `total` in its first place. */
const firstOf = (x: Tensor, total: number): Tensor => {
  const size = x.shape[x.rank - 1];
  return constant([total, ...new Array<number>(size - 1).fill(0)], [size], x.dtype);
};

/** Vectors with a single 1 and zeros elsewhere. */
export const oneHotVector: Constraint = {
  name: "oneHotVector",
  eventRank: 1,
  isDiscrete: true,
  description: "vectors with a single 1 and zeros elsewhere",
  member: (x) => firstOf(x, 1),
  check: (x) => logicalAnd(all(boolean.check(x), 1), equal(sum(x, -1), 1)),
};

/** Vectors of whole numbers of at least 0 that sum to `total`. */
export const countVector = (total: number): Constraint => ({
  name: "countVector",
  eventRank: 1,
  isDiscrete: true,
  description: `vectors of whole numbers of at least 0 that sum to ${total}`,
  member: (x) => firstOf(x, total),
  of: [total],
  check: (x) => logicalAnd(all(nonNegativeInteger.check(x), 1), equal(sum(x, -1), total)),
});

const describe = (values: ArrayLike<number>): string => {
  const shown = Array.from({ length: Math.min(values.length, 6) }, (_, i) => String(values[i]));
  const list = shown.join(", ") + (values.length > 6 ? ", …" : "");
  return values.length === 1 ? list : `[${list}]`;
};

/**
 * Checks a parameter whose numbers are known while the expression is being written; other parameters are not checked here.
 * @throws UsageError naming the distribution, the parameter, the constraint and the numbers found.
 */
export function checkConstant(what: string, parameter: string, value: Tensor, constraint: Constraint): void {
  if (!isConstant(value)) return;
  // This folds to a number unless the constraint has symbolic bounds or the array is large.
  const [failures] = simplify([sum(cast(logicalNot(constraint.check(value)), "float32"))]);
  if (!isConstant(failures) || failures.attributes.values[0] === 0) return;
  const low = (constraint as Partial<IntervalConstraint>).low;
  const bound = low instanceof Tensor && isConstant(low) ? ` ${describe(low.attributes.values)}` : "";
  throw new UsageError(
    `${what}: parameter '${parameter}' must be ${constraint.name}${bound}, found ${describe(value.attributes.values)}.`,
  );
}
