/**
 * Vectors of the kernels: plain arrays of doubles. A trajectory allocates several per leapfrog step, and a typed array of more than
 * eight numbers costs a call of malloc, about a microsecond: as much as the density of a small program.
 */
export type Vector = number[];

export function vector(x: ArrayLike<number>): Vector {
  const out = new Array<number>(x.length);
  for (let i = 0; i < x.length; i++) out[i] = x[i];
  return out;
}

export function dot(a: Vector, b: Vector): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

export function sum(a: Vector, b: Vector): Vector {
  const out = new Array<number>(a.length);
  for (let i = 0; i < a.length; i++) out[i] = a[i] + b[i];
  return out;
}

/** ln(eᵃ + eᵇ). */
export function logAddExp(a: number, b: number): number {
  const top = Math.max(a, b);
  return top === Number.NEGATIVE_INFINITY ? top : top + Math.log1p(Math.exp(-Math.abs(a - b)));
}
