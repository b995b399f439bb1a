/** Costly functions of a constant whose values repeat are computed once for each value: of distances between points, those of a triangle are enough. */
import {
  constant,
  cos,
  exp,
  expm1,
  gather,
  isConstant,
  log,
  log1p,
  pow,
  rebuild,
  reshape,
  sameShape,
  sigmoid,
  sin,
  softplus,
  type Tensor,
  tanh,
} from "../tensor/index.ts";
import { isElementwise, type Replacement, replaceNodes, topological } from "./graph.ts";

/** Functions that take longer than looking a value up. */
const costly = [exp, expm1, log, log1p, pow, sigmoid, softplus, tanh, sin, cos];

/** Sizes of constants that are looked at: a few values are computed sooner. */
const [LEAST, MOST] = [32, 2 ** 16];
/** The largest part of them that the different values may be. */
const MOST_DISTINCT = 0.6;

interface Distinct {
  readonly values: readonly number[];
  /** Which of them each element is. */
  readonly places: Float64Array;
}

/** The different values of an array, unless there are too many. */
function distinctOf(array: Float64Array): Distinct | undefined {
  const known = new Map<number | string, number>();
  const values: number[] = [];
  const places = new Float64Array(array.length);
  for (const [i, v] of array.entries()) {
    // A map takes −0 for 0.
    const key = Object.is(v, -0) ? "-0" : v;
    const place = known.get(key) ?? values.length;
    if (place === values.length) {
      if (values.length >= MOST_DISTINCT * array.length) return undefined;
      values.push(v);
      known.set(key, place);
    }
    places[i] = place;
  }
  return { values, places };
}

/** The same outputs, bit for bit, with costly functions of constants computed once for each different value. */
export function onDistinctValues(outputs: readonly Tensor[]): readonly Tensor[] {
  /** Of each node that is computed element by element from one constant and single numbers, that constant. */
  const sources = new Map<Tensor, Tensor>();
  const distinct = new Map<Tensor, Distinct | undefined>();
  const plan = new Map<Tensor, Replacement>();
  for (const node of topological(outputs)) {
    const source = sourceOf(node, sources);
    if (source === undefined || !isConstant(source)) continue;
    sources.set(node, source);
    if (node === source || !costly.some((op) => op.is(node))) continue;
    if (!distinct.has(source)) distinct.set(source, distinctOf(source.attributes.values));
    const found = distinct.get(source);
    if (found !== undefined) plan.set(node, lookedUp(node, source, found, sources));
  }
  return plan.size === 0 ? outputs : replaceNodes(outputs, plan);
}

function sourceOf(node: Tensor, sources: ReadonlyMap<Tensor, Tensor>): Tensor | undefined {
  if (isConstant(node)) return node.size >= LEAST && node.size <= MOST ? node : undefined;
  if (!isElementwise(node)) return undefined;
  const arrays = node.inputs.filter((x) => x.size > 1);
  const source = arrays.length > 0 ? sources.get(arrays[0]) : undefined;
  if (source === undefined || !sameShape(source.shape, node.shape)) return undefined;
  return arrays.every((x) => sources.get(x) === source) ? source : undefined;
}

/** A node computed from the different values of its constant, and then looked up. */
function lookedUp(
  node: Tensor,
  source: Tensor,
  { values, places }: Distinct,
  sources: ReadonlyMap<Tensor, Tensor>,
): Replacement {
  const numbers = new Set<Tensor>();
  const collect = (t: Tensor): void => {
    if (t === source) return;
    if (sources.get(t) === source) t.inputs.forEach(collect);
    else numbers.add(t);
  };
  collect(node);
  const from = [...numbers];
  return {
    from,
    make: (given) => {
      const made = new Map<Tensor, Tensor>(from.map((t, i) => [t, reshape(given[i], [])]));
      made.set(source, constant(values, [values.length], source.dtype));
      const on = (t: Tensor): Tensor => {
        const known = made.get(t) ?? rebuild(t, t.inputs.map(on));
        made.set(t, known);
        return known;
      };
      return gather(on(node), constant(places, node.shape, "int64"), 0);
    },
  };
}
