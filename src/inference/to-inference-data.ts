import type { ArrayValue } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import { anything, checkOptions, mapped, type OptionRules } from "../options.ts";
import { formatShape, type Nested, sizeOf } from "../tensor/index.ts";
import type { Mcmc } from "./mcmc/sampler.ts";

/** Draws from a posterior: what `nuts`, `hmc`, `laplace` and `pathfinder` return. */
export interface PosteriorDraws {
  /** Draws by site: [chains, draws, …site] if `chains` is given, otherwise [draws, …site], one chain. */
  readonly values: ReadonlyMap<string, ArrayValue>;
  /** Number of chains. Default: none; all draws are one chain. */
  readonly chains?: number;
  /** Statistics of the sampler, as chains return them. Default: none. */
  readonly statistics?: Mcmc["statistics"];
}

/** Options of {@link toInferenceData}: groups to add, and names. */
export interface InferenceDataOptions {
  /** The log likelihood of each observed row, [chains × draws, …rows], as `logLikelihood` returns it. Default: none. */
  readonly logLikelihood?: ReadonlyMap<string, ArrayValue>;
  /**
   * Replicated data, [chains × draws, …site], as `predictive` with `posterior` returns them. Sites that are also in the posterior are left
   * out. Default: none.
   */
  readonly posteriorPredictive?: ReadonlyMap<string, ArrayValue>;
  /** Draws from the prior, [draws, …site], as `predictive` returns them. Default: none. */
  readonly prior?: ReadonlyMap<string, ArrayValue>;
  /** The observed values, as nested arrays by site. Default: none. */
  readonly observedData?: Readonly<Record<string, Nested>>;
  /** Names of the dimensions of variables, without chains and draws: `{ theta: ["school"] }`. Default: ArviZ's own names. */
  readonly dims?: Readonly<Record<string, readonly string[]>>;
  /** Labels along dimensions: `{ school: ["A", "B"] }`. Default: 0, 1, 2, … */
  readonly coords?: Readonly<Record<string, readonly (string | number)[]>>;
}

const rules: OptionRules<InferenceDataOptions> = {
  logLikelihood: mapped("values by site"),
  posteriorPredictive: mapped("values by site"),
  prior: mapped("values by site"),
  observedData: anything,
  dims: anything,
  coords: anything,
};

/** A group of ArviZ's schema: variables by name, [chain, draw, …]; those of `observed_data` without chain and draw. */
export type InferenceGroup = Readonly<Record<string, Nested>>;

/** The argument of `arviz.from_dict`, as plain data that JSON can hold. */
export interface InferenceData {
  /** Latent and deterministic sites. */
  readonly posterior: InferenceGroup;
  /** `lp`, `acceptance_rate`, `step_size`, `tree_depth`, `n_steps`, `diverging`, `energy`. */
  readonly sample_stats?: InferenceGroup;
  /** Log likelihoods of observed rows. */
  readonly log_likelihood?: InferenceGroup;
  /** Replicated data. */
  readonly posterior_predictive?: InferenceGroup;
  /** Draws from the prior, in one chain. */
  readonly prior?: InferenceGroup;
  /** The observed data. */
  readonly observed_data?: InferenceGroup;
  /** Labels along dimensions. */
  readonly coords?: Readonly<Record<string, readonly (string | number)[]>>;
  /** Names of dimensions. */
  readonly dims?: Readonly<Record<string, readonly string[]>>;
}

/** ArviZ's names for the statistics of the sampler. */
const STATISTICS = {
  logDensity: "lp",
  acceptance: "acceptance_rate",
  stepSize: "step_size",
  treeDepth: "tree_depth",
  leapfrogs: "n_steps",
  divergent: "diverging",
  energy: "energy",
} as const satisfies Record<keyof Mcmc["statistics"], string>;

