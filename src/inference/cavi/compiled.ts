/** Compiles expressions of factors in float64 on the host. Parts that depend on no factor are computed once for each set of data. */
import {
  compileHost,
  describeLeaf,
  noiseFiller,
  rewrite,
  simplify,
  topological,
} from "../../compile/index.ts";
import { UsageError } from "../../errors.ts";
import { input, isConstant, isNoise, rebuild, type Tensor } from "../../tensor/index.ts";

/** Arrays that a compiled graph reads, by leaf. */
export type Arrays = Map<Tensor, Float64Array>;

/** Expressions to compute, and the arrays that hold their values after a run. */
export interface CompiledExpressions {
  readonly results: readonly Float64Array[];
  run(): void;
}

/** @throws UsageError when the expressions read an input that has no array. */
function bind(program: string, outputs: readonly Tensor[], arrays: Arrays): CompiledExpressions {
  const graph = compileHost(simplify(outputs));
  const leaves = graph.leaves.map((leaf) => {
    const array = isNoise(leaf) ? new Float64Array(leaf.size) : arrays.get(leaf);
    if (array === undefined) {
      throw new UsageError(
        `${program}: ${describeLeaf(leaf)} has no value. A posterior needs fixed data: pass them as a constant, tensor(…).`,
      );
    }
    arrays.set(leaf, array);
    return array;
  });
  const results = outputs.map((t) => new Float64Array(t.size));
  return { results, run: graph.bind(leaves, results) };
}

/** The same outputs, in which each largest part that reads no changing leaf is replaced by an input. */
function hoist(outputs: readonly Tensor[], changing: ReadonlySet<Tensor>) {
  const simple = simplify(outputs);
  const nodes = topological(simple);
  const depends = new Set<Tensor>();
  for (const t of nodes) if (changing.has(t) || t.inputs.some((x) => depends.has(x))) depends.add(t);
  const fixed = new Map<Tensor, Tensor>();
  const keep = (t: Tensor): void => {
    if (depends.has(t) || t.inputs.length === 0 || isConstant(t) || fixed.has(t)) return;
    fixed.set(t, input(`known ${t.id}`, t.shape, t.dtype));
  };
  for (const t of nodes) if (depends.has(t)) t.inputs.forEach(keep);
  simple.forEach(keep);
  const rest = rewrite(simple, (t, inputs) => {
    const leaf = fixed.get(t);
    if (leaf !== undefined) return leaf;
    return inputs.every((x, i) => x === t.inputs[i]) ? t : rebuild(t, inputs);
  });
  return { rest, fixed };
}

/**
 * Compiles expressions of data and of leaves that change from run to run. `refresh` computes the parts that depend only on data: call it
 * before the first run and whenever the data have changed.
 *
 * @param arrays of data and of leaves that change; arrays for other leaves are added
 */
export function compileExpressions(
  program: string,
  outputs: readonly Tensor[],
  changing: readonly Tensor[],
  arrays: Arrays,
): CompiledExpressions & { refresh(): void } {
  const { rest, fixed } = hoist(outputs, new Set(changing));
  const known = bind(program, [...fixed.keys()], arrays);
  [...fixed.values()].forEach((leaf, i) => {
    arrays.set(leaf, known.results[i]);
  });
  const compiled = bind(program, rest, arrays);
  return { ...compiled, refresh: known.run };
}

/** Values of expressions that may contain noise: a function of the seed and the step. */
export function compileDraws(program: string, outputs: readonly Tensor[], arrays: Arrays) {
  const own: Arrays = new Map(arrays);
  const graph = bind(program, outputs, own);
  const fill = noiseFiller([...own.keys()].filter(isNoise), (leaf) => own.get(leaf) ?? new Float64Array(0));
  return {
    results: graph.results,
    run: (seed: number, step: number): void => {
      fill(seed, step);
      graph.run();
    },
  };
}
