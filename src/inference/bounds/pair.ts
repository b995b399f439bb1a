/** A model and a guide run together: what every bound starts from. */
import { ShapeError, UsageError } from "../../errors.ts";
import { evaluation, type LayerContext } from "../../nn/index.ts";
import {
  type Handler,
  latentSites,
  type Plate,
  type Program,
  type RandomSite,
  randomSites,
  type Trace,
  trace,
} from "../../program/index.ts";
import { stopGradient } from "../../tensor/ops/stop-gradient.ts";
import { formatShape } from "../../tensor/shape.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { checkConflicts, chooseEstimator, type EstimatorOptions } from "../estimators/choose.ts";
import { Enumeration } from "../estimators/enumeration.ts";
import type { BoundKind, DrawnSite, SiteDraw, SiteEstimator } from "../estimators/estimator.ts";
import { heldParameters } from "../estimators/held.ts";
import { definitionOf } from "../estimators/registry.ts";
import { dependencies, PARTICLES, type Term, termOf } from "../terms.ts";
import type { ScoredSite } from "./bound.ts";

export interface PairOptions extends EstimatorOptions {
  /** The pass that the programs' layers are traced in. Default: evaluation. */
  readonly layers?: LayerContext;
  /** Factor of the bound and its terms, such as 1/N for nats per datum. Default 1. */
  readonly scale?: number;
  /** Leads the names of the noise, so that one program can be run twice in a graph. Default "". */
  readonly stream?: string;
}

export interface Pair {
  readonly guide: Trace;
  readonly model: Trace;
  readonly choices: ReadonlyMap<string, SiteEstimator>;
  readonly particles: number;
  readonly scale: number;
  /** Dimension of the particles, negative; with one particle there is none. */
  readonly particleAxis: number;
  readonly enumeration: Enumeration;
  /** log q of each latent site of the guide. */
  readonly guideTerms: readonly Term[];
  /** log p of each random site of the model, what it alone has summed out. */
  readonly modelTerms: readonly Term[];
  /** The sites by the values that the guide gave them. */
  readonly drawn: ReadonlyMap<Tensor, string>;
  /** What the estimators drew, by site. */
  readonly draws: ReadonlyMap<string, SiteDraw>;
  /**
   * Of sites whose estimator climbs something of its own in place of the bound: the draw held constant, as all terms see it. Their
   * path to the parameters goes through the draw in `guide` alone.
   */
  readonly held: ReadonlyMap<string, Tensor>;
}

/** How many dimensions the plates of a trace take. */
export const depthOf = (recorded: Trace): number =>
  Math.max(0, ...[...recorded.sites.values()].flatMap((s) => s.plates.map((p) => -p.dimension)));

/** @throws UsageError when an option names a site that the guide does not have. */
export function checkSites(
  option: string,
  names: readonly string[],
  latent: ReadonlySet<string>,
): readonly string[] {
  const unknown = names.find((n) => !latent.has(n));
  if (unknown === undefined) return names;
  throw new UsageError(
    `${option}: the guide has no latent site '${unknown}'; it has ${[...latent].map((n) => `'${n}'`).join(", ") || "none"}.`,
  );
}

