/**
 * Graphs in float32 without a runtime: the host's code, which stores float32 as float32, all in one planned memory, and kernels with vector
 * instructions for products and functions of many elements. What else an op needs is computed in float64 and rounded when it is stored.
 */
import { InternalError } from "../errors.ts";
import {
  type Float32Kernels,
  float32Kernels,
  MemoryPlan,
  PANEL,
  type PlannedMemory,
  type Slot,
} from "../kernels/index.ts";
import {
  batchStarts,
  exp,
  type HostArray,
  log,
  type MatmulAttributes,
  matmul,
  sigmoid,
  sizeOf,
  softplus,
  type Tensor,
  type TypedArray,
  tanh,
} from "../tensor/index.ts";
import type { Bindings } from "./generated-code.ts";
import { singleProgram } from "./host.ts";
import { Single, type SingleKernel, type SinglePlaces } from "./singles.ts";

type OutputArrays = Bindings["O"];

/** Fewer elements are sooner computed in the loop that needs them. */
const FEW = 64;

/** Products with fewer multiplications are computed in float64. */
const LEAST = 2048;

type Pass = (kernels: Float32Kernels) => (y: number, x: number, count: number) => void;

const passes = [
  { op: exp, pass: (k) => k.exp32 },
  { op: log, pass: (k) => k.log32 },
  { op: sigmoid, pass: (k) => k.sigmoid32 },
  { op: softplus, pass: (k) => k.softplus32 },
  { op: tanh, pass: (k) => k.tanh32 },
] as const satisfies readonly { readonly op: { is(t: Tensor): boolean }; readonly pass: Pass }[];

function passKernel(node: Tensor, pass: Pass): SingleKernel {
  return {
    on: ({ kernels }) => {
      const run = pass(kernels);
      return (out, x) => run(out.byteOffset, x.byteOffset, node.size);
    },
  };
}

function productKernel(node: Tensor, { transposeA, transposeB }: MatmulAttributes): SingleKernel | undefined {
  const [a, b] = node.inputs;
  const [rows, columns] = node.shape.slice(-2);
  const inner = a.shape[a.rank - (transposeA ? 2 : 1)];
  if (rows * inner * columns < LEAST) return undefined;
  const batch = node.shape.slice(0, -2);
  const [startsA, startsB] = [batchStarts(a.shape, batch), batchStarts(b.shape, batch)];
  const [rowOfA, columnOfA] = transposeA ? [4, 4 * rows] : [4 * inner, 4];
  const [rowOfB, columnOfB] = transposeB ? [4, 4 * inner] : [4 * columns, 4];
  return {
    on:
      ({ kernels, panel }) =>
      (out, x, y) => {
        out.fill(0);
        for (let c = 0; c < sizeOf(batch); c++) {
          kernels.timesMatrix32(
            out.byteOffset + 4 * c * rows * columns,
            x.byteOffset + 4 * startsA[c],
            y.byteOffset + 4 * startsB[c],
            panel,
            rows,
            inner,
            columns,
            rowOfA,
            columnOfA,
            rowOfB,
            columnOfB,
          );
        }
      },
  };
}

function kernelOf(node: Tensor): SingleKernel | undefined {
  if (matmul.is(node)) return productKernel(node, node.attributes);
  const found = node.size < FEW ? undefined : passes.find(({ op }) => op.is(node));
  return found && passKernel(node, found.pass);
}

/** A program whose values lie in a memory. */
export interface Float32Program {
  /** The leaves (inputs, parameters, noise) that must be bound, in this order. */
  readonly leaves: readonly Tensor[];
  /** Number of buffers. */
  readonly nodes: number;
  /** Bytes of its buffers. */
  readonly bytes: number;
  /** Reserves what the program needs in a memory that is being planned. */
  reserve(plan: MemoryPlan): void;
  /**
   * Fixes the arrays to read and write. With the memory in which the program has reserved its part, all that are float32 lie there. Without one it has a
   * memory of its own, and values are copied there and back at each run.
   */
  bind(leaves: readonly HostArray[], outputs: readonly TypedArray[], memory?: PlannedMemory): () => void;
}

