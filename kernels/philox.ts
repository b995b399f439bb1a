// Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
// Four counter blocks at a time, one per lane: c0 holds word 0 of the four blocks, and so on.

/** Words that one call of {@link philox16} makes: four blocks of four. */
export const GROUP: u64 = 16;

/** The blocks of four counters, (low, high, step low, step high), to `out` (64 bytes), each in stream order. */
// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
export function philox(out: usize, low: v128, high: v128, key0: u32, key1: u32, step0: u32, step1: u32): void {
  const multiplier0 = i32x4.splat(0xd2511f53);
  const multiplier1 = i32x4.splat(0xcd9e8d57);
  let c0 = low;
  let c1 = high;
  let c2 = i32x4.splat(step0);
  let c3 = i32x4.splat(step1);
  let k0 = key0;
  let k1 = key1;
  for (let round = 0; round < 10; round++) {
    const even0 = i64x2.extmul_low_i32x4_u(c0, multiplier0);
    const odd0 = i64x2.extmul_high_i32x4_u(c0, multiplier0);
    const even1 = i64x2.extmul_low_i32x4_u(c2, multiplier1);
    const odd1 = i64x2.extmul_high_i32x4_u(c2, multiplier1);
    const high0 = v128.shuffle<i32>(even0, odd0, 1, 3, 5, 7);
    const high1 = v128.shuffle<i32>(even1, odd1, 1, 3, 5, 7);
    c0 = v128.xor(v128.xor(high1, c1), i32x4.splat(k0));
    c2 = v128.xor(v128.xor(high0, c3), i32x4.splat(k1));
    c1 = v128.shuffle<i32>(even1, odd1, 0, 2, 4, 6);
    c3 = v128.shuffle<i32>(even0, odd0, 0, 2, 4, 6);
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  // Transpose: from word by word to block by block.
  const a = v128.shuffle<i32>(c0, c1, 0, 4, 1, 5);
  const b = v128.shuffle<i32>(c0, c1, 2, 6, 3, 7);
  const c = v128.shuffle<i32>(c2, c3, 0, 4, 1, 5);
  const d = v128.shuffle<i32>(c2, c3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i64>(a, c, 0, 2), 0);
  v128.store(out, v128.shuffle<i64>(a, c, 1, 3), 16);
  v128.store(out, v128.shuffle<i64>(b, d, 0, 2), 32);
  v128.store(out, v128.shuffle<i64>(b, d, 1, 3), 48);
}

/** Words 16·group … 16·group + 15 of a stream, in stream order, to `out` (64 bytes). */
// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
export function philox16(out: usize, group: u64, key0: u32, key1: u32, step0: u32, step1: u32): void {
  const block = group << 2;
  // The four blocks start at a multiple of four, so the low word cannot carry between lanes.
  const low = v128.or(i32x4.splat(<i32>block), i32x4(0, 1, 2, 3));
  philox(out, low, i32x4.splat(<i32>(block >> 32)), key0, key1, step0, step1);
}
