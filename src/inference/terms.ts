/** Log densities as terms that know their plates and which random sites they depend on. */
import { type Plate, type RandomSite, scaleOf, type Trace } from "../program/index.ts";
import { add, mul, nodesOf, reshape, sum, type Tensor } from "../tensor/index.ts";
import { align, type HiddenAxes, type HiddenAxis } from "./hidden-axes.ts";

/** log p or log q of a site: one value for each element of its plates, and of the hidden axes that it depends on. */
export interface Term {
  readonly site: string;
  /** [sizes of `axes`, …]; if there are axes, followed by as many dimensions as the plates of the whole program have. */
  readonly value: Tensor;
  /** Plates along whose dimensions `value` still varies. */
  readonly plates: readonly Plate[];
  /** Outermost first. */
  readonly axes: readonly HiddenAxis[];
}

export const termOf = (site: RandomSite, value: Tensor = site.distribution.logProb(site.value)): Term => ({
  site: site.name,
  value,
  plates: site.plates,
  axes: [],
});

/** Number of dimensions of the plates of some traces. */
export const depthOf = (...traces: readonly Trace[]): number =>
  Math.max(
    0,
    ...traces.flatMap(({ sites }) => [...sites.values()].flatMap((s) => s.plates.map((p) => -p.dimension))),
  );

/** A term for one draw, over the hidden axes that it depends on. @param depth dimensions of the program's plates */
export function lifted(hidden: HiddenAxes, depth: number, term: Term): Term {
  const { value, axes } = hidden.lift(term.value);
  return { ...term, value: align({ value, axes }, axes, depth), axes };
}

/** Adds terms element by element, each summed over its plates except those in `kept`. Hidden axes that only some terms depend on broadcast. */
export function addOver(
  hidden: HiddenAxes,
  depth: number,
  terms: readonly Term[],
  kept: readonly Plate[],
): { readonly value: Tensor; readonly axes: readonly HiddenAxis[] } {
  const axes = hidden.union(...terms.map((t) => t.axes));
  const parts = terms.map((t) => align({ value: sumOver(t, kept), axes: t.axes }, axes, depth));
  return { value: parts.reduce(add), axes };
}

const scaled = (t: Tensor, plates: readonly Plate[]): Tensor => {
  const scale = scaleOf(plates);
  return scale === 1 ? t : mul(t, scale);
};

/** Sums a term over the plates that are not in `kept`, scaled for minibatches; the dimensions stay, of size 1. */
export function sumOver(term: Term, kept: readonly Plate[]): Tensor {
  const gone = term.plates.filter((p) => !kept.some((k) => k.name === p.name));
  const axes = gone.filter((p) => -p.dimension <= term.value.rank).map((p) => p.dimension);
  return scaled(axes.length === 0 ? term.value : sum(term.value, axes, { keepDims: true }), gone);
}

/** A term summed over everything, scaled for minibatches: a scalar (over hidden axes it is their sum). */
export const totalOf = ({ value, plates }: Term): Tensor => scaled(sum(value), plates);

/** The plates that all terms are in, along which a program splits into independent rows. Outermost first. */
export function commonPlates(terms: readonly Term[]): readonly Plate[] {
  const [first, ...rest] = terms;
  if (first === undefined) return [];
  return first.plates.filter((p) => rest.every((t) => t.plates.some((other) => other.name === p.name)));
}

/** The rows of plates in order of dimensions: the innermost first. */
export const rowsShape = (plates: readonly Plate[]): number[] =>
  [...plates].sort((a, b) => a.dimension - b.dimension).map((p) => p.rows);

/** A term summed over all plates but `plates`, without dimensions of size 1. */
export const perRow = (t: Tensor, plates: readonly Plate[], leading: readonly number[] = []): Tensor =>
  reshape(t, [...leading, ...rowsShape(plates)]);

/**
 * A value of a term's shape, [hidden axes…, …plates of the whole program], beside one that has `rank` dimensions right of its hidden
 * axes: the plates between them, in which the site does not stand, have size 1 and go.
 */
export function besideSite(value: Tensor, depth: number, rank: number): Tensor {
  const hidden = value.rank - depth;
  return hidden <= 0
    ? value
    : reshape(value, [...value.shape.slice(0, hidden), ...value.shape.slice(value.rank - rank)]);
}

/**
 * Which of `sources` an expression depends on. The graph is the dependency structure: nothing has to be declared, and sites that a term
 * does not depend on cannot add noise to its gradient (Rao-Blackwellisation).
 */
export function dependencies(expression: Tensor, sources: ReadonlyMap<Tensor, string>): Set<string> {
  const found = new Set<string>();
  for (const node of nodesOf(expression)) {
    const name = sources.get(node);
    if (name !== undefined) found.add(name);
  }
  return found;
}
