import { NonFiniteError, UsageError } from "../errors.ts";
import {
  anything,
  callback,
  checkOptions,
  type OptionRules,
  positive,
  required,
  whole,
  withoutRequired,
} from "../options.ts";
import { type Program, randomSites, trace, watchObserved } from "../program/index.ts";
import { isInput, nodesOf, substitute, type Tensor } from "../tensor/index.ts";
import { bound, expectations, naturalLeaves, optimum, pass, starting } from "./cavi/ascent.ts";
import { type Arrays, compileDraws, compileExpressions } from "./cavi/compiled.ts";
import { type ConjugateSite, type ExpectedLogJoint, expectedLogJoint } from "./cavi/expected-log-joint.ts";
import { type Factors, factorsOf, type NaturalValues } from "./cavi/result.ts";
import { type FittedProgram, fittedProgram } from "./fitted.ts";

/** A step's inputs, to be filled in place. */
export interface Minibatch {
  /** The array of an input among the arguments, by its name. @throws UsageError when there is no such input. */
  input(name: string): Float64Array;
}

/** Options of {@link stochasticCavi}: its step sizes and local sweeps. */
export interface StochasticCaviOptions {
  /** Seed of the random start and of local starts. Default 0. */
  readonly seed?: number;
  /** τ of the step size (t + τ)^−κ: slows the first steps down. Default 1. */
  readonly delay?: number;
  /** κ, above ½ and up to 1: how fast old minibatches are forgotten; at 1 all count the same. Default 0.7. */
  readonly forgettingRate?: number;
  /** Local factors are swept until they move by less than this, in standard deviations. Default 1e-3. */
  readonly localTolerance?: number;
  /** Largest number of local sweeps per minibatch. Default 100. */
  readonly localSweeps?: number;
}

/** Options of {@link stochasticCavi}'s `run`: steps, and where minibatches come from. */
export interface StochasticCaviRunOptions extends StochasticCaviOptions {
  /** Number of minibatches to process. */
  readonly steps: number;
  /** Called before each step, counted from 0: writes a minibatch to the inputs among the arguments. */
  readonly feed: (minibatch: Minibatch, step: number) => void;
  /** Called after each step. */
  readonly onStep?: (info: StochasticCaviInfo & { readonly step: number }) => void;
}

const runRules: OptionRules<StochasticCaviRunOptions> = {
  seed: anything,
  delay: anything,
  forgettingRate: anything,
  localTolerance: positive,
  localSweeps: whole(1),
  steps: required(whole(0)),
  feed: required(callback),
  onStep: callback,
};

/** What a step reports. */
export interface StochasticCaviInfo {
  /** The bound before the step, its local part scaled from the minibatch: an unbiased estimate, nats. */
  readonly elbo: number;
  /** ρ, the weight of the minibatch. */
  readonly stepSize: number;
  readonly localSweeps: number;
}

/** The state carried from step to step. */
export interface StochasticCaviState {
  readonly compiled: CompiledStep;
  /** Natural parameters of each global site's factor. */
  readonly natural: NaturalValues;
  readonly step: number;
}

/** The result of stochastic coordinate ascent. */
export interface StochasticCaviResult extends Factors {
  readonly method: "stochastic-cavi";
  /** The program whose posterior the factors approximate. */
  readonly fitted: FittedProgram;
  readonly state: StochasticCaviState;
  /** The bound's estimate at each step, nats. */
  readonly elbo: Float64Array;
}

/** Stochastic coordinate ascent on one program: `init` and `step`, or `run`. */
export interface StochasticCavi<A extends readonly unknown[]> {
  readonly method: "stochastic-cavi";
  readonly program: Program<A>;
  /** Global factors to start from, as in `cavi`. */
  init(args: A, options?: StochasticCaviOptions): Promise<StochasticCaviState>;
  /** Processes the minibatch in `state.compiled.minibatch`. @throws NonFiniteError when the bound is not finite. */
  step(
    state: StochasticCaviState,
  ): Promise<{ readonly state: StochasticCaviState; readonly info: StochasticCaviInfo }>;
  /** Steps from a start, each on a minibatch that `feed` puts in place. */
  run(args: A, options: StochasticCaviRunOptions): Promise<StochasticCaviResult>;
}

/** A compiled program, ready for minibatches. */
export interface CompiledStep {
  /** Sites outside the minibatch plates; the state holds their factors. */
  readonly globals: readonly ConjugateSite[];
  readonly minibatch: Minibatch;
  readonly options: Required<StochasticCaviOptions>;
  /** Checks the minibatch. @throws UsageError when an observed value is outside the support of its site. */
  readonly watch: () => void;
  /** Global factors to start from. */
  start(): NaturalValues;
  /** Sweeps over local and global factors: coordinate ascent as if all data were like the minibatch. */
  settle(
    natural: NaturalValues,
    step: number,
  ): { readonly natural: NaturalValues; readonly elbo: number; readonly localSweeps: number };
  /** The global natural parameters that would be optimal if all data were like the minibatch. */
  best(
    natural: NaturalValues,
    step: number,
  ): { readonly natural: NaturalValues; readonly elbo: number; readonly localSweeps: number };
}

