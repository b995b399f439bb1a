import { type ArrayValue, type Device, deviceRule, type Executor } from "../compile/index.ts";
import { InternalError, NonFiniteError, TightboundError, UsageError } from "../errors.ts";
import { alone, type Ranks } from "../mpi/index.ts";
import { trainingContext } from "../nn/index.ts";
import {
  adam,
  type Coordinates,
  compileStep,
  type NamedLeaf,
  type Objective,
  type Optimizer,
  type TrainStep,
  togetherOf,
} from "../optim/index.ts";
import {
  anything,
  callback,
  checkOptions,
  knownOptions,
  type OptionRules,
  required,
  whole,
  withoutRequired,
} from "../options.ts";
import { type Program, randomSites, trace, watchObserved } from "../program/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { boundWarnings } from "./bound-warnings.ts";
import type { Bound, ScoredSite } from "./bounds/bound.ts";
import { type ElboOptions, elbo, elboRules } from "./bounds/elbo.ts";
import { importanceWeighted, importanceWeightedRules } from "./bounds/importance-weighted.ts";
import { lossOf } from "./bounds/loss.ts";
import { diagnose } from "./diagnose.ts";
import { describeControl } from "./estimators/choose.ts";
import type { SiteEstimator } from "./estimators/estimator.ts";
import { type FittedProgram, fittedProgram } from "./fitted.ts";
import { type GuideDrawsOptions, guideDraws } from "./guide-draws.ts";
import { type GuideStart, startOf } from "./guides/start.ts";
import { inColumns } from "./in-columns.ts";
import type { PosteriorNormal } from "./posterior-normal.ts";
import { checkSameProgram } from "./same-program.ts";
import { checkPlates, ownRows } from "./shared-rows.ts";

/** The bound to maximise, and the gradient estimators. */
export interface BoundOptions extends ElboOptions {
  /** The bound. Default `elbo`. The others put `particles` weighted draws inside one logarithm per datum. */
  readonly bound?: "elbo" | "importance-weighted" | "renyi";
  /** Order of the Rényi bound: required with `bound: "renyi"`, and not allowed otherwise. */
  readonly alpha?: number;
}

const boundRules: OptionRules<BoundOptions> = {
  ...elboRules,
  bound: anything,
  alpha: anything,
};

/** Options of {@link svi}. */
export interface SviOptions extends BoundOptions {
  /** Default Adam with learning rate 0.01. */
  readonly optimizer?: Optimizer;
  /** Default `host`: small programs. `native` for networks and large data. */
  readonly executor?: Executor;
  /** Threads of the native executor. Default: one for each core. */
  readonly threads?: number;
  /**
   * Where steps run. On `webgpu`, a graphics processor, the executor is `native`, and parameters stay there: after steps of your own call
   * `await state.compiled.pull()` before you read them. Default `cpu`.
   */
  readonly device?: Device;
  /** Seed of the parameters' initial values and of the noise. Default 0. */
  readonly seed?: number;
  /**
   * Ranks that fit the guide together. The arguments are those of one process; each rank gets its share of the first axis of every input
   * among them, and feeds its own rows. Default one process.
   */
  readonly ranks?: Ranks;
}

const optionRules: OptionRules<SviOptions> = {
  ...boundRules,
  optimizer: anything,
  executor: anything,
  threads: whole(1),
  device: deviceRule,
  seed: anything,
  ranks: anything,
};

/** Options of {@link svi}'s `run`: steps, minibatches and callbacks. */
export interface SviRunOptions extends SviOptions {
  /** Gradient steps. */
  readonly steps: number;
  /** Called before each step, to write a minibatch to the inputs among the arguments. */
  readonly feed?: (step: TrainStep, index: number) => void;
  /** Called once for each step, in order, with the bound's estimate, nats. On a device it is called for up to 16 steps at once. */
  readonly onStep?: (info: { readonly step: number; readonly elbo: number }) => void;
}

const runRules: OptionRules<SviRunOptions> = {
  ...optionRules,
  steps: required(whole(0)),
  feed: callback,
  onStep: callback,
};

/** The state carried from step to step. The compiled step holds parameters, moments and baselines. */
export interface SviState {
  readonly compiled: TrainStep;
  readonly choices: readonly SiteEstimator[];
  /** The sites, to diagnose a failed step. */
  readonly scored: readonly ScoredSite[];
  /** Checks the data that are fed. @throws UsageError when a value is outside the support of its site. */
  readonly watch: (() => void) | undefined;
  /** Where the guide's parameters started. */
  readonly start: GuideStart;
  readonly step: number;
}

/** A fitted guide: its parameters. */
export interface SviFit {
  readonly method: "svi";
  /** The model that the guide was fitted to. */
  readonly fitted: FittedProgram;
  /** The bound's estimate at each step, nats. */
  readonly elbo: Float64Array;
  /** Values of the guide's (and model's) parameters, by path: views. */
  readonly values: ReadonlyMap<string, Float32Array>;
  /** The same by leaf, for `compile(fn, { parameters })`. */
  readonly parameters: ReadonlyMap<Tensor, Float32Array>;
  /** Joint draws of the guide with its current parameters: latent sites and the model's deterministic sites, each [draws, …site]. */
  draw(options?: GuideDrawsOptions): Promise<ReadonlyMap<string, ArrayValue>>;
}

