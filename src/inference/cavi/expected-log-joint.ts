/** The expected log joint density of a program under independent factors, as a multilinear function of their expected statistics. */
import { inPrecision, simplify } from "../../compile/index.ts";
import { type Distribution, exponentialFamilyLogProb } from "../../distributions/index.ts";
import { UsageError } from "../../errors.ts";
import {
  type Handler,
  type Plate,
  type Program,
  type RandomSite,
  randomSites,
  scaleOf,
  trace,
} from "../../program/index.ts";
import {
  broadcastShapes,
  cast,
  expand,
  input,
  isNoise,
  isParameter,
  mul,
  nodesOf,
  reshape,
  sum,
  type Tensor,
} from "../../tensor/index.ts";
import { isKnown, sitesOf } from "./atoms.ts";
import { contract } from "./contract.ts";
import { expandGraphs, type LatentLeaf } from "./expand.ts";
import { type Conjugacy, conjugacyOf } from "./families.ts";
import { knownOperands } from "./known.ts";
import type { Factor, Term } from "./polynomial.ts";
import { notConjugate, unknownFamily } from "./refusals.ts";

/** A latent site and its factor. */
export interface ConjugateSite {
  readonly name: string;
  readonly conjugacy: Conjugacy;
  readonly plates: readonly Plate[];
  /** The distribution of the site in the model. */
  readonly distribution: Distribution;
  /** The number of rows that one row of its minibatches stands for. */
  readonly scale: number;
  /** E[T]: one float64 input leaf for each statistic. */
  readonly statistics: readonly Tensor[];
}

/** E[term] for a term in the log density of one site: a float64 scalar of expected statistics. */
export interface ExpectedTerm {
  /** The site whose log density contains it. */
  readonly owner: string;
  readonly value: Tensor;
  /** The latent sites that occur in it. */
  readonly sites: ReadonlySet<string>;
}

export interface ExpectedLogJoint {
  readonly sites: readonly ConjugateSite[];
  readonly terms: readonly ExpectedTerm[];
  /** The terms of all random sites, including observed ones. */
  readonly plates: readonly Plate[];
}

/** log p of one site, a scaled scalar; in the form that is linear in sufficient statistics if the family has one. */
function logDensityOf({ distribution, value, plates }: RandomSite, latent: ReadonlySet<Tensor>): Tensor {
  const careful = distribution.logProb(value);
  const family = distribution.exponentialFamily;
  const depends = [...nodesOf(careful)].some((t) => latent.has(t));
  let density = careful;
  if (family !== undefined && depends) {
    const x = cast(value, distribution.dtype);
    const own = x.shape.slice(0, x.rank - distribution.eventShape.length);
    const batch = broadcastShapes(distribution.name, distribution.batchShape, own);
    density = expand(exponentialFamilyLogProb(family, x), batch);
  }
  const scale = scaleOf(plates);
  return scale === 1 ? sum(density) : mul(sum(density), scale);
}

/** Traces a program with a symbol for the value of each latent site. */
function traceSymbols<A extends readonly unknown[]>(program: Program<A>, args: A) {
  const leaves = new Map<string, Tensor>();
  const answer: Handler = (message, next) => {
    if (message.kind !== "sample" || message.value !== undefined) return next(message);
    const { batchShape, eventShape, dtype } = message.distribution;
    const leaf = input(message.name, [...batchShape, ...eventShape], dtype);
    leaves.set(message.name, leaf);
    return next({ ...message, value: leaf });
  };
  return { recorded: trace(program, args, [answer]), leaves };
}

/** Latent factors by site; factors of opaque functions under no name. */
function bySite(factors: readonly Factor[]): Map<string, Factor[]> {
  const groups = new Map<string, Factor[]>();
  for (const f of factors) {
    const key = f.atom.kind === "opaque" || f.atom.kind === "exp" ? "" : sitesOf(f.atom)[0];
    groups.set(key, [...(groups.get(key) ?? []), f]);
  }
  return groups;
}

