import { type ArrayValue, compile } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import { anything, checkOptions, type OptionRules, whole } from "../options.ts";
import { type Program, randomSites, trace } from "../program/index.ts";
import { cast, sizeOf, type Tensor, type TypedArray } from "../tensor/index.ts";
import { predictive } from "./predictive.ts";

/** A figure of a data set, from its elements in order. */
export type Statistic = (values: Float64Array) => number;

const meanOf = (x: Float64Array): number => x.reduce((a, b) => a + b, 0) / x.length;

/** Those that are computed unless others are given. */
const usual: Readonly<Record<string, Statistic>> = {
  mean: meanOf,
  sd: (x) => {
    const mean = meanOf(x);
    return Math.sqrt(x.reduce((total, v) => total + (v - mean) ** 2, 0) / Math.max(1, x.length - 1));
  },
  min: (x) => x.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
  max: (x) => x.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
};

/** Options of {@link predictiveCheck}. */
export interface PredictiveCheckOptions {
  /** Draws of the latent sites, [draws, …site] or [chains, draws, …site]. Default none: the prior is checked. */
  readonly posterior?: ReadonlyMap<string, ArrayValue>;
  /** Values of the program's parameters, as `svi(…).run` returns them. Default: their initial values. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray>;
  /** Figures by name, each of one data set. Default mean, sd, min and max. */
  readonly statistics?: Readonly<Record<string, Statistic>>;
  /** Number of replicated data sets. Default 1000. */
  readonly draws?: number;
  /** Seed of the draws. Default 0. */
  readonly seed?: number;
}

const rules: OptionRules<PredictiveCheckOptions> = {
  posterior: anything,
  parameters: anything,
  statistics: anything,
  draws: whole(1),
  seed: whole(0),
};

/** A figure of the data beside those of replicated data. */
export interface CheckedStatistic {
  /** The observed site. */
  readonly site: string;
  readonly statistic: string;
  /** Of the data. */
  readonly observed: number;
  /** Of each replicated data set. */
  readonly replicated: Float64Array;
  /** The share of replicated data sets whose figure is at least that of the data, ties counted half. Near 0 or 1 the program does not make such data. */
  readonly p: number;
}

/**
 * Posterior predictive checks (Gelman, Meng and Stern 1996): figures of the data beside those of data sets that the program makes with parameters from its
 * posterior, or without one from its prior. p-values gather around ½ more than uniform ones would, because the data were seen; look at small and large ones.
 *
 * @example
 * const { values } = await nuts(counts).run([y], { seed: 0 });
 * const checks = await predictiveCheck(counts, [y], { posterior: values, statistics: { zeros: (x) => x.filter((v) => v === 0).length } });
 *
 * @throws UsageError when the program observes nothing, or a figure is not a number.
 */
export async function predictiveCheck<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: PredictiveCheckOptions = {},
): Promise<readonly CheckedStatistic[]> {
  checkOptions("predictiveCheck", options, rules);
  const { posterior, parameters, statistics = usual, draws = 1000, seed = 0 } = options;
  const observed = randomSites(trace(program, args)).filter(
    ({ kind, distribution }) => kind === "observe" && distribution.name !== "Factor",
  );
  if (observed.length === 0)
    throw new UsageError(
      `predictiveCheck: ${program.name} observes nothing, so there are no data to compare with.`,
    );
  const data = await compile(
    () => Object.fromEntries(observed.map(({ name, value }) => [name, cast(value, "float64")])),
    { executor: "host" },
  )();
  const made = await predictive(program, args, {
    draws,
    seed,
    ...(posterior && { posterior }),
    ...(parameters && { parameters }),
  });
  const figure = (name: string, statistic: Statistic, site: string, values: Float64Array): number => {
    const value = statistic(values);
    if (typeof value === "number" && !Number.isNaN(value)) return value;
    throw new UsageError(
      `predictiveCheck: the statistic '${name}' of site '${site}' is ${String(value)}; it must be a number.`,
    );
  };
  return observed.flatMap(({ name: site }) => {
    const own = Float64Array.from(data[site].data, Number);
    const replicas = made.get(site);
    const size = sizeOf(replicas?.shape.slice(1) ?? []);
    return Object.entries(statistics).map(([statistic, of]): CheckedStatistic => {
      const seen = figure(statistic, of, site, own);
      const replicated = Float64Array.from({ length: draws }, (_, i) =>
        figure(
          statistic,
          of,
          site,
          Float64Array.from({ length: size }, (_, j) => Number(replicas?.data[i * size + j])),
        ),
      );
      const above = replicated.reduce((n, v) => n + (v > seen ? 1 : v === seen ? 0.5 : 0), 0);
      return { site, statistic, observed: seen, replicated, p: above / draws };
    });
  });
}
