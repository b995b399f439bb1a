// RMSProp (Tieleman and Hinton, Coursera lecture 6.5, 2012), plain and with momentum.
import { allFinite, borrow, flushDenormals, flushPositiveDenormals, giveBack, watch } from "./tail";

// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
function vectors(
  p: usize, g: usize, s: usize, b: usize, bytes: usize, withMomentum: bool,
  stepSize: f32, alpha: f32, rest: f32, epsilon: f32, momentum: f32, l2: f32, gradientScale: f32,
): bool {
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const parameter = v128.load(p + i);
    const gradient = f32x4.add(
      f32x4.mul(v128.load(g + i), f32x4.splat(gradientScale)),
      f32x4.mul(parameter, f32x4.splat(l2)),
    );
    const square = flushPositiveDenormals(
      f32x4.add(
        f32x4.mul(v128.load(s + i), f32x4.splat(alpha)),
        f32x4.mul(f32x4.mul(gradient, gradient), f32x4.splat(rest)),
      ),
    );
    v128.store(s + i, square);
    let direction = f32x4.div(gradient, f32x4.add(f32x4.sqrt(square), f32x4.splat(epsilon)));
    if (withMomentum) {
      direction = flushDenormals(f32x4.add(f32x4.mul(v128.load(b + i), f32x4.splat(momentum)), direction));
      v128.store(b + i, direction);
    }
    v128.store(p + i, f32x4.sub(parameter, f32x4.mul(direction, f32x4.splat(stepSize))));
    sum = watch(sum, gradient);
  }
  return allFinite(sum);
}

/** g ← gradientScale·g + l2·p;  s ← αs + (1-α)g²;  p ← p - stepSize·g / (√s + ε) */
export function rmsprop(
  p: usize, g: usize, s: usize, count: u32,
  stepSize: f32, alpha: f32, rest: f32, epsilon: f32, l2: f32, gradientScale: f32,
): bool {
  const bytes = <usize>(count >> 2) << 4;
  let finite = vectors(p, g, s, 0, bytes, false, stepSize, alpha, rest, epsilon, 0, l2, gradientScale);
  const last = <usize>(count & 3) << 2;
  if (last) {
    finite = vectors(
      borrow(0, p + bytes, last), borrow(1, g + bytes, last), borrow(2, s + bytes, last), 0,
      16, false, stepSize, alpha, rest, epsilon, 0, l2, gradientScale,
    ) && finite;
    giveBack(0, p + bytes, last);
    giveBack(2, s + bytes, last);
  }
  return finite;
}

/** As {@link rmsprop}, with b ← μb + g / (√s + ε);  p ← p - stepSize·b */
export function rmspropMomentum(
  p: usize, g: usize, s: usize, b: usize, count: u32,
  stepSize: f32, alpha: f32, rest: f32, epsilon: f32, momentum: f32, l2: f32, gradientScale: f32,
): bool {
  const bytes = <usize>(count >> 2) << 4;
  let finite = vectors(p, g, s, b, bytes, true, stepSize, alpha, rest, epsilon, momentum, l2, gradientScale);
  const last = <usize>(count & 3) << 2;
  if (last) {
    finite = vectors(
      borrow(0, p + bytes, last), borrow(1, g + bytes, last), borrow(2, s + bytes, last), borrow(3, b + bytes, last),
      16, true, stepSize, alpha, rest, epsilon, momentum, l2, gradientScale,
    ) && finite;
    giveBack(0, p + bytes, last);
    giveBack(2, s + bytes, last);
    giveBack(3, b + bytes, last);
  }
  return finite;
}
