import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/errors.ts";
import { digamma, polygamma } from "../../../src/tensor/special/index.ts";
import { worstAgainstTable } from "./reference.ts";

const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: negInf, NaN: nan } = Number;

describe("digamma", () => {
  it("agrees with mpmath on both sides of zero", () => {
    const { points, error } = worstAgainstTable("digamma", digamma, { floor: 1e-2 });
    expect(points).toBeGreaterThan(200);
    expect(error).toBeLessThan(1e-14);
  });

  it("has the limits of scipy.special.digamma at 0, the poles and the infinities", () => {
    expect([0, -0, inf, -1, -7, negInf, nan].map(digamma)).toEqual([negInf, inf, inf, nan, nan, nan, nan]);
  });
});

describe("polygamma", () => {
  it.each([1, 2, 3, 4, 7, 20])("of order %i agrees with mpmath", (n) => {
    const { points, error } = worstAgainstTable(`polygamma${n}`, (x) => polygamma(n, x));
    expect(points).toBeGreaterThanOrEqual(70);
    expect(error).toBeLessThan(1e-14);
  });

  it.each([1, 2, 3, 4])("of order %i is accurate in relative error for x > 0", (n) => {
    const { error } = worstAgainstTable(`polygamma${n}`, (x) => polygamma(n, x), {
      floor: 1e-300,
      keep: (x) => x > 0,
    });
    expect(error).toBeLessThan(5e-15);
  });

  it("of order zero is digamma", () => {
    for (const x of [0.3, 1.5, 100, -2.5]) expect(polygamma(0, x)).toBe(digamma(x));
  });

  it("takes its limits at 0, the poles and infinity", () => {
    expect([0, -1, inf, nan].map((x) => polygamma(1, x))).toEqual([inf, inf, 0, nan]);
    expect([0, -1, inf, nan].map((x) => polygamma(2, x))).toEqual([negInf, nan, -0, nan]);
  });

  it.each([-1, 1.5, 171, nan])("refuses the order %d", (n) => {
    const call = () => polygamma(n, 1);
    expect(call).toThrow(UsageError);
    expect(call).toThrow(
      `polygamma: expected the order n to be an integer from 0 to 170, found ${n}; ` +
        "n = 0 is digamma, n = 1 trigamma.",
    );
  });
});
