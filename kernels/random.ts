// Streams of random numbers: raw words, and the maps that turn words into numbers in place. The reference for
// every map is src/random/draws.ts.
import { normal32, normal64 } from "./normal";
import { GROUP, philox16 } from "./philox";

/** Room for one group, if only a part of it is wanted. */
const scratch: usize = memory.data(64, 16);
const remainder: usize = memory.data(64, 16);

/** Words first … first + count - 1 of the stream (key, step) as u32 at `out`. */
export function bits(
  out: usize, count: u32, key0: u32, key1: u32, step0: u32, step1: u32, first0: u32, first1: u32,
): void {
  const first = (<u64>first1 << 32) | first0;
  const end = first + count;
  let word = first;
  while (word < end) {
    const group = word / GROUP;
    const start = group * GROUP;
    if (word == start && end - word >= GROUP) {
      philox16(out, group, key0, key1, step0, step1);
      out += 64;
      word += GROUP;
      continue;
    }
    philox16(scratch, group, key0, key1, step0, step1);
    const stop = min(end, start + GROUP);
    const bytes = <usize>(stop - word) << 2;
    memory.copy(out, scratch + (<usize>(word - start) << 2), bytes);
    out += bytes;
    word = stop;
  }
}

/** u32 → f32 in place: (k + ½)·2⁻²³ with k the word's top 23 bits; exact. */
export function toUniform32(data: usize, count: u32): void {
  const vectors = count & ~3;
  const one = i32x4.splat(0x3f800000);
  const shift = f32x4.splat(1 - 5.9604644775390625e-8);
  const end = data + (<usize>vectors << 2);
  for (; data < end; data += 16) {
    v128.store(data, f32x4.sub(v128.or(i32x4.shr_u(v128.load(data), 9), one), shift));
  }
  for (let i = vectors; i < count; i++, data += 4) {
    store<f32>(data, reinterpret<f32>((load<u32>(data) >> 9) | 0x3f800000) - <f32>(1 - 5.9604644775390625e-8));
  }
}

/** Pairs of u32 → f64 in place: (k + ½)·2⁻⁵² with k the top 52 bits of (first word, second word); exact. */
export function toUniform64(data: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++, data += 8) {
    const k = ((<u64>load<u32>(data) << 32) | load<u32>(data, 4)) >> 12;
    store<f64>(data, reinterpret<f64>(k | 0x3ff0000000000000) - (1 - 1.1102230246251565e-16));
  }
}

/** u32 → f32 in place: the normal quantile of the word. */
export function toNormal32(data: usize, count: u32): void {
  const vectors = count & ~3;
  const end = data + (<usize>vectors << 2);
  for (; data < end; data += 16) v128.store(data, normal32(v128.load(data)));
  if (vectors < count) {
    const bytes = <usize>(count - vectors) << 2;
    memory.copy(scratch, data, bytes);
    v128.store(scratch, normal32(v128.load(scratch)));
    memory.copy(data, scratch, bytes);
  }
}

/** Pairs of u32 → f64 in place: the normal quantile of the 64-bit word (first high, second low). */
export function toNormal64(data: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++, data += 8) {
    store<f64>(data, normal64((<u64>load<u32>(data) << 32) | load<u32>(data, 4)));
  }
}

/** Whether sixteen probabilities are all 0 or 1: the draws then equal the probabilities, for any words. */
// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
function decided(data: usize): bool {
  let open = f32x4.splat(0);
  for (let i: usize = 0; i < 64; i += 16) {
    const p = v128.load(data + i);
    open = v128.or(open, f32x4.ne(f32x4.mul(p, p), p));
  }
  return !v128.any_true(open);
}

/** One group: 1 where the word's uniform is below the probability in its place, else 0. */
// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
function decide(data: usize, group: u64, key0: u32, key1: u32, step0: u32, step1: u32): void {
  if (decided(data)) return;
  const one = i32x4.splat(0x3f800000);
  const shift = f32x4.splat(1 - 5.9604644775390625e-8);
  philox16(scratch, group, key0, key1, step0, step1);
  for (let i: usize = 0; i < 64; i += 16) {
    const uniform = f32x4.sub(v128.or(i32x4.shr_u(v128.load(scratch + i), 9), one), shift);
    v128.store(data + i, v128.and(f32x4.lt(uniform, v128.load(data + i)), one));
  }
}

/** A part of a group: `count` draws, of which the first belongs to word `lead` of the group. */
function decidePart(
  data: usize, lead: u32, count: u32, group: u64, key0: u32, key1: u32, step0: u32, step1: u32,
): void {
  const place = remainder + (<usize>lead << 2);
  const bytes = <usize>count << 2;
  memory.fill(remainder, 0, 64);
  memory.copy(place, data, bytes);
  decide(remainder, group, key0, key1, step0, step1);
  memory.copy(data, place, bytes);
}

/**
 * Probabilities → draws of 0 or 1 in place: element i is 1 if uniform first + i of the stream is below it. Groups whose
 * probabilities are all 0 or 1 need no words. This changes no draw, and most pixels of a digit are black.
 */
export function toBernoulli32(
  data: usize, count: u32, key0: u32, key1: u32, step0: u32, step1: u32, first0: u32, first1: u32,
): void {
  const first = (<u64>first1 << 32) | first0;
  let group = first / GROUP;
  const lead = <u32>(first % GROUP);
  if (lead) {
    const begun = min(count, <u32>GROUP - lead);
    decidePart(data, lead, begun, group++, key0, key1, step0, step1);
    count -= begun;
    data += <usize>begun << 2;
  }
  for (let groups = count / <u32>GROUP; groups > 0; groups--, data += 64) {
    decide(data, group++, key0, key1, step0, step1);
  }
  const rest = count % <u32>GROUP;
  if (rest) decidePart(data, 0, rest, group, key0, key1, step0, step1);
}
