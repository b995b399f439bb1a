// Bytes to floats: how a minibatch of pixels is read.

/**
 * u8 at `source` → f32 · scale at `target`. The bytes may be the last quarter of the target itself: sixteen bytes are read before
 * the sixteen floats that overwrite the first of them are written.
 */
export function widenBytes(source: usize, target: usize, count: u32, scale: f32): void {
  const factor = f32x4.splat(scale);
  const vectors = count & ~15;
  let i: u32 = 0;
  for (; i < vectors; i += 16, target += 64) {
    const bytes = v128.load(source + i);
    const low = i16x8.extend_low_i8x16_u(bytes);
    const high = i16x8.extend_high_i8x16_u(bytes);
    v128.store(target, f32x4.mul(f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(low)), factor), 0);
    v128.store(target, f32x4.mul(f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(low)), factor), 16);
    v128.store(target, f32x4.mul(f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(high)), factor), 32);
    v128.store(target, f32x4.mul(f32x4.convert_i32x4_u(i32x4.extend_high_i16x8_u(high)), factor), 48);
  }
  for (; i < count; i++, target += 4) store<f32>(target, <f32>load<u8>(source + i) * scale);
}
