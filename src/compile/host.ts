/** The `host` executor: JavaScript in float64, compiled from a graph and bound to arrays. */
import { exactWhole, type HostArray, isConstant, type Tensor } from "../tensor/index.ts";
import { type Bindings, type HostRun, writeWhole } from "./generated-code.ts";
import { topological } from "./graph.ts";
import { graphKey } from "./graph-key.ts";
import { HostCode, Workplace } from "./host-code.ts";
import { type KnownProgram, knownProgram } from "./known-programs.ts";

export interface HostProgram {
  /** The leaves (inputs, parameters, noise) that must be bound, in this order. */
  readonly leaves: readonly Tensor[];
  /** Number of loops and kernels. */
  readonly nodes: number;
  /** Fixes the arrays to read and write. All arithmetic between them is in float64. */
  bind(leaves: readonly HostArray[], outputs: readonly (HostArray | BigInt64Array)[]): () => void;
}

/** So many elements are sooner copied by a loop than by a call of `set`. */
const FEW = 32;

/** Programs that read and write more numbers than this do it in the arrays that they are bound to, and are not shared. */
const LARGEST_COPIED = 4096;

function copyNumbers(to: HostArray, from: HostArray): void {
  if (to.length > FEW && from.length === to.length) to.set(from);
  else for (let i = 0; i < to.length; i++) to[i] = from[i];
}

/** Compiled code that waits for its arrays. */
interface Compiled {
  readonly work: Workplace;
  /** Makes the function that runs everything, once the arrays of leaves and outputs are known. */
  instantiate(L: Bindings["L"], O: Bindings["O"]): HostRun;
}

/** Compiles outputs, and writing them where they are bound. */
function compiled(outputs: readonly Tensor[], leaves: readonly Tensor[]): Compiled {
  const work = new Workplace();
  const program = new HostCode(outputs, new Map(leaves.map((t, i) => [t, { array: `L${i}` }])), work);
  outputs.forEach((t, i) => {
    if (t.dtype === "int64") program.code.add(`W(O${i}, ${program.arrayOf(t)});`);
    else if (t.size > FEW) program.code.add(`O${i}.set(${program.arrayOf(t)});`);
    else program.copy({ array: `O${i}` }, program.placeOf(t), t.size);
  });
  const instantiate = program.code.compile(work.viewed);
  const { constants: C, kernels: K, buffers: B } = work;
  return { work, instantiate: (L, O) => instantiate({ L, O, C, K, B, W: writeWhole, X: exactWhole }) };
}

/** Compiles a graph on arrays of its own. */
function ownProgram(outputs: readonly Tensor[], leaves: readonly Tensor[]): KnownProgram {
  const { work, instantiate } = compiled(outputs, leaves);
  const [L, O] = [leaves, outputs].map((list) => list.map((t) => new Float64Array(t.size)));
  const arrays = [...work.constants, ...work.buffers, ...L, ...O];
  return {
    leaves: L,
    outputs: O,
    run: instantiate(L, O),
    nodes: work.buffers.length,
    size: arrays.reduce((n, { length }) => n + length, 0),
  };
}

/**
 * Compiles `outputs` to JavaScript functions that run one after another. A graph that computes the same as one compiled before, on not too many
 * numbers, shares its functions, which V8 has then compiled already.
 *
 * @param once whether it will be bound and run only once: then it is not kept
 */
export function compileHost(
  outputs: readonly Tensor[],
  { once = false }: { readonly once?: boolean } = {},
): HostProgram {
  const leaves = topological(outputs).filter((t) => t.op.host === "leaf" && !isConstant(t));
  const numbers = [...leaves, ...outputs].reduce((n, t) => n + t.size, 0);
  if (once || numbers > LARGEST_COPIED || outputs.some((t) => t.dtype === "int64")) {
    const { work, instantiate } = compiled(outputs, leaves);
    return {
      leaves,
      nodes: work.buffers.length,
      bind: (bound, written) => {
        const run = instantiate(bound, written);
        return () => run(0);
      },
    };
  }
  const program = knownProgram(graphKey(outputs, leaves), () => ownProgram(outputs, leaves));
  const { leaves: read, outputs: results, run } = program;
  return {
    leaves,
    nodes: program.nodes,
    bind: (bound, written) => () => {
      for (let k = 0; k < read.length; k++) copyNumbers(read[k], bound[k]);
      run(0);
      for (let k = 0; k < results.length; k++) copyNumbers(written[k] as HostArray, results[k]);
    },
  };
}
