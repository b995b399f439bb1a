/** Ops that choose elements: by known positions, by known cases, or by a site's indicators. */
import type * as ops from "../../tensor/index.ts";
import { cast, constant, logicalNot, type NodeOf, type Tensor } from "../../tensor/index.ts";
import { type Cases, caseOf, type Index, newIndex, selector } from "./atoms.ts";
import { isRange, squeezed, toTensor } from "./known.ts";
import {
  add,
  asNumber,
  type Factor,
  isKnownPolynomial,
  namesOf,
  type Polynomial,
  renameTerm,
  type Term,
  term,
} from "./polynomial.ts";
import { throughSwitches, weigh } from "./switches.ts";

type Axes = Polynomial["axes"];

/** Whole numbers as a known tensor. */
export const whole = (values: readonly number[], shape: readonly number[]): Tensor =>
  constant(values, shape, "int32");

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/**
 * Replaces an index by positions that another tensor gives: in each term that has `index`, it becomes a sum over known indicators, which
 * are 1 at the whole numbers in `at`.
 */
export function readAt(
  terms: readonly Term[],
  index: Index | undefined,
  at: Tensor,
  places: readonly Index[],
): Term[] {
  if (index === undefined) return [...terms];
  return terms.flatMap((t) => {
    if (!t.factors.some((f) => f.indices.includes(index))) return [t];
    const bound = newIndex(index.size);
    const { coefficient, factors, summed } = renameTerm(t, new Map([[index, bound]]));
    const chosen: Factor = { atom: selector(at), indices: [...places, bound], exponent: 1 };
    return term(coefficient, [...factors, chosen], [...summed, bound]);
  });
}

/** Replaces one axis by another, whose element j reads element `at[j]`. */
function take({ axes, terms }: Polynomial, axis: number, at: readonly number[]): Polynomial {
  const index = axes[axis];
  const place = at.length === 1 ? undefined : newIndex(at.length);
  const moved = axes.map((i, n) => (n === axis ? place : i));
  const where = whole(at, place === undefined ? [] : [at.length]);
  return { axes: moved, terms: readAt(terms, index, where, place === undefined ? [] : [place]) };
}

/** Joins polynomials along one axis: each position takes the polynomial whose case holds there. */
function byCase(
  pieces: readonly Polynomial[],
  cases: Cases,
  places: (axes: Axes) => readonly Index[],
): Polynomial {
  return pieces
    .map((p, n) => weigh(p, { atom: caseOf(cases, n), indices: places(p.axes), exponent: 1 }))
    .reduce(add);
}

export function slice(p: Polynomial, node: NodeOf<typeof ops.slice>): Polynomial {
  const { axis, start, count, step } = node.attributes;
  return take(
    p,
    axis,
    range(count).map((j) => start + j * step),
  );
}

/** For each piece of a joined axis, a mask of its positions. */
const masksOf = (owner: readonly number[], count: number): Tensor[] =>
  range(count).map((n) =>
    constant(
      owner.map((o) => (o === n ? 1 : 0)),
      [owner.length],
      "bool",
    ),
  );

export function concat(pieces: readonly Polynomial[], node: NodeOf<typeof ops.concat>): Polynomial {
  const { axis } = node.attributes;
  const widths = node.inputs.map((t) => t.shape[axis]);
  const owner = widths.flatMap((w, n) => new Array<number>(w).fill(n));
  let start = 0;
  const spread = pieces.map((p, n) => {
    const from = start;
    start += widths[n];
    return take(
      p,
      axis,
      owner.map((_, a) => Math.min(Math.max(a - from, 0), widths[n] - 1)),
    );
  });
  const cases = { key: `concat ${owner.join()}`, masks: masksOf(owner, pieces.length) };
  return byCase(spread, cases, (axes) => namesOf([axes[axis]]));
}

export function pad(p: Polynomial, node: NodeOf<typeof ops.pad>): Polynomial {
  const { axis, before } = node.attributes;
  const width = node.inputs[0].shape[axis];
  const at = range(node.shape[axis]).map((a) => a - before);
  const owner = at.map((a) => (a >= 0 && a < width ? 0 : 1));
  const spread = take(
    p,
    axis,
    at.map((a) => Math.min(Math.max(a, 0), width - 1)),
  );
  const cases = { key: `pad ${owner.join()}`, masks: masksOf(owner, 2) };
  const indices = namesOf([spread.axes[axis]]);
  return weigh(spread, { atom: caseOf(cases, 0), indices, exponent: 1 });
}

/** Reads x along `axis` at whole numbers that are known, or that are a site's category. */
export function gather(
  [x, at]: readonly Polynomial[],
  node: NodeOf<typeof ops.gather>,
): Polynomial | undefined {
  const { axis } = node.attributes;
  const index = x.axes[axis];
  const rest = x.axes.filter((_, n) => n !== axis);
  let failed = false;
  const read = throughSwitches([at], ([a]) => {
    const axes = [...a.axes, ...rest];
    if (index === undefined) return { axes, terms: x.terms };
    if (!isKnownPolynomial(a)) {
      failed = true;
      return { axes, terms: [] };
    }
    const single = asAtom(a);
    if (single?.atom.kind === "known" && isRange(single.atom.tensor, index.size)) {
      return { axes, terms: x.terms.map((t) => renameTerm(t, new Map([[index, single.indices[0]]]))) };
    }
    // Equal whole numbers give the same atom, wherever they are used.
    if (single?.atom.kind === "known") {
      return { axes, terms: readAt(x.terms, index, single.atom.tensor, single.indices) };
    }
    return { axes, terms: readAt(x.terms, index, squeezed(cast(toTensor(a), "int64")), placesOf(a)) };
  });
  if (failed) return undefined;
  const width = node.inputs[1].rank;
  const [first, others] = [read.axes.slice(0, width), read.axes.slice(width)];
  return { axes: [...others.slice(0, axis), ...first, ...others.slice(axis)], terms: read.terms };
}

/** The axes along which a polynomial varies. */
const placesOf = ({ axes, terms }: Polynomial): Index[] =>
  namesOf(axes).filter((i) => terms.some((t) => t.factors.some((f) => f.indices.includes(i))));

/** `a` where the condition holds, else `b`, for conditions that are known or given by indicators. */
export function where(inputs: readonly Polynomial[]): Polynomial | undefined {
  let failed = false;
  const chosen = throughSwitches(
    inputs,
    ([condition, a, b]) => {
      const n = asNumber(condition);
      if (n !== undefined) return n === 0 ? b : a;
      if (!isKnownPolynomial(condition)) {
        failed = true;
        return a;
      }
      const mask = squeezed(cast(toTensor(condition), "bool"));
      const cases = {
        key: `where ${asAtom(condition)?.atom.key ?? mask.id}`,
        masks: [mask, logicalNot(mask)],
      };
      return byCase([a, b], cases, () => placesOf(condition));
    },
    1,
  );
  return failed ? undefined : chosen;
}

/** The only factor of a polynomial that consists of one atom. */
function asAtom({ terms }: Polynomial): Factor | undefined {
  const [t] = terms;
  const isOne = terms.length === 1 && t.coefficient === 1 && t.factors.length === 1 && t.summed.length === 0;
  return isOne && t.factors[0].exponent === 1 ? t.factors[0] : undefined;
}
