/** The `host` executor: JavaScript in float64, compiled from a graph and bound to arrays. */
import { InternalError } from "../errors.ts";
import { exactWhole, type HostArray, isConstant, type Tensor } from "../tensor/index.ts";
import { onDistinctValues } from "./distinct-values.ts";
import { type Bindings, type HostRun, writeWhole } from "./generated-code.ts";
import { topological } from "./graph.ts";
import { graphKey } from "./graph-key.ts";
import { HostCode } from "./host-code.ts";
import { type KnownProgram, knownProgram } from "./known-programs.ts";
import { Single, type SinglePlaces, type Singles } from "./singles.ts";
import { Workplace } from "./workplace.ts";

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

const leavesOf = (outputs: readonly Tensor[]): readonly Tensor[] =>
  topological(outputs).filter((t) => t.op.host === "leaf" && !isConstant(t));

/** Compiled code that waits for its arrays. */
export interface Compiled {
  readonly work: Workplace;
  /** Makes the function that runs everything, once the arrays of leaves and outputs are known, and those of values in float32. */
  instantiate(L: Bindings["L"], O: Bindings["O"], places?: SinglePlaces): HostRun;
}

const placesOf = (places: SinglePlaces | undefined): SinglePlaces => {
  if (places === undefined) throw new InternalError("there is no memory for values in float32");
  return places;
};

/** Compiles outputs, and writing them where they are bound. */
function compiled(outputs: readonly Tensor[], leaves: readonly Tensor[], singles?: Singles): Compiled {
  const work = new Workplace();
  const places = new Map(leaves.map((t, i) => [t, { array: `L${i}` }]));
  const program = new HostCode(outputs, places, work, { singles });
  outputs.forEach((t, i) => {
    const place = program.placeOf(t);
    if (place.variable === undefined && place.array === `O${i}`) return;
    if (t.dtype === "int64") program.code.add(`W(O${i}, ${program.arrayOf(t)});`);
    else if (t.size > FEW) program.code.add(`O${i}.set(${program.arrayOf(t)});`);
    else program.copy({ array: `O${i}` }, program.placeOf(t), t.size);
  });
  const instantiate = program.code.compile(work.viewed);
  const { constants: C, kernels, buffers } = work;
  return {
    work,
    instantiate: (L, O, places) => {
      const B = buffers.map((b) => (b instanceof Single ? placesOf(places).arrayOf(b) : b));
      const K = kernels.map((k) => (typeof k === "object" ? k.on(placesOf(places)) : k));
      return instantiate({ L, O, C, K, B, W: writeWhole, X: exactWhole });
    },
  };
}

/** A program that stores float32 as float32, and its leaves. */
export function singleProgram(
  outputs: readonly Tensor[],
  singles: Singles,
): Compiled & { readonly leaves: readonly Tensor[] } {
  const leaves = leavesOf(outputs);
  return { leaves, ...compiled(outputs, leaves, singles) };
}

/** Compiles a graph on arrays of its own. */
function ownProgram(outputs: readonly Tensor[], leaves: readonly Tensor[]): KnownProgram {
  const { work, instantiate } = compiled(onDistinctValues(outputs), leaves);
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
  const leaves = leavesOf(outputs);
  const numbers = [...leaves, ...outputs].reduce((n, t) => n + t.size, 0);
  if (once || numbers > LARGEST_COPIED || outputs.some((t) => t.dtype === "int64")) {
    const { work, instantiate } = compiled(once ? outputs : onDistinctValues(outputs), leaves);
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
