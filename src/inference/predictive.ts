import { ArrayValue, compile } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import { type Handler, type Program, replay, trace } from "../program/index.ts";
import type { TypedArray } from "../tensor/dtype.ts";
import { sizeOf } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Options of {@link predictive}. */
export interface PredictiveOptions<A extends readonly unknown[]> {
  /** Number of draws. */
  readonly draws: number;
  /** Where latent sites come from; without a guide, from the prior. */
  readonly guide?: Program<A>;
  /** Values of parameters, as `svi(…).run` returns them; others take their initial ones. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray>;
  readonly seed?: number;
}

/** Forgets data: what was observed is drawn anew, given the latent sites. */
const unobserve: Handler = (message, next) =>
  message.kind === "observe" && message.distribution.name !== "Factor"
    ? next({ ...message, kind: "sample", value: message.distribution.sample(message.name) })
    : next(message);

/**
 * Draws from the prior predictive distribution, or with a guide from the (approximate) posterior predictive: every site of the
 * program, latent, observed and deterministic, jointly. Each result has shape [draws, …site].
 *
 * @example
 * const fit = await svi(coin, guide).run([flips], { steps: 2000, seed: 0 });
 * const draws = await predictive(coin, [flips], { guide, parameters: fit.parameters, draws: 1000 });
 * draws.get("x"); // replicated flips, [1000, 10]
 *
 * @throws UsageError when the number of draws is no whole number of at least 1.
 */
export async function predictive<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  options: PredictiveOptions<A>,
): Promise<ReadonlyMap<string, ArrayValue>> {
  const { draws, guide, parameters, seed = 0 } = options;
  if (!Number.isInteger(draws) || draws < 1) {
    throw new UsageError(`predictive: draws must be a whole number of at least 1, found ${draws}.`);
  }
  const handlers = guide === undefined ? [unobserve] : [replay(trace(guide, args)), unobserve];
  const { sites } = trace(program, args, handlers);
  const named = [...sites].filter(([, site]) => site.kind === "sample" || site.kind === "deterministic");
  const draw = compile(() => Object.fromEntries(named.map(([name, site]) => [name, site.value])), {
    executor: "host",
    seed,
    ...(parameters && { parameters }),
  });
  const results = new Map(
    named.map(([name, { value }]) => [name, new ArrayValue([draws, ...value.shape], value.dtype)] as const),
  );
  for (let i = 0; i < draws; i++) {
    const values = await draw();
    for (const [name, result] of results) {
      const { data } = values[name];
      const start = i * sizeOf(result.shape.slice(1));
      for (let j = 0; j < data.length; j++) result.data[start + j] = data[j];
    }
  }
  return results;
}
