/**
 * Sums of products of indexed atoms. This is the normal form that shows whether a log joint density is multilinear in the sufficient
 * statistics of its sites (like the sums of `einsum`s in Hoffman, Johnson and Tran 2018, "Autoconj").
 */
import { InternalError } from "../../errors.ts";
import { type Atom, delta, type Index, isBinary, isKnown, isOneHot, newIndex, sumsToOne } from "./atoms.ts";

/** An atom with named dimensions, to a power. */
export interface Factor {
  readonly atom: Atom;
  readonly indices: readonly Index[];
  readonly exponent: number;
}

/** coefficient · Π factors, summed over some of their indices; the other indices are free. */
export interface Term {
  readonly coefficient: number;
  readonly factors: readonly Factor[];
  readonly summed: readonly Index[];
}

/** A tensor as a sum of terms. An axis has an index unless its size is 1; a term without an axis's index does not vary along it. */
export interface Polynomial {
  readonly axes: readonly (Index | undefined)[];
  readonly terms: readonly Term[];
}

type Renaming = ReadonlyMap<Index, Index>;

const renamed = (indices: readonly Index[], names: Renaming): Index[] =>
  indices.map((i) => names.get(i) ?? i);

const renameFactor = (f: Factor, names: Renaming): Factor => ({ ...f, indices: renamed(f.indices, names) });

export const renameTerm = (t: Term, names: Renaming): Term => ({
  ...t,
  factors: t.factors.map((f) => renameFactor(f, names)),
  summed: renamed(t.summed, names),
});

const sameIndices = (a: readonly Index[], b: readonly Index[]): boolean =>
  a.length === b.length && a.every((i, n) => i === b[n]);

/** Whether two factors are the same except for their category. */
const sameSwitch = (a: Factor, b: Factor): boolean =>
  isOneHot(a.atom) &&
  a.atom.key === b.atom.key &&
  sameIndices(a.indices.slice(0, -1), b.indices.slice(0, -1));

const isUsed = (factors: readonly Factor[], i: Index): boolean => factors.some((f) => f.indices.includes(i));

function merged(factors: readonly Factor[]): Factor[] {
  const list: Factor[] = [];
  for (const f of factors) {
    const at = list.findIndex((g) => g.atom.key === f.atom.key && sameIndices(g.indices, f.indices));
    if (at < 0) list.push(f);
    else {
      const exponent = list[at].exponent + f.exponent;
      list[at] = { ...f, exponent: isBinary(f.atom) ? Math.sign(exponent) : exponent };
    }
  }
  return list.filter((f) => f.exponent !== 0);
}

/** 1 where two indices are equal. */
export const equalIndices = (j: Index, k: Index): Factor => ({ atom: delta, indices: [j, k], exponent: 1 });

/** Removes a summed index that must equal another. */
function unified(t: Term, gone: Index, kept: Index): Term[] {
  const names = new Map([[gone, kept]]);
  const rest = t.summed.filter((i) => i !== gone);
  const { coefficient, factors, summed } = renameTerm({ ...t, summed: rest }, names);
  return term(coefficient, factors, summed);
}

/** A product in its simplest form: one term, or none if it is 0. */
export function term(coefficient: number, factors: readonly Factor[], summed: readonly Index[] = []): Term[] {
  if (coefficient === 0) return [];
  const list = merged(factors);
  for (const [n, f] of list.entries()) {
    for (const g of list.slice(n + 1)) {
      if (f.atom.kind === "case" && g.atom.kind === "case" && f.atom.cases.key === g.atom.cases.key) {
        // Equal ones were merged before, so these differ, and different cases exclude each other.
        if (sameIndices(f.indices, g.indices)) return [];
      }
      if (!sameSwitch(f, g)) continue;
      // zⱼ zₖ is zₖ if j = k, else 0.
      const [j, k] = [f.indices[f.indices.length - 1], g.indices[g.indices.length - 1]];
      const rest = list.filter((h) => h !== g);
      const [gone, kept] = summed.includes(k) ? [k, j] : [j, k];
      if (summed.includes(gone)) return unified({ coefficient, factors: rest, summed }, gone, kept);
      return term(coefficient, [...rest, equalIndices(j, k)], summed);
    }
    if (f.atom.kind === "delta") {
      const [j, k] = f.indices;
      const rest = list.filter((h) => h !== f);
      if (j === k) return term(coefficient, rest, summed);
      const [gone, kept] = summed.includes(k) ? [k, j] : [j, k];
      if (summed.includes(gone)) return unified({ coefficient, factors: rest, summed }, gone, kept);
    }
    const last = f.indices.at(-1);
    if (sumsToOne(f.atom) && f.exponent === 1 && last !== undefined && summed.includes(last)) {
      const rest = list.filter((h) => h !== f);
      if (!isUsed(rest, last) && !f.indices.slice(0, -1).includes(last))
        return term(
          coefficient,
          rest,
          summed.filter((i) => i !== last),
        );
    }
  }
  const idle = summed.filter((i) => !isUsed(list, i));
  const size = idle.reduce((n, i) => n * i.size, 1);
  return [
    { coefficient: coefficient * size, factors: list, summed: summed.filter((i) => !idle.includes(i)) },
  ];
}

const factorKey = ({ atom, exponent }: Factor): string => `${atom.key}^${exponent}`;

