/** Runs a model and a guide together, as every bound needs. */
import { InternalError, UsageError } from "../../errors.ts";
import { evaluation, type LayerContext } from "../../nn/index.ts";
import {
  type Handler,
  latentSites,
  type Program,
  type RandomSite,
  randomSites,
  type SampleMessage,
  type Trace,
  trace,
} from "../../program/index.ts";
import { isNoise, mean, noise, stopGradient, type Tensor } from "../../tensor/index.ts";
import { checkListed, densityOf, eliminate, type ListedSite, listSite } from "../elimination.ts";
import { checkConflicts, chooseEstimator, type EstimatorOptions } from "../estimators/choose.ts";
import type { BoundKind, DrawnSite, SiteDraw, SiteEstimator } from "../estimators/estimator.ts";
import { heldParameters } from "../estimators/held.ts";
import { definitionOf } from "../estimators/registry.ts";
import { HiddenAxes, type HiddenAxis } from "../hidden-axes.ts";
import { dependencies, depthOf, lifted, type Term, termOf } from "../terms.ts";
import type { ScoredSite } from "./bound.ts";

export interface PairOptions extends EstimatorOptions {
  /** The pass that the programs' layers are traced in. Default: evaluation. */
  readonly layers?: LayerContext;
  /** Factor of the bound and its terms, such as 1/N for nats per datum. Default 1. */
  readonly scale?: number;
  /** Prefix of the names of the noise, so that one program can be run twice in a graph. Default "". */
  readonly stream?: string;
}

export interface Pair {
  /** Trace for one draw, without hidden axes, like `model`. */
  readonly guide: Trace;
  readonly model: Trace;
  readonly choices: ReadonlyMap<string, SiteEstimator>;
  readonly particles: number;
  readonly scale: number;
  /** The particles, if there are several. */
  readonly axis: HiddenAxis | undefined;
  /** Dimension of the particles in terms, negative. */
  readonly particleAxis: number;
  /** Dimensions of the programs' plates. */
  readonly depth: number;
  readonly hidden: HiddenAxes;
  /** Finite sites of the guide that take all their values. */
  readonly listed: readonly ListedSite[];
  /** log q of each latent site of the guide. */
  readonly guideTerms: readonly Term[];
  /** log p of each random site of the model, with sites summed out that only the model has. */
  readonly modelTerms: readonly Term[];
  /** The same before anything is summed out. */
  readonly modelSites: readonly {
    readonly site: RandomSite;
    readonly term: Term;
    readonly summed: boolean;
  }[];
  /** The sites by the values that the guide gave them, for one draw. */
  readonly values: ReadonlyMap<Tensor, string>;
  /** The same over the hidden axes. */
  readonly drawn: ReadonlyMap<Tensor, string>;
  /** The estimators' draws by site, for one draw. */
  readonly draws: ReadonlyMap<string, SiteDraw>;
  /**
   * Draws that are held constant in every term, for sites whose estimator maximises something else instead of the bound (`path`). Only the
   * draw itself depends on the parameters.
   */
  readonly held: ReadonlyMap<string, Tensor>;
}

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
          `plate '${p.name}': the model has ${other.rows} of ${other.size} rows, the guide ${p.rows} of ${p.size}; ` +
            "both need the same minibatch.",
        );
      }
    }
  }
}

/** @throws UsageError when a site of the guide is in a scan: estimators need its draw and density while the guide runs. */
function checkOutsideScans(guide: Trace): void {
  const inside = latentSites(guide).find((s) => s.isInScan === true);
  if (inside === undefined) return;
  throw new UsageError(
    `site '${inside.name}' of the guide is in a scan, where no estimator can draw it. Compute its parameters in the scan, return them as outputs, and draw ` +
      "the site after it, with all steps as one event (toEvent(1)).",
  );
}

