/** Finite sites that take all their values at once: placeholders while a program is traced, sums afterwards. */
import { liesIn } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import type { Plate, RandomSite } from "../program/index.ts";
import {
  add,
  allNodesOf,
  exp,
  expand,
  input,
  logsumexp,
  mul,
  reshape,
  sizeOf,
  sum,
  type Tensor,
  transpose,
} from "../tensor/index.ts";
import { align, type HiddenAxes, type HiddenAxis } from "./hidden-axes.ts";
import { checkSummedWhole } from "./minibatch.ts";
import { addOver, lifted, type Term, termOf } from "./terms.ts";

/** A finite site that takes all its values at once, along an axis of its own. */
export interface ListedSite {
  readonly name: string;
  readonly axis: HiddenAxis;
  /** Its plates, whose elements all take the same value at a time. */
  readonly plates: readonly Plate[];
  /** Stands for one value while the program is traced. */
  readonly placeholder: Tensor;
  /** The value that the program continues with: one value in every element of the plates. */
  readonly value: Tensor;
  /** All of them, [cardinality, …the placeholder's shape]. */
  readonly values: Tensor;
}

/** A site that takes all its values. */
export function listSite({ name, distribution, plates }: Omit<RandomSite, "value">): ListedSite {
  const { batchShape, eventShape, dtype } = distribution;
  const values = distribution.enumerate();
  const placeholder = input(`a value of ${name}`, values.shape.slice(1), dtype);
  const value = liesIn(expand(placeholder, [...batchShape, ...eventShape]), distribution.support);
  return { name, plates, placeholder, value, values, axis: { name, size: values.shape[0] } };
}

/** The log density of a site over the hidden axes; for a listed site, at all its values at once. */
export function densityOf(
  hidden: HiddenAxes,
  depth: number,
  site: RandomSite,
  listed: readonly ListedSite[],
): Term {
  const own = listed.find(({ value }) => value === site.value);
  if (own === undefined) return lifted(hidden, depth, termOf(site));
  const { batchShape, eventShape } = site.distribution;
  const count = own.axis.size;
  const values = reshape(own.values, [count, ...batchShape.map(() => 1), ...eventShape]);
  const all = hidden.lift(site.distribution.logProb(values));
  // The axes that the parameters depend on are the first, then the values': each goes to its place.
  const axes = hidden.union(all.axes, [own.axis]);
  const order = all.axes.map((_, i) => i);
  order.splice(axes.indexOf(own.axis), 0, all.axes.length);
  const rest = batchShape.map((_, i) => axes.length + i);
  const value = transpose(all.value, [...order, ...rest]);
  return { ...termOf(site, value), value: align({ value, axes }, axes, depth), axes };
}

/** Largest array that a sum over values may need, in elements: a gigabyte of doubles. */
const MOST_ELEMENTS = 2 ** 27;

/**
 * @throws UsageError when the sum over the values of some sites needs more memory than there can be, or a site reads another's values
 * from outside its plate, which would need all combinations of the rows' values.
 */
export function checkListed(terms: readonly Term[], listed: readonly ListedSite[]): void {
  for (const term of terms) {
    const sites = listed.filter(({ axis }) => term.axes.includes(axis));
    if (sites.length === 0) continue;
    checkSize(largestOf(term.value), term.site, sites);
    for (const { name, plates } of sites) {
      const outside = plates.find((p) => !term.plates.some((own) => own.name === p.name));
      if (outside === undefined) continue;
      throw new UsageError(
        `site '${term.site}' depends on the finite site '${name}' but is outside its plate '${outside.name}', which would need all combinations of the values of ${outside.rows} rows. Move '${term.site}' into the plate, sum '${name}' out by hand, ` +
          `or draw it from a guide with the estimator "score".`,
      );
    }
  }
}

/** The elements of the largest array that an expression needs. */
function largestOf(expression: Tensor): number {
  let most = 0;
  for (const { size } of allNodesOf([expression])) most = Math.max(most, size);
  return most;
}

