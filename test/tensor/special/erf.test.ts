import { describe, expect, it } from "vitest";
import { erf, erfc } from "../../../src/tensor/special/index.ts";
import { worstAgainstTable } from "./reference.ts";

const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: negInf, NaN: nan } = Number;

describe("erf", () => {
  it("agrees with mpmath in relative error", () => {
    const { points, error } = worstAgainstTable("erf", erf, { floor: 1e-300 });
    expect(points).toBeGreaterThan(250);
    expect(error).toBeLessThan(2e-15);
  });

  it("is odd, one at infinity, and passes NaN through", () => {
    expect([inf, negInf, 0, -0, nan].map(erf)).toEqual([1, -1, 0, -0, nan]);
    for (const x of [1e-10, 0.5, 1.9, 2.1, 5]) expect(erf(-x)).toBe(-erf(x));
  });
});

describe("erfc", () => {
  it("agrees with mpmath in relative error, far into the tail", () => {
    const { points, error } = worstAgainstTable("erfc", erfc, { floor: 1e-320 });
    expect(points).toBeGreaterThan(250);
    expect(error).toBeLessThan(1e-14);
  });

  it("tends to 0 and 2, and passes NaN through", () => {
    expect([inf, 40, 0, negInf, nan].map(erfc)).toEqual([0, 0, 1, 2, nan]);
  });
});
