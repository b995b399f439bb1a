import type { Algebra } from "./algebra.ts";

/**
 * The domain of an expansion. `"real"`: the whole line. `"positive"`: x > 0 only, and unspecified elsewhere;
 * this saves the operations of the reflection. Densities with positive parameters use it.
 */
export type Domain = "real" | "positive";

/**
 * Extends a function from x > 0 to the real line: `f` receives x where that is positive and 1 − x elsewhere, and
 * `reflect` turns f(1 − x) into f(x). Zero counts as negative, so that the pole's sign comes from `reflect`.
 */
export const reflected = <T>(
  ops: Algebra<T>,
  x: T,
  domain: Domain,
  f: (y: T) => T,
  reflect: (value: T) => T,
): T => {
  if (domain === "positive") return f(x);
  const positive = ops.less(ops.constant(0), x);
  const value = f(ops.where(positive, x, ops.sub(ops.constant(1), x)));
  return ops.where(positive, value, reflect(value));
};

/** x minus the nearest integer: exact, in [−½, ½]. */
const fraction = <T>(ops: Algebra<T>, x: T): T => ops.sub(x, ops.floor(ops.add(x, ops.constant(0.5))));

const sinOfPi = <T>(ops: Algebra<T>, r: T): T => ops.sin(ops.mul(ops.constant(Math.PI), r));

/** |sin πx|, with a small relative error near its zeros. */
export const absSinPi = <T>(ops: Algebra<T>, x: T): T => ops.abs(sinOfPi(ops, fraction(ops, x)));

/** cot πx, with a small relative error near its poles and zeros. */
export const cotPi = <T>(ops: Algebra<T>, x: T): T => {
  const r = fraction(ops, x);
  return ops.div(sinOfPi(ops, ops.sub(ops.constant(0.5), ops.abs(r))), sinOfPi(ops, r));
};
