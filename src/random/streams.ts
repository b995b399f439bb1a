import { UsageError } from "../errors.ts";
import { type Kernels, kernelsOf, MemoryPlan } from "../kernels/index.ts";
import { type Stream, split } from "./keys.ts";

/** The position in a stream to draw from. */
export interface DrawOptions {
  /** The step of training, or of whatever uses the stream: 0 … 2⁵³ - 1. Default 0. */
  readonly step?: number;
  /** Index of the element that goes to `out[0]`. Default 0. */
  readonly first?: number;
}

// Chunks stay in the first-level cache between the kernel that makes words and the one that maps them.
const CHUNK_BYTES = 16384;

type Target = Float32Array | Float64Array | Uint32Array;

/** A small memory of our own, for arrays that are not views of a planned memory. */
interface Scratch {
  readonly kernels: Kernels;
  readonly byteOffset: number;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly uint32: Uint32Array;
}
let scratch: Scratch | undefined;
const scratchMemory = (): Scratch => {
  if (scratch === undefined) {
    const plan = new MemoryPlan();
    const { byteOffset } = plan.reserve("scratch", CHUNK_BYTES, "uint8");
    const { kernels, buffer } = plan.allocate();
    scratch = {
      kernels,
      byteOffset,
      float32: new Float32Array(buffer, byteOffset, CHUNK_BYTES / 4),
      float64: new Float64Array(buffer, byteOffset, CHUNK_BYTES / 8),
      uint32: new Uint32Array(buffer, byteOffset, CHUNK_BYTES / 4),
    };
  }
  return scratch;
};

/** Fewer elements than this are copied one by one: faster than a view and `set`, by a microsecond. */
const FEW = 64;

function copyFrom(out: Target, at: number, values: Target, count: number): void {
  if (count < FEW) for (let i = 0; i < count; i++) out[at + i] = values[i];
  else out.set(values.subarray(0, count), at);
}

const checkIndex = (name: string, value: number): number => {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new UsageError(`random stream: ${name} must be an integer from 0 to 2^53 - 1, found ${value}`);
  }
  return value;
};

/** Fills `out` with the words of the stream and applies `map` to each chunk in place. */
const fill = (
  out: Target,
  { key }: Stream,
  { step = 0, first = 0 }: DrawOptions,
  map: ((kernels: Kernels, data: number, count: number) => void) | undefined,
): void => {
  const [step0, step1] = split(checkIndex("step", step));
  const width = out.BYTES_PER_ELEMENT;
  const words = width / 4;
  checkIndex("first", first);
  checkIndex("the last word", (first + out.length) * words);
  const chunk = CHUNK_BYTES / width;
  const planned = kernelsOf(out);
  const own = planned === undefined ? scratchMemory() : undefined;
  const kernels = planned ?? scratchMemory().kernels;
  const made = own && (width === 8 ? own.float64 : out instanceof Float32Array ? own.float32 : own.uint32);
  for (let at = 0; at < out.length; at += chunk) {
    const count = Math.min(chunk, out.length - at);
    const data = own?.byteOffset ?? out.byteOffset + at * width;
    const [first0, first1] = split((first + at) * words);
    kernels.bits(data, count * words, key[0], key[1], step0, step1, first0, first1);
    map?.(kernels, data, count);
    if (made !== undefined) copyFrom(out, at, made, count);
  }
};

/**
 * Raw 32-bit words. Word `i` is word `i mod 4` of the Philox block with counter (⌊i/4⌋, step), each as
 * (low, high): a pure function of (seed, step, site, i).
 *
 * The kernels write in place to an array that views planned memory, and through a small buffer to any other; the
 * numbers are the same. This holds for every `fill` function here.
 *
 * @throws UsageError when step or first is not an integer in 0 … 2⁵³ - 1.
 */
export const fillBits = (out: Uint32Array, stream: Stream, options: DrawOptions = {}): void =>
  fill(out, stream, options, undefined);

/**
 * Uniforms strictly inside (0, 1). float32: the odd multiples of 2⁻²⁴, element `i` from word `i`; float64: the
 * odd multiples of 2⁻⁵³, element `i` from words `2i` and `2i + 1`.
 *
 * ```ts
 * const u = new Float32Array(4);
 * fillUniform(u, stream(0, "pixels"), { step: 7 });
 * ```
 *
 * @throws UsageError when step or first is not an integer in 0 … 2⁵³ - 1.
 */
export const fillUniform = (
  out: Float32Array | Float64Array,
  stream: Stream,
  options: DrawOptions = {},
): void =>
  fill(out, stream, options, (kernels, data, count) =>
    out instanceof Float32Array ? kernels.toUniform32(data, count) : kernels.toUniform64(data, count),
  );

/**
 * Standard normals by the inverse distribution function: element `i` is made from the same words as uniform `i`.
 * float32: 32 bits for each element, |z| ≤ 6.34, relative error at most 3·2⁻²³; float64: 64 bits,
 * |z| ≤ 9.16, relative error about 10⁻¹⁶.
 *
 * @throws UsageError when step or first is not an integer in 0 … 2⁵³ - 1.
 */
export const fillNormal = (
  out: Float32Array | Float64Array,
  stream: Stream,
  options: DrawOptions = {},
): void =>
  fill(out, stream, options, (kernels, data, count) =>
    out instanceof Float32Array ? kernels.toNormal32(data, count) : kernels.toNormal64(data, count),
  );

/**
 * Turns probabilities into draws, in place: element `i` becomes 1 if uniform `first + i` of the stream is below it, else 0.
 * Words are generated and compared in one pass; no uniforms are stored.
 *
 * @throws UsageError when step or first is not an integer in 0 … 2⁵³ - 1.
 */
export const drawBernoulli = (
  probabilities: Float32Array,
  source: Stream,
  { step = 0, first = 0 }: DrawOptions = {},
): void => {
  const kernels = kernelsOf(probabilities);
  if (kernels === undefined) {
    const uniforms = new Float32Array(probabilities.length);
    fillUniform(uniforms, source, { step, first });
    for (let i = 0; i < uniforms.length; i++) probabilities[i] = uniforms[i] < probabilities[i] ? 1 : 0;
    return;
  }
  const { byteOffset, length } = probabilities;
  const [step0, step1] = split(checkIndex("step", step));
  const [first0, first1] = split(checkIndex("first", first));
  checkIndex("the last word", first + length);
  kernels.toBernoulli32(byteOffset, length, source.key[0], source.key[1], step0, step1, first0, first1);
};
