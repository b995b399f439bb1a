/** The evidence lower bound of a program under a guide, with a gradient estimator for each site. */
import { UsageError } from "../../errors.ts";
import { initializers } from "../../nn/index.ts";
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
import { parameter, zeros } from "../../tensor/leaf.ts";
import { add, mul, sub } from "../../tensor/ops/arithmetic.ts";
import { reshape } from "../../tensor/ops/movement.ts";
import { logsumexp, mean, sum } from "../../tensor/ops/reduce.ts";
import { stopGradient } from "../../tensor/ops/stop-gradient.ts";
import { exp } from "../../tensor/ops/transcendental.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { chooseEstimator, type EstimatorOptions, type SiteEstimator } from "../estimators/choose.ts";
import { dependencies, PARTICLES, sumOver, type Term, termOf } from "../terms.ts";

/** State of the decaying-average baselines: buffers and what they become after a step. */
export interface Baselines {
  readonly buffers: Map<string, Tensor>;
  readonly updates: Map<Tensor, Tensor>;
}

export interface ProgramElbo {
  /** The bound, averaged over particles: a scalar, nats. */
  readonly elbo: Tensor;
  /** E_q[log p] and E_q[log q], scalars; elbo = logJoint − logGuide. */
  readonly logJoint: Tensor;
  readonly logGuide: Tensor;
  /** A scalar whose gradient is the estimator of the bound's gradient; its value has no meaning. */
  readonly surrogate: Tensor;
  readonly choices: readonly SiteEstimator[];
}

/** Weight of the past in a decaying-average baseline (Mnih and Gregor 2014 use 0.8; Pyro 0.9). */
const DECAY = 0.9;

const depthOf = (recorded: Trace): number =>
  Math.max(0, ...[...recorded.sites.values()].flatMap((s) => s.plates.map((p) => -p.dimension)));

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

/** Values of enumerated sites, each along a dimension of its own, left of all others. */
interface Enumerated {
  readonly axes: Map<string, number>;
  readonly sources: Map<Tensor, string>;
}

/** Puts all values of a finite site along the next free dimension on the left. */
function enumerateSite(
  site: { name: string; distribution: RandomSite["distribution"] },
  from: number,
  e: Enumerated,
): Tensor {
  const axis = -(from + e.axes.size + 1);
  const all = site.distribution.enumerate();
  const { eventShape } = site.distribution;
  const padding = new Array<number>(-axis - 1).fill(1);
  const value = reshape(all, [all.shape[0], ...padding, ...eventShape]);
  e.axes.set(site.name, axis);
  e.sources.set(value, site.name);
  return value;
}

/**
 * Sums finite latent sites of the model that the guide leaves out, exactly: site by site from the last, all terms that depend on it
 * are gathered in its plates, exponentiated, added up, and become one term (tensor variable elimination, Obermeyer et al. 2019).
 */
function eliminate(
  terms: readonly Term[],
  e: Enumerated,
  plates: ReadonlyMap<string, readonly Plate[]>,
): Term[] {
  let left = [...terms];
  for (const [name, axis] of [...e.axes].reverse()) {
    const kept = plates.get(name);
    if (kept === undefined) continue;
    const touching = left.filter((t) => dependencies(t.value, e.sources).has(name));
    const joint = touching.map((t) => sumOver(t, kept)).reduce(add);
    const value = logsumexp(joint, axis, { keepDims: true });
    left = [...left.filter((t) => !touching.includes(t)), { site: name, value, plates: kept }];
  }
  return left;
}

/**
 * Builds the bound and its surrogate. Pathwise sites carry their own gradient; enumerated sites are summed with their
 * probabilities; score-function sites add stop(cost − baseline) · log q, where the cost holds only the terms that depend on the
 * site, element by element of its plates.
 *
 * @throws UsageError when model and guide do not match, or an override cannot work.
 */
