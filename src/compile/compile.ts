import { prefersOwnKernels } from "#platform/runtime";
import { UsageError } from "../errors.ts";
import type { MemoryPlan, PlannedMemory } from "../kernels/index.ts";
import { anything, checkOptions, type OptionRules, whole } from "../options.ts";
import {
  convert,
  exactNumber,
  type HostArray,
  input,
  isInput,
  isParameter,
  someNode,
  Tensor,
  type TypedArray,
} from "../tensor/index.ts";
import { ArrayValue, checkFeed, type Feed, toValue } from "./array-value.ts";
import { type Device, deviceRule, type NativeOptions } from "./device.ts";
import type { Float32Program } from "./float32-host.ts";
import { isConvolution } from "./graph.ts";
import { compileHost, type HostProgram } from "./host.ts";
import { describeLeaf, initialValues, noiseFiller } from "./leaves.ts";
import { checkTogether, checkValues } from "./memory.ts";
import { compileNative } from "./session.ts";
import { simplify } from "./simplify.ts";

/** `native`: ONNX Runtime, for everything that uses matrices. `host`: generated JavaScript in float64. */
export type Executor = "native" | "host";

/** @throws UsageError unless it is the name of an executor, or one of the `others` that the caller accepts. */
export function checkExecutor(what: string, executor: string, ...others: string[]): void {
  const known = ["host", "native", ...others];
  if (!known.includes(executor))
    throw new UsageError(`${what}: there is no executor '${String(executor)}'; use ${known.join(" or ")}.`);
}

/** @throws UsageError when the executor only computes on the processor. */
export function checkDevice(what: string, executor: Executor, device: Device = "cpu"): void {
  if (device === "cpu" || executor === "native") return;
  throw new UsageError(
    `${what}: the executor ${executor} computes on the processor; with device "${device}" use native.`,
  );
}

/** The executor of a graph, and its number of threads. */
export interface BuildOptions extends NativeOptions {
  /** Default `native`. */
  readonly executor?: Executor;
}

const buildRules: OptionRules<BuildOptions> = {
  executor: anything,
  threads: whole(1),
  spin: anything,
  device: deviceRule,
};

/** A compiled graph, for either executor. */
export interface CompiledGraph {
  readonly executor: Executor;
  /** Leaves (inputs, parameters, noise) that must be bound, in this order. */
  readonly leaves: readonly Tensor[];
  /** Number of nodes that the executor runs. */
  readonly nodes: number;
  /** Reserves what the program needs in a memory that is being planned, if it can then run there without copies. */
  reserve?(plan: MemoryPlan): void;
  /**
   * Fixes the arrays to read and write. The returned function runs the graph: host at once, native through a promise.
   *
   * @param memory that in which the program has reserved its part
   */
  bind(
    leaves: readonly TypedArray[],
    outputs: readonly TypedArray[],
    memory?: PlannedMemory,
  ): () => void | Promise<void>;
  /** Frees what the runtime holds for the graph, including threads; bound functions must not run afterwards. */
  release(): Promise<void>;
}

/**
 * Compiles expressions. The train step and {@link compile} both use it.
 *
 * @throws UsageError when the graph does not fit into memory; nothing large is allocated before.
 */
export async function build(outputs: readonly Tensor[], options: BuildOptions = {}): Promise<CompiledGraph> {
  const { executor = "native" } = options;
  checkExecutor("compile", executor);
  checkDevice("compile", executor, options.device);
  checkValues(outputs);
  const roots = simplify(outputs);
  if (executor === "host") return { executor, ...unreleased(compileHost(roots)) };
  checkTogether(roots);
  const own = await compileOwn(roots, options);
  return { executor, ...(own ? unreleased(own) : await compileNative(roots, options)) };
}

/** The buffers of our own kernels are not shared by values that come one after the other: with more bytes than this, the runtime's are. */
const MOST_BYTES = 2 ** 28;

