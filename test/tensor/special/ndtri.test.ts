import { describe, expect, it } from "vitest";
import { erfinv, ndtri } from "../../../src/tensor/special/index.ts";
import { worstAgainstTable } from "./reference.ts";

const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: negInf, NaN: nan } = Number;

describe("ndtri", () => {
  it("agrees with mpmath from 1e-300 to 1 - 1e-15", () => {
    const { points, error } = worstAgainstTable("ndtri", ndtri, { floor: 1e-300 });
    expect(points).toBeGreaterThan(150);
    expect(error).toBeLessThan(1e-14);
  });

  it("is infinite at 0 and 1, zero at one half, NaN outside", () => {
    expect([0, 1, 0.5, -0.1, 1.1, nan].map(ndtri)).toEqual([negInf, inf, 0, nan, nan, nan]);
  });

  it("stays finite at the smallest positive double", () => {
    // mpmath: Φ(-38.4674) = 5e-324; the double itself has one significant bit.
    expect(ndtri(Number.MIN_VALUE)).toBeCloseTo(-38.47, 1);
  });
});

describe("erfinv", () => {
  it("agrees with mpmath in relative error", () => {
    const { points, error } = worstAgainstTable("erfinv", erfinv, { floor: 1e-320 });
    expect(points).toBeGreaterThan(150);
    expect(error).toBeLessThan(1e-14);
  });

  it("is odd, infinite at ±1, NaN outside", () => {
    expect([1, -1, 0, -0, 1.5, nan].map(erfinv)).toEqual([inf, negInf, 0, -0, nan, nan]);
  });
});
