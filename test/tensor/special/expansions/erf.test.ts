import { describe, expect, it } from "vitest";
import { erf, expandErf } from "../../../../src/tensor/special/index.ts";
import { mixedError, worst } from "../reference.ts";
import { bound, countOperations, execute, precisions, symmetricGrid } from "./harness.ts";

describe.each(precisions)("expandErf in %s", (precision) => {
  const f = execute(expandErf, precision);

  // The oracle is `erf`, another method, held to mpmath within 2e-15 by its own test.
  it("keeps its bound in relative error", () => {
    const { error, at } = worst(symmetricGrid(precision), (x) => mixedError(f(x), erf(x), 1e-30));
    expect(error, `at ${at}`).toBeLessThan(bound[precision]);
  });

  it("never leaves [-1, 1]", () => {
    const { error } = worst(symmetricGrid(precision), (x) => Math.abs(f(x)));
    expect(error).toBe(1);
  });

  it("is zero at zero, one to the precision at infinity, and passes NaN through", () => {
    expect(f(0)).toBe(0);
    expect(1 - f(Number.POSITIVE_INFINITY)).toBeLessThan(bound[precision]);
    expect(f(Number.NEGATIVE_INFINITY)).toBe(-f(Number.POSITIVE_INFINITY));
    expect(f(Number.NaN)).toBeNaN();
  });
});

describe("expandErf", () => {
  it("costs this many passes over an array", () => {
    expect(precisions.map((precision) => countOperations(expandErf, precision))).toEqual([31, 51]);
  });
});
