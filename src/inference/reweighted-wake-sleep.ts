import { UsageError } from "../errors.ts";
import { anything, callback, checkOptions, type OptionRules } from "../options.ts";
import {
  type Handler,
  latentSites,
  logDensity,
  type Program,
  type RandomSite,
  replay,
  type Trace,
  trace,
} from "../program/index.ts";
import { add, mul, softmax, stopGradient, sum, type Tensor } from "../tensor/index.ts";
import type { Bound, ScoredSite } from "./bounds/bound.ts";
import { weigh } from "./bounds/importance-weighted.ts";
import { type PairOptions, runPair, scoredSites } from "./bounds/pair.ts";
import { renyi } from "./bounds/renyi.ts";
import { boundMaximiser, type Svi } from "./svi.ts";

/** Options of {@link reweightedWakeSleep}. */
export interface ReweightedWakeSleepOptions<A extends readonly unknown[]> {
  /**
   * What the guide learns from. `wake` (default): draws for the data at hand, by their normalised weights. `sleep`: draws of the
   * model, data and all. `both`: half of each.
   */
  readonly phase?: "wake" | "sleep" | "both";
  /** For the sleep phase: makes the programs' arguments from the values that the model drew, by site name. Needed there. */
  readonly dream?: (sites: ReadonlyMap<string, Tensor>) => A;
}

const wakeSleepRules: OptionRules<ReweightedWakeSleepOptions<readonly unknown[]>> = {
  phase: anything,
  dream: callback,
};

/**
 * Reweighted wake-sleep (Bornschein and Bengio 2015; Le et al. 2019). The model maximises the importance-weighted bound of
 * `particles` draws; the guide follows Σ w̃ ∇ log q(z|x) of the same draws (wake), or ∇ log q(z|x) of pairs drawn from the model (sleep).
 * No gradient goes through a draw, so sites of any kind can be used, and more draws make the guide's gradient better, not worse. The two
 * minimise different functions: KL(p ‖ q) for the guide, where SVI descends KL(q ‖ p).
 *
 * @example
 * await reweightedWakeSleep(network.model, network.guide).run([x], { steps: 10_000, particles: 10, executor: "native" });
 *
 * @throws UsageError when a sleep phase is asked for without `dream`.
 */
export function reweightedWakeSleep<A extends readonly unknown[]>(
  model: Program<A>,
  guide: Program<A>,
  options: ReweightedWakeSleepOptions<A> = {},
): Svi<A> {
  checkOptions("reweightedWakeSleep", options, wakeSleepRules);
  const { phase = "wake", dream } = options;
  if (phase !== "wake" && dream === undefined) {
    throw new UsageError(
      `reweighted wake-sleep: phase "${phase}" needs 'dream', which makes the guide's arguments from what the model dreamt.`,
    );
  }
  return boundMaximiser(model, guide, (args, { layers, particles = 1, scale = 1, stream = "" }) =>
    wakeSleepBound(model, guide, args, { layers, particles, scale, stream }, { phase, dream }),
  );
}

function wakeSleepBound<A extends readonly unknown[]>(
  model: Program<A>,
  guide: Program<A>,
  args: A,
  options: { readonly [K in "layers" | "particles" | "scale" | "stream"]: PairOptions[K] },
  {
    phase,
    dream,
  }: { readonly phase: string; readonly dream: ReweightedWakeSleepOptions<A>["dream"] | undefined },
): Bound {
  const { layers, particles = 1, scale = 1, stream = "" } = options;
  const pair = runPair(
    model,
    guide,
    args,
    { estimators: "score", baseline: "none", particles, scale, stream, ...(layers && { layers }) },
    { kind: "importance-weighted", alpha: 0 },
  );
  const { logWeights, logGuide, scale: whole } = weigh(pair);
  const normalised = stopGradient(softmax(logWeights, 0));
  const awake = (t: Tensor): Tensor => mul(sum(mul(normalised, t)), whole);
  const logJoint = add(logWeights, logGuide);
  const dreamt = phase === "wake" || dream === undefined ? [] : [asleep(model, guide, args, dream, stream)];
  const lessons = [
    ...(phase === "sleep" ? [] : [awake(logGuide)]),
    ...dreamt.map((recorded) => logDensity(recorded).mul(scale)),
  ];
  const lesson = mul(lessons.reduce(add), 1 / lessons.length);
  return {
    value: mul(sum(renyi(logWeights, 0)), whole),
    surrogate: add(awake(logJoint), lesson),
    choices: [...pair.choices.values()].map((c) => ({
      ...c,
      reason: `reweighted wake-sleep, ${phase} phase: no gradient through draws`,
    })),
    leaves: [],
    updates: new Map(),
    scored: [...scoredSites(pair, true), ...dreamt.flatMap(latentSites).map(dreamtSite)],
  };
}

const dreamtSite = (site: RandomSite): ScoredSite => ({
  program: "dream",
  site,
  logDensity: site.distribution.logProb(site.value),
  over: (t) => t,
  mayBeZero: false,
});

/** The guide on latent variables and data that the model dreamt together. */
function asleep<A extends readonly unknown[]>(
  model: Program<A>,
  guide: Program<A>,
  args: A,
  dream: (sites: ReadonlyMap<string, Tensor>) => A,
  stream: string,
): Trace {
  const draw: Handler = (message, next) =>
    message.kind === "sample" || (message.kind === "observe" && message.distribution.name !== "Factor")
      ? next({
          ...message,
          kind: "sample",
          value: stopGradient(message.distribution.sample(`${stream}dream/${message.name}`)),
        })
      : next(message);
  const dreamt = trace(model, args, [draw]);
  const sites = new Map([...dreamt.sites].map(([name, { value }]) => [name, value]));
  return trace(guide, dream(sites), [replay(dreamt)]);
}