/** The result of a run: a fitted guide, and the state to continue from. */
export interface SviResult extends SviFit {
  /** What should be looked at before the fit is used, such as a bound that still rises; empty if all is well. */
  readonly warnings: readonly string[];
  readonly state: SviState;
}

/** Stochastic variational inference of one program by one guide: `init` and `step`, or `run`. */
export interface Svi<A extends readonly unknown[]> {
  readonly method: "svi";
  readonly model: Program<A>;
  readonly guide: Program<A>;
  /** Traces, chooses estimators and compiles: ready for the first step. */
  init(args: A, options?: SviOptions): Promise<SviState>;
  /** @throws NonFiniteError when a log density is not finite; the message names the site, its value and its parameters. */
  step(state: SviState): Promise<{ readonly state: SviState; readonly elbo: number }>;
  /** Takes `steps` steps from the parameters' initial values. */
  run(args: A, options: SviRunOptions): Promise<SviResult>;
  /** The estimator of each latent site, why it was chosen, and its control variate, as lines of text. */
  explain(args: A, options?: BoundOptions): string;
}

/** Every parameter and buffer of some programs, once, by path. */
export function parametersOfPrograms(...programs: readonly Pick<Program, "parameters">[]): NamedLeaf[] {
  const found = new Map<Tensor, NamedLeaf>();
  for (const program of programs) for (const p of program.parameters()) found.set(p.tensor, p);
  return [...found.values()];
}

/** The bound that the options select. @throws UsageError when they contradict each other. */
function boundOf<A extends readonly unknown[]>(
  model: Program<A>,
  guide: Program<A>,
  args: A,
  options: BoundOptions,
): Bound {
  const { bound = "elbo", alpha, ...rest } = options;
  if ((bound === "renyi") !== (alpha !== undefined)) {
    throw new UsageError(
      `svi: alpha is the order of the Rényi bound; found bound "${bound}" and alpha ${alpha}. Give both or neither.`,
    );
  }
  if (bound === "elbo") return elbo(model, guide, args, knownOptions(rest, elboRules));
  const terms = (["analyticKl", "beta", "freeBits"] as const).find((k) => rest[k] !== undefined);
  if (terms !== undefined) {
    throw new UsageError(
      `svi: ${terms} is about the ELBO's KL term; bounds with a logarithm of a mean have none. Use bound "elbo".`,
    );
  }
  return importanceWeighted(
    model,
    guide,
    args,
    knownOptions({ ...rest, alpha: alpha ?? 0 }, importanceWeightedRules),
  );
}

/**
 * Stochastic variational inference (Hoffman et al. 2013; Ranganath et al. 2014), the recipe in five steps: a model, a
 * variational family (the guide, a program too), their evidence lower bound, its gradient by an estimator for each site, and a
 * stochastic optimiser.
 *
 * An automatic guide starts at a normal near the posterior, found by `pathfinder`'s paths, and its parameters move in units of that
 * normal's standard deviations: a learning rate of 0.01 is a hundredth of one, in whatever units the data are. `state.start` says where it
 * cannot: where a step sees a minibatch, whose rows are not fed yet, and whose scaled posterior would be √(all rows / rows seen) standard
 * deviations from that of all rows; where the model has parameters of its own, with which the posterior moves from step to step; and where the search
 * would take long. A guide of your own starts at its parameters' initial values, and steps have one length for all of them.
 *
 * @example
 * const { values } = await svi(coin, guide).run([flips], { steps: 2000, seed: 0 });
 */
export const svi = <A extends readonly unknown[]>(model: Program<A>, guide: Program<A>): Svi<A> =>
  boundMaximiser(model, guide, (args, options) => boundOf(model, guide, args, options));

const objectiveOf = (
  { surrogate, value, updates }: Bound,
  layers: ReturnType<typeof trainingContext>,
): Objective => ({
  loss: lossOf(surrogate),
  metrics: { elbo: value },
  updates: new Map([...layers.updates, ...updates]),
});

