/**
 * The WebAssembly kernels: SIMD passes over flat buffers. Sources are AssemblyScript, in `kernels/`;
 * `scripts/build-kernels.mjs` compiles them. Works wherever WebAssembly with 128-bit SIMD does (Node, browsers).
 *
 * Addresses are byte offsets into the memory that the kernels were instantiated on; counts are numbers of elements. Kernels
 * do not check bounds: the caller must.
 */
import { WASM_BASE64 } from "./wasm.generated.ts";

/** The module's exports. The formulas are beside the sources in `kernels/`. */
export interface Kernels {
  /** Words `first` … `first + count - 1` of a Philox stream as u32; 64-bit values come as (low, high). */
  readonly bits: (
    out: number,
    count: number,
    key0: number,
    key1: number,
    step0: number,
    step1: number,
    first0: number,
    first1: number,
  ) => void;
  /** u32 → float32 in (0, 1), in place. */
  readonly toUniform32: (data: number, count: number) => void;
  /** Pairs of u32 → float64 in (0, 1), in place; `count` is the number of pairs. */
  readonly toUniform64: (data: number, count: number) => void;
  /** u32 → standard normal float32, in place. */
  readonly toNormal32: (data: number, count: number) => void;
  /** Pairs of u32 → standard normal float64, in place; `count` is the number of pairs. */
  readonly toNormal64: (data: number, count: number) => void;
  /** Probabilities → draws of 0 or 1, from uniforms 0 … `count - 1` of a Philox stream, in place. */
  readonly toBernoulli32: (
    data: number,
    count: number,
    key0: number,
    key1: number,
    step0: number,
    step1: number,
  ) => void;
  /** u8 → float32 · scale; the bytes may be the last quarter of the target. */
  readonly widenBytes: (source: number, target: number, count: number, scale: number) => void;
  /** Σ x² of float32, accumulated in float64. */
  readonly sumOfSquares: (data: number, count: number) => number;
  /** Index of the first NaN or infinity, or -1. */
  readonly firstNonFinite: (data: number, count: number) => number;
  /** Optimisers return whether all gradients were finite (1 or 0). */
  readonly adam: (
    parameters: number,
    gradients: number,
    first: number,
    second: number,
    count: number,
    beta1: number,
    rest1: number,
    beta2: number,
    rest2: number,
    stepSize: number,
    epsilon: number,
    l2: number,
    decay: number,
    gradientScale: number,
  ) => number;
  readonly sgd: (
    parameters: number,
    gradients: number,
    count: number,
    stepSize: number,
    l2: number,
    gradientScale: number,
  ) => number;
  readonly sgdMomentum: (
    parameters: number,
    gradients: number,
    buffer: number,
    count: number,
    stepSize: number,
    momentum: number,
    nesterov: number,
    l2: number,
    gradientScale: number,
  ) => number;
  readonly rmsprop: (
    parameters: number,
    gradients: number,
    square: number,
    count: number,
    stepSize: number,
    alpha: number,
    rest: number,
    epsilon: number,
    l2: number,
    gradientScale: number,
  ) => number;
  readonly rmspropMomentum: (
    parameters: number,
    gradients: number,
    square: number,
    buffer: number,
    count: number,
    stepSize: number,
    alpha: number,
    rest: number,
    epsilon: number,
    momentum: number,
    l2: number,
    gradientScale: number,
  ) => number;
}

/** Bytes at the start of a memory that the kernels need. */
export const RESERVED_BYTES = 65536;

let compiled: WebAssembly.Module | undefined;

/** The kernels on a memory; the module is compiled once in each process. */
export const instantiateKernels = (memory: WebAssembly.Memory): Kernels => {
  compiled ??= new WebAssembly.Module(Uint8Array.from(atob(WASM_BASE64), (c) => c.charCodeAt(0)));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return exports as unknown as Kernels;
};
