import { InternalError, NonFiniteError } from "../errors.ts";
import { anything, callback, checkOptions, type OptionRules, whole } from "../options.ts";
import { type Program, randomSites, trace } from "../program/index.ts";
import { formatShape } from "../tensor/index.ts";
import { bound, naturalLeaves, pass, starting } from "./cavi/ascent.ts";
import { type Arrays, compileDraws, compileExpressions } from "./cavi/compiled.ts";
import { type ConjugateSite, type ExpectedLogJoint, expectedLogJoint } from "./cavi/expected-log-joint.ts";
import { type Factors, factorsOf, guideOf, type NaturalValues } from "./cavi/result.ts";
import { type FittedProgram, fittedProgram } from "./fitted.ts";
import { inColumns } from "./in-columns.ts";
import { checkWholeData } from "./minibatch.ts";

/** Options of {@link cavi}'s start. */
export interface CaviOptions {
  /** Seed of the random start: see `init`. Default 0. */
  readonly seed?: number;
}

/** Options of {@link cavi}'s `run`: when to stop. */
export interface CaviRunOptions extends CaviOptions {
  /** Largest number of passes over all sites. Default 1000. */
  readonly sweeps?: number;
  /**
   * Stops once a sweep has moved the factors by less than this, in standard deviations: the root of the symmetrised KL divergence
   * between the factors before and after it. Default 1e-6.
   */
  readonly tolerance?: number;
  /** Called after each sweep. */
  readonly onSweep?: (info: CaviInfo & { readonly sweep: number }) => void;
}

const runRules: OptionRules<CaviRunOptions> = {
  seed: anything,
  sweeps: whole(1),
  tolerance: anything,
  onSweep: callback,
};

/** What a sweep reports. */
export interface CaviInfo {
  /** E_q[log p(x, z)] + H(q) after the sweep, nats: exact. */
  readonly elbo: number;
  /** How far the factors moved, in standard deviations. */
  readonly moved: number;
}

/** The state carried from sweep to sweep. */
export interface CaviState {
  readonly compiled: CompiledSweep;
  /** Natural parameters of each site's factor: plain numbers, never written to. */
  readonly natural: NaturalValues;
  readonly sweep: number;
  /** After the last sweep; −∞ before the first. */
  readonly elbo: number;
}

/** The result of coordinate ascent. */
export interface CaviResult<A extends readonly unknown[]> extends Factors {
  readonly method: "cavi";
  /** The program whose posterior the factors approximate. */
  readonly fitted: FittedProgram;
  readonly state: CaviState;
  /** The ELBO after each sweep, in nats. It never falls. */
  readonly elbo: Float64Array;
  /** Whether the last sweep moved the factors by less than the tolerance. */
  readonly converged: boolean;
  /** The factors as a guide: `importance(model, guide, …)` reports k̂, which says whether to trust them. */
  readonly guide: Program<A>;
}

/** Coordinate ascent on one program: `init` and `step`, or `run`. */
export interface Cavi<A extends readonly unknown[]> {
  readonly method: "cavi";
  readonly program: Program<A>;
  /**
   * Factors to start from. A finite site starts at random probabilities, a normal one with its prior's precision around a draw from the
   * prior, which breaks ties between exchangeable sites; any other site starts at its prior, given its parents' initial factors.
   */
  init(args: A, options?: CaviOptions): Promise<CaviState>;
  /**
   * One sweep: updates each site's factor in turn to the best one given the others.
   * @throws NonFiniteError when a factor is not finite; the message names the site.
   */
  step(state: CaviState): Promise<{ readonly state: CaviState; readonly info: CaviInfo }>;
  /** Sweeps from a start until the factors stop moving. */
  run(args: A, options?: CaviRunOptions): Promise<CaviResult<A>>;
  /** Each latent site's factor, the expected statistics it gives to others, and the sites its update reads, as lines of text. */
  explain(args: A): string;
}

/** One program and its data, ready to sweep: numbers in, numbers out. */
export interface CompiledSweep {
  readonly sites: readonly ConjugateSite[];
  /** Factors to start from. */
  start(seed: number): NaturalValues;
  /** Updates each factor in turn to the best one given the others. */
  sweep(natural: NaturalValues): CaviInfo & {
    readonly natural: NaturalValues;
    /** The amount, in nats, by which rounding alone can change the ELBO. */
    readonly rounding: number;
  };
}

/** A sum of n numbers has an error of at most n ε Σ |xᵢ| (Higham 2002, section 4.2); 100 is added for the functions inside it. */
const roundingOf = (size: number, n: number): number => Number.EPSILON * (100 + n) * size;

function compileSweep<A extends readonly unknown[]>(program: Program<A>, args: A): CompiledSweep {
  const joint = expectedLogJoint(program, args);
  checkWholeData(
    program.name,
    randomSites(trace(program, args)),
    ", or use stochasticCavi, which takes minibatches",
  );
  const { sites } = joint;
  const leaves = naturalLeaves(sites);
  const flat = <T>(natural: ReadonlyMap<string, readonly T[]>): T[] =>
    sites.flatMap((s) => natural.get(s.name) ?? []);
  const listed = flat(leaves);
  const arrays: Arrays = new Map(listed.map((t) => [t, new Float64Array(t.size)]));
  const swept = pass(joint, sites, leaves);
  const { elbo, size } = bound(joint, swept.natural, swept.expectations);
  const outputs = [...flat(swept.natural), elbo, size, swept.moved];
  const compiled = compileExpressions(program.name, outputs, listed, arrays);
  compiled.refresh();
  const first = compileDraws(program.name, flat(starting(joint, sites)), arrays);
  const longest = Math.max(...[...arrays.keys()].map((t) => t.size));
  const named = (results: readonly Float64Array[]): NaturalValues => {
    let at = 0;
    return new Map(sites.map((s) => [s.name, s.conjugacy.shapes.map(() => results[at++].slice())]));
  };
  return {
    sites,
    start(seed) {
      first.run(seed, 0);
      return named(first.results);
    },
    sweep(natural) {
      const values = flat(natural);
      listed.forEach((leaf, i) => {
        arrays.get(leaf)?.set(values[i]);
      });
      compiled.run();
      const [[reached], [magnitude], [divergence]] = compiled.results.slice(listed.length);
      return {
        natural: named(compiled.results),
        elbo: reached,
        moved: Math.sqrt(Math.max(0, divergence)),
        rounding: roundingOf(magnitude, longest),
      };
    },
  };
}

