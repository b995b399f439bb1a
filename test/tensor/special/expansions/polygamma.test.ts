import { describe, expect, it } from "vitest";
import { UsageError } from "../../../../src/errors.ts";
import {
  type Domain,
  digamma,
  expandDigamma,
  expandPolygamma,
  float64Algebra,
  type Precision,
  polygamma,
} from "../../../../src/tensor/special/index.ts";
import { mixedError, worst } from "../reference.ts";
import {
  bound,
  countOperations,
  type Expansion,
  execute,
  negativeGrid,
  positiveGrid,
  precisions,
} from "./harness.ts";

const { POSITIVE_INFINITY: inf, NaN: nan } = Number;

const on =
  (n: number, domain: Domain = "real"): Expansion =>
  (ops, x, precision) =>
    expandPolygamma(ops, n, x, precision, { domain });

// The oracles on these grids are `digamma` and `polygamma`, which shift further and use another series; they are
// held to mpmath within 1e-14 by their own tests.
const orders: Readonly<Record<Precision, readonly number[]>> = {
  float32: [0, 1, 2, 3, 4, 5],
  float64: [0, 1, 2, 3, 4, 5, 6, 8],
};

const cases = precisions.flatMap((precision) => orders[precision].map((n) => ({ precision, n })));

describe.each(cases)("expandPolygamma of order $n in $precision", ({ precision, n }) => {
  it("keeps its bound over (0, 1e6), in both domains", () => {
    const xs = positiveGrid(precision);
    const expected = xs.map((x) => polygamma(n, x));
    for (const domain of ["positive", "real"] as const) {
      const f = execute(on(n, domain), precision);
      const { error, at } = worst(xs, (x, i) => mixedError(f(x), expected[i] ?? nan, n === 0 ? 1e-300 : 1));
      expect(error, `${domain}, at ${at}`).toBeLessThan(bound[precision]);
    }
  });

  it("keeps it at negative x", () => {
    const f = execute(on(n), precision);
    const { error, at } = worst(negativeGrid(precision), (x) =>
      mixedError(f(x), polygamma(n, x), Math.max(1, Math.abs(polygamma(n, 1 - x)))),
    );
    expect(error, `at ${at}`).toBeLessThan(bound[precision]);
  });

  it("takes its limits at zero and infinity, and passes NaN through", () => {
    const f = execute(on(n), precision);
    expect([0, inf, nan].map(f)).toEqual([polygamma(n, 0), polygamma(n, inf), nan]);
  });
});

describe("expandDigamma", () => {
  it("is the expansion of order zero", () => {
    const f = execute(expandDigamma, "float64");
    for (const x of [0.2, 1.4616321449683622, 30, -3.7]) expect(f(x)).toBe(execute(on(0), "float64")(x));
    expect(f(2.5)).toBeCloseTo(digamma(2.5), 14);
  });
});

describe("expandPolygamma", () => {
  it("costs this many passes over an array", () => {
    const cost = (domain: Domain, precision: Precision) =>
      [0, 1, 2, 3, 4].map((n) => countOperations(on(n, domain), precision));
    expect(cost("positive", "float32")).toEqual([45, 28, 38, 39, 50]);
    expect(cost("real", "float32")).toEqual([61, 46, 57, 59, 71]);
    expect(cost("positive", "float64")).toEqual([85, 50, 64, 65, 80]);
    expect(cost("real", "float64")).toEqual([101, 68, 83, 85, 101]);
  });

  it("refuses an order that is no order", () => {
    const call = () => expandPolygamma(float64Algebra, -2, 1, "float64");
    expect(call).toThrow(UsageError);
    expect(call).toThrow("polygamma: expected the order n to be an integer from 0 to 170, found -2");
  });
});
