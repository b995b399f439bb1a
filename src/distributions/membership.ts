/**
 * Tracks which values are known to lie in a set while a program is traced: draws, results of transforms, constants, and moved copies of
 * these. Their densities need no test at run time, and a relaxed value may stand in for a discrete draw afterwards.
 */
import {
  cast,
  type DType,
  expand,
  gather,
  input,
  isConstant,
  isFloat,
  nodesOf,
  reshape,
  type Shape,
  sameShape,
  slice,
  stopGradient,
  Tensor,
  transpose,
} from "../tensor/index.ts";
import type {
  Constraint,
  ImageConstraint,
  IndependentConstraint,
  IntervalConstraint,
} from "./constraints.ts";
import { outside } from "./outside.ts";

const sets = new WeakMap<Tensor, Constraint>();

/** Larger constants are tested at run time: a test while tracing would need several times their memory. */
const LARGEST_TESTED = 2 ** 18;

/** Records that a value lies in a set, and returns it. */
export function liesIn(value: Tensor, set: Constraint): Tensor {
  sets.set(value, set);
  return value;
}

/** The constraint on single elements, without the array dimensions around them. */
export function elementOf(constraint: Constraint): Constraint {
  const { base } = constraint as Partial<IndependentConstraint>;
  return base === undefined ? constraint : elementOf(base);
}

/** For each set of numbers, the sets that contain it. */
const supersets: Readonly<Record<string, readonly string[]>> = {
  real: ["angle"],
  angle: ["real"],
  positive: ["nonNegative", "real"],
  nonNegative: ["real"],
  unitInterval: ["nonNegative", "real"],
  halfOpenUnitInterval: ["unitInterval", "nonNegative", "real"],
  leftOpenUnitInterval: ["unitInterval", "positive", "nonNegative", "real"],
  boolean: ["unitInterval", "nonNegativeInteger", "integer", "nonNegative", "real"],
  nonNegativeInteger: ["integer", "nonNegative", "real"],
  integer: ["real"],
  greaterThan: ["real"],
  atLeast: ["real"],
  atMost: ["real"],
  interval: ["real"],
};

const sameEnd = (a: Tensor | number | undefined, b: Tensor | number | undefined): boolean => {
  const numberOf = (end: Tensor | number | undefined) =>
    end instanceof Tensor && isConstant(end) && end.size === 1 ? end.attributes.values[0] : end;
  return numberOf(a) === numberOf(b);
};

const sameParts = (a: readonly unknown[] = [], b: readonly unknown[] = []): boolean =>
  a.length === b.length && a.every((part, i) => part === b[i]);

/** Whether two constraints allow the same numbers. */
export function sameSet(a: Constraint, b: Constraint): boolean {
  const [p, q] = [elementOf(a), elementOf(b)] as readonly Partial<IntervalConstraint & ImageConstraint>[];
  if (p === q) return true;
  if (p.name !== q.name || p.image !== q.image || !sameParts(p.of, q.of)) return false;
  if (p.from !== undefined && q.from !== undefined && !sameSet(p.from, q.from)) return false;
  return sameEnd(p.low, q.low) && sameEnd(p.high, q.high);
}

function within(a: Constraint, b: Constraint): boolean {
  if (sameSet(a, b) || (supersets[elementOf(a).name] ?? []).includes(elementOf(b).name)) return true;
  const { image } = a;
  return image !== undefined && within(image.codomain, b);
}

/** If a tensor only moves or repeats the elements, or last `rank` dimensions, of another: that tensor. */
function movedFrom(x: Tensor, rank: number): Tensor | undefined {
  if (stopGradient.is(x) || (cast.is(x) && !isFloat(x.inputs[0].dtype))) return x.inputs[0];
  const [from] = x.inputs;
  const whole = (): boolean =>
    from.rank >= rank &&
    x.rank >= rank &&
    sameShape(from.shape.slice(from.rank - rank), x.shape.slice(x.rank - rank));
  if (expand.is(x) || reshape.is(x)) return whole() ? from : undefined;
  if (slice.is(x) || gather.is(x))
    return rank === 0 || (x.attributes.axis < from.rank - rank && whole()) ? from : undefined;
  if (transpose.is(x)) {
    const { permutation } = x.attributes;
    return permutation.slice(x.rank - rank).every((p, i) => p === x.rank - rank + i) ? from : undefined;
  }
  return undefined;
}

/** What a set says of a single element: an answer with dimensions, if it is another set at each place of an array. */
export function answerOf(
  set: Constraint,
  element: Shape,
  dtype: DType,
): { readonly answer: Tensor; readonly isFixed: boolean } {
  const single = input("element", element, dtype);
  const answer = set.check(single);
  return {
    answer,
    isFixed: [...nodesOf(answer)].every((t) => t.inputs.length > 0 || t === single || isConstant(t)),
  };
}

/** Whether every element of a value is known to lie in a set. False means unknown. */
export function isKnownIn(value: Tensor, set: Constraint): boolean {
  const base = elementOf(set);
  const rank = base.eventRank;
  const single = () =>
    answerOf(base, value.shape.slice(value.rank - rank), isFloat(value.dtype) ? value.dtype : "float64");
  for (let x: Tensor | undefined = value; x !== undefined; x = movedFrom(x, rank)) {
    const known = sets.get(x);
    // Where each place has a set of its own, an element that was moved has come into another one's.
    if (known !== undefined && within(known, set) && (x === value || single().answer.rank === 0)) return true;
    if (!isConstant(x)) continue;
    const { answer, isFixed } = single();
    return x.size <= LARGEST_TESTED && answer.rank === 0 && isFixed && outside(base, x) === undefined;
  }
  return false;
}