function checked(options: StochasticCaviOptions): Required<StochasticCaviOptions> {
  checkOptions("stochasticCavi", options, withoutRequired(runRules));
  const { seed = 0, delay = 1, forgettingRate = 0.7, localTolerance = 1e-3, localSweeps = 100 } = options;
  if (!(delay >= 0)) throw new UsageError(`stochasticCavi: delay must be at least 0, found ${delay}.`);
  if (!(forgettingRate > 0.5 && forgettingRate <= 1)) {
    throw new UsageError(
      `stochasticCavi: forgettingRate must be above 0.5 and at most 1, found ${forgettingRate}; otherwise the steps cannot both cover any distance and ` +
        "let their noise vanish (Robbins and Monro 1951).",
    );
  }
  return { seed, delay, forgettingRate, localTolerance, localSweeps };
}

const isLocal = ({ plates }: ConjugateSite): boolean => plates.some((p) => p.rows < p.size);

/** Inputs among the arguments, by name, with their arrays. */
function dataOf(program: string, joint: ExpectedLogJoint) {
  const statistics = new Set(joint.sites.flatMap((s) => s.statistics));
  const leaves = new Set(joint.terms.flatMap((t) => [...nodesOf(t.value)]).filter((t) => isInput(t)));
  const arrays: Arrays = new Map();
  const byName = new Map<string, Float64Array>();
  for (const leaf of leaves) {
    if (statistics.has(leaf)) continue;
    const { name } = leaf.attributes;
    if (byName.has(name))
      throw new UsageError(`${program}: two inputs are named '${name}'; use one input, or two names.`);
    const array = new Float64Array(leaf.size);
    byName.set(name, array);
    arrays.set(leaf, array);
  }
  return { arrays, byName };
}

function compileStep<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: Required<StochasticCaviOptions>,
): CompiledStep {
  const joint = expectedLogJoint(program, args);
  const [globals, locals] = [joint.sites.filter((s) => !isLocal(s)), joint.sites.filter(isLocal)];
  if (!joint.plates.some((p) => p.rows < p.size)) {
    throw new UsageError(
      `${program.name}: no plate is open for a minibatch. Give one rows (plate(name, size, body, { rows })) and its data as inputs with that ` +
        "many rows; or use cavi, which takes all data at once.",
    );
  }
  const { arrays, byName } = dataOf(program.name, joint);
  const watch = watchObserved(randomSites(trace(program, args)).filter(({ kind }) => kind === "observe"));
  const leaves = naturalLeaves(joint.sites);
  const of = <T>(sites: readonly ConjugateSite[], natural: ReadonlyMap<string, readonly T[]>): T[] =>
    sites.flatMap((s) => natural.get(s.name) ?? []);
  const listed = of(joint.sites, leaves);
  for (const leaf of listed) arrays.set(leaf, new Float64Array(leaf.size));
  const write = (
    sites: readonly ConjugateSite[],
    values: readonly (readonly number[] | Float64Array)[],
  ): void =>
    of(sites, leaves).forEach((leaf, i) => {
      arrays.get(leaf)?.set(values[i]);
    });
  const named = (sites: readonly ConjugateSite[], values: readonly Float64Array[]): NaturalValues => {
    let at = 0;
    return new Map(sites.map((s) => [s.name, s.conjugacy.shapes.map(() => values[at++].slice())]));
  };

  const globalLeaves = new Map(globals.map((s) => [s.name, leaves.get(s.name) ?? []]));
  const first = compileDraws(program.name, of(globals, starting(joint, globals)), arrays);
  const localStart = compileDraws(program.name, of(locals, starting(joint, locals, globalLeaves)), arrays);
  const sweepOver = (sites: readonly ConjugateSite[]) => {
    const { natural, moved } = pass(joint, sites, leaves);
    const compiled = compileExpressions(program.name, [...of(sites, natural), moved], listed, arrays);
    return {
      refresh: compiled.refresh,
      /** Sweeps until nothing moves; returns the number of sweeps. A single site is at its optimum after one. */
      run(): number {
        if (sites.length === 0) return 0;
        for (let sweeps = 1; ; sweeps++) {
          compiled.run();
          write(sites, compiled.results);
          if (sites.length === 1) return sweeps;
          const [divergence] = compiled.results[compiled.results.length - 1];
          if (!(divergence >= options.localTolerance ** 2) || sweeps >= options.localSweeps) return sweeps;
        }
      },
    };
  };
  const [local, all] = [sweepOver(locals), sweepOver(joint.sites)];
  const current = expectations(joint.sites, leaves);
  const targets = globals.flatMap((s): Tensor[] => optimum(joint, s).map((t) => substitute(t, current)));
  const { elbo } = bound(joint, leaves, current);
  const global = compileExpressions(program.name, [...targets, elbo], listed, arrays);

  const begin = (natural: NaturalValues, step: number): void => {
    write(globals, of(globals, natural));
    localStart.run(options.seed, step);
    write(locals, localStart.results);
    for (const graph of [local, all, global]) graph.refresh();
  };
  const finish = (localSweeps: number) => {
    global.run();
    const [elbo] = global.results[global.results.length - 1];
    return { natural: named(globals, global.results), elbo, localSweeps };
  };

  return {
    globals,
    options,
    watch:
      watch?.bind(
        watch.leaves.map(
          (leaf) => byName.get(isInput(leaf) ? leaf.attributes.name : "") ?? new Float64Array(leaf.size),
        ),
      ) ?? (() => undefined),
    minibatch: {
      input(name) {
        const array = byName.get(name);
        if (array === undefined) {
          throw new UsageError(
            `${program.name}: no input '${name}'; there are: ${[...byName.keys()].join(", ") || "none"}.`,
          );
        }
        return array;
      },
    },
    start() {
      first.run(options.seed, 0);
      return named(globals, first.results);
    },
    settle: (natural, step) => {
      begin(natural, step);
      return finish(all.run());
    },
    best: (natural, step) => {
      begin(natural, step);
      return finish(local.run());
    },
  };
}

