/** A program's log joint density as an expression of free real numbers: what gradient-based samplers and point estimates work on. */
import { biject } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import { type Handler, type Program, type RandomSite, randomSites, trace } from "../program/index.ts";
import { add, cast, formatShape, input, mul, type Shape, sizeOf, type Tensor } from "../tensor/index.ts";
import type { ScoredSite } from "./bounds/bound.ts";
import { densityOf, eliminate, type ListedSite, listSite } from "./elimination.ts";
import { HiddenAxes, type HiddenAxis } from "./hidden-axes.ts";
import { checkWholeData } from "./minibatch.ts";
import { dependencies, depthOf, lifted, type Term, termOf, totalOf } from "./terms.ts";

/** A continuous latent site among the coordinates of the flat vector. */
export interface SiteCoordinates {
  readonly name: string;
  /** Its coordinates are those from `start` up to, not including, `end`. */
  readonly start: number;
  readonly end: number;
  /** Shape of the unconstrained value; a simplex of n has n − 1 coordinates. */
  readonly freeShape: Shape;
  /** Shape of the site's value, plates first. */
  readonly shape: Shape;
  /** How many dimensions of both, from the left, are those of plates; where there are chains, right of them. */
  readonly batchRank: number;
}

/** A program's log joint density over unconstrained coordinates, not yet compiled. */
export interface UnconstrainedGraph {
  readonly name: string;
  readonly dimension: number;
  readonly sites: readonly SiteCoordinates[];
  /** The axis of side-by-side chains, where there is one: the first of all shapes. */
  readonly chains: HiddenAxis | undefined;
  readonly hidden: HiddenAxes;
  /** Dimensions of the program's plates. */
  readonly depth: number;
  /** The unconstrained value of each site, an input leaf, in the order of `sites`. */
  readonly coordinates: readonly Tensor[];
  /** Values of latent and deterministic sites as expressions of the coordinates. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** Values of the continuous latent sites in one chain, before the axes are put on. */
  readonly single: ReadonlyMap<string, Tensor>;
  /** Parts of log p(θ, x), finite sites summed out, in the plates that they vary along. */
  readonly terms: readonly Term[];
  /** Parts of log p(x|θ): those of observed sites, not annealed, before anything is summed out. */
  readonly observed: readonly Term[];
  /** Parts of Σ ln |det ∂θ/∂q|, one for each site. */
  readonly jacobians: readonly Term[];
  /** log p(θ, x) with finite sites summed out, θ constrained: no Jacobian. A scalar, over chains their sum. */
  readonly logJoint: Tensor;
  /** Σ ln |det ∂θ/∂q|: what makes `logJoint` a density of the coordinates. A scalar. */
  readonly logJacobian: Tensor;
  /** β, an input leaf, where the graph was asked to be annealed. */
  readonly inverseTemperature: Tensor | undefined;
  readonly scored: readonly ScoredSite[];
  /** Finite sites that are summed out. */
  readonly summedOut: readonly string[];
}

export interface UnconstrainedGraphOptions {
  /**
   * Whether the log density of what was observed is multiplied by an input β, before finite sites are summed out: a path from the
   * prior (β = 0) to the posterior (β = 1). Default false.
   */
  readonly annealed?: boolean;
  /**
   * Repeats the whole program that many times, side by side, along an axis that it does not see: each chain has coordinates of its
   * own, and the scalars are sums over chains. Default: no such axis.
   */
  readonly chains?: number;
}

function checkContinuous(program: string, { name, distribution, isInScan }: RandomSite): void {
  if (distribution.isDiscrete && isInScan === true) {
    throw new UsageError(
      `${program}: site '${name}' (${distribution.name}) is discrete and in a scan, where it is not summed out. For a chain of states observe a ` +
        "HiddenMarkov, which sums over all their courses; for a state that no later step depends on, observe a mixture.",
    );
  }
  if (distribution.isDiscrete) {
    throw new UsageError(
      `${program}: site '${name}' (${distribution.name}) is discrete and its values cannot be listed, so it can neither be summed out ` +
        "nor follow a gradient. Marginalise it by hand (a Gamma-Poisson is a NegativeBinomial), bound it (a Categorical over the values " +
        "that matter), or fit the program with svi and a guide for it.",
    );
  }
}

const signature = (sites: readonly RandomSite[]): string[] =>
  sites.map(
    ({ name, kind, distribution: d }) => `${name} (${kind}, ${d.name}, event ${formatShape(d.eventShape)})`,
  );

/** @throws UsageError when two runs of a program did not meet the same sites. */
function checkSameSites(program: string, first: readonly RandomSite[], second: readonly RandomSite[]): void {
  const [a, b] = [signature(first), signature(second)];
  const at = a.findIndex((s, i) => s !== b[i]);
  if (at < 0 && a.length === b.length) return;
  const place = at < 0 ? a.length : at;
  throw new UsageError(
    `${program}: two runs met different sites: number ${place + 1} was ${a[place] ?? "absent"} in the first, ` +
      `${b[place] ?? "absent"} in the second. Which sites a program has must not depend on chance or on state outside it; put chance into ` +
      "a sample site, and fix the structure by the arguments.",
  );
}

/**
 * Traces a program's log joint density as a function of unconstrained coordinates q. Each continuous latent site's value is
 * θ = T(q), where T is the transform of its support; finite latent sites are summed out exactly.
 *
 * @throws UsageError when a latent site is discrete and infinite, or any site is in a minibatch, or one has a support that depends on a finite
 * site; when the program has no continuous latent site, or its sites change from run to run.
 */