/** @throws UsageError when the latent sites of model and guide, or the rows of their plates, are not the same. */
export function checkMatch(modelTrace: Trace, guideTrace: Trace): void {
  const list = (names: readonly string[]) => names.map((n) => `'${n}'`).join(", ") || "none";
  const inModel = latentSites(modelTrace)
    .filter((s) => s.distribution.cardinality === undefined)
    .map((s) => s.name);
  const inGuide = latentSites(guideTrace)
    .filter((s) => s.auxiliary !== true)
    .map((s) => s.name);
  const missing = inModel.filter((n) => !inGuide.includes(n));
  const latent = latentSites(modelTrace).map((s) => s.name);
  const extra = inGuide.filter((n) => !latent.includes(n));
  if (missing.length > 0 || extra.length > 0) {
    throw new UsageError(
      `model and guide do not match: the guide has no site for ${list(missing)}, and the model no latent site for ${list(extra)}. ` +
        `Latent in the model: ${list(latent)}; in the guide: ${list(inGuide)}.`,
    );
  }
  const plates = new Map(randomSites(modelTrace).flatMap((s) => s.plates.map((p) => [p.name, p] as const)));
  for (const site of randomSites(guideTrace)) {
    for (const p of site.plates) {
      const other = plates.get(p.name);
      if (other !== undefined && (other.rows !== p.rows || other.size !== p.size)) {
        throw new UsageError(
          `plate '${p.name}': the model looks at ${other.rows} of ${other.size}, the guide at ${p.rows} of ${p.size}; ` +
            "one minibatch must serve both.",
        );
      }
    }
  }
}

/**
 * Runs the guide, then the model on the guide's draws, with particles and enumerated values as dimensions on the left.
 * @param bound what the draws stand under: not every estimator can be used with every bound
 * @throws UsageError when model and guide do not match, or an estimator cannot work.
 */
export function runPair<A extends readonly unknown[]>(
  model: Program<A>,
  guide: Program<A>,
  args: A,
  options: PairOptions = {},
  bound: BoundKind = { kind: "elbo" },
): Pair {
  const { particles = 1, layers = evaluation, scale = 1, stream = "" } = options;
  if (!Number.isInteger(particles) || particles < 1) {
    throw new UsageError(`particles must be a whole number of at least 1, found ${particles}.`);
  }
  // Traced once to see its plates, so that particles can stand left of all of them.
  const probe = { guide: trace(guide, args), model: trace(model, args) };
  checkMatch(probe.model, probe.guide);
  const depth = Math.max(depthOf(probe.guide), depthOf(probe.model));
  const particleAxis = -(depth + 1);
  const outer: Plate[] =
    particles === 1
      ? []
      : [{ name: PARTICLES, size: particles, rows: particles, dimension: particleAxis, outer: true }];
  const from = depth + outer.length;
  const enumeration = new Enumeration(from);
  const choices = new Map(latentSites(probe.guide).map((s) => [s.name, chooseEstimator(s, options, bound)]));
  if (typeof options.estimators === "object") {
    checkSites("estimators", Object.keys(options.estimators), new Set(choices.keys()));
  }
  checkConflicts([...choices.values()], bound);
  const runOptions = { outer, freeFrom: from + 1, layers };

  const draws = new Map<string, SiteDraw>();
  const draw: Handler = (message, next) => {
    if (message.kind !== "sample" || message.value !== undefined) return next(message);
    const { name, distribution } = message;
    const choice = choices.get(name);
    // A site that appears only on this run has no estimator; it is drawn, and the terms find it.
    if (choice === undefined) return next({ ...message, value: distribution.sample(`${stream}${name}`) });
    const drawn = definitionOf(choice).draw({
      choice,
      distribution,
      noise: `${stream}${name}`,
      allValues: () => enumeration.values(message),
    });
    draws.set(name, drawn);
    return next({ ...message, value: drawn.value });
  };
  const guideTrace = trace(guide, args, [draw], runOptions);
  const inGuide = latentSites(guideTrace);
  const definition = (name: string) => {
    const choice = choices.get(name);
    return choice && definitionOf(choice);
  };
  const held = new Map(
    inGuide
      .filter((s) => bound.kind !== "elbo" && definition(s.name)?.importanceWeighted.path !== undefined)
      .map((s) => [s.name, stopGradient(s.value)]),
  );

  const answer: Handler = (message, next) => {
    if (message.kind !== "sample") return next(message);
    const site = guideTrace.sites.get(message.name);
    if (site !== undefined) return next({ ...message, value: held.get(message.name) ?? site.value });
    enumeration.summedOut.set(
      message.name,
      message.plates.filter((p) => p.name !== PARTICLES),
    );
    return next({ ...message, value: enumeration.values(message) });
  };
  const modelTrace = trace(model, args, [answer], runOptions);

  for (const recorded of [guideTrace, modelTrace]) checkLayout(recorded, from, enumeration);
  const cut = new Map(inGuide.map((s) => [s.value, held.get(s.name) ?? s.value]));
  return {
    guide: guideTrace,
    model: modelTrace,
    choices,
    particles,
    scale,
    particleAxis,
    enumeration,
    guideTerms: inGuide.map((s) => {
      const term = termOf(s, draws.get(s.name)?.logProb);
      return definition(s.name)?.holdsLogProb === true
        ? { ...term, value: heldParameters(term.value, cut) }
        : term;
    }),
    modelTerms: enumeration.eliminate(randomSites(modelTrace).map((s) => termOf(s))),
    drawn: new Map(inGuide.map((s) => [held.get(s.name) ?? s.value, s.name])),
    draws,
    held,
  };
}