/** Numbers as nested arrays of a shape. */
function nest(
  data: ArrayLike<number | bigint>,
  shape: readonly number[],
  of = Number as (v: number | bigint) => number | boolean,
): Nested {
  let at = 0;
  const build = (depth: number): Nested =>
    depth === shape.length
      ? (of(data[at++]) as number)
      : Array.from({ length: shape[depth] }, () => build(depth + 1));
  return build(0);
}

/** @throws UsageError when the first dimension is not the number of all draws. */
function byChain(
  group: string,
  values: ReadonlyMap<string, ArrayValue>,
  [chains, draws]: readonly [number, number],
): InferenceGroup {
  return Object.fromEntries(
    [...values].map(([name, { shape, data }]) => {
      if (shape[0] !== chains * draws) {
        throw new UsageError(
          `toInferenceData: ${group} has '${name}' of shape ${formatShape(shape)}; its first dimension must be all ${chains * draws} draws ` +
            `(${chains} × ${draws}), chain by chain.`,
        );
      }
      return [name, nest(data, [chains, draws, ...shape.slice(1)])];
    }),
  );
}

/**
 * Draws, statistics of the sampler, likelihoods and data in the schema of ArviZ's InferenceData, as plain data. Write them with
 * `JSON.stringify`, and read them in Python with `arviz.from_dict(**json.load(file))` (before ArviZ 1.0; from then on the groups are the
 * first argument). NaN and infinite values become null in JSON.
 *
 * @example
 * const chains = await nuts(eightSchools).run([], { chains: 4, draws: 1000, seed: 0 });
 * const data = toInferenceData(chains, { dims: { theta: ["school"] } });
 * await writeFile("posterior.json", JSON.stringify(data));
 *
 * @throws UsageError when an array does not have as many draws as the posterior.
 */
export function toInferenceData(
  posterior: PosteriorDraws,
  options: InferenceDataOptions = {},
): InferenceData {
  checkOptions("toInferenceData", options, rules);
  const { logLikelihood, posteriorPredictive, prior, observedData, dims, coords } = options;
  const { values, chains, statistics } = posterior;
  const first = [...values.values()][0];
  if (first === undefined) throw new UsageError("toInferenceData: the posterior has no sites.");
  const layout =
    chains === undefined ? ([1, first.shape[0]] as const) : ([first.shape[0], first.shape[1]] as const);
  const [, draws] = layout;
  const one = (value: ArrayValue): Nested =>
    nest(value.data, [...layout, ...value.shape.slice(chains === undefined ? 1 : 2)]);
  const odd = [...values].find(
    ([, v]) => v.data.length !== sizeOf([...layout, ...v.shape.slice(chains === undefined ? 1 : 2)]),
  );
  if (odd !== undefined || (chains !== undefined && chains !== layout[0])) {
    throw new UsageError(
      `toInferenceData: '${odd?.[0] ?? [...values.keys()][0]}' does not have ${chains ?? 1} × ${draws} draws like the rest of the posterior.`,
    );
  }
  const kept = posteriorPredictive && new Map([...posteriorPredictive].filter(([name]) => !values.has(name)));
  const priorDraws = prior && ([...prior.values()][0]?.shape[0] ?? 0);
  return {
    posterior: Object.fromEntries([...values].map(([name, value]) => [name, one(value)])),
    ...(statistics && {
      sample_stats: Object.fromEntries(
        (Object.keys(STATISTICS) as (keyof typeof STATISTICS)[]).map((key) => [
          STATISTICS[key],
          nest(statistics[key], layout, key === "divergent" ? (v) => v !== 0 : Number),
        ]),
      ),
    }),
    ...(logLikelihood && { log_likelihood: byChain("logLikelihood", logLikelihood, layout) }),
    ...(kept && { posterior_predictive: byChain("posteriorPredictive", kept, layout) }),
    ...(prior && { prior: byChain("prior", prior, [1, priorDraws ?? 0]) }),
    ...(observedData && { observed_data: observedData }),
    ...(coords && { coords }),
    ...(dims && { dims }),
  };
}
