import { UsageError } from "../../errors.ts";

/** `linear`: ⟨a, b⟩. `rbf`: exp(−γ ‖a − b‖²). */
export type KernelName = "linear" | "rbf";

/** Known rows, and a function that compares another row with each of them. */
export interface Comparison {
  readonly rows: number;
  /** Writes one number for each known row: its comparison with a row of x. */
  compare(x: Float32Array, row: number, out: Float32Array | Float64Array): void;
}

/** Size of the cache of kernel matrix rows, in values. */
const CACHE = 2 ** 26;

/** @param known [rows, features]; copied. */
export const kernel = (
  name: KernelName,
  known: Float32Array,
  features: number,
  gamma: number,
): Comparison => {
  if (name === "linear") return innerProducts(known, features);
  const distances = squaredDistances(known, features);
  return {
    rows: distances.rows,
    compare(x, row, out) {
      distances.compare(x, row, out);
      for (let i = 0; i < out.length; i++) out[i] = Math.exp(-gamma * out[i]);
    },
  };
};

/** ‖a − b‖², by ‖a‖² + ‖b‖² − 2⟨a, b⟩; exactly 0 for equal rows. */
export const squaredDistances = (known: Float32Array, features: number): Comparison => {
  const products = innerProducts(known, features);
  const { rows } = products;
  const similarity = new Float64Array(rows);
  const norms = Float64Array.from({ length: rows }, (_, row) => squaredNorm(known, row, features));
  return {
    rows,
    compare(x, row, out) {
      products.compare(x, row, similarity);
      const norm = squaredNorm(x, row, features);
      // Rounding may give a distance below zero.
      for (let i = 0; i < rows; i++) out[i] = Math.max(0, norms[i] + norm - 2 * similarity[i]);
    },
  };
};

const squaredNorm = (x: Float32Array, row: number, features: number): number => {
  let total = 0;
  for (let j = row * features; j < (row + 1) * features; j++) total += x[j] * x[j];
  return total;
};

/** ⟨a, b⟩. */
const innerProducts = (known: Float32Array, features: number): Comparison => {
  const values = Float64Array.from(known);
  const rows = known.length / features;
  const vector = new Float64Array(features);
  return {
    rows,
    compare(x, row, out) {
      for (let j = 0; j < features; j++) vector[j] = x[row * features + j];
      multiply(values, vector, out);
    },
  };
};

/** Matrix times vector, four rows at a time, so that their sums run in parallel. */
const multiply = (values: Float64Array, vector: Float64Array, out: Float32Array | Float64Array): void => {
  const width = vector.length;
  const rows = out.length;
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const [a, b, c, d] = [row * width, (row + 1) * width, (row + 2) * width, (row + 3) * width];
    let [sumA, sumB, sumC, sumD] = [0, 0, 0, 0];
    for (let j = 0; j < width; j++) {
      const value = vector[j];
      sumA += values[a + j] * value;
      sumB += values[b + j] * value;
      sumC += values[c + j] * value;
      sumD += values[d + j] * value;
    }
    out[row] = sumA;
    out[row + 1] = sumB;
    out[row + 2] = sumC;
    out[row + 3] = sumD;
  }
  for (; row < rows; row++) {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += values[row * width + j] * vector[j];
    out[row] = sum;
  }
};

/**
 * γ = 1 / (features · variance of all values), which keeps exp(−γ ‖a − b‖²) away from 0 and 1 whatever the units.
 *
 * @throws UsageError when all values are equal.
 */
export const scaleGamma = (name: string, x: Float32Array, features: number): number => {
  let total = 0;
  for (const value of x) total += value;
  const mean = total / x.length;
  let squares = 0;
  for (const value of x) squares += (value - mean) ** 2;
  if (!(squares > 0)) {
    throw new UsageError(
      `${name}: every feature of every labelled row is ${mean}: nothing distinguishes the classes.`,
    );
  }
  return x.length / (features * squares);
};

/** Rows of the kernel matrix, computed on demand; the least recently used one is replaced. */
export const cachedRows = (x: Float32Array, K: Comparison): ((row: number) => Float32Array) => {
  const most = Math.max(2, Math.floor(CACHE / K.rows));
  const cache = new Map<number, Float32Array>();
  return (row) => {
    const known = cache.get(row);
    const values = known ?? new Float32Array(K.rows);
    if (known === undefined) K.compare(x, row, values);
    else cache.delete(row);
    if (cache.size >= most) {
      const [oldest] = cache.keys();
      cache.delete(oldest);
    }
    cache.set(row, values);
    return values;
  };
};
