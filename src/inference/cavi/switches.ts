/** A function of a choice is a choice among functions: f(Σₖ zₖ aₖ) = Σₖ zₖ f(aₖ) for indicators z of which one is 1. */
import { caseOf, type Index, isBinary, isOneHot, newIndex } from "./atoms.ts";
import {
  add,
  align,
  collected,
  equalIndices,
  type Factor,
  isKnownPolynomial,
  type Polynomial,
  relabel,
  renameTerm,
  subtract,
  sumAxis,
  type Term,
  term,
} from "./polynomial.ts";

/** The indices of a switch, without that of the categories. */
const placesOf = (f: Factor): readonly Index[] => (isOneHot(f.atom) ? f.indices.slice(0, -1) : f.indices);

const groupOf = ({ atom }: Factor): string => (atom.kind === "case" ? `case ${atom.cases.key}` : atom.key);

const sameSwitch = (a: Factor, b: Factor): boolean => {
  const [p, q] = [placesOf(a), placesOf(b)];
  return groupOf(a) === groupOf(b) && p.length === q.length && p.every((i, n) => i === q[n]);
};

/** Finds a factor that is 0 or 1 and that selects, for each element of the axes, what the polynomial is. */
function findSwitch(polynomials: readonly Polynomial[]): Factor | undefined {
  for (const { axes, terms } of polynomials)
    for (const { factors } of terms)
      for (const f of factors) if (isBinary(f.atom) && placesOf(f).every((i) => axes.includes(i))) return f;
  return undefined;
}

/** A term if the switch `f` has category k and the other indicators are 0. */
function atCategory(t: Term, s: Factor, k: Index): Term[] {
  const f = t.factors.find((g) => sameSwitch(g, s));
  if (f === undefined) return [t];
  const rest = t.factors.filter((g) => g !== f);
  const category = f.indices[f.indices.length - 1];
  if (!t.summed.includes(category))
    return term(t.coefficient, [...rest, equalIndices(category, k)], t.summed);
  const named = renameTerm({ ...t, factors: rest }, new Map([[category, k]]));
  return term(
    named.coefficient,
    named.factors,
    named.summed.filter((i) => i !== k),
  );
}

/** A term if the switch is on (or in the given case); none if the term belongs to another case. */
function whereOn(t: Term, s: Factor, branch?: number): Term[] {
  const f = t.factors.find((g) => sameSwitch(g, s));
  if (f === undefined) return [t];
  if (f.atom.kind === "case" && f.atom.branch !== branch) return [];
  return term(
    t.coefficient,
    t.factors.filter((g) => g !== f),
    t.summed,
  );
}

/**
 * Applies a function, element by element, to polynomials on common axes, once for each choice. The function gets polynomials without
 * indicators, with additional axes on the left. The axes of its result must begin with the axes that it was given.
 *
 * @param drivers the number of inputs, from the first, that are searched for indicators; by default all
 */
export function throughSwitches(
  inputs: readonly Polynomial[],
  apply: (inputs: readonly Polynomial[]) => Polynomial,
  drivers = inputs.length,
): Polynomial {
  const aligned = align(inputs);
  const looked = aligned.slice(0, drivers);
  const found = looked.every(isKnownPolynomial) ? undefined : findSwitch(looked);
  if (found === undefined) return apply(aligned);
  const [{ axes }] = aligned;
  const narrowed = (pick: (t: Term) => Term[], extra: readonly Index[] = []): Polynomial => {
    const parts = aligned.map((p) => ({
      axes: [...extra, ...p.axes],
      terms: collected(p.terms.flatMap(pick)),
    }));
    const result = throughSwitches(parts, apply, drivers);
    const width = extra.length + axes.length;
    return relabel(result, [...extra, ...axes, ...result.axes.slice(width)]);
  };
  if (isOneHot(found.atom)) {
    const k = newIndex(found.indices[found.indices.length - 1].size);
    const chosen = narrowed((t) => atCategory(t, found, k), [k]);
    return sumAxis(weigh(chosen, { ...found, indices: [...placesOf(found), k], exponent: 1 }), 0);
  }
  if (found.atom.kind === "case") {
    const { cases } = found.atom;
    return cases.masks
      .map((_, n) =>
        weigh(
          narrowed((t) => whereOn(t, found, n)),
          { ...found, atom: caseOf(cases, n) },
        ),
      )
      .reduce(add);
  }
  const off = narrowed((t) => (t.factors.some((f) => sameSwitch(f, found)) ? [] : [t]));
  const on = narrowed((t) => whereOn(t, found));
  const difference = relabel(subtract(on, off), on.axes);
  return add(off, weigh(difference, { ...found, exponent: 1 }));
}

/** Multiplies by a factor whose indices are axes of the polynomial. */
export function weigh({ axes, terms }: Polynomial, f: Factor): Polynomial {
  return {
    axes,
    terms: collected(terms.flatMap((t) => term(t.coefficient, [...t.factors, f], t.summed))),
  };
}