/** A site of the guide as its estimator finds it; nothing for a site without one. */
export function drawnSite(pair: Pair, q: Term): DrawnSite | undefined {
  const choice = pair.choices.get(q.site);
  const value = pair.guide.sites.get(q.site)?.value;
  if (choice === undefined || value === undefined) return undefined;
  return {
    choice,
    q,
    value,
    relaxation: pair.draws.get(q.site)?.relaxation,
    downstream: () =>
      [...pair.drawn].flatMap(([other, site]) => {
        const further = pair.choices.get(site);
        if (site === q.site || further === undefined) return [];
        return dependencies(other, pair.drawn).has(q.site)
          ? [{ site, definition: definitionOf(further) }]
          : [];
      }),
  };
}

/**
 * Every random site of a pair with its log density, before anything is summed out.
 * @param oneLogarithm whether the bound weighs the particles under one
 */
export function scoredSites(pair: Pair, oneLogarithm = false): ScoredSite[] {
  const { guide, guideTerms, model, enumeration, particles } = pair;
  const terms = new Map(guideTerms.map((t) => [t.site, t]));
  const scored = (
    program: "guide" | "model",
    site: RandomSite,
    { value }: Term = termOf(site),
  ): ScoredSite => ({
    program,
    site,
    logDensity: value,
    over: (t) => t,
    mayBeZero:
      (oneLogarithm && particles > 1) ||
      [...dependencies(value, enumeration.sources)].some((name) => enumeration.summedOut.has(name)),
  });
  return [
    ...latentSites(guide).map((site) => scored("guide", site, terms.get(site.name))),
    ...randomSites(model).map((site) => scored("model", site)),
  ];
}

/**
 * Left of plates and particles stand enumerated values alone. What else is found there was put there by a program that counts
 * dimensions from the left, or adds one.
 * @throws ShapeError naming site, shapes and the ways out.
 */
function checkLayout(recorded: Trace, from: number, enumeration: Enumeration): void {
  const cardinality = new Map([...enumeration.sources].map(([value, name]) => [name, value.shape[0]]));
  const sizes = new Map([...enumeration.axes].map(([name, axis]) => [axis, cardinality.get(name)]));
  for (const { name, distribution } of randomSites(recorded)) {
    const { batchShape } = distribution;
    for (let axis = -batchShape.length; axis < -from; axis++) {
      const size = batchShape[batchShape.length + axis];
      if (size === 1 || size === sizes.get(axis)) continue;
      throw new ShapeError(
        `site '${name}': batch shape ${formatShape(batchShape)} (event ${formatShape(distribution.eventShape)}) has size ${size} along ` +
          `dimension ${axis}, where neither a plate nor particles nor values of an enumerated site stand. Inference adds such dimensions ` +
          "on the left of every site's value: count dimensions from the right (-1, -2), let values broadcast, and do not unsqueeze or " +
          "reshape a site's value as if its shape were the one without them.",
      );
    }
  }
}
