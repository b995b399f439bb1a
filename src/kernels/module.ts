/**
 * The WebAssembly kernels: SIMD passes over flat buffers. Sources are AssemblyScript, in `kernels/`;
 * `scripts/build-kernels.mjs` compiles them. Works wherever WebAssembly with 128-bit SIMD does (Node, browsers).
 *
 * Addresses are byte offsets into the memory that the kernels were instantiated on; counts are numbers of elements. Kernels
 * do not check bounds: the caller must.
 */
import type { OwnUint8Array } from "../arrays.ts";
import { InternalError } from "../errors.ts";
import { inBlocks } from "./passes.ts";
import { WASM_HEX } from "./wasm.generated.ts";

/** out[i, j] += Σₚ a[i, p] b[p, j]; strides are in bytes, and `panel` is scratch. */
export type TimesMatrix = (
  out: number,
  a: number,
  b: number,
  panel: number,
  rows: number,
  inner: number,
  columns: number,
  rowOfA: number,
  columnOfA: number,
  rowOfB: number,
  columnOfB: number,
) => void;

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
  /** Probabilities → draws of 0 or 1, from uniforms `first` … `first + count - 1` of a Philox stream, in place. */
  readonly toBernoulli32: (
    data: number,
    count: number,
    key0: number,
    key1: number,
    step0: number,
    step1: number,
    first0: number,
    first1: number,
  ) => void;
  /** u8 → float32 · scale; the bytes may be the last quarter of the target. */
  readonly widenBytes: (source: number, target: number, count: number, scale: number) => void;
  /** sum += x of float32. */
  readonly addTo: (sum: number, x: number, count: number) => void;
  /** Σ x² of float32, accumulated in float64. */
  readonly sumOfSquares: (data: number, count: number) => number;
  /** Index of the first NaN or infinity, or -1. */
  readonly firstNonFinite: (data: number, count: number) => number;
  /** out[i] += Σₚ a[i, p] x[p] in float64, of a matrix of `rows` × `columns`, row by row. */
  readonly timesVector: (out: number, a: number, x: number, rows: number, columns: number) => void;
  /** out[j] += Σₚ a[p, j] x[p] in float64, of a matrix of `rows` × `columns`, row by row. */
  readonly transposedTimesVector: (out: number, a: number, x: number, rows: number, columns: number) => void;
  /** out[i, j] += Σₚ a[i, p] b[p, j] in float64; strides are in bytes, and `panel` is scratch of 4 · `inner` elements. */
  readonly timesMatrix: TimesMatrix;
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

/** @internal */
export const decoded = (hex: string): OwnUint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));

let compiled: WebAssembly.Module | undefined;

/** The kernels on a memory; the module is compiled once in each process. */
export const instantiateKernels = (memory: WebAssembly.Memory): Kernels => {
  compiled ??= new WebAssembly.Module(decoded(WASM_HEX));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return inBlocks(exports as unknown as Kernels);
};

/** The import of `env.memory`, and its limits: at least one page, in a memory of one thread. */
const OWN = [
  0x02, 0x0f, 0x01, 0x03, 0x65, 0x6e, 0x76, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x01,
];
/** The same import of a memory that threads share, of at most 65,536 pages. */
const SHARED = [0x02, 0x12, ...OWN.slice(2, -2), 0x03, 0x01, 0x80, 0x80, 0x04];

let compiledShared: WebAssembly.Module | undefined;

/**
 * The module of the kernels for a memory that threads share. The compiler would write the same instructions: only the import says whether the memory
 * is shared, so it is the one thing that is replaced, and a page has no second module to load.
 */
export const sharedModule = (): WebAssembly.Module => {
  if (compiledShared !== undefined) return compiledShared;
  const bytes = decoded(WASM_HEX);
  const at = bytes.findIndex((_, i) => OWN.every((byte, j) => bytes[i + j] === byte));
  if (at < 0) throw new InternalError("the kernels do not import their memory as expected");
  compiledShared = new WebAssembly.Module(
    Uint8Array.of(...bytes.subarray(0, at), ...SHARED, ...bytes.subarray(at + OWN.length)),
  );
  return compiledShared;
};
