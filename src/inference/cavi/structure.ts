/** Ops that move, choose and add elements, on sums of products: each is linear. */
import { constant, eye, isConstant } from "../../tensor/leaf.ts";
import { cast } from "../../tensor/ops/cast.ts";
import { logicalNot } from "../../tensor/ops/comparison.ts";
import { cholesky, triangularSolve } from "../../tensor/ops/linalg.ts";
import { expand } from "../../tensor/ops/movement.ts";
import { sizeOf, stridesOf } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { type Cases, caseOf, type Index, isKnown, known, newIndex, selector } from "./atoms.ts";
import { asProduct, power } from "./functions.ts";
import { axesOf, fromTensor, squeezed, toTensor } from "./known.ts";
import {
  add,
  asNumber,
  type Factor,
  isKnownPolynomial,
  multiply,
  type Polynomial,
  renameTerm,
  sumAxis,
  type Term,
  term,
} from "./polynomial.ts";
import { throughSwitches, weigh } from "./switches.ts";

type Axes = Polynomial["axes"];

const defined = (axes: Axes): Index[] => axes.filter((i) => i !== undefined);

/** Whole numbers as a known tensor. */
const whole = (values: readonly number[], shape: readonly number[]): Tensor =>
  constant(values, shape, "int32");

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/**
 * Reads an index where others say: in each term that has it, `index` becomes a sum over known indicators, 1 at the whole number that
 * `at` holds for the new places.
 */
