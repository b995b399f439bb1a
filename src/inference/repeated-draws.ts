import { ArrayValue, compile } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import { checkSeed } from "../random/index.ts";
import { sizeOf, type Tensor, type TypedArray } from "../tensor/index.ts";

/** How many joint draws of some expressions, and with what. */
export interface RepeatedDraws {
  readonly draws: number;
  readonly seed: number;
  /** Values of parameters; others take their initial ones. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray> | undefined;
}

/**
 * Joint draws of expressions that read noise, each result [draws, …shape], on the host.
 * @param what names the caller in the error
 * @throws UsageError when the number of draws is no whole number of at least 1.
 */
export async function repeatedDraws(
  what: string,
  expressions: ReadonlyMap<string, Tensor>,
  { draws, seed, parameters }: RepeatedDraws,
): Promise<ReadonlyMap<string, ArrayValue>> {
  if (!Number.isInteger(draws) || draws < 1) {
    throw new UsageError(`${what}: draws must be a whole number of at least 1, found ${draws}.`);
  }
  checkSeed(seed);
  const draw = compile(() => Object.fromEntries(expressions), {
    executor: "host",
    seed,
    ...(parameters && { parameters }),
  });
  const results = new Map(
    [...expressions].map(
      ([name, { shape, dtype }]) => [name, new ArrayValue([draws, ...shape], dtype)] as const,
    ),
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
