// For lengths that are not a multiple of four, every element-wise kernel passes the last one to three
// elements through a padded copy. They are then computed by the same instructions as all others, so a
// range updated in two parts gives the same bits as a range updated at once.

/** Room for one vector of each of four buffers. */
const scratch: usize = memory.data(64, 16);

/** Copies `bytes` (under 16) from `source` to the scratch vector `index`, zero beyond; returns its address. */
export function borrow(index: u32, source: usize, bytes: usize): usize {
  const at = scratch + (<usize>index << 4);
  v128.store(at, i32x4.splat(0));
  memory.copy(at, source, bytes);
  return at;
}

/** Copies a vector back from the scratch space. */
export function giveBack(index: u32, target: usize, bytes: usize): void {
  memory.copy(target, scratch + (<usize>index << 4), bytes);
}

/**
 * Sets magnitudes below the smallest normal float32 to zero; NaN is kept. Without it, the moments of a parameter whose
 * gradient stays zero sink into the denormals and stay there (in round-to-nearest 0.9 of a few denormal units
 * rounds back up), and each operation on a denormal costs a processor over a hundred cycles.
 */
// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
export function flushDenormals(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(f32x4.abs(x), f32x4.splat(1.1754943508222875e-38)));
}

/** As {@link flushDenormals}, for values that are never negative. */
// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
export function flushPositiveDenormals(x: v128): v128 {
  return v128.andnot(x, f32x4.lt(x, f32x4.splat(1.1754943508222875e-38)));
}

/**
 * Records, while a kernel passes over the gradients anyway, whether they are finite: a finite number times zero adds zero to the
 * sum, while an infinity or NaN makes it NaN for good.
 */
// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
export function watch(sum: v128, gradient: v128): v128 {
  return f32x4.add(sum, f32x4.mul(gradient, f32x4.splat(0)));
}

/** Whether every recorded gradient is finite. */
// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
export function allFinite(sum: v128): bool {
  return i32x4.all_true(f32x4.eq(sum, sum));
}