/** A table: site, factor, shape, statistics, what its update reads. */
function describe({ sites, terms }: ExpectedLogJoint): string {
  const rows = sites.map(({ name, conjugacy, distribution }) => {
    const { batchShape, eventShape } = distribution;
    const touching = terms.filter((t) => t.sites.has(name));
    const read = new Set(touching.flatMap((t) => [...t.sites, t.owner]).filter((s) => s !== name));
    return [
      name,
      distribution.name,
      conjugacy.name,
      formatShape([...batchShape, ...eventShape]),
      conjugacy.statistics.join(", "),
      [...read].join(", "),
    ];
  });
  return inColumns([["site", "prior", "factor", "shape", "statistics of x", "update reads"], ...rows]);
}

function checkFinite(program: string, natural: NaturalValues, elbo: number, sweep: number): void {
  if (Number.isFinite(elbo)) return;
  const bad = [...natural].find(([, values]) => !values.every((v) => v.every(Number.isFinite)));
  const which = bad === undefined ? "" : `: site '${bad[0]}' has natural parameters that are not finite`;
  throw new NonFiniteError(
    `${program}: sweep ${sweep} of coordinate ascent gave an ELBO of ${elbo}${which}. Look for missing or infinite values in the data, for data far from 0 in units of their spread (centre them), ` +
      "for values that are impossible under the model, and for an improper prior that the data do not make proper.",
  );
}

/**
 * Coordinate ascent variational inference for conditionally conjugate programs (Bishop 2006, chapter 10; Blei, Kucukelbir and McAuliffe
 * 2017): a factor for each latent site, its plates' elements independent, each in turn set to the best one given the others, until
 * nothing moves. No gradient steps, no learning rate, no noise: the ELBO is exact and rises at every sweep, to a local maximum.
 *
 * The updates are derived from the program. Its log joint density is traced once and rewritten as a sum of products of the sites'
 * sufficient statistics; under independent factors its expectation is the same function of expected statistics, and the best natural
 * parameters of a factor are its derivative in that factor's own (Winn and Bishop 2005, "Variational message passing"; Hoffman, Johnson
 * and Tran 2018, "Autoconj"). Sites may be Normal, MultivariateNormal, Gamma, Exponential, ChiSquared, InverseGamma, Beta, Dirichlet,
 * Bernoulli, Categorical and OneHotCategorical; a vector of normals (`toEvent(1)`) gets a MultivariateNormal factor.
 *
 * Cost: a sweep is a few passes over the data, or none if the data enter through fixed sums (XᵀX is computed once). It runs in float64 on
 * the host executor. Squares are expanded, so data far from 0 in units of their spread lose digits: centre them. Mean-field factors
 * underestimate the spread of correlated sites, as all factorised guides do.
 *
 * @example
 * const { factors, elbo } = await cavi(coin).run([flips]);
 * await factors.get("p")?.mean().value();
 *
 * @throws UsageError when a site is not conditionally conjugate; the message names the site, the term that prevents it and what to do.
 */
export function cavi<A extends readonly unknown[]>(program: Program<A>): Cavi<A> {
  const machine: Cavi<A> = {
    method: "cavi",
    program,
    async init(args, options = {}) {
      checkOptions("cavi", options, runRules);
      const { seed = 0 } = options;
      const compiled = compileSweep(program, args);
      return { compiled, natural: compiled.start(seed), sweep: 0, elbo: Number.NEGATIVE_INFINITY };
    },
    async step(state) {
      const { natural, elbo, moved, rounding } = state.compiled.sweep(state.natural);
      const sweep = state.sweep + 1;
      checkFinite(program.name, natural, elbo, sweep);
      if (elbo < state.elbo - rounding) {
        throw new InternalError(
          `cavi: the ELBO of ${program.name} fell from ${state.elbo} to ${elbo} in sweep ${sweep}; an update is wrong`,
        );
      }
      return { state: { ...state, natural, sweep, elbo }, info: { elbo, moved } };
    },
    async run(args, options = {}) {
      let state = await machine.init(args, options);
      const { sweeps = 1000, tolerance = 1e-6, onSweep } = options;
      const elbo: number[] = [];
      let converged = false;
      while (state.sweep < sweeps && !converged) {
        const result = await machine.step(state);
        state = result.state;
        elbo.push(result.info.elbo);
        converged = result.info.moved < tolerance;
        onSweep?.({ ...result.info, sweep: state.sweep });
      }
      return caviResult(program, args, state, { elbo: Float64Array.from(elbo), converged });
    },
    explain: (args) => describe(expectedLogJoint(program, args)),
  };
  return machine;
}

/** The result for a final state. */
export function caviResult<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  state: CaviState,
  rest: Pick<CaviResult<A>, "elbo" | "converged">,
): CaviResult<A> {
  const { sites } = state.compiled;
  const found = factorsOf(program.name, sites, state.natural);
  return {
    method: "cavi",
    fitted: fittedProgram(program, args),
    ...found,
    ...rest,
    state,
    guide: guideOf<A>(program.name, sites, found),
  };
}