/**
 * Traces a program once and writes E[log p(z, x)] with a factor for each latent site. The log joint density becomes a sum of products
 * of sufficient statistics; the expectation of a product of different sites is the product of their expectations.
 *
 * @throws UsageError naming the site and the term that prevents this, and what to do.
 */
export function expectedLogJoint<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
): ExpectedLogJoint {
  const { recorded, leaves } = traceSymbols(program, args);
  const random = randomSites(recorded);
  const conjugacies = new Map<string, Conjugacy>();
  for (const site of random.filter(({ name }) => leaves.has(name))) {
    const conjugacy = conjugacyOf(site.distribution);
    if (conjugacy === undefined) throw unknownFamily(program.name, site);
    conjugacies.set(site.name, conjugacy);
  }
  if (conjugacies.size === 0)
    throw new UsageError(
      `${program.name}: the program has no latent site; there is nothing to infer. Sample one.`,
    );
  const latent = new Set(leaves.values());
  const densities = random.map((site) => logDensityOf(site, latent));
  const converted = inPrecision(densities, "float64");
  const roots = simplify(converted.outputs);
  checkLeaves(program.name, roots);

  const values = new Map(
    random.flatMap(({ name, distribution }): [Tensor, LatentLeaf][] => {
      const [leaf, conjugacy] = [leaves.get(name), conjugacies.get(name)];
      if (leaf === undefined || conjugacy === undefined) return [];
      const value = { site: name, kind: conjugacy.kind };
      return [[converted.leaves.get(leaf) ?? leaf, { value, categories: distribution.cardinality ?? 0 }]];
    }),
  );
  const polynomials = expandGraphs(roots, values);
  const sites = random.flatMap(({ name, plates, distribution }): ConjugateSite[] => {
    const conjugacy = conjugacies.get(name);
    if (conjugacy === undefined) return [];
    const statistics = conjugacy.shapes.map((shape, i) => input(`E[T${i + 1}] of ${name}`, shape, "float64"));
    return [{ name, conjugacy, plates, distribution, scale: scaleOf(plates), statistics }];
  });
  const byName = new Map(sites.map((s) => [s.name, s]));
  const terms = polynomials.flatMap((p, n) =>
    p.terms.map((t) => expectedTerm(program.name, random[n], t, byName)),
  );
  return { sites, terms, plates: random.flatMap((s) => s.plates) };
}

/** E of one product: known numbers multiplied by one expected statistic for each site. */
function expectedTerm(
  program: string,
  owner: RandomSite,
  t: Term,
  sites: ReadonlyMap<string, ConjugateSite>,
): ExpectedTerm {
  const latent = t.factors.filter((f) => !isKnown(f.atom));
  const groups = bySite(latent);
  const operands = [...groups].map(([name, factors]) => {
    const site = sites.get(name);
    const match = site?.conjugacy.match(factors);
    if (site === undefined || match === undefined) throw notConjugate(program, owner, factors, sites);
    const statistic = site.statistics[match.statistic];
    const tensor = reshape(
      statistic,
      statistic.shape.filter((n) => n !== 1),
    );
    return { tensor, indices: match.indices };
  });
  const ours = knownOperands(
    t,
    t.factors.filter((f) => isKnown(f.atom)),
  );
  return {
    owner: owner.name,
    value: mul(contract([...ours, ...operands]), t.coefficient),
    sites: new Set(groups.keys()),
  };
}

/** @throws UsageError when the density reads something that coordinate ascent neither learns nor holds fixed. */
function checkLeaves(program: string, roots: readonly Tensor[]): void {
  for (const root of roots)
    for (const node of nodesOf(root)) {
      if (isParameter(node))
        throw new UsageError(
          `${program}: the program has learnable parameters, but coordinate ascent only fits factors of latent sites. Sample them from a ` +
            "prior, pass them as numbers, or use svi(model, guide), which trains both.",
        );
      if (isNoise(node))
        throw new UsageError(
          `${program}: the log density reads noise '${node.attributes.site}'. Draw random values in a sample site.`,
        );
    }
}
