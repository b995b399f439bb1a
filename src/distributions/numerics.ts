/** Small, numerically careful expressions that several distributions share. */
import { UsageError } from "../errors.ts";
import {
  abs,
  add,
  broadcastShapes,
  cholesky,
  type DType,
  div,
  equal,
  expand,
  full,
  greater,
  isConstant,
  log,
  log1p,
  logicalAnd,
  logsumexp,
  max,
  mul,
  neg,
  operands,
  type Shape,
  sameShape,
  sigmoid,
  softmax,
  softplus,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  tril,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { complementOf, knowsLog, knowsLogComplement, logComplementOf, logOf } from "./logarithms.ts";

/** A probability p and its complement q, and their logarithms if these are known more accurately than from p and q. */
export interface Odds {
  readonly p: Tensor;
  readonly q: Tensor;
  readonly logP?: Tensor;
  readonly logQ?: Tensor;
}

/** The last `n` axes, counted from the end. */
export const lastAxes = (n: number): number[] => Array.from({ length: n }, (_, i) => i - n);

/** `x` repeated to `shape`, or `x` itself if it already has that shape. */
export const expandTo = (x: Tensor, shape: Shape): Tensor =>
  sameShape(x.shape, shape) ? x : expand(x, shape);

/**
 * The sum over the last `n` dimensions that `x` would have if it were repeated to `shape`, without repeating it: for a
 * dimension along which it does not vary, the sum is a multiplication.
 */
export function sumRepeated(x: Tensor, n: number, shape: Shape): Tensor {
  const missing = shape.length - x.rank;
  const axes: number[] = [];
  let repeats = 1;
  for (let d = shape.length - n; d < shape.length; d++) {
    const axis = d - missing;
    if (axis >= 0) axes.push(axis);
    if (axis < 0 || x.shape[axis] !== shape[d]) repeats *= shape[d];
  }
  const total = sum(x, axes);
  return repeats === 1 ? total : mul(total, repeats);
}

/** ln y; −∞ at 0, with the derivative 0: ln has the derivative 1/y, and where a sum over values leaves an impossible one out, 0 · ∞ would be NaN. */
export function logOrImpossible(y: Tensor): Tensor {
  if (knowsLog(y)) return logOf(y);
  const none = equal(y, 0);
  return where(none, Number.NEGATIVE_INFINITY, log(where(none, 1, y)));
}

/** ln(1 − y); −∞ at 1, with the derivative 0. */
export function logComplementOrImpossible(y: Tensor): Tensor {
  if (knowsLogComplement(y)) return logComplementOf(y);
  const none = equal(y, 1);
  return where(none, Number.NEGATIVE_INFINITY, log1p(neg(where(none, 0, y))));
}

/** x · l of a logarithm l; an impossible one (l = −∞) with x = 0 contributes 0. */
const timesLog = (x: Tensor, l: Tensor): Tensor =>
  mul(x, where(logicalAnd(equal(x, 0), equal(l, Number.NEGATIVE_INFINITY)), 0, l));

/** x ln y, and 0 (in value and gradient) where x is 0, for any y. */
export const xlogy = (x: Tensor, y: Tensor): Tensor =>
  knowsLog(y) ? timesLog(x, logOf(y)) : mul(x, logOrImpossible(where(equal(x, 0), 1, y)));

/** x ln(1 − y), and 0 where x is 0, for any y. */
export const xlog1my = (x: Tensor, y: Tensor): Tensor =>
  knowsLogComplement(y)
    ? timesLog(x, logComplementOf(y))
    : mul(x, logComplementOrImpossible(where(equal(x, 0), 0, y)));

/** Σ over the last axis of x · l. An impossible category (l = −∞) with x = 0 contributes 0. */
export function dotLogits(x: Tensor, logits: Tensor): Tensor {
  return sum(timesLog(x, logits), -1);
}

/** ln(eᵃ + eᵇ), also where one of them is −∞; shapes broadcast. */
export function logSumOfTwo(a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShapes("logSumOfTwo", a.shape, b.shape);
  return logsumexp(stack([a.expand(shape), b.expand(shape)], -1), -1);
}

/** Either logits or probabilities. */
export type LogitsOrProbs =
  | { readonly logits: TensorLike; readonly probs?: never }
  | { readonly probs: TensorLike; readonly logits?: never };

/** The parameter that was given, by its name. @throws UsageError unless exactly one was. */
export function oneOf(
  what: string,
  given: LogitsOrProbs,
): { readonly logits: Tensor } | { readonly probs: Tensor } {
  const { logits, probs } = given;
  if (logits !== undefined && probs === undefined) return { logits: operands(what, logits)[0] };
  if (probs !== undefined && logits === undefined) return { probs: operands(what, probs)[0] };
  throw new UsageError(
    `${what}: give either logits or probs, found ${probs === undefined ? "neither" : "both"}.`,
  );
}

/** p and 1 − p with their logarithms, from the one parameter given. */
export function oddsOf({ logits, probs }: Readonly<Record<string, Tensor>>): Odds {
  if (logits !== undefined) {
    const [logP, logQ] = [neg(softplus(neg(logits))), neg(softplus(logits))];
    return { p: sigmoid(logits), q: sigmoid(neg(logits)), logP, logQ };
  }
  return {
    p: probs,
    q: complementOf(probs),
    ...(knowsLog(probs) && { logP: logOf(probs) }),
    ...(knowsLogComplement(probs) && { logQ: logComplementOf(probs) }),
  };
}

/** The parts that the two categorical distributions share. */
export interface Categories {
  /** Log weights; the ln Σ exp of them is `logTotal`. */
  readonly weights: Tensor;
  /** Without the last axis. */
  readonly logTotal: Tensor;
  readonly probs: Tensor;
  /** Logarithms of `probs`. Where one is nearly 1, its logarithm has a small relative error too. */
  readonly logProbs: Tensor;
}

/** ln p; of a probability above ½ it is ln(1 − Σ of the others), which keeps its digits near p = 1. */
function logarithmsOf(weights: Tensor, logTotal: Tensor, probs: Tensor): Tensor {
  const high = greater(probs, 0.5);
  const others = sum(where(high, 0, probs), -1, { keepDims: true });
  return where(high, log1p(sub(0, where(high, others, 0))), sub(weights, unsqueeze(logTotal, -1)));
}

/** Logits. If some are +∞, these become 0 and the others −∞: the categories of the infinite ones share all probability. */
function withoutCertain(logits: Tensor): Tensor {
  if (isConstant(logits)) return logits;
  const infinity = Number.POSITIVE_INFINITY;
  const some = equal(max(logits, -1, { keepDims: true }), infinity);
  return where(some, where(equal(logits, infinity), full([], 0, logits.dtype), -infinity), logits);
}

/** Probabilities are divided by their sum, so that rounding does not leave the density unnormalised. */
export function categories(parameters: Readonly<Record<string, Tensor>>): Categories {
  const { logits, probs } = parameters;
  if (logits !== undefined) {
    const weights = withoutCertain(logits);
    const [logTotal, normalised] = [logsumexp(weights, -1), softmax(weights)];
    return { weights, logTotal, probs: normalised, logProbs: logarithmsOf(weights, logTotal, normalised) };
  }
  const weights = logOrImpossible(probs);
  const [logTotal, normalised] = [log(sum(probs, -1)), div(probs, sum(probs, -1, { keepDims: true }))];
  return { weights, logTotal, probs: normalised, logProbs: logarithmsOf(weights, logTotal, normalised) };
}

/** −Σ pₖ ln pₖ: terms of one sign. */
export const entropyOf = ({ probs, logProbs }: Categories): Tensor => neg(dotLogits(probs, logProbs));

/** ½ ln 2π. */
export const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

/** Euler's constant γ = −ψ(1). */
export const EULER_GAMMA = 0.5772156649015329;

/** The smallest normal number of a float dtype. */
export const tiniest = (dtype: DType): number => (dtype === "float64" ? 2 ** -1022 : 2 ** -126);

/** a ln x for x ≥ 0, and 0 where both are 0. It is differentiable in a for all x > 0, including at a = 0. */
export function logPower(a: Tensor, x: Tensor): Tensor {
  const none = logicalAnd(equal(a, 0), equal(x, 0));
  return mul(a, log(where(none, 1, x)));
}

/** a ln(1 − x) for x ≤ 1, and 0 where a = 0 and x = 1. */
export function logComplementPower(a: Tensor, x: Tensor): Tensor {
  const none = logicalAnd(equal(a, 0), equal(x, 1));
  return mul(a, log1p(neg(where(none, 0, x))));
}

/** ln(1 + x²) for any x. For |x| above 1 it is computed as 2 ln|x| + ln(1 + x⁻²), so that the square does not overflow. */
export function logOnePlusSquare(x: Tensor): Tensor {
  const a = abs(x);
  const large = greater(a, 1);
  const safe = where(large, a, 1);
  return where(large, add(mul(log(safe), 2), log1p(div(1, square(safe)))), log1p(square(where(large, 0, x))));
}

/** The lower triangle of a given factor. What `cholesky` made is one already: another pass over it, and over its gradient, would change nothing. */
export const lowerFactor = (scaleTril: Tensor): Tensor =>
  cholesky.is(scaleTril) ? scaleTril : tril(scaleTril);
