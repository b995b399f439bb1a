/** Runs expressions on the host with given values of leaves; parameters not given take their initial ones. */
import { compileHost } from "../../src/compile/host.ts";
import { initialValues } from "../../src/compile/leaves.ts";
import { fillNormal, fillUniform, stream } from "../../src/random/index.ts";
import { type Draws, isParameter } from "../../src/tensor/leaf.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";

export function evaluate(
  outputs: readonly Tensor[],
  values: ReadonlyMap<Tensor, ArrayLike<number>> = new Map(),
): number[][] {
  const program = compileHost(outputs);
  const arrays = program.leaves.map((leaf, i) => {
    const given = values.get(leaf);
    if (given !== undefined) return Float64Array.from(given);
    if (!isParameter(leaf)) throw new Error(`no value for ${leaf}`);
    return Float64Array.from(initialValues(leaf, `${i}`, 0));
  });
  const results = outputs.map((t) => new Float64Array(t.size));
  program.bind(arrays, results)();
  return results.map((r) => Array.from(r));
}

/** The largest absolute difference; infinite when the lengths differ. */
export const largestDifference = (a: readonly number[], b: readonly number[]): number =>
  a.length === b.length ? Math.max(...a.map((v, i) => Math.abs(v - b[i]))) : Number.POSITIVE_INFINITY;

/** Draws as the compiler gives them to initialisers. */
export function draws(site: string): Draws {
  const source = stream(0, site);
  let first = 0;
  const take = (count: number, fill: typeof fillNormal) => {
    const out = new Float64Array(count);
    fill(out, source, { first });
    first += count;
    return out;
  };
  return { normal: (count) => take(count, fillNormal), uniform: (count) => take(count, fillUniform) };
}