/** Compiles a bound of two programs into steps, and runs them. */
export function boundMaximiser<A extends readonly unknown[]>(
  model: Program<A>,
  guide: Program<A>,
  boundAt: (args: A, options: BoundOptions) => Bound,
): Svi<A> {
  /** `count` steps; `after` gets the bound's estimates of those that were made since its last call. */
  async function take(
    state: SviState,
    count: number,
    feed: (step: number) => void,
    after: (estimates: readonly number[]) => void,
  ): Promise<SviState> {
    let step = state.step;
    try {
      await state.compiled.take({
        from: step,
        to: step + count,
        before(at) {
          feed(at);
          state.watch?.();
          return true;
        },
        after(reports) {
          step += reports.length;
          after(reports.map(({ elbo }) => elbo));
        },
      });
      return { ...state, step };
    } catch (error) {
      if (!(error instanceof NonFiniteError)) throw error;
      throw await diagnose(error, { ...state, step, named: parametersOfPrograms(model, guide) });
    }
  }

  const machine: Svi<A> = {
    method: "svi",
    model,
    guide,
    async init(whole, options = {}) {
      checkOptions("svi", options, withoutRequired(runRules));
      const { ranks = alone, threads = ranks.threads, device = "cpu" } = options;
      const args = ranks.size === 1 ? whole : ownRows(whole, ranks);
      const layers = trainingContext({ ranks: ranks.size });
      const bound = boundAt(args, { layers, ...options });
      const objective = objectiveOf(bound, layers);
      if (ranks.size > 1) checkPlates(model, whole, args, ranks);
      const together = togetherOf(ranks, objective, () => {
        const all = trainingContext();
        return objectiveOf(boundAt(whole, { layers: all, ...options }), all);
      });
      // Of all rows, so that each rank has the same start.
      const start = await startOfGuide(guide, whole, options.seed ?? 0);
      const compiled = await compileStep(
        objective,
        [...parametersOfPrograms(model, guide), ...bound.leaves],
        options.optimizer ?? adam({ learningRate: 0.01 }),
        {
          seed: options.seed ?? 0,
          executor: options.executor ?? (device === "cpu" ? "host" : "native"),
          device,
          ...(threads !== undefined && { threads }),
          ...(together && { together }),
          coordinates: start.coordinates,
        },
      );
      if (ranks.size > 1) {
        const outputs = [objective.loss, ...Object.values(objective.metrics)];
        const { parameters } = compiled.arena.flat;
        await checkSameProgram(machine.method, ranks, outputs, { seed: options.seed ?? 0, parameters });
      }
      const watch = watchObserved(randomSites(trace(model, args)).filter(({ kind }) => kind === "observe"));
      return {
        compiled,
        choices: bound.choices,
        scored: bound.scored,
        watch: watch?.bind(compiled.leafValues(watch.leaves, 0)),
        start: start.at,
        step: 0,
      };
    },
    async step(state) {
      let elbo = Number.NaN;
      const next = await take(
        state,
        1,
        () => {},
        ([estimate]) => {
          elbo = estimate;
        },
      );
      return { state: next, elbo };
    },
    async run(args, options) {
      checkOptions("svi", options, runRules);
      const { steps, feed, onStep } = options;
      const start = await machine.init(args, options);
      const elbo = new Float64Array(steps);
      let made = 0;
      const state = await take(
        start,
        steps,
        (index) => feed?.(start.compiled, index),
        (estimates) => {
          elbo.set(estimates, made);
          const first = made;
          made += estimates.length;
          estimates.forEach((estimate, i) => {
            onStep?.({ step: first + i, elbo: estimate });
          });
        },
      );
      await state.compiled.pull();
      state.compiled.release();
      const leaves = parametersOfPrograms(model, guide);
      const value = (leaf: NamedLeaf) => state.compiled.value(leaf.name);
      const parameters = new Map(leaves.map((leaf) => [leaf.tensor, value(leaf)]));
      return {
        method: "svi",
        fitted: fittedProgram(model, args),
        warnings: boundWarnings(elbo, {
          parameters: leaves.reduce((n, { tensor }) => n + tensor.size, 0),
          sameData: feed === undefined,
          start: state.start,
        }),
        state,
        elbo,
        values: new Map(leaves.map((leaf) => [leaf.name, value(leaf)])),
        parameters,
        draw: (drawOptions) => guideDraws(model, guide, args, parameters, drawOptions),
      };
    },
    explain: (args, options = {}) => describe(boundAt(args, options).choices),
  };
  return machine;
}

/** Where the parameters of a guide start, and the coordinates in which they are moved. */
async function startOfGuide<A extends readonly unknown[]>(
  guide: Program<A>,
  args: A,
  seed: number,
): Promise<{ readonly at: GuideStart; readonly coordinates: ReadonlyMap<Tensor, Coordinates> }> {
  const start = startOf(guide);
  const plain = (because?: string) => ({
    at: { near: false, because },
    coordinates: new Map<Tensor, Coordinates>(),
  });
  if (start === undefined) return plain();
  let normal: PosteriorNormal;
  try {
    const { posteriorNormal } = await import("./posterior-normal.ts");
    normal = await posteriorNormal(start.target, args, seed);
  } catch (error) {
    if (!(error instanceof TightboundError) || error instanceof InternalError) throw error;
    return plain(error.message);
  }
  const leaves = new Map(guide.parameters().map(({ name, tensor }) => [name, tensor]));
  const leaf = (path: string): Tensor => {
    const found = leaves.get(path);
    if (found === undefined) throw new InternalError(`${guide.name} has no parameter '${path}'`);
    return found;
  };
  return { at: { near: true, because: undefined }, coordinates: new Map(start.place(leaf, normal)) };
}

/** A table: site, estimator, reason, control variate. */
const describe = (choices: readonly SiteEstimator[]): string =>
  inColumns([
    ["site", "distribution", "estimator", "reason", "control variate"],
    ...choices.map((c) => [c.site, c.distribution, c.estimator, c.reason, describeControl(c)]),
  ]);