/**
 * Stochastic coordinate ascent for large plates (Hoffman, Blei, Wang and Paisley 2013, "Stochastic variational inference"). Each step looks
 * at a minibatch: the factors of the sites in it are swept to convergence, the optimal global parameters λ̂ are computed as if all data
 * were like it, and the global natural parameters go part of the way, λ ← (1 − ρ) λ + ρ λ̂ with ρ = (t + τ)^−κ: a step along the natural
 * gradient of the bound. Local factors are not kept: they follow from the global ones. On the first minibatch only, all factors are swept,
 * starting as `cavi` does, so that exchangeable components separate before the steps become small.
 *
 * The program opens a plate with `rows` below its size, around data that are inputs of that many rows. For the programs it handles and how
 * updates are derived, see {@link cavi}. The bound is estimated from the minibatch and does not rise at every step.
 *
 * @example
 * const x = input("x", [500]);
 * const { factors } = await stochasticCavi(mixture).run([x], {
 *   steps: 400,
 *   feed: (minibatch, step) => minibatch.input("x").set(batchOf(step)),
 * });
 *
 * @throws UsageError when a site is not conditionally conjugate, or no plate is open for a minibatch.
 */
export function stochasticCavi<A extends readonly unknown[]>(program: Program<A>): StochasticCavi<A> {
  const machine: StochasticCavi<A> = {
    method: "stochastic-cavi",
    program,
    async init(args, options = {}) {
      const compiled = compileStep(program, args, checked(options));
      return { compiled, natural: compiled.start(), step: 0 };
    },
    async step(state) {
      const { compiled } = state;
      compiled.watch();
      const { delay, forgettingRate } = compiled.options;
      const step = state.step + 1;
      const isFirst = step === 1;
      const {
        natural: best,
        elbo,
        localSweeps,
      } = isFirst ? compiled.settle(state.natural, step) : compiled.best(state.natural, step);
      if (!Number.isFinite(elbo)) {
        throw new NonFiniteError(
          `${program.name}: minibatch ${step} gave a bound of ${elbo}. Look for missing or infinite values in it, and for values that are ` +
            "impossible under the model.",
        );
      }
      const stepSize = isFirst ? 1 : (step + delay) ** -forgettingRate;
      const natural = new Map(
        [...state.natural].map(([name, old]) => [
          name,
          old.map((values, i) => {
            const target = best.get(name)?.[i] ?? values;
            return values.map((v, j) => (1 - stepSize) * v + stepSize * target[j]);
          }),
        ]),
      );
      return { state: { ...state, natural, step }, info: { elbo, stepSize, localSweeps } };
    },
    async run(args, options) {
      checkOptions("stochasticCavi", options, runRules);
      const { steps, feed, onStep } = options;
      let state = await machine.init(args, options);
      const elbo = new Float64Array(steps);
      for (let index = 0; index < steps; index++) {
        feed(state.compiled.minibatch, index);
        const { state: next, info } = await machine.step(state);
        state = next;
        elbo[index] = info.elbo;
        onStep?.({ ...info, step: state.step });
      }
      return stochasticCaviResult(program, args, state, elbo);
    },
  };
  return machine;
}

/** The result for a final state. */
export const stochasticCaviResult = <A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  state: StochasticCaviState,
  elbo: Float64Array,
): StochasticCaviResult => ({
  method: "stochastic-cavi",
  fitted: fittedProgram(program, args),
  ...factorsOf(program.name, state.compiled.globals, state.natural),
  state,
  elbo,
});
