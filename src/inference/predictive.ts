import { ArrayValue } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import { anything, checkOptions, mapped, type OptionRules, required, whole } from "../options.ts";
import { type Handler, latentSites, type Program, replay, trace } from "../program/index.ts";
import { cast, formatShape, sizeOf, type Tensor, type TypedArray } from "../tensor/index.ts";
import { type FinitePosterior, finitePosterior } from "./finite-posterior.ts";
import { repeatedDraws } from "./repeated-draws.ts";

/** Options of {@link predictive}. */
export interface PredictiveOptions<A extends readonly unknown[]> {
  /** Number of joint draws of all sites. */
  readonly draws: number;
  /** The guide that latent sites are drawn from. Without a guide they are drawn from the prior. */
  readonly guide?: Program<A>;
  /**
   * Alternatively, draws of the latent sites, [draws, …site] or [chains, draws, …site], as returned by `nuts`, `laplace` and `importance`.
   * `draws` of them are used, evenly spaced; if there are fewer, they are repeated.
   */
  readonly posterior?: ReadonlyMap<string, ArrayValue>;
  /** Values of parameters, as returned by `svi(…).run`; all others have their initial values. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray>;
  /** Seed of the draws. Default 0. */
  readonly seed?: number;
}

const predictiveRules: OptionRules<PredictiveOptions<readonly unknown[]>> = {
  draws: required(whole(1)),
  guide: anything,
  posterior: mapped("draws by site, such as the values of nuts(…).run"),
  parameters: mapped("values by parameter, such as the parameters of svi(…).run"),
  seed: whole(0),
};

/** Removes data: observed sites are drawn again, given the latent sites. */
const unobserve: Handler = (message, next) =>
  message.kind === "observe" && message.distribution.name !== "Factor"
    ? next({ ...message, kind: "sample", value: message.distribution.sample(message.name) })
    : next(message);

/**
 * Draws from the prior predictive distribution, or with a guide or posterior draws from the posterior predictive: all sites of the
 * program, latent, observed and deterministic, jointly. Each result has shape [draws, …site].
 *
 * Finite sites that the guide leaves to the model, which sums them out, are drawn exactly from their posterior given the guide's draws and
 * the data. Their probabilities are returned too, as `k.probabilities` of shape [draws, …site's plates, values]. The mean over draws
 * is P(k | data), if the guide is the posterior.
 *
 * @example
 * const fit = await svi(coin, guide).run([flips], { steps: 2000, seed: 0 });
 * const draws = await predictive(coin, [flips], { guide, parameters: fit.parameters, draws: 1000 });
 * draws.get("x"); // replicated flips, [1000, 10]
 *
 * @throws UsageError when the number of draws is not a whole number of at least 1, or posterior draws are missing or have another shape.
 */
export async function predictive<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: PredictiveOptions<A>,
): Promise<ReadonlyMap<string, ArrayValue>> {
  checkOptions("predictive", options, predictiveRules);
  const { draws, guide, posterior, parameters, seed = 0 } = options;
  if (guide !== undefined && posterior !== undefined)
    throw new UsageError("predictive: latent sites come from a guide or posterior draws; give one of them.");
  const stored = posterior === undefined ? [] : posteriorDraws(program, args, posterior);
  return repeatedDraws((...inputs) => expressions(program, args, guide, stored, inputs), {
    draws,
    seed,
    parameters,
    feeds: (i) => stored.map((site) => site.at(i, draws)),
  });
}

/** Draws of one site. */
export interface StoredSite {
  readonly name: string;
  /** How many there are: chains × draws. */
  readonly count: number;
  /** The draw with index `i` of `draws`. */
  at(i: number, draws: number): ArrayValue;
}

/**
 * @param partial whether sites may be missing
 * @throws UsageError when a site has no draws, or draws of another shape.
 */
export function posteriorDraws<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  posterior: ReadonlyMap<string, ArrayValue>,
  partial = false,
): StoredSite[] {
  return latentSites(trace(program, args)).flatMap(({ name, distribution, value: { shape } }) => {
    const values = posterior.get(name);
    if (values === undefined) {
      if (partial || distribution.cardinality !== undefined) return [];
      const known = [...posterior.keys()].map((k) => `'${k}'`).join(", ") || "none";
      throw new UsageError(
        `predictive: posterior has no values of site '${name}' of ${program.name}; it has ${known}.`,
      );
    }
    const size = sizeOf(shape);
    const leading = values.shape.length - shape.length;
    if (leading < 1 || shape.some((n, i) => n !== values.shape[leading + i])) {
      throw new UsageError(
        `predictive: site '${name}' has shape ${formatShape(shape)}, its draws ${formatShape(values.shape)}; they must be ` +
          "[draws, …site] or [chains, draws, …site]. A site in a plate of another size has no draws there.",
      );
    }
    const numbers = Float64Array.from(values.data as ArrayLike<number | bigint>, Number);
    const count = numbers.length / size;
    return [
      {
        name,
        count,
        at(i: number, draws: number) {
          const from = draws <= count ? Math.floor((i * count) / draws) : i % count;
          const out = new ArrayValue(shape, "float64");
          (out.data as Float64Array).set(numbers.subarray(from * size, (from + 1) * size));
          return out;
        },
      },
    ];
  });
}

/** Gives latent sites the values of one stored draw, which the inputs hold in the order of `stored`. */
export function recalled(stored: readonly StoredSite[], inputs: readonly Tensor[]): Handler {
  const values = new Map(stored.map(({ name }, i) => [name, inputs[i]]));
  return (message, next) => {
    const value = values.get(message.name);
    return message.kind === "sample" && value !== undefined
      ? next({ ...message, value: cast(value, message.distribution.dtype) })
      : next(message);
  };
}

/** One draw of every site: latent sites from the guide or from stored draws, finite sites given those, and the rest drawn again. */
function expressions<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  guide: Program<A> | undefined,
  stored: readonly StoredSite[],
  inputs: readonly Tensor[],
): Record<string, Tensor> {
  const recall = recalled(stored, inputs);
  const given = guide === undefined ? recall : replay(trace(guide, args));
  // From the prior, finite sites are drawn like all others.
  const isPrior = guide === undefined && stored.length === 0;
  const finite = isPrior ? new Map<string, FinitePosterior>() : finitePosterior(program, args, [given]);
  const answer: Handler = (message, next) => {
    const found = finite.get(message.name);
    return message.kind === "sample" && found !== undefined
      ? next({ ...message, value: found.value })
      : next(message);
  };
  return Object.fromEntries([
    ...Object.entries(replicated(program, args, [given, answer])),
    ...[...finite].map(([name, { probabilities }]) => [`${name}.probabilities`, probabilities] as const),
  ]);
}

/** All sites of a program, data drawn again, where `given` answers some of them. */
export function replicated<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  given: readonly Handler[],
): Record<string, Tensor> {
  const { sites } = trace(program, args, [...given, unobserve]);
  return Object.fromEntries(
    [...sites].flatMap(([name, { kind, value }]) =>
      kind === "sample" || kind === "deterministic" ? [[name, value] as const] : [],
    ),
  );
}
