/** Functions of one polynomial without indicators. They return a sum of products if there is one. */

import { exp as expOfTensor, log as logOfTensor, type Tensor } from "../../tensor/index.ts";
import {
  type Atom,
  complement,
  expOf,
  type Index,
  isBinary,
  isKnown,
  isPositive,
  logOf,
  opaque,
  sitesOf,
  value,
} from "./atoms.ts";
import { contract } from "./contract.ts";
import { fromTensor, knownOperands, toTensor } from "./known.ts";
import {
  add,
  asNumber,
  collected,
  type Factor,
  identity,
  isKnownPolynomial,
  multiply,
  number,
  type Polynomial,
  type Term,
  term,
  times,
} from "./polynomial.ts";

const indicesOf = (factors: readonly Factor[]): Index[] => [...new Set(factors.flatMap((f) => f.indices))];

/** Combines known factors that share summed indices with no other factor into one tensor or number. */
function compact(t: Term): Term[] {
  const ours = t.factors.filter((f) => isKnown(f.atom));
  const theirs = indicesOf(t.factors.filter((f) => !isKnown(f.atom)));
  const inner = t.summed.filter((i) => !theirs.includes(i));
  if (inner.length === 0) return [t];
  const kept = indicesOf(ours).filter((i) => !inner.includes(i));
  const outer: Term = {
    coefficient: t.coefficient,
    factors: t.factors.filter((f) => !ours.includes(f)),
    summed: t.summed.filter((i) => !inner.includes(i)),
  };
  return fromTensor(contract(knownOperands(t, ours), kept), kept).terms.flatMap((s) =>
    term(outer.coefficient * s.coefficient, [...outer.factors, ...s.factors], outer.summed),
  );
}

/** Replaces complements by 1 − x, multiplied out. */
function withoutComplements(t: Term): Term[] {
  const f = t.factors.find((g) => g.atom.kind === "complement" && g.exponent >= 1);
  if (f === undefined || f.atom.kind !== "complement") return [t];
  const rest = [...t.factors.filter((g) => g !== f), { ...f, exponent: f.exponent - 1 }];
  const x: Factor = { ...f, atom: value(f.atom.of), exponent: 1 };
  return [...term(t.coefficient, rest, t.summed), ...term(-t.coefficient, [...rest, x], t.summed)].flatMap(
    withoutComplements,
  );
}

/** If two terms are c · (1 − x), with x an element between 0 and 1: the factor 1 − x. */
function complementIn([a, b]: readonly Term[]):
  | { readonly coefficient: number; readonly factor: Factor }
  | undefined {
  const [one, x] = a.factors.length === 0 ? [a, b] : [b, a];
  const [f] = x.factors;
  const fits =
    one.factors.length === 0 &&
    x.factors.length === 1 &&
    x.coefficient === -one.coefficient &&
    f.atom.kind === "value" &&
    f.atom.of.kind === "unit" &&
    f.exponent === 1;
  if (!fits || f.atom.kind !== "value") return undefined;
  return { coefficient: one.coefficient, factor: { ...f, atom: complement(f.atom.of) } };
}

/**
 * A polynomial as one product of powers, if it is one: known numbers times atoms with free indices. Common factors are taken out,
 * including those of denominators: 1 + p/(1 − p) is (1 − p)⁻¹.
 */
export function asProduct(p: Polynomial): Term | undefined {
  const terms = collected(p.terms.flatMap(compact));
  const [first] = terms;
  if (first === undefined) return undefined;
  if (terms.length === 1) return first.summed.length === 0 ? first : undefined;
  const same = (f: Factor, g: Factor): boolean =>
    f.atom.key === g.atom.key && f.indices.every((i, n) => i === g.indices[n]);
  const isFree = (f: Factor): boolean => f.indices.every((i) => p.axes.includes(i));
  const everywhere: Factor[] = [];
  for (const f of terms.flatMap((t) => t.factors)) {
    if (!isFree(f) || isBinary(f.atom) || everywhere.some((g) => same(f, g))) continue;
    const lowest = terms.map((t) => t.factors.find((g) => same(f, g))?.exponent ?? 0);
    everywhere.push({ ...f, exponent: Math.min(...lowest) });
  }
  const common = everywhere.filter((f) => f.exponent !== 0);
  const inverse = term(
    1,
    common.map((f) => ({ ...f, exponent: -f.exponent })),
  );
  const rest = collected(
    terms.flatMap((t) => inverse.flatMap((g) => times(t, g))).flatMap(withoutComplements),
  );
  const remaining: Polynomial = { axes: p.axes, terms: rest };
  const join = (t: Term): Term | undefined => times(t, { coefficient: 1, factors: common, summed: [] })[0];
  if (rest.length === 1) return rest[0].summed.length === 0 ? join(rest[0]) : undefined;
  if (isKnownPolynomial(remaining)) {
    const [t] = fromTensor(toTensor(remaining), p.axes).terms;
    return t && join(t);
  }
  const found = rest.length === 2 ? complementIn(rest) : undefined;
  return found && join({ coefficient: found.coefficient, factors: [found.factor], summed: [] });
}

/** Splits a product into its known part, with the coefficient, and the rest. */
function parted(t: Term, axes: Polynomial["axes"]) {
  const ours = t.factors.filter((f) => isKnown(f.atom));
  return {
    coefficient: { axes, terms: term(t.coefficient, ours) } satisfies Polynomial,
    rest: t.factors.filter((f) => !isKnown(f.atom)),
  };
}

