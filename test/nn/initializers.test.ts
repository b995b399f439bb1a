import { describe, expect, test } from "vitest";
import { initializers } from "../../src/nn/index.ts";
import { fans } from "../../src/nn/initializers.ts";
import type { Initializer } from "../../src/tensor/leaf.ts";
import { draws } from "./evaluate.ts";

const { constant, glorotNormal, glorotUniform, heNormal, heUniform, normal, ones, orthogonal } = initializers;
const { transposedKernel, truncatedNormal, uniform, zeros } = initializers;

test("zeros, ones, constant", () => {
  expect(Array.from(zeros.values([2, 2], draws("a")))).toEqual([0, 0, 0, 0]);
  expect(Array.from(ones.values([2], draws("a")))).toEqual([1, 1]);
  expect(Array.from(constant(0.3).values([], draws("a")))).toEqual([0.3]);
});

test("fans: a matrix is [in, out], a kernel [out, in, …taps]", () => {
  expect(fans([784, 400])).toEqual({ fanIn: 784, fanOut: 400 });
  expect(fans([32, 16, 3, 5])).toEqual({ fanIn: 16 * 15, fanOut: 32 * 15 });
  expect(fans([7])).toEqual({ fanIn: 7, fanOut: 7 });
});

/**
 * Of n draws with standard deviation σ and kurtosis κ, the mean has standard error σ / √n and the variance
 * σ² √((κ − 1) / n). Five of them: a false alarm once in 1.7 million.
 */
function checkMoments(rule: Initializer, shape: number[], variance: number, kurtosis: number) {
  const values = Float64Array.from(rule.values(shape, draws(`moments/${rule.name}/${shape}`)));
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const found = values.reduce((a, b) => a + b * b, 0) / n;
  expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(variance / n));
  expect(Math.abs(found / variance - 1)).toBeLessThan(5 * Math.sqrt((kurtosis - 1) / n));
  return values;
}

const KURTOSIS = { uniform: 1.8, normal: 3 };
const matrix = [200, 100];
const kernel = [40, 20, 5, 5];

describe("means and variances of 20000 draws", () => {
  test.each<[string, Initializer, number[], number, number]>([
    ["normal(0.2)", normal(0.2), matrix, 0.04, KURTOSIS.normal],
    ["uniform(-3, 3)", uniform(-3, 3), matrix, 3, KURTOSIS.uniform],
    // 2 / (in + out)
    ["glorotUniform", glorotUniform, matrix, 2 / 300, KURTOSIS.uniform],
    ["glorotNormal", glorotNormal, matrix, 2 / 300, KURTOSIS.normal],
    ["glorotUniform of a kernel", glorotUniform, kernel, 2 / (60 * 25), KURTOSIS.uniform],
    // 2 / in
    ["heUniform", heUniform, matrix, 2 / 200, KURTOSIS.uniform],
    ["heNormal", heNormal, matrix, 2 / 200, KURTOSIS.normal],
    ["heNormal of a kernel", heNormal, kernel, 2 / (20 * 25), KURTOSIS.normal],
    // [in, out, …]: 40 inputs
    ["heNormal of a transposed kernel", transposedKernel(heNormal), kernel, 2 / (40 * 25), KURTOSIS.normal],
    // scipy.stats.truncnorm(-2, 2).stats("vk"): variance, excess kurtosis
    ["truncatedNormal(2)", truncatedNormal(2), matrix, 4 * 0.7737413035499232, 3 - 0.6344632828703505],
  ])("%s", (_, rule, shape, variance, kurtosis) => {
    checkMoments(rule, shape, variance, kurtosis);
  });
});

test("bounds: uniform stays inside, Glorot inside √(6 / (in + out)), the truncated normal inside 2 std", () => {
  const within = (rule: Initializer, bound: number) => {
    const largest = Math.max(...Array.from(rule.values(matrix, draws("bounds")), Math.abs));
    expect(largest).toBeLessThanOrEqual(bound);
    // 20000 draws come near the edge: of a uniform, all miss the last hundredth once in e^200.
    expect(largest).toBeGreaterThan(0.9 * bound);
  };
  within(uniform(-3, 3), 3);
  within(glorotUniform, Math.sqrt(6 / 300));
  within(truncatedNormal(2), 4);
});

test.each([[[3, 8]], [[8, 3]], [[4, 2, 3, 3]]])("orthogonal %j: the shorter side is orthonormal", (shape) => {
  const values = orthogonal.values(shape, draws("orthogonal"));
  const rows = shape[0];
  const columns = values.length / rows;
  const byRows = rows <= columns;
  const vector = (i: number) =>
    Array.from(
      { length: Math.max(rows, columns) },
      (_, j) => values[byRows ? i * columns + j : j * columns + i],
    );
  const count = Math.min(rows, columns);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const product = vector(i).reduce((total, v, k) => total + v * vector(j)[k], 0);
      expect(Math.abs(product - (i === j ? 1 : 0))).toBeLessThan(1e-14);
    }
  }
});

test("a transposed kernel holds the rule's values with its first two axes exchanged", () => {
  const counting: Initializer = { name: "counting", values: () => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] };
  // np.arange(12).reshape(3, 2, 2).transpose(1, 0, 2).ravel(): [out 3, in 2, taps 2] to [in 2, out 3, taps 2]
  expect(Array.from(transposedKernel(counting).values([2, 3, 2], draws("a")))).toEqual([
    0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11,
  ]);
});

test("arguments that cannot be", () => {
  expect(() => normal(-1)).toThrow(
    "normal: the standard deviation must be a finite number of at least 0, found -1.",
  );
  expect(() => uniform(2, 1)).toThrow("uniform: expected finite low ≤ high, found 2 and 1.");
  expect(() => orthogonal.values([3], draws("a"))).toThrow(
    "orthogonal: expected at least two axes, found shape [3].",
  );
});
