/** Closed-form divergences of single sites, if they are valid. */
import { type Distribution, hasKl, IndependentDistribution, kl } from "../../distributions/index.ts";
import { UsageError } from "../../errors.ts";
import type { RandomSite } from "../../program/index.ts";
import type { Lifted } from "../hidden-axes.ts";
import { dependencies, lifted, type Term, termOf } from "../terms.ts";
import type { Pair } from "./pair.ts";

/** The sites with one name in model and guide. */
function sitePair(pair: Pair, name: string): { readonly q: RandomSite; readonly p: RandomSite } {
  const [q, p] = [pair.guide, pair.model].map(({ sites }) => sites.get(name));
  if (q?.kind !== "sample" || p?.kind !== "sample") {
    throw new UsageError(
      `analyticKl: site '${name}' exists only in the guide, so it has no prior for a divergence.`,
    );
  }
  return { q, p };
}

/**
 * KL(q ‖ p) of one site as a term, given everything that the guide draws before it.
 * @throws UsageError when there is no closed form, or when the prior depends on something that the guide draws from the site.
 */
export function closedKl(pair: Pair, name: string): Term {
  const { q, p } = sitePair(pair, name);
  if (!hasKl(q.distribution, p.distribution)) {
    throw new UsageError(
      `site '${name}': no closed form of KL(${q.distribution.name} ‖ ${p.distribution.name}); leave it out of analyticKl, ` +
        "and its part of the bound is estimated from the draw, or register the form with registerKl.",
    );
  }
  const needed = new Set(
    Object.values(p.distribution.parameters).flatMap((t) => [...dependencies(t, pair.values)]),
  );
  for (const parent of needed) {
    const site = pair.guide.sites.get(parent);
    if (parent !== name && site?.kind !== "sample") continue;
    const through =
      site?.kind === "sample"
        ? Object.values(site.distribution.parameters).flatMap((t) => [...dependencies(t, pair.values)])
        : [];
    if (parent === name || through.includes(name)) {
      throw new UsageError(
        `site '${name}': its divergence in closed form is not valid here, because its prior depends on '${parent}', ` +
          `which the guide draws ${parent === name ? "there" : `from '${name}'`}; leave '${name}' out of analyticKl.`,
      );
    }
  }
  return lifted(pair.hidden, pair.depth, termOf(q, kl(q.distribution, p.distribution)));
}

/** KL(q ‖ p) of one site, per dimension: shape hidden axes + plates + event. */
export function klPerDimension(pair: Pair, name: string): Lifted & { readonly site: RandomSite } {
  closedKl(pair, name);
  const { q, p } = sitePair(pair, name);
  const base = (d: Distribution) => (d instanceof IndependentDistribution ? d.base : d);
  const value = kl(base(q.distribution), base(p.distribution));
  if (value.rank !== q.distribution.batchShape.length + q.distribution.eventShape.length) {
    throw new UsageError(
      `site '${name}': ${q.distribution.name} and ${p.distribution.name} do not have independent dimensions, so there ` +
        "is no divergence per dimension for free bits.",
    );
  }
  return { ...pair.hidden.lift(value), site: q };
}