export function unconstrainedGraph<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  { annealed = false, chains }: UnconstrainedGraphOptions = {},
): UnconstrainedGraph {
  const open = new Set<string>();
  const watch: Handler = (message, next) => {
    if (message.kind === "sample" && message.value === undefined) open.add(message.name);
    return next(message);
  };
  const probe = trace(program, args, [watch]);
  checkWholeData(program.name, randomSites(probe));
  const depth = depthOf(probe);
  const chainAxis = chains === undefined ? undefined : { name: "chains", size: chains };
  const leading = chainAxis === undefined ? [] : [chainAxis.size];
  const sites: SiteCoordinates[] = [];
  for (const site of randomSites(probe)) {
    if (!open.has(site.name) || site.distribution.cardinality !== undefined) continue;
    checkContinuous(program.name, site);
    const { batchShape, eventShape, support } = site.distribution;
    const shape = [...batchShape, ...eventShape];
    const freeShape = biject(support).inverseShape(shape);
    const start = sites.at(-1)?.end ?? 0;
    sites.push({
      name: site.name,
      start,
      end: start + sizeOf([...leading, ...freeShape]),
      freeShape: [...leading, ...freeShape],
      shape: [...leading, ...shape],
      batchRank: batchShape.length,
    });
  }
  if (sites.length === 0)
    throw new UsageError(`${program.name}: the program has no continuous latent site; nothing can be moved.`);

  const listed: ListedSite[] = [];
  const free = new Map<string, Tensor>();
  const single = new Map<string, Tensor>();
  const jacobians: Term[] = [];
  const answer: Handler = (message, next) => {
    if (message.kind !== "sample" || message.value !== undefined) return next(message);
    const { name, distribution } = message;
    if (distribution.cardinality !== undefined) {
      const site = listSite(message);
      listed.push(site);
      return next({ ...message, value: site.value });
    }
    const site = sites.find((s) => s.name === name);
    // A site that the first run did not have: the comparison of both runs says so.
    if (site === undefined) return next(message);
    const toSupport = biject(distribution.support);
    const leaf = input(name, site.freeShape.slice(leading.length), distribution.floatDType);
    // One number for each element of the plates, whether the transform works on elements or on whole events.
    const { value, logDet } = toSupport.forwardAndLogDet(
      leaf,
      leaf.rank - site.batchRank - toSupport.eventRank,
    );
    const finite = new Map(listed.map((s) => [s.placeholder, s.name]));
    const [varying] = dependencies(value, finite);
    if (varying !== undefined) {
      throw new UsageError(
        `${program.name}: the support of site '${name}' (${distribution.name}) depends on the finite site '${varying}', which is summed ` +
          "out, so it has no one set of values. Give it a support that is the same for all values of the finite site.",
      );
    }
    free.set(name, leaf);
    single.set(name, value);
    jacobians.push(termOf({ ...message, value }, logDet));
    return next({ ...message, value });
  };
  const recorded = trace(program, args, [answer]);
  const random = randomSites(recorded);
  checkSameSites(program.name, randomSites(probe), random);

  const hidden = new HiddenAxes();
  const coordinates = new Map(free);
  if (chainAxis !== undefined) {
    for (const [name, leaf] of free)
      coordinates.set(name, input(name, [chainAxis.size, ...leaf.shape], leaf.dtype));
    const names = new Map([...free].map(([name, leaf]) => [leaf, name]));
    hidden.add(chainAxis, free.values(), (inner, leaf) => coordinates.get(names.get(leaf) ?? "") ?? inner);
  }
  for (const { axis, placeholder, values } of listed) hidden.add(axis, [placeholder], () => values);

  const dtype = random[0].distribution.floatDType;
  const inverseTemperature = annealed ? input("inverse temperature", [], dtype) : undefined;
  const tempered = (site: RandomSite, term: Term): Term =>
    site.kind === "observe" && inverseTemperature !== undefined
      ? { ...term, value: mul(term.value, cast(inverseTemperature, term.value.dtype)) }
      : term;
  const terms = random.map((site) => ({ site, term: densityOf(hidden, depth, site, listed) }));
  const joint = eliminate(
    hidden,
    depth,
    terms.map(({ site, term }) => tempered(site, term)),
    listed,
  );
  const total = (parts: readonly Term[]): Tensor =>
    parts
      .map((term) => {
        const once = cast(totalOf(term), dtype);
        const shared = chainAxis !== undefined && !term.axes.includes(chainAxis);
        return shared ? mul(once, chainAxis.size) : once;
      })
      .reduce(add);
  const inSums = ({ axes }: Pick<Term, "axes">): boolean => listed.some(({ axis }) => axes.includes(axis));
  const determinants = jacobians.map((term) => lifted(hidden, depth, term));
  const chainAxes = chainAxis === undefined ? [] : [chainAxis];
  return {
    name: program.name,
    dimension: sites.at(-1)?.end ?? 0,
    sites,
    chains: chainAxis,
    hidden,
    depth,
    coordinates: sites.flatMap((s) => coordinates.get(s.name) ?? []),
    // A quantity that varies with a finite site has no one value once the site is summed out.
    values: new Map(
      [...recorded.sites]
        .filter(
          ([, { kind, value }]) =>
            (kind === "sample" || kind === "deterministic") && !inSums(hidden.core(value)),
        )
        .map(([name, { value }]) => [name, hidden.over(value, chainAxes)]),
    ),
    single,
    terms: joint,
    observed: terms.filter(({ site }) => site.kind === "observe").map(({ term }) => term),
    jacobians: determinants,
    logJoint: total(joint),
    logJacobian: total(determinants),
    inverseTemperature,
    scored: terms.map(({ site, term }) => ({
      program: "model",
      site,
      logDensity: term.value,
      over: (t) => hidden.over(t, term.axes),
      mayBeZero: inSums(term),
    })),
    summedOut: listed.map(({ name }) => name),
  };
}