/** Where a program's arrays are in a memory. */
class Reserved {
  readonly #panel: Slot<"float32">;
  readonly #slots: ReadonlyMap<Single, Slot<"float32">>;

  constructor(plan: MemoryPlan, singles: readonly Single[]) {
    this.#panel = plan.reserve("program/panel", PANEL, "float32");
    const whole = singles.filter(({ of }) => of === undefined);
    this.#slots = new Map(
      whole.map((single, i) => [single, plan.reserve(`program/${i}`, single.length, "float32")]),
    );
  }

  in(memory: PlannedMemory): SinglePlaces {
    if (memory.memory === undefined) throw new InternalError("threads share the memory of a program");
    const arrays = new Map<Single, Float32Array>();
    for (const [single, slot] of this.#slots) {
      const array = memory.view(slot);
      if (single.values !== undefined) array.set(single.values);
      arrays.set(single, array);
    }
    const arrayOf = (single: Single): Float32Array => {
      const { of, start, length } = single;
      const array = arrays.get(single) ?? (of && arrayOf(of).subarray(start, start + length));
      if (array === undefined) throw new InternalError("no memory was reserved for a value");
      return array;
    };
    return { arrayOf, kernels: float32Kernels(memory.memory), panel: this.#panel.byteOffset };
  }
}

/** Compiles `outputs` to code on float32. */
export function compileFloat32(outputs: readonly Tensor[]): Float32Program {
  const { leaves, work, instantiate } = singleProgram(outputs, { kernelOf });
  const { buffers } = work;
  const singles = buffers.filter((b) => b instanceof Single);
  let reserved: Reserved | undefined;

  /** Runs on copies of what is bound. */
  function bindCopies(bound: readonly HostArray[], written: readonly TypedArray[]): () => void {
    const plan = new MemoryPlan();
    const own = new Reserved(plan, singles);
    const slotsOf = (what: string, values: readonly Tensor[]) =>
      values.map(({ dtype, size }, i) =>
        dtype === "float32" ? plan.reserve(`${what}/${i}`, size, "float32") : undefined,
      );
    const [reads, writes] = [slotsOf("leaf", leaves), slotsOf("output", outputs)];
    const memory = plan.allocate();
    const viewOf = <A>(slot: Slot<"float32"> | undefined, array: A) => (slot ? memory.view(slot) : array);
    const from = bound.map((array, i) => viewOf(reads[i], array));
    const to = written.map((array, i) => viewOf(writes[i], array));
    const run = instantiate(from, to as OutputArrays, own.in(memory));
    return () => {
      bound.forEach((array, i) => {
        if (from[i] !== array) from[i].set(array);
      });
      run(0);
      written.forEach((array, i) => {
        if (to[i] !== array) (array as Float32Array).set(to[i] as Float32Array);
      });
    };
  }

  return {
    leaves,
    nodes: buffers.length,
    bytes: singles.reduce((sum, { of, length }) => sum + (of === undefined ? 4 * length : 0), 0),
    reserve: (plan) => {
      reserved = new Reserved(plan, singles);
    },
    bind(bound, written, memory) {
      if (memory === undefined) return bindCopies(bound, written);
      if (reserved === undefined) throw new InternalError("the program has no part in this memory");
      const arrays = [...bound, ...written];
      const isStrange = ({ dtype }: Tensor, i: number): boolean =>
        dtype === "float32" && arrays[i].buffer !== memory.buffer;
      if ([...leaves, ...outputs].some(isStrange))
        throw new InternalError("an array in float32 is not in the memory of its program");
      const run = instantiate(bound, written as OutputArrays, reserved.in(memory));
      return () => run(0);
    },
  };
}
