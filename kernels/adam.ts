// Adam (Kingma and Ba, 2015) and AdamW (Loshchilov and Hutter, 2019), one pass.
import { allFinite, borrow, flushDenormals, flushPositiveDenormals, giveBack, watch } from "./tail";

// @ts-expect-error: AssemblyScript decorates functions, TypeScript does not
@inline
function vector(
  sum: v128, p: usize, g: usize, m: usize, v: usize,
  beta1: f32, rest1: f32, beta2: f32, rest2: f32,
  stepSize: f32, epsilon: f32, l2: f32, decay: f32, gradientScale: f32,
): v128 {
  const parameter = v128.load(p);
  const gradient = f32x4.add(
    f32x4.mul(v128.load(g), f32x4.splat(gradientScale)),
    f32x4.mul(parameter, f32x4.splat(l2)),
  );
  const first = flushDenormals(
    f32x4.add(f32x4.mul(v128.load(m), f32x4.splat(beta1)), f32x4.mul(gradient, f32x4.splat(rest1))),
  );
  const second = flushPositiveDenormals(
    f32x4.add(
      f32x4.mul(v128.load(v), f32x4.splat(beta2)),
      f32x4.mul(f32x4.mul(gradient, gradient), f32x4.splat(rest2)),
    ),
  );
  const denominator = f32x4.add(f32x4.sqrt(second), f32x4.splat(epsilon));
  const step = f32x4.div(f32x4.mul(first, f32x4.splat(stepSize)), denominator);
  v128.store(m, first);
  v128.store(v, second);
  v128.store(p, f32x4.sub(f32x4.mul(parameter, f32x4.splat(decay)), step));
  return watch(sum, gradient);
}

/** Two vectors in each iteration: division and root leave room for a second one, which makes it a quarter faster. */
function vectors(
  p: usize, g: usize, m: usize, v: usize, bytes: usize,
  beta1: f32, rest1: f32, beta2: f32, rest2: f32,
  stepSize: f32, epsilon: f32, l2: f32, decay: f32, gradientScale: f32,
): bool {
  const pairs = bytes & ~31;
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  let i: usize = 0;
  for (; i < pairs; i += 32) {
    even = vector(
      even, p + i, g + i, m + i, v + i,
      beta1, rest1, beta2, rest2, stepSize, epsilon, l2, decay, gradientScale,
    );
    odd = vector(
      odd, p + i + 16, g + i + 16, m + i + 16, v + i + 16,
      beta1, rest1, beta2, rest2, stepSize, epsilon, l2, decay, gradientScale,
    );
  }
  if (i < bytes) {
    even = vector(
      even, p + i, g + i, m + i, v + i,
      beta1, rest1, beta2, rest2, stepSize, epsilon, l2, decay, gradientScale,
    );
  }
  return allFinite(f32x4.add(even, odd));
}

/**
 * g ← gradientScale·g + l2·p;  m ← β₁m + (1-β₁)g;  v ← β₂v + (1-β₂)g²;  p ← decay·p - stepSize·m / (√v + ε)
 *
 * The bias corrections are folded into the scalars (the paper's section 2, last paragraph): with η the learning
 * rate, stepSize = η·√(1-β₂ᵗ)/(1-β₁ᵗ), and ε comes multiplied by √(1-β₂ᵗ). Returns whether all gradients were finite.
 */
export function adam(
  p: usize, g: usize, m: usize, v: usize, count: u32,
  beta1: f32, rest1: f32, beta2: f32, rest2: f32,
  stepSize: f32, epsilon: f32, l2: f32, decay: f32, gradientScale: f32,
): bool {
  const bytes = <usize>(count >> 2) << 4;
  let finite = vectors(p, g, m, v, bytes, beta1, rest1, beta2, rest2, stepSize, epsilon, l2, decay, gradientScale);
  const rest = <usize>(count & 3) << 2;
  if (rest) {
    finite = vectors(
      borrow(0, p + bytes, rest), borrow(1, g + bytes, rest), borrow(2, m + bytes, rest), borrow(3, v + bytes, rest),
      16, beta1, rest1, beta2, rest2, stepSize, epsilon, l2, decay, gradientScale,
    ) && finite;
    giveBack(0, p + bytes, rest);
    giveBack(2, m + bytes, rest);
    giveBack(3, v + bytes, rest);
  }
  return finite;
}