function checkSize(size: number, where: string, sites: readonly ListedSite[]): void {
  if (size <= MOST_ELEMENTS) return;
  const list = sites.map(({ name, axis }) => `'${name}' (${axis.size} values)`);
  const shown = list.length > 8 ? [...list.slice(0, 8), `${list.length - 8} more`] : list;
  const together = sites.reduce((n, { axis }) => n * axis.size, 1);
  throw new UsageError(
    `site '${where}' depends on ${sites.length} finite site${sites.length === 1 ? "" : "s"} that ${sites.length === 1 ? "is" : "are"} ` +
      `summed out: ${shown.join(", ")}, ${together} combinations, which would need an array of ${size} numbers. Give some of ` +
      `them a guide with the estimator "score", make the dependence a chain, or sum them out by hand.`,
  );
}

/** A finite site before it is summed out: the weights of its values, given everything except the sites already summed out. */
export interface Conditional {
  readonly site: ListedSite;
  /** ln p up to a constant, [sizes of `axes`, …dimensions of the plates]. */
  readonly logWeights: Tensor;
  /** Its own axis, and those of sites that are summed out later. */
  readonly axes: readonly HiddenAxis[];
}

/**
 * Sums finite sites out of a program, exactly: site by site from the last, all terms that depend on it are gathered in its plates,
 * exponentiated, added up, and become one term (tensor variable elimination, Obermeyer et al. 2019).
 *
 * @param listed in the order in which the program met them
 * @param depth dimensions of the program's plates
 * @param onSum called with each site before it is summed out, last site first
 * @throws UsageError when sites cannot be summed out; the message names them.
 */
export function eliminate(
  hidden: HiddenAxes,
  depth: number,
  terms: readonly Term[],
  listed: readonly ListedSite[],
  onSum?: (conditional: Conditional) => void,
): Term[] {
  checkListed(terms, listed);
  let left = [...terms];
  for (const site of [...listed].reverse()) {
    const { name, axis, plates } = site;
    const touching = left.filter((t) => t.axes.includes(axis));
    if (touching.length === 0) continue;
    checkSummedWhole(name, plates, touching);
    const { value, axes } = addOver(hidden, depth, touching, plates);
    checkSize(
      sizeOf(value.shape),
      name,
      listed.filter((s) => axes.includes(s.axis)),
    );
    onSum?.({ site, logWeights: value, axes });
    const total: Term = {
      site: name,
      value: logsumexp(value, axes.indexOf(axis)),
      plates,
      axes: axes.filter((a) => a !== axis),
    };
    left = [...left.filter((t) => !touching.includes(t)), total];
  }
  return left;
}

/** E over finite sites of the guide, listed there, of a term: Σ Π q · term. */
export function expectation(
  hidden: HiddenAxes,
  depth: number,
  guideTerms: readonly Term[],
  listed: readonly ListedSite[],
): (t: Term) => Term {
  const logQ = new Map(guideTerms.map((t) => [t.site, t]));
  const listedIn = ({ axes }: Term): ListedSite[] => listed.filter(({ axis }) => axes.includes(axis));
  return (t) => {
    const sites = new Set(listedIn(t));
    // A probability may itself depend on further sites; a set that grows is walked to its end.
    for (const { name } of sites) for (const more of listedIn(logQ.get(name) ?? t)) sites.add(more);
    if (sites.size === 0) return t;
    const weights = [...sites].flatMap(({ name }) => logQ.get(name) ?? []);
    const axes = hidden.union(t.axes, ...weights.map((q) => q.axes));
    const weight = weights.map((q) => align(q, axes, depth)).reduce(add);
    const gone = [...sites].map(({ axis }) => axis);
    const value = sum(
      mul(exp(weight), align(t, axes, depth)),
      gone.map((axis) => axes.indexOf(axis)),
    );
    return { ...t, value, axes: axes.filter((axis) => !gone.includes(axis)) };
  };
}
