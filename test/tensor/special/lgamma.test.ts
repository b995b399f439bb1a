import { describe, expect, it } from "vitest";
import { lgamma } from "../../../src/tensor/special/index.ts";
import { worstAgainstTable } from "./reference.ts";

describe("lgamma", () => {
  it("agrees with mpmath for x > 0, in relative error, beside its zeros too", () => {
    const { points, error } = worstAgainstTable("lgamma", lgamma, { floor: 1e-300, keep: (x) => x > 0 });
    expect(points).toBeGreaterThan(150);
    expect(error).toBeLessThan(2e-15);
  });

  it("agrees with mpmath for x < 0", () => {
    const { points, error } = worstAgainstTable("lgamma", lgamma, { keep: (x) => x < 0 });
    expect(points).toBeGreaterThan(40);
    expect(error).toBeLessThan(1e-14);
  });

  it("is exactly zero at 1 and 2", () => {
    expect([lgamma(1), lgamma(2)]).toEqual([0, 0]);
  });

  it("is infinite at the poles and at both infinities, and passes NaN through", () => {
    const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY } = Number;
    for (const x of [0, -0, -1, -2, -100, inf, NEGATIVE_INFINITY]) expect(lgamma(x)).toBe(inf);
    expect(lgamma(Number.NaN)).toBeNaN();
    // log Γ(1e305) by Stirling is 1e305 (log 1e305 − 1) = 7.01288...e307: finite, though (x − ½) log x is near the limit.
    expect(lgamma(1e305) / 1e305).toBeCloseTo(305 * Math.LN10 - 1, 10);
  });
});
