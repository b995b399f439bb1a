import { describe, expect, it } from "vitest";
import {
  float32Algebra,
  float64Algebra,
  polynomial,
  power,
} from "../../../../src/tensor/special/expansions/algebra.ts";

describe("the algebras of numbers", () => {
  it("rounds every result to single precision, or none", () => {
    // 1/3 to 24 bits is 11184811 · 2⁻²⁵
    expect(float32Algebra.div(1, 3)).toBe(11184811 / 2 ** 25);
    expect(float64Algebra.div(1, 3)).toBe(1 / 3);
    expect(float32Algebra.constant(0.1)).toBe(Math.fround(0.1));
  });

  it("selects without looking at the other side", () => {
    const { less, where } = float64Algebra;
    expect(where(less(1, 2), 3, Number.NaN)).toBe(3);
    expect(where(less(Number.NaN, 2), 3, 4)).toBe(4);
  });
});

describe("polynomial", () => {
  it("takes coefficients lowest power first", () => {
    // 1 + 2·10 + 3·100
    expect(polynomial(float64Algebra, 10, [1, 2, 3])).toBe(321);
    expect(polynomial(float64Algebra, 10, [7])).toBe(7);
  });
});

describe("power", () => {
  it.each([1, 2, 3, 5, 8, 13])("raises to the integer %i", (n) => {
    // powers of three are exact in a double up to 3³³
    expect(power(float64Algebra, 3, n)).toBe(3 ** n);
  });
});