/** The native executor without a runtime, where that is faster: see {@link prefersOwnKernels}. Convolutions are the runtime's. */
async function compileOwn(
  roots: readonly Tensor[],
  { device = "cpu", threads }: BuildOptions,
): Promise<Float32Program | undefined> {
  if (device !== "cpu" || !prefersOwnKernels({ threads })) return undefined;
  if (someNode(roots, (t) => t.dtype === "float64" || isConvolution(t))) return undefined;
  const program = (await import("./float32-host.ts")).compileFloat32(roots);
  return program.bytes > MOST_BYTES ? undefined : program;
}

/** A program in JavaScript as a compiled graph. It computes in float64, where 64-bit integers are exact up to 2^53. */
function unreleased(program: HostProgram | Float32Program): Omit<CompiledGraph, "executor"> {
  return {
    ...program,
    release: async () => undefined,
    bind: (leaves, written, memory) => {
      const wide = leaves.map((a): { from: TypedArray; to: HostArray } =>
        a instanceof BigInt64Array ? { from: a, to: new Float64Array(a.length) } : { from: a, to: a },
      );
      const run = program.bind(
        wide.map(({ to }) => to),
        written,
        memory,
      );
      const copies = wide.filter(({ from }) => from instanceof BigInt64Array);
      if (copies.length === 0) return run;
      return () => {
        for (const { from, to } of copies)
          for (let i = 0; i < from.length; i++) to[i] = exactNumber(from[i] as bigint);
        run();
      };
    },
  };
}

/** What a traced function may return. */
export type Traced = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

/** The values that a traced function returned, in the same structure. */
export type Computed<R extends Traced> = R extends Tensor
  ? ArrayValue
  : { readonly [K in keyof R]: R[K] extends Tensor ? ArrayValue : R[K] };

/** Options of {@link compile}. */
export interface CompileOptions extends BuildOptions {
  /** Seed of noise, and of parameters without given values. Default 0. */
  readonly seed?: number;
  /** Values of parameters; those not given take their initial values. */
  readonly parameters?: ReadonlyMap<Tensor, TypedArray>;
}

const compileRules: OptionRules<CompileOptions> = {
  ...buildRules,
  seed: anything,
  parameters: anything,
};

interface Specialised {
  readonly structure: Traced;
  readonly arguments: readonly Tensor[];
  readonly fed: ReadonlyMap<Tensor, TypedArray>;
  readonly outputs: readonly ArrayValue[];
  readonly fillNoise: (seed: number, step: number) => void;
  readonly run: () => void | Promise<void>;
  readonly release: () => Promise<void>;
}

/** Sets of shapes that a compiled function keeps: each has its own arrays, and on the native executor its own threads. */
const MOST_SHAPES = 32;

/** @throws UsageError when a function returned something other than tensors. */
function tensorsOf(traced: Traced): Tensor[] {
  if (traced instanceof Tensor) return [traced];
  const list: unknown[] = typeof traced === "object" && traced !== null ? Object.values(traced) : [traced];
  return list.map((t) => {
    if (t instanceof Tensor) return t;
    throw new UsageError(
      `compile: the function must return a tensor, or an array or object of tensors; found ${String(t)}.`,
    );
  });
}

function restructure(traced: Traced, values: readonly ArrayValue[]): unknown {
  if (traced instanceof Tensor) return values[0];
  if (Array.isArray(traced)) return values;
  return Object.fromEntries(Object.keys(traced).map((key, i) => [key, values[i]]));
}

/**
 * Turns a function of tensors into a function of numbers. It is traced, simplified and compiled when it first gets
 * arguments of given shapes and dtypes, and the results are kept for the 32 sets of shapes used last. Noise inside it is drawn again
 * on each call: call `n` uses step `n` of the seed's streams.
 *
 * @example
 * const f = compile((x, w) => softmax(matmul(x, w)));
 * const y = await f([[1, 2]], [[1, 0], [0, 1]]);
 * y.toArray(); // [[0.2689…, 0.7310…]]
 *
 * @throws ShapeError from tracing, with the op and the shapes.
 */
