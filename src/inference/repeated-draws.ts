import { ArrayValue, compile } from "../compile/index.ts";
import { checkSeed } from "../random/index.ts";
import type { Tensor, TypedArray } from "../tensor/index.ts";

/** The number of joint draws of expressions, and their parameters. */
export interface RepeatedDraws {
  readonly draws: number;
  readonly seed: number;
  /** Values of parameters; others take their initial ones. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray> | undefined;
  /** What the expressions are given for draw i. Default nothing. */
  readonly feeds?: (i: number) => readonly ArrayValue[];
}

/** Joint draws of expressions that read noise, by name, each result [draws, …shape], on the host. */
export async function repeatedDraws(
  expressions: (...inputs: Tensor[]) => Readonly<Record<string, Tensor>>,
  { draws, seed, parameters, feeds = () => [] }: RepeatedDraws,
): Promise<ReadonlyMap<string, ArrayValue>> {
  checkSeed(seed);
  const draw = compile(expressions, { executor: "host", seed, ...(parameters && { parameters }) });
  const results = new Map<string, ArrayValue>();
  for (let i = 0; i < draws; i++) {
    for (const [name, { data, shape, dtype }] of Object.entries(await draw(...feeds(i)))) {
      const result = results.get(name) ?? new ArrayValue([draws, ...shape], dtype);
      results.set(name, result);
      for (let j = 0; j < data.length; j++) result.data[i * data.length + j] = data[j];
    }
  }
  return results;
}
