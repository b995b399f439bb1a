/** Finds the elements of an array of known numbers that lie outside a set, so that bad data are refused before anything runs. */
import { compileHost } from "../compile/index.ts";
import { cast, indexAt, isConstant, isFloat, type Tensor } from "../tensor/index.ts";
import type { Constraint } from "./constraints.ts";

/** The elements of an array that lie outside a set. */
export interface Outside {
  /** Number of elements outside. */
  readonly count: number;
  /** Number of elements in the array: its size without the set's event dimensions. */
  readonly of: number;
  /** The index of the first of them, without the event dimensions. */
  readonly place: readonly number[];
  /** The numbers of the first of them: a single number, or those of one event. */
  readonly element: readonly number[];
}

/**
 * The elements of `value` outside `constraint`, or undefined if all lie inside. NaN lies outside every set (except that of a
 * table's rows, in which it marks a missing value).
 *
 * Arrays whose numbers are unknown while the program is traced (an input, a draw) are not checked. Nor are any if the set
 * itself depends on such numbers (`Uniform(0, a)` with a latent `a`). In these cases the log density is −∞ at run time.
 *
 * @example
 * outside(constraints.nonNegativeInteger, tensor([3, 1.5, 2])); // { count: 1, of: 3, place: [1], element: [1.5] }
 */
export function outside(constraint: Constraint, value: Tensor): Outside | undefined {
  if (!isConstant(value)) return undefined;
  const inside = constraint.check(isFloat(value.dtype) ? value : cast(value, "float64"));
  const program = compileHost([inside], { once: true });
  if (program.leaves.length > 0) return undefined;
  const answers = new Float64Array(inside.size);
  program.bind([], [answers])();
  const first = answers.indexOf(0);
  if (first < 0) return undefined;
  // The set's ends may have broadcast the array: find the element from its index, counted from the right.
  const place = indexAt(first, inside.shape);
  const batch = value.shape.slice(0, value.rank - constraint.eventRank);
  const width = value.shape.slice(batch.length).reduce((a, b) => a * b, 1);
  const at = batch.reduce((sum, size, d) => {
    const i = place[place.length - batch.length + d];
    return sum * size + (size === 1 ? 0 : i);
  }, 0);
  const element = Array.from(value.attributes.values.slice(at * width, (at + 1) * width), Number);
  return { count: answers.reduce((n, ok) => n + Number(ok === 0), 0), of: inside.size, place, element };
}