/** A key for a term that does not depend on the names of its summed indices. `nameOf` names the free indices. */
function termKey({ factors, summed }: Term, nameOf: (i: Index) => string): string {
  const free = (i: Index): string => (summed.includes(i) ? "_" : nameOf(i));
  const order = factors
    .map((f) => ({ f, key: `${factorKey(f)}(${f.indices.map(free).join()})` }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const numbers = new Map<Index, string>();
  for (const { f } of order)
    for (const i of f.indices) if (summed.includes(i) && !numbers.has(i)) numbers.set(i, `_${numbers.size}`);
  return order
    .map(({ f }) => `${factorKey(f)}(${f.indices.map((i) => numbers.get(i) ?? nameOf(i)).join()})`)
    .join(" ");
}

/** Adds like terms. Coefficients that cancel up to rounding become 0. */
export function collected(terms: readonly Term[]): Term[] {
  const found = new Map<string, { term: Term; total: number; size: number }>();
  for (const t of terms) {
    const key = termKey(t, ({ id }) => String(id));
    const sofar = found.get(key);
    if (sofar === undefined) found.set(key, { term: t, total: t.coefficient, size: Math.abs(t.coefficient) });
    else {
      sofar.total += t.coefficient;
      sofar.size += Math.abs(t.coefficient);
    }
  }
  return [...found.values()]
    .filter(({ total, size }) => Math.abs(total) > 8 * Number.EPSILON * size)
    .map(({ term: t, total }) => ({ ...t, coefficient: total }));
}

/** A key that is the same for equal polynomials, independent of the names of their indices; and the axes that they vary along. */
export function identity({ axes, terms }: Polynomial): string {
  const name = (i: Index): string => `a${axes.indexOf(i) - axes.length}`;
  return terms
    .map((t) => `${t.coefficient} ${termKey(t, name)}`)
    .sort()
    .join(" + ");
}

/** The indices of the axes that have one. */
export const namesOf = (axes: Polynomial["axes"]): Index[] => axes.filter((i) => i !== undefined);

/** A number. */
export const number = (c: number): Polynomial => ({ axes: [], terms: term(c, []) });

/** A single atom with its own axes. */
export const single = (atom: Atom, axes: readonly (Index | undefined)[]): Polynomial => ({
  axes,
  terms: term(1, [{ atom, indices: namesOf(axes), exponent: 1 }]),
});

/** Renames axes, all at once. */
export function relabel({ axes, terms }: Polynomial, names: readonly (Index | undefined)[]): Polynomial {
  const map = new Map<Index, Index>();
  axes.forEach((from, n) => {
    const to = names[n];
    if (from === undefined) return;
    if (to === undefined || to.size !== from.size)
      throw new InternalError(`cavi: an axis of ${from.size} was renamed to one of ${to?.size ?? 1}`);
    map.set(from, to);
  });
  return { axes: names, terms: terms.map((t) => renameTerm(t, map)) };
}

/** Broadcasts polynomials: the results have the same number of axes, with the same indices. */
export function align(polynomials: readonly Polynomial[]): Polynomial[] {
  const rank = Math.max(0, ...polynomials.map((p) => p.axes.length));
  const axes: (Index | undefined)[] = [];
  for (let at = -rank; at < 0; at++) {
    const found = polynomials.map((p) => p.axes.at(at)).find((i) => i !== undefined);
    axes.push(found && newIndex(found.size));
  }
  return polynomials.map((p) => {
    const missing = rank - p.axes.length;
    const padded = [...new Array<undefined>(missing).fill(undefined), ...p.axes];
    return relabel({ axes: padded, terms: p.terms }, axes);
  });
}

export function add(a: Polynomial, b: Polynomial): Polynomial {
  const [p, q] = align([a, b]);
  return { axes: p.axes, terms: collected([...p.terms, ...q.terms]) };
}

export const scale = ({ axes, terms }: Polynomial, c: number): Polynomial => ({
  axes,
  terms: c === 0 ? [] : terms.map((t) => ({ ...t, coefficient: t.coefficient * c })),
});

export const subtract = (a: Polynomial, b: Polynomial): Polynomial => add(a, scale(b, -1));

/** The product of two terms, with different names for their summed indices. */
export function times(a: Term, b: Term): Term[] {
  const fresh = renameTerm(b, new Map(b.summed.map((i) => [i, newIndex(i.size)])));
  return term(
    a.coefficient * fresh.coefficient,
    [...a.factors, ...fresh.factors],
    [...a.summed, ...fresh.summed],
  );
}

export function multiply(a: Polynomial, b: Polynomial): Polynomial {
  const [p, q] = align([a, b]);
  return { axes: p.axes, terms: collected(p.terms.flatMap((s) => q.terms.flatMap((t) => times(s, t)))) };
}

/** Sums over one axis and removes it. */
export function sumAxis({ axes, terms }: Polynomial, at: number): Polynomial {
  const index = axes[at];
  const rest = axes.filter((_, n) => n !== at);
  if (index === undefined) return { axes: rest, terms };
  const bound = newIndex(index.size);
  const names = new Map([[index, bound]]);
  return {
    axes: rest,
    terms: collected(
      terms.flatMap((t) => {
        const { coefficient, factors, summed } = renameTerm(t, names);
        return term(coefficient, factors, [...summed, bound]);
      }),
    ),
  };
}

/** Whether it contains no latent site. */
export const isKnownPolynomial = ({ terms }: Polynomial): boolean =>
  terms.every((t) => t.factors.every((f) => isKnown(f.atom)));

/** The value of a polynomial that is a number; else undefined. */
export function asNumber({ terms }: Polynomial): number | undefined {
  if (terms.length === 0) return 0;
  return terms.length === 1 && terms[0].factors.length === 0 ? terms[0].coefficient : undefined;
}
