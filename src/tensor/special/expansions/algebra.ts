/**
 * The elementary operations that an expansion may use, over values of any kind: numbers, arrays, or nodes of a
 * graph. There are no branches: `where` gets both sides already computed, and the side that is not selected may be NaN.
 */
export interface Algebra<T> {
  constant(value: number): T;
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  div(a: T, b: T): T;
  neg(a: T): T;
  log(a: T): T;
  abs(a: T): T;
  floor(a: T): T;
  sin(a: T): T;
  /** a < b; false where either is NaN. */
  less(a: T, b: T): T;
  /** a where the condition holds, b elsewhere. */
  where(condition: T, a: T, b: T): T;
}

/** The arithmetic that an expansion runs in; it decides how many terms are needed. */
export type Precision = "float32" | "float64";

const numbers = (round: (value: number) => number): Algebra<number> => ({
  constant: round,
  add: (a, b) => round(a + b),
  sub: (a, b) => round(a - b),
  mul: (a, b) => round(a * b),
  div: (a, b) => round(a / b),
  neg: (a) => -a,
  log: (a) => round(Math.log(a)),
  abs: Math.abs,
  floor: Math.floor,
  sin: (a) => round(Math.sin(a)),
  less: (a, b) => (a < b ? 1 : 0),
  where: (condition, a, b) => (condition !== 0 ? a : b),
});

/** Runs an expansion on numbers, in double precision. */
export const float64Algebra: Algebra<number> = numbers((value) => value);

/** Runs an expansion on numbers, rounding every result to single precision. The arguments must be rounded already. */
export const float32Algebra: Algebra<number> = numbers(Math.fround);

/** c₀ + c₁ z + c₂ z² + … by Horner's rule: two operations for each coefficient after the first. */
export const polynomial = <T>(ops: Algebra<T>, z: T, coefficients: readonly number[]): T => {
  const [highest = 0, ...rest] = [...coefficients].reverse();
  return rest.reduce((sum, c) => ops.add(ops.mul(sum, z), ops.constant(c)), ops.constant(highest));
};

/** aⁿ for an integer n ≥ 1, by repeated squaring. */
export const power = <T>(ops: Algebra<T>, a: T, n: number): T => {
  if (n === 1) return a;
  const half = power(ops, a, Math.floor(n / 2));
  const square = ops.mul(half, half);
  return n % 2 === 0 ? square : ops.mul(square, a);
};
