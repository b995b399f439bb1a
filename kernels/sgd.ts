// Stochastic gradient descent: plain, with momentum (Polyak, 1964) and Nesterov's (as in Sutskever et al., 2013).
import { allFinite, borrow, flushDenormals, giveBack, watch } from "./tail";

// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
function scaled(g: usize, parameter: v128, l2: f32, gradientScale: f32): v128 {
  return f32x4.add(
    f32x4.mul(v128.load(g), f32x4.splat(gradientScale)),
    f32x4.mul(parameter, f32x4.splat(l2)),
  );
}

// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
function plainVectors(p: usize, g: usize, bytes: usize, stepSize: f32, l2: f32, gradientScale: f32): bool {
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const parameter = v128.load(p + i);
    const gradient = scaled(g + i, parameter, l2, gradientScale);
    v128.store(p + i, f32x4.sub(parameter, f32x4.mul(gradient, f32x4.splat(stepSize))));
    sum = watch(sum, gradient);
  }
  return allFinite(sum);
}

/** g ← gradientScale·g + l2·p;  p ← p - stepSize·g */
export function sgd(p: usize, g: usize, count: u32, stepSize: f32, l2: f32, gradientScale: f32): bool {
  const bytes = <usize>(count >> 2) << 4;
  let finite = plainVectors(p, g, bytes, stepSize, l2, gradientScale);
  const rest = <usize>(count & 3) << 2;
  if (rest) {
    finite = plainVectors(borrow(0, p + bytes, rest), borrow(1, g + bytes, rest), 16, stepSize, l2, gradientScale) && finite;
    giveBack(0, p + bytes, rest);
  }
  return finite;
}

// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
function momentumVectors(
  p: usize, g: usize, b: usize, bytes: usize,
  stepSize: f32, momentum: f32, nesterov: bool, l2: f32, gradientScale: f32,
): bool {
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const parameter = v128.load(p + i);
    const gradient = scaled(g + i, parameter, l2, gradientScale);
    const buffer = flushDenormals(f32x4.add(f32x4.mul(v128.load(b + i), f32x4.splat(momentum)), gradient));
    let direction = buffer;
    if (nesterov) direction = f32x4.add(gradient, f32x4.mul(buffer, f32x4.splat(momentum)));
    v128.store(b + i, buffer);
    v128.store(p + i, f32x4.sub(parameter, f32x4.mul(direction, f32x4.splat(stepSize))));
    sum = watch(sum, gradient);
  }
  return allFinite(sum);
}

/** g ← gradientScale·g + l2·p;  b ← μb + g;  p ← p - stepSize·(b, or g + μb with Nesterov) */
export function sgdMomentum(
  p: usize, g: usize, b: usize, count: u32,
  stepSize: f32, momentum: f32, nesterov: bool, l2: f32, gradientScale: f32,
): bool {
  const bytes = <usize>(count >> 2) << 4;
  let finite = momentumVectors(p, g, b, bytes, stepSize, momentum, nesterov, l2, gradientScale);
  const rest = <usize>(count & 3) << 2;
  if (rest) {
    finite = momentumVectors(
      borrow(0, p + bytes, rest), borrow(1, g + bytes, rest), borrow(2, b + bytes, rest),
      16, stepSize, momentum, nesterov, l2, gradientScale,
    ) && finite;
    giveBack(0, p + bytes, rest);
    giveBack(2, b + bytes, rest);
  }
  return finite;
}