function readAt(
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

/** Replaces one axis by another whose element j reads element `at[j]`. */
function take({ axes, terms }: Polynomial, axis: number, at: readonly number[]): Polynomial {
  const index = axes[axis];
  const place = at.length === 1 ? undefined : newIndex(at.length);
  const moved = axes.map((i, n) => (n === axis ? place : i));
  const where = whole(at, place === undefined ? [] : [at.length]);
  return { axes: moved, terms: readAt(terms, index, where, place === undefined ? [] : [place]) };
}

/** Along one axis, each place taken from the polynomial whose case holds there. */
function byCase(
  pieces: readonly Polynomial[],
  cases: Cases,
  places: (axes: Axes) => readonly Index[],
): Polynomial {
  return pieces
    .map((p, n) => weigh(p, { atom: caseOf(cases, n), indices: places(p.axes), exponent: 1 }))
    .reduce(add);
}

export function slice(p: Polynomial, node: Tensor): Polynomial {
  const { axis, start, count, step } = node.attributes as {
    readonly axis: number;
    readonly start: number;
    readonly count: number;
    readonly step: number;
  };
  return take(
    p,
    axis,
    range(count).map((j) => start + j * step),
  );
}

/** Places of a joined axis at which piece n stands, as masks. */
const masksOf = (owner: readonly number[], count: number): Tensor[] =>
  range(count).map((n) =>
    constant(
      owner.map((o) => (o === n ? 1 : 0)),
      [owner.length],
      "bool",
    ),
  );

export function concat(pieces: readonly Polynomial[], node: Tensor): Polynomial {
  const { axis } = node.attributes as { readonly axis: number };
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
  return byCase(spread, cases, (axes) => defined([axes[axis]]));
}

export function pad(p: Polynomial, node: Tensor): Polynomial {
  const { axis, before } = node.attributes as { readonly axis: number; readonly before: number };
  const width = node.inputs[0].shape[axis];
  const at = range(node.shape[axis]).map((a) => a - before);
  const owner = at.map((a) => (a >= 0 && a < width ? 0 : 1));
  const spread = take(
    p,
    axis,
    at.map((a) => Math.min(Math.max(a, 0), width - 1)),
  );
  const cases = { key: `pad ${owner.join()}`, masks: masksOf(owner, 2) };
  const indices = defined([spread.axes[axis]]);
  return weigh(spread, { atom: caseOf(cases, 0), indices, exponent: 1 });
}

export function transpose({ axes, terms }: Polynomial, node: Tensor): Polynomial {
  const { permutation } = node.attributes as { readonly permutation: readonly number[] };
  return { axes: permutation.map((n) => axes[n]), terms };
}

/** Repeated elements need no more than an axis along which no term varies. */
export function repeat({ axes, terms }: Polynomial, node: Tensor): Polynomial {
  const offset = node.rank - axes.length;
  return { axes: axesOf(node.shape).map((i, n) => axes[n - offset] ?? i), terms };
}

/** Splits and merges of neighbouring axes; sizes of 1 come and go for nothing. */
export function reshape(p: Polynomial, node: Tensor): Polynomial {
  const from = defined(p.axes);
  const to = node.shape.filter((n) => n !== 1);
  let { terms } = p;
  const made: Index[] = [];
  for (let i = 0, j = 0; i < from.length || j < to.length; ) {
    const old = [from[i++]];
    const sizes = [to[j++]];
    const product = (list: readonly number[]) => sizeOf(list);
    while (product(old.map((o) => o.size)) !== product(sizes)) {
      if (product(old.map((o) => o.size)) < product(sizes)) old.push(from[i++]);
      else sizes.push(to[j++]);
    }
    if (old.length === 1 && sizes.length === 1) {
      made.push(old[0]);
      continue;
    }
    const places = sizes.map((n) => newIndex(n));
    const strides = stridesOf(old.map((o) => o.size));
    old.forEach((index, n) => {
      const at = range(sizeOf(sizes)).map((flat) => Math.floor(flat / strides[n]) % index.size);
      terms = readAt(terms, index, whole(at, sizes), places);
    });
    made.push(...places);
  }
  return { axes: node.shape.map((n) => (n === 1 ? undefined : made.shift())), terms };
}

export function sum(p: Polynomial, node: Tensor): Polynomial {
  const { axes, keepDims } = node.attributes as {
    readonly axes: readonly number[];
    readonly keepDims: boolean;
  };
  const total = [...axes].reverse().reduce((q, axis) => sumAxis(q, axis), p);
  if (!keepDims) return total;
  const kept = [...total.axes];
  for (const axis of axes) kept.splice(axis, 0, undefined);
  return { axes: kept, terms: total.terms };
}

const insertAxis = ({ axes, terms }: Polynomial, at: number): Polynomial => ({
  axes: [...axes.slice(0, at), undefined, ...axes.slice(at)],
  terms,
});

const swapLast = ({ axes, terms }: Polynomial): Polynomial => ({
  axes: [...axes.slice(0, -2), axes[axes.length - 1], axes[axes.length - 2]],
  terms,
});

/** [..., m, k] by [..., k, n]. */
function product(a: Polynomial, b: Polynomial): Polynomial {
  const joint = multiply(insertAxis(a, a.axes.length), insertAxis(b, b.axes.length - 2));
  return sumAxis(joint, joint.axes.length - 2);
}

export function matmul([a, b]: readonly Polynomial[], node: Tensor): Polynomial {
  const { transposeA, transposeB } = node.attributes as {
    readonly transposeA: boolean;
    readonly transposeB: boolean;
  };
  return product(transposeA ? swapLast(a) : a, transposeB ? swapLast(b) : b);
}

export function cumsum(p: Polynomial, node: Tensor): Polynomial {
  const { axis, reverse, exclusive } = node.attributes as {
    readonly axis: number;
    readonly reverse: boolean;
    readonly exclusive: boolean;
  };
  const index = p.axes[axis];
  if (index === undefined) return exclusive ? { axes: p.axes, terms: [] } : p;
  const place = newIndex(index.size);
  const n = index.size;
  const counts = (j: number, i: number): boolean =>
    exclusive && i === j ? false : reverse ? i >= j : i <= j;
  const values = range(n * n).map((k) => (counts(Math.floor(k / n), k % n) ? 1 : 0));
  const matrix: Factor = {
    atom: known(constant(values, [n, n], "float64")),
    indices: [place, index],
    exponent: 1,
  };
  const spread = {
    axes: [...p.axes, place],
    terms: p.terms.flatMap((t) => term(t.coefficient, [...t.factors, matrix], t.summed)),
  };
  const { axes, terms } = sumAxis(spread, axis);
  const rest = axes.slice(0, -1);
  return { axes: [...rest.slice(0, axis), place, ...rest.slice(axis)], terms };
}

/** Whole numbers 0, 1, …, n − 1: reading there is no more than another name. */
const isRange = (t: Tensor, n: number): boolean =>
  isConstant(t) && t.size === n && t.attributes.values.every((v, i) => v === i);

/** x read along `axis` at whole numbers that are known, or that a site's category decides. */
export function gather([x, at]: readonly Polynomial[], node: Tensor): Polynomial | undefined {
  const { axis } = node.attributes as { readonly axis: number };
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
    const where = squeezed(cast(toTensor(a), "int64"));
    const places = placesOf(a);
    const [single] = a.terms;
    const plain =
      places.length === 1 &&
      a.terms.length === 1 &&
      single.coefficient === 1 &&
      single.factors.length === 1 &&
      single.factors[0].atom.kind === "known" &&
      isRange(single.factors[0].atom.tensor, index.size);
    if (plain) return { axes, terms: x.terms.map((t) => renameTerm(t, new Map([[index, places[0]]]))) };
    return { axes, terms: readAt(x.terms, index, where, places) };
  });
  if (failed) return undefined;
  const width = node.inputs[1].rank;
  const [first, others] = [read.axes.slice(0, width), read.axes.slice(width)];
  return { axes: [...others.slice(0, axis), ...first, ...others.slice(axis)], terms: read.terms };
}

