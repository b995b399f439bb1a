// Sums of float32 buffers, and reductions over them.

/** sum += x, element by element. */
export function addTo(sum: usize, x: usize, count: u32): void {
  const end = sum + (<usize>count << 2);
  for (; sum + 16 <= end; sum += 16, x += 16) v128.store(sum, f32x4.add(v128.load(sum), v128.load(x)));
  for (; sum < end; sum += 4, x += 4) store<f32>(sum, load<f32>(sum) + load<f32>(x));
}

/**
 * Σ x² in float64. Each element is widened before it is squared, so the square is exact and a finite buffer
 * never overflows. The order of summation depends only on `count`.
 */
export function sumOfSquares(data: usize, count: u32): f64 {
  let sum0 = f64x2.splat(0);
  let sum1 = f64x2.splat(0);
  let sum2 = f64x2.splat(0);
  let sum3 = f64x2.splat(0);
  const vectors = count & ~7;
  const end = data + (<usize>vectors << 2);
  for (; data < end; data += 32) {
    const x0 = f64x2.promote_low_f32x4(v128.load64_zero(data, 0));
    const x1 = f64x2.promote_low_f32x4(v128.load64_zero(data, 8));
    const x2 = f64x2.promote_low_f32x4(v128.load64_zero(data, 16));
    const x3 = f64x2.promote_low_f32x4(v128.load64_zero(data, 24));
    sum0 = f64x2.add(sum0, f64x2.mul(x0, x0));
    sum1 = f64x2.add(sum1, f64x2.mul(x1, x1));
    sum2 = f64x2.add(sum2, f64x2.mul(x2, x2));
    sum3 = f64x2.add(sum3, f64x2.mul(x3, x3));
  }
  const sums = f64x2.add(f64x2.add(sum0, sum1), f64x2.add(sum2, sum3));
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  for (let i = vectors; i < count; i++, data += 4) {
    const x = <f64>load<f32>(data);
    sum += x * x;
  }
  return sum;
}

/** Index of the first element that is NaN or infinite, or -1. */
export function firstNonFinite(data: usize, count: u32): i32 {
  const exponent: u32 = 0x7f800000;
  const mask = i32x4.splat(exponent);
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) {
    if (v128.any_true(i32x4.eq(v128.and(v128.load(data + (<usize>i << 2)), mask), mask))) break;
  }
  for (; i < count; i++) {
    if ((load<u32>(data + (<usize>i << 2)) & exponent) == exponent) return i;
  }
  return -1;
}
