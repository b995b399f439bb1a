/** Ops that move and add elements of sums of products. All are linear. */
import type * as ops from "../../tensor/index.ts";
import { constant, type NodeOf, sizeOf, stridesOf, type Tensor } from "../../tensor/index.ts";
import { type Index, known, newIndex } from "./atoms.ts";
import { range, readAt, whole } from "./choices.ts";
import { axesOf } from "./known.ts";
import { type Factor, multiply, namesOf, type Polynomial, sumAxis, term } from "./polynomial.ts";

export function transpose({ axes, terms }: Polynomial, node: NodeOf<typeof ops.transpose>): Polynomial {
  const { permutation } = node.attributes;
  return { axes: permutation.map((n) => axes[n]), terms };
}

/** Repeated elements need only an axis that no term varies along. */
export function repeat({ axes, terms }: Polynomial, node: Tensor): Polynomial {
  const offset = node.rank - axes.length;
  return { axes: axesOf(node.shape).map((i, n) => axes[n - offset] ?? i), terms };
}

/** Splits and merges neighbouring axes; axes of size 1 can be added and removed freely. */
export function reshape(p: Polynomial, node: Tensor): Polynomial {
  const from = namesOf(p.axes);
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

export function sum(p: Polynomial, node: NodeOf<typeof ops.sum>): Polynomial {
  const { axes, keepDims } = node.attributes;
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

/** The matrix product [..., m, k] by [..., k, n]. */
export function product(a: Polynomial, b: Polynomial): Polynomial {
  const joint = multiply(insertAxis(a, a.axes.length), insertAxis(b, b.axes.length - 2));
  return sumAxis(joint, joint.axes.length - 2);
}

export function matmul([a, b]: readonly Polynomial[], node: NodeOf<typeof ops.matmul>): Polynomial {
  const { transposeA, transposeB } = node.attributes;
  return product(transposeA ? swapLast(a) : a, transposeB ? swapLast(b) : b);
}

export function cumsum(p: Polynomial, node: NodeOf<typeof ops.cumsum>): Polynomial {
  const { axis, reverse, exclusive } = node.attributes;
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
