/** Finite sites over all their values at once: placeholders while a program is traced, sums afterwards. */
import { type Distribution, liesIn } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import type { Plate } from "../program/index.ts";
import { input } from "../tensor/leaf.ts";
import { expand } from "../tensor/ops/movement.ts";
import { logsumexp } from "../tensor/ops/reduce.ts";
import { sizeOf } from "../tensor/shape.ts";
import { nodesOf } from "../tensor/substitute.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { HiddenAxes, HiddenAxis } from "./hidden-axes.ts";
import { checkSummedWhole } from "./minibatch.ts";
import { addOver, type Term } from "./terms.ts";

/** A finite site that takes all its values at once: each along an axis of its own. */
export interface ListedSite {
  readonly name: string;
  readonly axis: HiddenAxis;
  /** The plates in which it stands: all their elements take the same value at a time. */
  readonly plates: readonly Plate[];
  /** Stands for one value while the program is traced. */
  readonly placeholder: Tensor;
  /** All of them, [cardinality, …the placeholder's shape]. */
  readonly values: Tensor;
}

/** A site to list, and what the program goes on with: a value of the site's shape. */
export function listSite(site: {
  readonly name: string;
  readonly distribution: Distribution;
  readonly plates: readonly Plate[];
}): { readonly listed: ListedSite; readonly value: Tensor } {
  const { name, distribution, plates } = site;
  const { batchShape, eventShape, dtype } = distribution;
  const values = distribution.enumerate();
  const placeholder = input(`a value of ${name}`, values.shape.slice(1), dtype);
  return {
    listed: { name, plates, placeholder, values, axis: { name, size: values.shape[0] } },
    value: liesIn(expand(placeholder, [...batchShape, ...eventShape]), distribution.support),
  };
}

/** Elements of the largest array that a sum over values may need: a gigabyte of doubles. */
const MOST_ELEMENTS = 2 ** 27;

/**
 * @throws UsageError when the sum over the values of some sites needs more memory than there can be, or a site reads another's values
 * from outside its plate, where the rows' values would have to be listed together.
 */
export function checkListed(terms: readonly Term[], listed: readonly ListedSite[]): void {
  for (const term of terms) {
    const sites = listed.filter(({ axis }) => term.axes.includes(axis));
    if (sites.length === 0) continue;
    checkSize(Math.max(...[...nodesOf(term.value)].map((node) => node.size)), term.site, sites);
    for (const { name, plates } of sites) {
      const outside = plates.find((p) => !term.plates.some((own) => own.name === p.name));
      if (outside === undefined) continue;
      throw new UsageError(
        `site '${term.site}' depends on the finite site '${name}' and stands outside its plate '${outside.name}', so that the values ` +
          `of all ${outside.rows} rows would have to be listed together. Move '${term.site}' into the plate, sum '${name}' out by hand, ` +
          `or draw it from a guide with the estimator "score".`,
      );
    }
  }
}

function checkSize(size: number, where: string, sites: readonly ListedSite[]): void {
  if (size <= MOST_ELEMENTS) return;
  const list = sites.map(({ name, axis }) => `'${name}' (${axis.size} values)`);
  const shown = list.length > 8 ? [...list.slice(0, 8), `${list.length - 8} more`] : list;
  const together = sites.reduce((n, { axis }) => n * axis.size, 1);
  throw new UsageError(
    `site '${where}' depends on ${sites.length} finite site${sites.length === 1 ? "" : "s"} that ${sites.length === 1 ? "is" : "are"} ` +
      `summed out: ${shown.join(", ")}, ${together} values together, for which an array of ${size} numbers would be needed. Give some of ` +
      `them a guide with the estimator "score", make the dependence a chain, or sum them out by hand.`,
  );
}

/** A finite site before it is summed out: what its values weigh, given everything else but the sites that were summed out before. */
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
 * @param onSum told of each site before it is summed out, the last first
 * @throws UsageError naming the sites when they cannot be summed out so.
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
    const sum: Term = {
      site: name,
      value: logsumexp(value, axes.indexOf(axis)),
      plates,
      axes: axes.filter((a) => a !== axis),
    };
    left = [...left.filter((t) => !touching.includes(t)), sum];
  }
  return left;
}