/**
 * Runs the guide, then the model on the guide's draws, once, and adds particles and the values of finite sites as hidden axes.
 * @param bound the kind of bound: not every estimator works with every bound
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
  // Traced once to check that they match, and to find the sites to estimate.
  const probe = { guide: trace(guide, args), model: trace(model, args) };
  checkMatch(probe.model, probe.guide);
  checkOutsideScans(probe.guide);
  const depth = depthOf(probe.guide, probe.model);
  const choices = new Map(latentSites(probe.guide).map((s) => [s.name, chooseEstimator(s, options, bound)]));
  if (typeof options.estimators === "object") {
    checkSites("estimators", Object.keys(options.estimators), new Set(choices.keys()));
  }
  checkConflicts([...choices.values()], bound);
  const recording = recordUpdates(layers);

  const listed: ListedSite[] = [];
  const list = (site: SampleMessage, into: ListedSite[]): Tensor => {
    const found = listSite(site);
    into.push(found);
    return found.value;
  };
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
      allValues: () => list(message, listed),
    });
    draws.set(name, drawn);
    return next({ ...message, value: drawn.value });
  };
  const guideTrace = trace(guide, args, [draw], { layers: recording.context });
  const inGuide = latentSites(guideTrace);
  const definition = (name: string) => {
    const choice = choices.get(name);
    return choice && definitionOf(choice);
  };
  const constants = new Map(
    inGuide
      .filter((s) => bound.kind !== "elbo" && definition(s.name)?.importanceWeighted.path !== undefined)
      .map((s) => [s.name, stopGradient(s.value)]),
  );

  const summedOut: ListedSite[] = [];
  const answer: Handler = (message, next) => {
    if (message.kind !== "sample") return next(message);
    const site = guideTrace.sites.get(message.name);
    const value = site === undefined ? list(message, summedOut) : (constants.get(site.name) ?? site.value);
    return next({ ...message, value });
  };
  const modelTrace = trace(model, args, [answer], { layers: recording.context });

  const hidden = new HiddenAxes();
  const axis: HiddenAxis | undefined = particles === 1 ? undefined : { name: "particles", size: particles };
  const noises = noiseOf(inGuide, draws, stream);
  if (axis !== undefined) {
    hidden.add(axis, [...noises.values()].flat(), repeated(axis));
    for (const { name } of inGuide) {
      const { relaxation } = draws.get(name) ?? {};
      // Its gradient is needed for one draw, not for all.
      if (relaxation !== undefined && definition(name)?.pathwise === false)
        hidden.separate(relaxation.logits);
    }
  }
  for (const site of [...listed, ...summedOut]) {
    const { axis: values, placeholder } = site;
    const source = new Map([[placeholder, site.name]]);
    const dependent = inGuide.filter((s) =>
      Object.values(s.distribution.parameters).some((t) => dependencies(t, source).size > 0),
    );
    const leaves = dependent.flatMap((s) => noises.get(s.name) ?? []);
    hidden.add(values, [placeholder, ...leaves], (inner, leaf) =>
      leaf === placeholder ? site.values : repeated(values)(inner),
    );
  }
  recording.pass(hidden, layers);

  const density = (site: RandomSite): Term => densityOf(hidden, depth, site, [...listed, ...summedOut]);
  const cut = new Map(inGuide.map((s) => [s.value, constants.get(s.name) ?? s.value]));
  const guideTerms = inGuide.map((s) => {
    const { logProb } = draws.get(s.name) ?? {};
    const holds = definition(s.name)?.holdsLogProb === true;
    if (logProb === undefined && !holds) return density(s);
    const term = termOf(s, logProb);
    const held = holds ? { ...term, value: heldParameters(term.value, cut) } : term;
    return lifted(hidden, depth, held);
  });
  const modelSites = randomSites(modelTrace).map((site) => {
    const term = density(site);
    return { site, term, summed: summedOut.some((s) => term.axes.includes(s.axis)) };
  });
  const modelTerms = modelSites.map(({ term }) => term);
  checkListed([...guideTerms, ...modelTerms], listed);
  const seen = (s: RandomSite): Tensor => constants.get(s.name) ?? s.value;
  return {
    guide: guideTrace,
    model: modelTrace,
    choices,
    particles,
    scale,
    axis,
    particleAxis: -(depth + 1),
    depth,
    hidden,
    listed,
    guideTerms,
    modelTerms: eliminate(hidden, depth, modelTerms, summedOut),
    modelSites,
    values: new Map(inGuide.flatMap((s) => [s.value, seen(s)].map((t) => [t, s.name] as const))),
    drawn: new Map(inGuide.map((s) => [hidden.core(seen(s)).value, s.name])),
    draws,
    held: new Map([...constants].map(([name, t]) => [name, hidden.core(t).value])),
  };
}

/** A noise leaf with different draws along an axis. */
const repeated =
  ({ size }: HiddenAxis) =>
  (leaf: Tensor): Tensor => {
    if (!isNoise(leaf)) throw new InternalError(`${leaf} is not noise`);
    const { kind, site, shape, dtype } = leaf.attributes;
    return noise(kind, site, [size, ...shape], dtype);
  };