/** The axes along which a polynomial varies. */
const placesOf = ({ axes, terms }: Polynomial): Index[] =>
  defined(axes).filter((i) => terms.some((t) => t.factors.some((f) => f.indices.includes(i))));

/** `a` where the condition holds, else `b`: where it is known, or where indicators decide it. */
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
      const cases = { key: `where ${keyOf(condition) ?? mask.id}`, masks: [mask, logicalNot(mask)] };
      return byCase([a, b], cases, () => placesOf(condition));
    },
    1,
  );
  return failed ? undefined : chosen;
}

/** Names a known tensor by the node that it is. */
function keyOf({ terms }: Polynomial): string | undefined {
  const [t] = terms;
  return terms.length === 1 && t.coefficient === 1 && t.factors.length === 1
    ? t.factors[0].atom.key
    : undefined;
}

/** Matrices that are known up to a factor without their last two axes. */
function scaled(p: Polynomial, [rows, columns]: readonly number[]) {
  const t = asProduct(p);
  const matrix = p.axes.slice(-2);
  if (t === undefined) return undefined;
  const theirs = t.factors.filter((f) => !isKnown(f.atom));
  if (theirs.some((f) => f.indices.some((i) => matrix.includes(i)))) return undefined;
  const ours = toTensor({
    axes: p.axes,
    terms: term(
      t.coefficient,
      t.factors.filter((f) => isKnown(f.atom)),
    ),
  });
  return {
    matrix: expand(ours, [...ours.shape.slice(0, -2), rows, columns]),
    factor: {
      axes: [...p.axes.slice(0, -2), undefined, undefined],
      terms: term(1, theirs),
    } satisfies Polynomial,
  };
}

/** T⁻¹ b: linear in b, where T is a known triangle up to a factor. */
export function solve([l, b]: readonly Polynomial[], node: Tensor): Polynomial | undefined {
  const found = scaled(l, node.inputs[0].shape.slice(-2));
  const inverse = found && power(found.factor, -1);
  if (found === undefined || inverse === undefined) return undefined;
  const n = node.inputs[0].shape[node.inputs[0].rank - 1];
  const inverted = triangularSolve(found.matrix, eye(n, found.matrix.dtype), node.attributes);
  return multiply(inverse, product(fromTensor(inverted), b));
}

/** √c L, where the matrix is c L Lᵀ with a known L Lᵀ and a positive c. */
export function factorised(a: Polynomial, node: Tensor): Polynomial | undefined {
  const found = scaled(a, node.shape.slice(-2));
  const root = found && power(found.factor, 0.5);
  return found && root && multiply(root, fromTensor(cholesky(found.matrix)));
}
