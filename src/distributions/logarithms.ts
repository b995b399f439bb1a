/**
 * ln x, ln(1 − x) and 1 − x, computed from the expression that made x, because the rounded x may have lost them: 1 − σ(40) is 0
 * in float64, but ln(1 − σ(40)) is −40. A value that a transform or sampler computed from a logit or a logarithm therefore keeps an exact
 * density in the tails, and gradients do not vanish there.
 */
import {
  equal,
  exp,
  expand,
  expm1,
  isConstant,
  less,
  log,
  log1p,
  neg,
  rebuild,
  reshape,
  sigmoid,
  slice,
  softplus,
  sub,
  type Tensor,
  transpose,
  where,
} from "../tensor/index.ts";

/** Applies `of` to the tensor that x was moved or repeated from, and moves the result in the same way. Undefined if `of` finds nothing. */
function through(x: Tensor, of: (x: Tensor) => Tensor | undefined): Tensor | undefined {
  if (!(expand.is(x) || reshape.is(x) || transpose.is(x) || slice.is(x))) return of(x);
  const found = through(x.inputs[0], of);
  return found && rebuild(x, [found]);
}

/** y, if x is the expression 1 − y. */
function complemented(x: Tensor): Tensor | undefined {
  if (!sub.is(x)) return undefined;
  const [one, y] = x.inputs;
  return isConstant(one) && one.attributes.values.every((v) => v === 1) ? y : undefined;
}

const knownLog = (x: Tensor): Tensor | undefined =>
  through(x, (y) => {
    if (exp.is(y)) return y.inputs[0];
    if (sigmoid.is(y)) return neg(softplus(neg(y.inputs[0])));
    const other = complemented(y);
    return other && knownLogComplement(other);
  });

const knownLogComplement = (x: Tensor): Tensor | undefined =>
  through(x, (y) => {
    if (sigmoid.is(y)) return neg(softplus(y.inputs[0]));
    if (exp.is(y)) return logOneMinusExp(y.inputs[0]);
    const other = complemented(y);
    return other && knownLog(other);
  });

const knownComplement = (x: Tensor): Tensor | undefined =>
  through(x, (y) => {
    if (sigmoid.is(y)) return sigmoid(neg(y.inputs[0]));
    if (exp.is(y)) return neg(expm1(y.inputs[0]));
    return complemented(y);
  });

/** ln(1 − eˡ) for l ≤ 0, by the form that keeps its digits (Mächler 2012). At l = 0 it is −∞, with the derivative 0: 0 · ∞ would be NaN. */
export function logOneMinusExp(l: Tensor): Tensor {
  const [near, certain] = [less(-Math.LN2, l), equal(l, 0)];
  const small = log(neg(expm1(where(certain, -1, where(near, l, -1)))));
  return where(certain, Number.NEGATIVE_INFINITY, where(near, small, log1p(neg(exp(where(near, -1, l))))));
}

/** Whether ln x can be computed more accurately than from x itself. */
export const knowsLog = (x: Tensor): boolean => knownLog(x) !== undefined;

/** Whether ln(1 − x) can be computed more accurately than from x itself. */
export const knowsLogComplement = (x: Tensor): boolean => knownLogComplement(x) !== undefined;

/** ln x for x > 0. */
export const logOf = (x: Tensor): Tensor => knownLog(x) ?? log(x);

/** ln(1 − x) for x < 1. */
export const logComplementOf = (x: Tensor): Tensor => knownLogComplement(x) ?? log1p(neg(x));

/** 1 − x. */
export const complementOf = (x: Tensor): Tensor => knownComplement(x) ?? sub(1, x);
