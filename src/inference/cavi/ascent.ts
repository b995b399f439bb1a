/** Coordinate ascent as expressions: each factor's optimum, a pass over factors, and the bound. */
import { expectedStatistics } from "../../distributions/index.ts";
import { abs, add, grad, input, mul, scalar, sub, substitute, sum, type Tensor } from "../../tensor/index.ts";
import type { ConjugateSite, ExpectedLogJoint } from "./expected-log-joint.ts";

/** Natural parameters of factors, by site. */
export type NaturalParameters<T> = ReadonlyMap<string, readonly T[]>;

/** Input leaves for the natural parameters of sites, float64. */
export const naturalLeaves = (sites: readonly ConjugateSite[]): NaturalParameters<Tensor> =>
  new Map(
    sites.map(({ name, conjugacy }) => [
      name,
      conjugacy.shapes.map((shape, i) => input(`η${i + 1} of ${name}`, shape, "float64")),
    ]),
  );

const total = (parts: readonly Tensor[]): Tensor => parts.reduce(add, scalar(0, "float64"));

/** The expected statistics of each site: as leaves of the expected log joint, and as values. */
type Expectations = Map<Tensor, Tensor>;

function expect(
  into: Expectations,
  { conjugacy, statistics }: ConjugateSite,
  natural: readonly Tensor[],
): void {
  expectedStatistics(conjugacy.family, natural).forEach((t, i) => {
    into.set(statistics[i], t);
  });
}

/** The expected statistics of factors, from their natural parameters. */
export function expectations(
  sites: readonly ConjugateSite[],
  natural: NaturalParameters<Tensor>,
): Expectations {
  const found: Expectations = new Map();
  for (const site of sites) expect(found, site, natural.get(site.name) ?? []);
  return found;
}

/** The terms of joints, grouped by the sites that occur in them, so that each site looks only at its own terms. */
const termsBySite = new WeakMap<ExpectedLogJoint, ReadonlyMap<string, ExpectedLogJoint["terms"]>>();

function termsOf(joint: ExpectedLogJoint, name: string): ExpectedLogJoint["terms"] {
  let index = termsBySite.get(joint);
  if (index === undefined) {
    const lists = new Map<string, ExpectedLogJoint["terms"][number][]>();
    for (const t of joint.terms)
      for (const site of t.sites) {
        const list = lists.get(site);
        if (list === undefined) lists.set(site, [t]);
        else list.push(t);
      }
    index = lists;
    termsBySite.set(joint, index);
  }
  return index.get(name) ?? [];
}

/**
 * The natural parameters of a site's best factor given the others: ∂ E[log p] / ∂ E[T] (Winn and Bishop 2005; Hoffman et al. 2013, eq.
 * 13), an expression of the other sites' expected statistics. A site in a minibatch counts for `scale` rows, in the density and in its
 * entropy, but its factor is that of one row.
 *
 * @param priorAlone use only the site's own density
 */
export function optimum(joint: ExpectedLogJoint, site: ConjugateSite, priorAlone = false): readonly Tensor[] {
  const { name, conjugacy, statistics, scale } = site;
  const touching = termsOf(joint, name).filter((t) => !priorAlone || t.owner === name);
  const gradient = grad(total(touching.map((t) => t.value)), statistics);
  return conjugacy.tidy(scale === 1 ? gradient : gradient.map((g) => mul(g, 1 / scale)));
}

/** Σ ⟨η′ − η, E′[T] − E[T]⟩: the symmetrised KL divergence of two factors of a family. */
function divergence(
  from: readonly Tensor[],
  to: readonly Tensor[],
  before: readonly Tensor[],
  after: readonly Tensor[],
): Tensor {
  return total(from.map((eta, i) => sum(mul(sub(to[i], eta), sub(after[i], before[i])))));
}

/** The result of a pass over some sites. */
export interface Pass {
  readonly natural: NaturalParameters<Tensor>;
  readonly expectations: Expectations;
  /** The symmetrised KL divergence between the factors before and after, nats. */
  readonly moved: Tensor;
}

/** Updates sites one after another, each given the current factors of the others. */
export function pass(
  joint: ExpectedLogJoint,
  updated: readonly ConjugateSite[],
  start: NaturalParameters<Tensor>,
): Pass {
  const current = expectations(joint.sites, start);
  const natural = new Map(start);
  const moves: Tensor[] = [];
  const statisticsOf = ({ statistics }: ConjugateSite): Tensor[] =>
    statistics.map((leaf) => current.get(leaf) ?? leaf);
  for (const site of updated) {
    const before = statisticsOf(site);
    const best = optimum(joint, site).map((t) => substitute(t, current));
    expect(current, site, best);
    moves.push(divergence(natural.get(site.name) ?? best, best, before, statisticsOf(site)));
    natural.set(site.name, best);
  }
  return { natural, expectations: current, moved: total(moves) };
}

/** Initial factor of each site, given those before it: the prior's, or random around it (`Conjugacy.start`). */
export function starting(
  joint: ExpectedLogJoint,
  begun: readonly ConjugateSite[],
  given: NaturalParameters<Tensor> = new Map(),
): NaturalParameters<Tensor> {
  const current = expectations(
    joint.sites.filter((s) => given.has(s.name)),
    given,
  );
  const natural = new Map(given);
  for (const site of begun) {
    const prior = optimum(joint, site, true).map((t) => substitute(t, current));
    const first = site.conjugacy.start(prior, site.name, site.conjugacy.family);
    natural.set(site.name, first);
    expect(current, site, first);
  }
  return natural;
}

/** E[log p] + Σ H(q), exact; and the sum of the absolute values of its parts, which gives the size of its rounding error. */
export function bound(
  joint: ExpectedLogJoint,
  natural: NaturalParameters<Tensor>,
  current: ReadonlyMap<Tensor, Tensor>,
): { readonly elbo: Tensor; readonly size: Tensor } {
  const parts = [
    ...joint.terms.map((t) => substitute(t.value, current)),
    ...joint.sites.map(({ name, conjugacy, scale }) =>
      mul(sum(conjugacy.family.distributionAt(natural.get(name) ?? []).entropy()), scale),
    ),
  ];
  return { elbo: total(parts), size: total(parts.map(abs)) };
}
