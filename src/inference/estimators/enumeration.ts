/** Exact sums over finite sites: in a guide all values weighted by their probabilities, in the model alone a marginal density. */
import type { Distribution } from "../../distributions/index.ts";
import type { Plate } from "../../program/index.ts";
import { add, mul } from "../../tensor/ops/arithmetic.ts";
import { reshape } from "../../tensor/ops/movement.ts";
import { logsumexp, sum } from "../../tensor/ops/reduce.ts";
import { exp } from "../../tensor/ops/transcendental.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { checkSummedWhole } from "../minibatch.ts";
import { dependencies, padTo, sumOver, type Term } from "../terms.ts";
import type { EstimatorDefinition } from "./estimator.ts";

/** Sites that take all their values at once, in parallel: each along a dimension of its own, left of all others. */
export class Enumeration {
  readonly axes = new Map<string, number>();
  readonly sources = new Map<Tensor, string>();
  /** Sites that the model alone has, and their plates: they are summed out of it. */
  readonly summedOut = new Map<string, readonly Plate[]>();
  readonly #from: number;

  /** @param from how many dimensions, counted from the right, belong to plates and particles */
  constructor(from: number) {
    this.#from = from;
  }

  /** All values of a finite site: [cardinality, 1, …, 1, …event]. */
  values(site: { readonly name: string; readonly distribution: Distribution }): Tensor {
    const axis = -(this.#from + this.axes.size + 1);
    const all = site.distribution.enumerate();
    const padding = new Array<number>(-axis - 1).fill(1);
    const value = reshape(all, [all.shape[0], ...padding, ...site.distribution.eventShape]);
    this.axes.set(site.name, axis);
    this.sources.set(value, site.name);
    return value;
  }

  /**
   * Sums the model's own finite sites out, exactly: site by site from the last, all terms that depend on it are gathered in its
   * plates, exponentiated, added up, and become one term (tensor variable elimination, Obermeyer et al. 2019).
   * @throws UsageError where a site outside a minibatch would be summed over it.
   */
  eliminate(terms: readonly Term[]): Term[] {
    let left = [...terms];
    for (const [name, axis] of [...this.axes].reverse()) {
      const kept = this.summedOut.get(name);
      if (kept === undefined) continue;
      const touching = left.filter((t) => dependencies(t.value, this.sources).has(name));
      checkSummedWhole(name, kept, touching);
      const joint = touching.map((t) => sumOver(t, kept)).reduce(add);
      const value = logsumexp(joint, axis, { keepDims: true });
      left = [...left.filter((t) => !touching.includes(t)), { site: name, value, plates: kept, axes: [] }];
    }
    return left;
  }

  /** E over the guide's enumerated sites of a term, Σ Π q · term; their dimensions stay, of size 1. */
  expectation(guideTerms: readonly Term[]): (t: Term) => Term {
    const logQ = new Map(guideTerms.map((t) => [t.site, t.value]));
    const enumeratedIn = (t: Tensor): Set<string> => {
      const names = dependencies(t, this.sources);
      for (const gone of this.summedOut.keys()) names.delete(gone);
      // A probability may itself depend on further enumerated sites; a set that grows is walked to its end.
      for (const n of names) {
        const q = logQ.get(n);
        if (q === undefined) continue;
        for (const m of dependencies(q, this.sources)) if (!this.summedOut.has(m)) names.add(m);
      }
      return names;
    };
    return (t) => {
      const names = enumeratedIn(t.value);
      if (names.size === 0) return t;
      const weight = [...names].flatMap((n) => logQ.get(n) ?? []).reduce(add);
      const axes = [...names].flatMap((n) => this.axes.get(n) ?? []);
      const width = Math.max(t.value.rank, weight.rank, ...axes.map((a) => -a));
      return { ...t, value: sum(padTo(mul(exp(weight), t.value), width), axes, { keepDims: true }) };
    };
  }
}

/** More values than this are not enumerated unless asked for. */
const LARGEST_ENUMERATION = 64;

/** All values of a finite site, weighted by their probabilities; exact. */
export const enumeration: EstimatorDefinition<"enumeration"> = {
  name: "enumeration",
  pathwise: false,
  settings: [],
  unsuited: ({ name, cardinality }) =>
    cardinality === undefined ? `the support of ${name} is not finite and cannot be enumerated` : undefined,
  automatic: ({ cardinality }) =>
    cardinality !== undefined && cardinality <= LARGEST_ENUMERATION
      ? `finite support of ${cardinality} values`
      : undefined,
  draw: (request) => ({ value: request.allValues() }),
  elbo: {},
  importanceWeighted: {
    unsupported: () =>
      "all draws stand under one logarithm (leave the site out of the guide, and it is summed out of the model exactly)",
  },
  control: () => "none",
};