/**
 * The noise that each site's own draw is made of. Other noise, such as that of dropout, belongs to the program: all draws share it.
 */
function noiseOf(
  sites: readonly RandomSite[],
  draws: ReadonlyMap<string, SiteDraw>,
  stream: string,
): ReadonlyMap<string, readonly Tensor[]> {
  const seen = new Set<Tensor>();
  /** Nodes that were not met before. */
  const walk = (roots: readonly Tensor[]): Tensor[] => {
    const found: Tensor[] = [];
    const stack = [...roots];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      found.push(node);
      for (const x of node.inputs) stack.push(x);
    }
    return found;
  };
  return new Map(
    sites.map(({ name, distribution, value }) => {
      walk(Object.values(distribution.parameters));
      const { logProb, relaxation } = draws.get(name) ?? {};
      const own = walk(
        [value, logProb, relaxation?.z, relaxation?.conditional].filter((t) => t !== undefined),
      );
      const isOwn = (t: Tensor) =>
        isNoise(t) &&
        (t.attributes.site === `${stream}${name}` || t.attributes.site.startsWith(`${stream}${name}/`));
      return [name, own.filter(isOwn)];
    }),
  );
}

/** A context that keeps what layers record, made for one draw, until the hidden axes are known. */
function recordUpdates(layers: LayerContext) {
  const updates = new Map<Tensor, Tensor>();
  const context: LayerContext = {
    training: layers.training,
    ranks: layers.ranks ?? 1,
    current: (buffer) => updates.get(buffer) ?? layers.current(buffer),
    update: (buffer, value) => {
      updates.set(buffer, value);
    },
  };
  return {
    context,
    /** Hands on the means over all draws. */
    pass(hidden: HiddenAxes, to: LayerContext): void {
      for (const [buffer, single] of updates) {
        const { value, axes } = hidden.lift(single);
        to.update(
          buffer,
          axes.length === 0
            ? value
            : mean(
                value,
                axes.map((_, i) => i),
              ),
        );
      }
    },
  };
}

/** A site of the guide with its estimator; undefined for a site without one. */
export function drawnSite(pair: Pair, q: Term): DrawnSite | undefined {
  const choice = pair.choices.get(q.site);
  const site = pair.guide.sites.get(q.site);
  if (choice === undefined || site?.kind !== "sample") return undefined;
  const core = (t: Tensor): Tensor => pair.hidden.core(t).value;
  return {
    choice,
    q,
    value: core(site.value),
    batchRank: site.distribution.batchShape.length,
    relaxation: pair.draws.get(q.site)?.relaxation?.lifted(core),
    downstream: () =>
      [...pair.drawn].flatMap(([other, name]) => {
        const further = pair.choices.get(name);
        if (name === q.site || further === undefined) return [];
        return dependencies(other, pair.drawn).has(q.site)
          ? [{ site: name, definition: definitionOf(further) }]
          : [];
      }),
  };
}

/**
 * Every random site of a pair with its log density, before anything is summed out.
 * @param oneLogarithm whether the bound has the particles inside one logarithm
 */
export function scoredSites(pair: Pair, oneLogarithm = false): ScoredSite[] {
  const { guide, guideTerms, modelSites, hidden, particles } = pair;
  const terms = new Map(guideTerms.map((t) => [t.site, t]));
  const scored = (program: "guide" | "model", site: RandomSite, term: Term, summed: boolean): ScoredSite => ({
    program,
    site,
    logDensity: term.value,
    over: (t) => hidden.over(t, term.axes),
    mayBeZero: (oneLogarithm && particles > 1) || summed,
  });
  return [
    ...latentSites(guide).flatMap((site) => {
      const term = terms.get(site.name);
      return term === undefined ? [] : [scored("guide", site, term, false)];
    }),
    ...modelSites.map(({ site, term, summed }) => scored("model", site, term, summed)),
  ];
}