/** Applies a function to a known polynomial. */
const onKnown = (p: Polynomial, f: (t: Tensor) => Tensor): Polynomial => fromTensor(f(toTensor(p)), p.axes);

/** ln p, if p is a product of positive atoms. */
export function log(p: Polynomial): Polynomial | undefined {
  const t = asProduct(p);
  if (t === undefined) return undefined;
  const { coefficient, rest } = parted(t, p.axes);
  if (!rest.every((f) => isPositive(f.atom))) return undefined;
  const parts = rest.flatMap((f) => {
    const atom = f.atom.kind === "exp" ? f.atom.of : logOf(f.atom);
    return term(f.exponent, [{ ...f, atom, exponent: 1 }]);
  });
  return add(onKnown(coefficient, logOfTensor), { axes: p.axes, terms: collected(parts) });
}

/** e to the power of a term, if that is a power of an atom: the term must be a number times one logarithm. */
function exponential({ coefficient, factors, summed }: Term): Factor | undefined {
  const [f] = factors;
  if (factors.length !== 1 || f.exponent !== 1 || summed.length > 0) return undefined;
  if (f.atom.kind === "log") return { ...f, atom: f.atom.of, exponent: coefficient };
  return f.atom.kind === "opaque" ? { ...f, atom: expOf(f.atom), exponent: coefficient } : undefined;
}

/** eᵖ, if p is a known part plus multiples of logarithms. */
export function exp(p: Polynomial): Polynomial | undefined {
  const isOurs = (t: Term): boolean => t.factors.every((f) => isKnown(f.atom));
  const powers: Factor[] = [];
  for (const t of p.terms.filter((u) => !isOurs(u))) {
    const f = exponential(t);
    if (f === undefined) return undefined;
    powers.push(f);
  }
  const ours = onKnown({ axes: p.axes, terms: p.terms.filter(isOurs) }, expOfTensor);
  return multiply(ours, { axes: p.axes, terms: term(1, powers) });
}

/** pᶜ, if p is a product, or c is a small whole number. */
export function power(p: Polynomial, c: number): Polynomial | undefined {
  if (c === 1) return p;
  const t = asProduct(p);
  if (t !== undefined) {
    const { coefficient, rest } = parted(t, p.axes);
    const whole = Number.isInteger(c);
    const holds = (f: Factor): boolean => (isBinary(f.atom) ? c > 0 : whole || isPositive(f.atom));
    if (rest.every(holds)) {
      const powers = rest.map((f) => ({ ...f, exponent: isBinary(f.atom) ? 1 : f.exponent * c }));
      const ours = powerOfKnown(coefficient, c);
      return multiply(ours, { axes: p.axes, terms: term(1, powers) });
    }
  }
  if (!Number.isInteger(c) || c < 0 || c > 4) return undefined;
  return Array.from({ length: c }, () => p).reduce(multiply, number(1));
}

/** A power of a known polynomial. The powers of its factors are kept as separate factors. */
function powerOfKnown(p: Polynomial, c: number): Polynomial {
  const n = asNumber(p);
  if (n !== undefined) return { axes: p.axes, terms: number(n ** c).terms };
  const whole = fromTensor(toTensor(p), p.axes);
  return {
    axes: p.axes,
    terms: whole.terms.flatMap((t) =>
      term(
        t.coefficient ** c,
        t.factors.map((f) => ({ ...f, exponent: f.exponent * c })),
      ),
    ),
  };
}

/** If p is a product: p without its positive factors, which has the same sign. */
export function signOf(p: Polynomial): Polynomial | undefined {
  const t = asProduct(p);
  if (t === undefined) return undefined;
  const { coefficient, rest } = parted(t, p.axes);
  return rest.every((f) => isPositive(f.atom)) ? coefficient : undefined;
}

/** The latent sites of polynomials. */
export const sitesIn = (polynomials: readonly Polynomial[]): string[] => [
  ...new Set(polynomials.flatMap((p) => p.terms.flatMap((t) => t.factors.flatMap((f) => sitesOf(f.atom))))),
];

/** A function of polynomials on common axes that is not a sum of products. It may still cancel. */
export function opaqueOf(what: string, inputs: readonly Polynomial[]): Polynomial {
  const [{ axes }] = inputs;
  const varies = axes.map((i) =>
    inputs.some((p) => p.terms.some((t) => t.factors.some((f) => i !== undefined && f.indices.includes(i))))
      ? i
      : undefined,
  );
  const text = `${what}(${inputs.map(identity).join("; ")})`;
  const atom: Atom = opaque(describe(what, inputs), sitesIn(inputs), text);
  return {
    axes,
    terms: term(1, [{ atom, indices: varies.filter((i) => i !== undefined), exponent: 1 }]),
  };
}

/** Ops that shift an exponent by its largest term. They are opaque, but never the reason for a refusal. */
const shifts = new Set(["max", "maximum", "minimum"]);

/** The innermost function that could not be written as a sum of products. */
export function describe(what: string, inputs: readonly Polynomial[]): string {
  for (const p of inputs)
    for (const t of p.terms)
      for (const { atom } of t.factors)
        if (atom.kind === "opaque" && !shifts.has(atom.what)) return atom.what;
  return what;
}
