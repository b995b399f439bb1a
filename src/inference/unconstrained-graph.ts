/** A program's log joint density as an expression of free real numbers: what gradient-based samplers and point estimates work on. */
import { biject } from "../distributions/transforms/biject.ts";
import { UsageError } from "../errors.ts";
import {
  type Handler,
  type Plate,
  type Program,
  type RandomSite,
  randomSites,
  trace,
} from "../program/index.ts";
import { input } from "../tensor/leaf.ts";
import { add, mul } from "../tensor/ops/arithmetic.ts";
import { cast } from "../tensor/ops/cast.ts";
import { sum } from "../tensor/ops/reduce.ts";
import { formatShape, type Shape, sameShape, sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { ScoredSite } from "./bounds/bound.ts";
import { depthOf } from "./bounds/pair.ts";
import { Enumeration } from "./estimators/enumeration.ts";
import { dependencies, PARTICLES, type Term, termOf, totalOf } from "./terms.ts";

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
}

/** A program's log joint density over unconstrained coordinates, not yet compiled. */
export interface UnconstrainedGraph {
  readonly name: string;
  readonly dimension: number;
  readonly sites: readonly SiteCoordinates[];
  /** The plate of side-by-side chains, where there is one. */
  readonly outer: readonly Plate[];
  /** The unconstrained value of each site, an input leaf, in the order of `sites`. */
  readonly coordinates: readonly Tensor[];
  /** Values of latent and deterministic sites as expressions of the coordinates. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** Parts of log p(θ, x), finite sites summed out, in the plates that they vary along. */
  readonly terms: readonly Term[];
  /** Parts of Σ ln |det ∂θ/∂q|, one for each site. */
  readonly jacobians: readonly Term[];
  /** log p(θ, x) with finite sites summed out, θ constrained: no Jacobian. A scalar. */
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
   * Repeats the whole program that many times, side by side, along a dimension left of all plates: each chain has coordinates of its
   * own, and the scalars are sums over chains. Default: no such dimension.
   */
  readonly chains?: number;
}

function checkContinuous(program: string, { name, distribution, plates }: RandomSite): void {
  if (distribution.isDiscrete) {
    throw new UsageError(
      `${program}: site '${name}' (${distribution.name}) is discrete and its values cannot be listed, so it can neither be summed out ` +
        "nor follow a gradient. Marginalise it by hand (a Gamma-Poisson is a NegativeBinomial), bound it (a Categorical over the values " +
        "that matter), or fit the program with svi and a guide for it.",
    );
  }
  const minibatch = plates.find((p) => p.rows < p.size);
  if (minibatch !== undefined) {
    throw new UsageError(
      `${program}: site '${name}' stands in plate '${minibatch.name}', of which only ${minibatch.rows} of ${minibatch.size} rows are ` +
        "seen; a posterior needs all of them. Open the plate without rows.",
    );
  }
}

/** The plate of side-by-side chains, left of a program's own plates. */
const chainsPlate = (chains: number, depth: number): Plate => ({
  name: PARTICLES,
  size: chains,
  rows: chains,
  dimension: -(depth + 1),
  outer: true,
});

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
 * θ = T(q) with T the transform that belongs to its support; finite latent sites are summed out exactly.
 *
 * @throws UsageError when a latent site is discrete and infinite, or stands in a minibatch, or has a support that depends on a finite
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
  const first = trace(program, args, [watch]);
  const outer = chains === undefined ? [] : [chainsPlate(chains, depthOf(first))];
  const probe = chains === undefined ? first : trace(program, args, [], { outer });
  const sites: SiteCoordinates[] = [];
  for (const site of randomSites(probe)) {
    if (!open.has(site.name) || site.distribution.cardinality !== undefined) continue;
    checkContinuous(program.name, site);
    const shape = [...site.distribution.batchShape, ...site.distribution.eventShape];
    const freeShape = biject(site.distribution.support).inverseShape(shape);
    const start = sites.at(-1)?.end ?? 0;
    sites.push({ name: site.name, start, end: start + sizeOf(freeShape), freeShape, shape });
  }
  if (sites.length === 0)
    throw new UsageError(`${program.name}: the program has no continuous latent site; nothing can be moved.`);

  const depth = depthOf(first) + outer.length;
  const enumeration = new Enumeration(depth);
  const coordinates = new Map<string, Tensor>();
  const jacobians: Term[] = [];
  const answer: Handler = (message, next) => {
    if (message.kind !== "sample" || message.value !== undefined) return next(message);
    const { name, distribution, plates } = message;
    if (distribution.cardinality !== undefined) {
      enumeration.summedOut.set(
        name,
        plates.filter((p) => p.name !== PARTICLES),
      );
      return next({ ...message, value: enumeration.values(message) });
    }
    const site = sites.find((s) => s.name === name);
    // A site that the first run did not have: the comparison of both runs says so.
    if (site === undefined) return next(message);
    const toSupport = biject(distribution.support);
    const free = input(name, site.freeShape, distribution.floatDType);
    const batchRank = site.shape.length - distribution.eventShape.length;
    // One number for each element of the plates, whether the transform works on elements or on whole events.
    const { value, logDet } = toSupport.forwardAndLogDet(free, free.rank - batchRank - toSupport.eventRank);
    if (!sameShape(value.shape, site.shape)) {
      throw new UsageError(
        `${program.name}: the support of site '${name}' (${distribution.name}) depends on a finite site that is summed out, so it has no ` +
          "one set of values. Give it a support that is the same for all values of the finite site.",
      );
    }
    coordinates.set(name, free);
    jacobians.push(termOf({ ...message, value }, logDet));
    return next({ ...message, value });
  };
  const recorded = trace(program, args, [answer], { outer, freeFrom: depth + 1 });
  const random = randomSites(recorded);
  checkSameSites(program.name, randomSites(probe), random);

  const dtype = random[0].distribution.floatDType;
  const inverseTemperature = annealed ? input("inverse temperature", [], dtype) : undefined;
  const tempered = (site: RandomSite, term: Term): Term =>
    site.kind === "observe" && inverseTemperature !== undefined
      ? { ...term, value: mul(term.value, cast(inverseTemperature, term.value.dtype)) }
      : term;
  const terms = random.map((site) => ({ site, term: termOf(site) }));
  const joint = enumeration.eliminate(terms.map(({ site, term }) => tempered(site, term)));
  const total = (parts: readonly Tensor[]): Tensor => parts.map((t) => cast(t, dtype)).reduce(add);
  const inSums = (t: Tensor): boolean =>
    [...dependencies(t, enumeration.sources)].some((name) => enumeration.summedOut.has(name));
  return {
    name: program.name,
    dimension: sites.at(-1)?.end ?? 0,
    sites,
    outer,
    coordinates: sites.flatMap((s) => coordinates.get(s.name) ?? []),
    // A quantity that varies with a finite site has no one value once the site is summed out.
    values: new Map(
      [...recorded.sites]
        .filter(([, { kind, value }]) => (kind === "sample" || kind === "deterministic") && !inSums(value))
        .map(([name, { value }]) => [name, value]),
    ),
    terms: joint,
    jacobians,
    logJoint: total(joint.map(totalOf)),
    logJacobian: total(jacobians.map(({ value }) => sum(value))),
    inverseTemperature,
    scored: terms.map(({ site, term }) => ({
      program: "model",
      site,
      logDensity: term.value,
      mayBeZero: inSums(term.value),
    })),
    summedOut: [...enumeration.summedOut.keys()],
  };
}