export function programElbo<A extends readonly unknown[]>(
  model: Program<A>,
  guide: Program<A>,
  args: A,
  options: EstimatorOptions = {},
  baselines: Baselines = { buffers: new Map(), updates: new Map() },
): ProgramElbo {
  const { particles = 1 } = options;
  const probe = { guide: trace(guide, args), model: trace(model, args) };
  checkMatch(probe.model, probe.guide);
  const depth = Math.max(depthOf(probe.guide), depthOf(probe.model));
  const outer: Plate[] =
    particles === 1 ? [] : [{ name: PARTICLES, size: particles, rows: particles, dimension: -(depth + 1) }];
  const from = depth + outer.length;
  const enumerated: Enumerated = { axes: new Map(), sources: new Map() };
  const choices = new Map(latentSites(probe.guide).map((s) => [s.name, chooseEstimator(s, options)]));

  const draw: Handler = (message, next) => {
    if (message.kind !== "sample" || message.value !== undefined) return next(message);
    const estimator = choices.get(message.name)?.estimator;
    if (estimator === "enumeration")
      return next({ ...message, value: enumerateSite(message, from, enumerated) });
    const value = message.distribution.sample(message.name);
    return next({ ...message, value: estimator === "score" ? stopGradient(value) : value });
  };
  const runOptions = { outer, freeFrom: from + 1 };
  const guideTrace = trace(guide, args, [draw], runOptions);

  const summedOut = new Map<string, readonly Plate[]>();
  const answer: Handler = (message, next) => {
    if (message.kind !== "sample") return next(message);
    const site = guideTrace.sites.get(message.name);
    if (site !== undefined) return next({ ...message, value: site.value });
    summedOut.set(
      message.name,
      message.plates.filter((p) => p.name !== PARTICLES),
    );
    return next({ ...message, value: enumerateSite(message, from, enumerated) });
  };
  const modelTrace = trace(model, args, [answer], runOptions);

  const guideTerms = latentSites(guideTrace).map((s) => termOf(s));
  const modelTerms = eliminate(
    randomSites(modelTrace).map((s) => termOf(s)),
    enumerated,
    summedOut,
  );
  const expected = expectation(guideTerms, enumerated, summedOut);
  const costs: Cost[] = [
    ...modelTerms.map((t) => ({ term: expected(t), sign: 1 })),
    ...guideTerms.map((t) => ({ term: expected(t), sign: -1 })),
  ];
  // Its own log q gives a score-function site's parameters a gradient of mean zero: noise alone, so it is held constant.
  const scored = new Set([...choices.values()].filter((c) => c.estimator === "score").map((c) => c.site));
  const differentiated = costs.map((c) =>
    c.sign < 0 && scored.has(c.term.site)
      ? { ...c, term: { ...c.term, value: stopGradient(c.term.value) } }
      : c,
  );
  const total = (sign: number): Tensor | undefined => {
    const parts = differentiated.filter((c) => c.sign === sign).map((c) => sum(sumOver(c.term, [])));
    return parts.length === 0 ? undefined : mul(parts.reduce(add), 1 / particles);
  };
  const logJoint = total(1);
  if (logJoint === undefined)
    throw new UsageError(`${model.name}: the program has no random site, so it has no bound.`);
  const logGuide = total(-1) ?? mul(logJoint, 0);
  const elbo = sub(logJoint, logGuide);

  const drawn = new Map([...guideTrace.sites].map(([name, site]) => [site.value, name]));
  const scores = guideTerms.flatMap((q) => {
    const choice = choices.get(q.site);
    if (choice?.estimator !== "score") return [];
    const relevant = costs.filter(({ term }) => dependencies(term.value, drawn).has(q.site));
    const cost = stopGradient(
      relevant.map(({ term, sign }) => mul(sumOver(term, q.plates), sign)).reduce(add),
    );
    const centred = stopGradient(sub(cost, baselineOf(choice, cost, particles, depth, baselines)));
    return [mul(sum(sumOver({ ...q, value: mul(centred, q.value) }, [])), 1 / particles)];
  });
  return {
    elbo,
    logJoint,
    logGuide,
    surrogate: scores.reduce(add, elbo),
    choices: [...choices.values()],
  };
}

/** A term of log p (+1) or log q (−1). */
interface Cost {
  readonly term: Term;
  readonly sign: number;
}

/** E over the guide's enumerated sites of a term, Σ Π q · term; their dimensions stay, of size 1. */
function expectation(
  guideTerms: readonly Term[],
  enumerated: Enumerated,
  summedOut: ReadonlyMap<string, readonly Plate[]>,
): (t: Term) => Term {
  const logQ = new Map(guideTerms.map((t) => [t.site, t.value]));
  const enumeratedIn = (t: Tensor): Set<string> => {
    const names = dependencies(t, enumerated.sources);
    for (const gone of summedOut.keys()) names.delete(gone);
    // A probability may itself depend on further enumerated sites; a set that grows is walked to its end.
    for (const n of names) {
      const q = logQ.get(n);
      if (q !== undefined)
        for (const m of dependencies(q, enumerated.sources)) if (!summedOut.has(m)) names.add(m);
    }
    return names;
  };
  return (t) => {
    const names = enumeratedIn(t.value);
    if (names.size === 0) return t;
    const weight = [...names].flatMap((n) => logQ.get(n) ?? []).reduce(add);
    const axes = [...names].flatMap((n) => enumerated.axes.get(n) ?? []);
    const width = Math.max(t.value.rank, weight.rank, ...axes.map((a) => -a));
    return { ...t, value: sum(padTo(mul(exp(weight), t.value), width), axes, { keepDims: true }) };
  };
}

const padTo = (t: Tensor, rank: number): Tensor =>
  t.rank >= rank ? t : reshape(t, [...new Array<number>(rank - t.rank).fill(1), ...t.shape]);

/** The control variate of a score-function site; it never depends on the site's own draw. */
function baselineOf(
  choice: SiteEstimator,
  cost: Tensor,
  particles: number,
  depth: number,
  baselines: Baselines,
): Tensor {
  switch (choice.baseline) {
    case "none":
      return zeros([], cost.dtype);
    case "leave-one-out": {
      // The mean cost of the other particles (Mnih and Rezende 2016; Kool et al. 2019): unbiased, and free.
      if (particles < 2)
        throw new UsageError(`site '${choice.site}': a leave-one-out baseline needs at least 2 particles.`);
      const all = sum(cost, -(depth + 1), { keepDims: true });
      return mul(sub(all, cost), 1 / (particles - 1));
    }
    case "decaying-average": {
      const name = `baseline.${choice.site}`;
      const buffer = baselines.buffers.get(name) ?? parameter([], initializers.zeros, { trainable: false });
      baselines.buffers.set(name, buffer);
      baselines.updates.set(buffer, add(mul(buffer, DECAY), mul(mean(cost), 1 - DECAY)));
      return buffer;
    }
  }
}
