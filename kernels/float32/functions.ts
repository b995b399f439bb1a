// Functions of each element in float32, to three units in the last place.
import { log32 as logOfNormal } from "../normal";
import { borrow, giveBack } from "../tail";

// @ts-ignore: a decorator of AssemblyScript
@inline
function madd(a: v128, b: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(a, b), f32x4.splat(c));
}

/** 2^k, for whole k from −126 to 127. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function powerOfTwo(k: v128): v128 {
  return i32x4.shl(i32x4.add(k, i32x4.splat(127)), 23);
}

/**
 * e^x: x = k ln 2 + r with |r| ≤ ½ ln 2, and e^r = 1 + r + r² P(r), where P is a minimax fit of degree 4 (our own; relative error below 4·10⁻⁹ before
 * rounding). ln 2 is split into two parts; the first has few bits, so that k times it is exact. 2^k is applied in two halves, because it may be
 * larger or smaller than every normal number.
 */
// @ts-ignore: a decorator of AssemblyScript
@inline
function exp(x: v128): v128 {
  const bounded = f32x4.min(f32x4.max(x, f32x4.splat(-104)), f32x4.splat(89));
  const k = f32x4.nearest(f32x4.mul(bounded, f32x4.splat(1.44269504)));
  const r = f32x4.add(
    f32x4.sub(bounded, f32x4.mul(k, f32x4.splat(0.693359375))),
    f32x4.mul(k, f32x4.splat(2.1219444e-4)),
  );
  let p = madd(f32x4.splat(0.00138145956), r, 0.00836871685);
  p = madd(p, r, 0.0416683881);
  p = madd(p, r, 0.166665206);
  p = madd(p, r, 0.499999934);
  const y = f32x4.add(f32x4.splat(1), f32x4.add(r, f32x4.mul(f32x4.mul(r, r), p)));
  const whole = i32x4.trunc_sat_f32x4_s(k);
  const half = i32x4.shr_s(whole, 1);
  return f32x4.mul(f32x4.mul(y, powerOfTwo(half)), powerOfTwo(i32x4.sub(whole, half)));
}

/** ln x; NaN below 0. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function log(x: v128): v128 {
  // A subnormal number is made normal, and what that adds is taken away again.
  const small = f32x4.lt(x, f32x4.splat(1.17549435e-38));
  const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, small);
  let y = f32x4.sub(logOfNormal(scaled), v128.and(f32x4.splat(15.9423847), small));
  y = v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, f32x4.splat(0)));
  const ordinary = v128.and(f32x4.ge(x, f32x4.splat(0)), f32x4.lt(x, f32x4.splat(Infinity)));
  // √ of a negative number and of NaN is NaN, of ∞ it is ∞.
  return v128.bitselect(y, f32x4.sqrt(x), ordinary);
}

/** e^−|x|. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function decay(x: v128): v128 {
  return exp(f32x4.neg(f32x4.abs(x)));
}

/** 1 / (1 + e^−x). */
// @ts-ignore: a decorator of AssemblyScript
@inline
function sigmoid(x: v128): v128 {
  const e = decay(x);
  const one = f32x4.splat(1);
  return f32x4.div(v128.bitselect(one, e, f32x4.gt(x, f32x4.splat(0))), f32x4.add(one, e));
}

/** ln(1 + e^x) = max(x, 0) + ln(1 + e^−|x|): ln u of the rounded sum u, plus (e − (u − 1)) / u, which restores what rounding lost. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function softplus(x: v128): v128 {
  const e = decay(x);
  const one = f32x4.splat(1);
  const u = f32x4.add(one, e);
  const lost = f32x4.sub(e, f32x4.sub(u, one));
  return f32x4.add(f32x4.max(x, f32x4.splat(0)), f32x4.add(logOfNormal(u), f32x4.div(lost, u)));
}

/** tanh x: x + x³ Q(x²) below 0.625, where Q is a minimax fit of degree 4 (relative error below 5·10⁻⁹); above, 1 − 2 e / (1 + e) with e = e^−2|x|. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function tanh(x: v128): v128 {
  const size = f32x4.abs(x);
  const square = f32x4.mul(x, x);
  let p = madd(f32x4.splat(-0.00570498781), square, 0.020639088);
  p = madd(p, square, -0.0537397153);
  p = madd(p, square, 0.133314422);
  p = madd(p, square, -0.333332819);
  const near = f32x4.add(x, f32x4.mul(f32x4.mul(x, square), p));
  const e = decay(f32x4.add(size, size));
  const one = f32x4.splat(1);
  const far = f32x4.sub(one, f32x4.div(f32x4.add(e, e), f32x4.add(one, e)));
  const y = v128.bitselect(near, far, f32x4.lt(size, f32x4.splat(0.625)));
  return v128.or(y, v128.and(x, f32x4.splat(-0)));
}

const EXP = 0;
const LOG = 1;
const SIGMOID = 2;
const SOFTPLUS = 3;
const TANH = 4;

// @ts-ignore: a decorator of AssemblyScript
@inline
function apply(which: i32, x: v128): v128 {
  if (which == EXP) return exp(x);
  if (which == LOG) return log(x);
  if (which == SIGMOID) return sigmoid(x);
  if (which == SOFTPLUS) return softplus(x);
  return tanh(x);
}

/** One function of `count` elements. `which` is a constant, and what is not asked for is not compiled. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function each(which: i32, y: usize, x: usize, count: u32): void {
  const rest = <usize>(count & 3) << 2;
  const last = y + (<usize>(count & ~3) << 2);
  let end = x + (<usize>(count & ~3) << 2);
  for (let isWhole = true; ; ) {
    for (; x < end; x += 16, y += 16) v128.store(y, apply(which, v128.load(x)));
    if (!isWhole || rest == 0) break;
    isWhole = false;
    x = borrow(0, x, rest);
    y = x;
    end = x + 16;
  }
  if (rest != 0) giveBack(0, last, rest);
}

/** y = e^x, for `count` elements; y may be x. */
export function exp32(y: usize, x: usize, count: u32): void {
  each(EXP, y, x, count);
}

/** y = ln x. */
export function log32(y: usize, x: usize, count: u32): void {
  each(LOG, y, x, count);
}

/** y = 1 / (1 + e^−x). */
export function sigmoid32(y: usize, x: usize, count: u32): void {
  each(SIGMOID, y, x, count);
}

/** y = ln(1 + e^x). */
export function softplus32(y: usize, x: usize, count: u32): void {
  each(SOFTPLUS, y, x, count);
}

/** y = tanh x. */
export function tanh32(y: usize, x: usize, count: u32): void {
  each(TANH, y, x, count);
}
