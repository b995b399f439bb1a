import { describe, expect, it } from "vitest";
import { type Domain, expandLgamma, lgamma } from "../../../../src/tensor/special/index.ts";
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

// The oracle on these grids is `lgamma`, another method, held to mpmath within 2e-15 by its own test.
const on =
  (domain: Domain): Expansion =>
  (ops, x, precision) =>
    expandLgamma(ops, x, precision, { domain });

describe.each(precisions)("expandLgamma in %s", (precision) => {
  it.each<Domain>(["positive", "real"])("keeps its bound over (0, 1e6), domain %s", (domain) => {
    const f = execute(on(domain), precision);
    const { error, at } = worst(positiveGrid(precision), (x) => mixedError(f(x), lgamma(x), 1e-300));
    expect(error, `at ${at}`).toBeLessThan(bound[precision]);
  });

  it("keeps it at negative x, relative to lgamma(1 - x)", () => {
    const f = execute(on("real"), precision);
    const { error, at } = worst(negativeGrid(precision), (x) =>
      mixedError(f(x), lgamma(x), Math.max(1, lgamma(1 - x))),
    );
    expect(error, `at ${at}`).toBeLessThan(bound[precision]);
  });

  it("is infinite at the poles and infinity, and passes NaN through", () => {
    const f = execute(expandLgamma, precision);
    for (const x of [0, -0, -1, -6, Number.POSITIVE_INFINITY]) expect(f(x)).toBe(Number.POSITIVE_INFINITY);
    expect(f(Number.NaN)).toBeNaN();
    const positive = execute(on("positive"), precision);
    expect([0, Number.POSITIVE_INFINITY, Number.NaN].map(positive)).toEqual([
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.NaN,
    ]);
  });
});

describe("expandLgamma", () => {
  it("costs this many passes over an array", () => {
    const cost = (domain: Domain) => precisions.map((precision) => countOperations(on(domain), precision));
    expect({ positive: cost("positive"), real: cost("real") }).toEqual({
      positive: [47, 80],
      real: [60, 93],
    });
  });
});
