/**
 * Vectors that outlive a transition: plain arrays of doubles, because a typed array of more than eight numbers costs a call of malloc, about a
 * microsecond. What a kernel works on is typed, and made once for a chain.
 */
export type Vector = number[];

export function vector(x: ArrayLike<number>): Vector {
  const out = new Array<number>(x.length);
  for (let i = 0; i < x.length; i++) out[i] = x[i];
  return out;
}

export function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

/** ln(eᵃ + eᵇ). */
export function logAddExp(a: number, b: number): number {
  const top = Math.max(a, b);
  return top === Number.NEGATIVE_INFINITY ? top : top + Math.log1p(Math.exp(-Math.abs(a - b)));
}
