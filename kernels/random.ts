// Streams of random numbers: raw words, and the maps that turn words into numbers in place. The reference for
// every map is src/random/draws.ts.
import { normal32, normal64 } from "./normal";
import { GROUP, philox, philox16 } from "./philox";

/** Room for one group, if only a part of it is wanted. */
const scratch: usize = memory.data(64, 16);
const remainder: usize = memory.data(16, 16);

/** Bytes of probabilities that are looked through at a time, and a list of the addresses of their blocks and of three left over. */
const LOOKED: usize = 4096;
const listed: usize = memory.data(4 * (256 + 4), 16);

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

/** One block: 1 where the word's uniform is below the probability in its place, else 0. */
// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
function decide(data: usize, words: v128): void {
  const one = i32x4.splat(0x3f800000);
  const uniform = f32x4.sub(v128.or(i32x4.shr_u(words, 9), one), f32x4.splat(1 - 5.9604644775390625e-8));
  v128.store(data, v128.and(f32x4.lt(uniform, v128.load(data)), one));
}

/** Draws in all blocks whose addresses are listed, a multiple of four of them. At `data` is block `first` of the stream. */
function decideListed(
  list: usize, end: usize, data: usize, first: u64, key0: u32, key1: u32, step0: u32, step1: u32,
): void {
  const low = i32x4.splat(<i32>first);
  for (; list < end; list += 16) {
    const offset = i32x4.sub(v128.load(list), i32x4.splat(<i32>data));
    const block = i32x4.add(low, i32x4.shr_u(offset, 4));
    // The comparison is -1 where the low word has wrapped.
    const high = i32x4.sub(i32x4.splat(<i32>(first >> 32)), i32x4.lt_u(block, low));
    philox(scratch, block, high, key0, key1, step0, step1);
    decide(load<u32>(list, 0), v128.load(scratch, 0));
    decide(load<u32>(list, 4), v128.load(scratch, 16));
    decide(load<u32>(list, 8), v128.load(scratch, 32));
    decide(load<u32>(list, 12), v128.load(scratch, 48));
  }
}

/** A part of a block: `count` draws, of which the first belongs to word `lead` of the block. */
function decidePart(
  data: usize, lead: u32, count: u32, block: u64, key0: u32, key1: u32, step0: u32, step1: u32,
): void {
  const place = remainder + (<usize>lead << 2);
  const bytes = <usize>count << 2;
  memory.fill(remainder, 0, 16);
  memory.copy(place, data, bytes);
  v128.store(listed, i32x4.splat(<i32>remainder));
  decideListed(listed, listed + 16, remainder, block, key0, key1, step0, step1);
  memory.copy(data, place, bytes);
}

/**
 * Probabilities → draws of 0 or 1 in place: element i is 1 if uniform first + i of the stream is below it. Blocks whose four
 * probabilities are all 0 or 1 need no words: they equal their draws, for any words, and most pixels of a digit are black. The
 * others are listed first, so that words are made for four of them at a time.
 */
export function toBernoulli32(
  data: usize, count: u32, key0: u32, key1: u32, step0: u32, step1: u32, first0: u32, first1: u32,
): void {
  const first = (<u64>first1 << 32) | first0;
  let block = first >> 2;
  const lead = <u32>first & 3;
  if (lead) {
    const begun = min(count, 4 - lead);
    decidePart(data, lead, begun, block++, key0, key1, step0, step1);
    count -= begun;
    data += <usize>begun << 2;
  }
  const end = data + (<usize>(count & ~3) << 2);
  let last = listed;
  for (let at = data; at < end; ) {
    for (const stop = at + min(end - at, LOOKED); at < stop; at += 16) {
      const p = v128.load(at);
      // Without a branch, which no processor could foresee.
      store<u32>(last, <u32>at);
      last += <usize>v128.any_true(f32x4.ne(f32x4.mul(p, p), p)) << 2;
    }
    const whole = last & ~15;
    decideListed(listed, whole, data, block, key0, key1, step0, step1);
    v128.store(listed, v128.load(whole));
    last -= whole - listed;
  }
  if (last > listed) {
    // What is decided stays so: the last one stands in for those that are missing.
    const again = load<u32>(last - 4);
    for (; last < listed + 16; last += 4) store<u32>(last, again);
    decideListed(listed, last, data, block, key0, key1, step0, step1);
  }
  const rest = count & 3;
  if (rest) decidePart(end, 0, rest, block + (count >> 2), key0, key1, step0, step1);
}