export function compile<R extends Traced>(
  fn: (...inputs: Tensor[]) => R,
  options: CompileOptions = {},
): (...feeds: Feed[]) => Promise<Computed<R>> {
  checkOptions("compile", options, compileRules);
  const cache = new Map<string, Promise<Specialised>>();
  const seed = options.seed ?? 0;
  let calls = 0;

  const specialise = async (values: readonly ArrayValue[]): Promise<Specialised> => {
    const inputs = values.map((v, i) => input(`argument ${i}`, v.shape, v.dtype));
    const structure = fn(...inputs);
    const roots = tensorsOf(structure);
    const program = await build(roots, options);
    const arrays = new Map<Tensor, TypedArray>();
    program.leaves.forEach((leaf, i) => {
      arrays.set(leaf, leafArray(leaf, i, inputs, options));
    });
    const outputs = roots.map((t) => new ArrayValue(t.shape, t.dtype));
    const fillNoise = noiseFiller(program.leaves, (leaf) => arrays.get(leaf) as Float32Array | Float64Array);
    const run = program.bind(
      program.leaves.map((l) => arrays.get(l) ?? new Float32Array(0)),
      outputs.map((o) => o.data),
    );
    return { structure, arguments: inputs, fed: arrays, outputs, fillNoise, run, release: program.release };
  };

  // Calls run one after another, because they share the arrays that the program is bound to.
  let turn: Promise<unknown> = Promise.resolve();
  return async (...feeds) => {
    // Copy now: the caller may refill an array while earlier calls still run.
    const values = feeds.map(toValue).map((v) => new ArrayValue(v.shape, v.dtype, v.data.slice()));
    const call = async (): Promise<Computed<R>> => {
      const key = values.map((v) => `${v.dtype}[${v.shape.join(",")}]`).join(" ");
      const found = cache.get(key) ?? specialise(values);
      // The last entry in the map was used last. Calls take turns, so a dropped program is not running.
      cache.delete(key);
      cache.set(key, found);
      const [oldest] = cache;
      if (cache.size > MOST_SHAPES && oldest !== undefined) {
        cache.delete(oldest[0]);
        await oldest[1].then(({ release }) => release()).catch(() => undefined);
      }
      const program = await found;
      program.arguments.forEach((leaf, i) => {
        checkFeed(`argument ${i}`, leaf, values[i]);
        copyInto(program.fed.get(leaf), values[i].data);
      });
      program.fillNoise(seed, calls++);
      await program.run();
      const fresh = program.outputs.map((o) => new ArrayValue(o.shape, o.dtype, o.data.slice()));
      return restructure(program.structure, fresh) as Computed<R>;
    };
    const result = turn.then(call);
    turn = result.catch(() => undefined);
    return result;
  };
}

function copyInto(target: TypedArray | undefined, source: TypedArray): void {
  // An argument that the function does not use has no array.
  if (target === undefined) return;
  if (target instanceof BigInt64Array || source instanceof BigInt64Array) {
    for (let i = 0; i < target.length; i++) target[i] = source[i];
  } else {
    target.set(source);
  }
}

function leafArray(
  leaf: Tensor,
  index: number,
  inputs: readonly Tensor[],
  options: CompileOptions,
): TypedArray {
  if (isParameter(leaf)) {
    return (
      options.parameters?.get(leaf) ??
      convert(initialValues(leaf, `parameter ${index}`, options.seed ?? 0), leaf.dtype)
    );
  }
  if (isInput(leaf) && !inputs.includes(leaf)) {
    throw new UsageError(
      `compile: ${describeLeaf(leaf)} is not an argument of the function and has no value; pass it in.`,
    );
  }
  return convert(new Float64Array(leaf.size), leaf.dtype);
}
