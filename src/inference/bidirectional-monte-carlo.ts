import { ArrayValue, compile } from "../compile/index.ts";
import { checkOptions } from "../options.ts";
import {
  type Handler,
  handled,
  type Program,
  type RandomSite,
  randomSites,
  trace,
} from "../program/index.ts";
import { cast, constant } from "../tensor/index.ts";
import {
  type AnnealingOptions,
  type AnnealingResult,
  annealedImportanceSampling,
  annealingRules,
  reverseAnnealedImportanceSampling,
} from "./annealed-importance-sampling.ts";

/** Two bounds between which the log evidence of simulated data lies. */
export interface Bracket {
  /** A lower bound of the simulated data's log evidence, in expectation. */
  readonly lower: AnnealingResult;
  /** An upper bound, in expectation. */
  readonly upper: AnnealingResult;
  /** upper − lower, nats: how far off either can be. */
  readonly gap: number;
  /** The simulated values of the observed sites. */
  readonly data: ReadonlyMap<string, ArrayValue>;
  /** The values of the latent sites that they were simulated from. */
  readonly latent: ReadonlyMap<string, ArrayValue>;
}

/** A joint draw of all random sites. */
async function simulate<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  { seed = 0, parameters }: AnnealingOptions<A>,
) {
  const draw: Handler = (message, next) =>
    message.kind === "observe" && message.distribution.name !== "Factor"
      ? next({ ...message, value: message.distribution.sample(`simulated/${message.name}`) })
      : next(message);
  const sites = randomSites(trace(program, args, [draw])).filter((s) => s.distribution.name !== "Factor");
  const values = await compile(() => sites.map((s) => cast(s.value, "float64")), {
    executor: "host",
    seed,
    ...(parameters && { parameters }),
  })();
  const those = (kind: RandomSite["kind"]) =>
    new Map(sites.flatMap((s, i) => (s.kind === kind ? [[s.name, values[i]] as const] : [])));
  return { data: those("observe"), latent: those("sample") };
}

/** The program with other data. */
function withData<A extends readonly unknown[]>(
  program: Program<A>,
  data: ReadonlyMap<string, ArrayValue>,
): Program<A> {
  return handled(program, (message, next) => {
    const value = message.kind === "observe" ? data.get(message.name) : undefined;
    return value === undefined || message.kind !== "observe"
      ? next(message)
      : next({
          ...message,
          value: constant(value.data as Float64Array, value.shape, message.distribution.dtype),
        });
  });
}

/**
 * Bidirectional Monte Carlo (Grosse, Ghahramani and Adams 2015): simulates data from the program, so that the latent values behind them are
 * an exact draw from the posterior, and brackets the log evidence between annealed importance sampling forward and in reverse. The number
 * of temperatures needed for an accuracy of a nat on simulated data also holds for similar real data.
 *
 * All reverse chains start from the same exact draw, so the standard error of `upper` covers the chains, not the draw.
 *
 * @param args of the program; observed values among them are replaced by simulated ones of the same shape
 *
 * @example
 * const { lower, upper } = await bidirectionalMonteCarlo(eightSchools, [], { temperatures: 500 });
 *
 * @throws UsageError as {@link annealedImportanceSampling}.
 */
export async function bidirectionalMonteCarlo<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: AnnealingOptions<A> = {},
): Promise<Bracket> {
  checkOptions("annealing", options, annealingRules);
  const { chains = 32 } = options;
  const { data, latent } = await simulate(program, args, options);
  const simulated = withData(program, data);
  const lower = await annealedImportanceSampling(simulated, args, options);
  const repeated = new Map(
    [...latent].map(([name, { shape, data: values }]) => {
      const copies = new Float64Array(chains * values.length);
      for (let c = 0; c < chains; c++) copies.set(values as Float64Array, c * values.length);
      return [name, new ArrayValue([chains, ...shape], "float64", copies)] as const;
    }),
  );
  const upper = await reverseAnnealedImportanceSampling(simulated, args, repeated, options);
  return { lower, upper, gap: upper.logEvidence - lower.logEvidence, data, latent };
}
