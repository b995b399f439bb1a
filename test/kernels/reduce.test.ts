import { expect, test } from "vitest";
import { MemoryPlan } from "../../src/kernels/index.ts";

const buffer = (values: readonly number[]) => {
  const plan = new MemoryPlan();
  const slot = plan.reserve("x", values.length, "float32");
  const memory = plan.allocate();
  memory.view(slot).set(values);
  return { kernels: memory.kernels, at: slot.byteOffset, view: memory.view(slot) };
};

test("sumOfSquares at every length around the vector width", () => {
  const { kernels, at } = buffer(Array.from({ length: 40 }, (_, i) => i + 1));
  for (let n = 0; n <= 40; n++) {
    // Σ i² = n(n+1)(2n+1)/6, exact in float64.
    expect(kernels.sumOfSquares(at, n)).toBe((n * (n + 1) * (2 * n + 1)) / 6);
  }
});

test("sumOfSquares neither overflows nor loses small terms as float32 would", () => {
  const big = buffer([1e30, 1e30]);
  expect(big.kernels.sumOfSquares(big.at, 2) / (2 * Math.fround(1e30) ** 2)).toBeCloseTo(1, 15);
  // 4096² + 1² = 2^24 + 1 is no float32: it would round back to 2^24.
  const mixed = buffer([4096, 1]);
  expect(mixed.kernels.sumOfSquares(mixed.at, 2)).toBe(2 ** 24 + 1);
});

test("firstNonFinite finds NaN and both infinities at every position, and nothing in extreme finite values", () => {
  const finite = Array.from({ length: 11 }, (_, i) => (i % 2 ? -3.4e38 : 1e-45));
  const { kernels, at, view } = buffer(finite);
  expect(kernels.firstNonFinite(at, 11)).toBe(-1);
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (let i = 0; i < 11; i++) {
      view.set(finite);
      view[i] = bad;
      view[10] = bad;
      expect(kernels.firstNonFinite(at, 11)).toBe(i);
      expect(kernels.firstNonFinite(at, i)).toBe(-1);
    }
  }
});
