import { describe, expect, test } from "vitest";
import { constraints, Normal, Transformed, transforms } from "../../../src/distributions/index.ts";
import { UsageError } from "../../../src/errors.ts";
import { type Tensor, tensor } from "../../../src/tensor/index.ts";
import { symbolic } from "../cases.ts";
import { distributionCases } from "../registry/index.ts";
import { numbersOf } from "./cases.ts";

const { biject } = transforms;

const sets = [
  constraints.real,
  constraints.positive,
  constraints.nonNegative,
  constraints.unitInterval,
  constraints.interval(-1, 3),
  constraints.greaterThan(2),
  constraints.realVector,
  constraints.simplex,
  constraints.orderedVector,
  constraints.lowerCholesky,
  constraints.independentConstraint(constraints.positive, 1),
  constraints.independentConstraint(constraints.simplex, 1),
];

describe.each(sets.map((c) => [c.name, c] as const))("to %s", (_, c) => {
  test.each([{}, { positive: "softplus" }] as const)(
    "values lie in it, for any real numbers, with %o",
    async (options) => {
      const t = biject(c, options);
      expect([t.codomain.name, t.codomain.eventRank]).toEqual([c.name, c.eventRank]);
      // Two elements of the domain, of six numbers a vector.
      const shape = [2, ...[6, 6].slice(0, t.eventRank)];
      const size = shape.reduce((a, b) => a * b, 1);
      const x = tensor(
        Array.from({ length: size }, (_, i) => 7 * Math.sin(3 * i + 1)),
        { dtype: "float64" },
      ).reshape(shape);
      expect(await numbersOf(() => c.check(t.forward(x)))).toEqual([1, 1]);
    },
  );

  test("a normal guide reaches it, with a density", async () => {
    const t = biject(c);
    const normal = Normal(tensor(0, { dtype: "float64" }), 1);
    const base = normal.expand([6, 6].slice(0, t.eventRank)).toEvent(t.eventRank);
    const q = Transformed(base, t);
    const { value, logProb } = q.sampleAndLogProb("z", [5]);
    expect(await numbersOf(() => q.support.check(value))).toEqual([1, 1, 1, 1, 1]);
    const [direct, drawn] = [await numbersOf(() => q.logProb(value)), await numbersOf(() => logProb)];
    direct.forEach((d, i) => {
      expect(d).toBeCloseTo(drawn[i], 9);
    });
  });
});

test("positive numbers through exp, or softplus where asked", async () => {
  const one = tensor(1, { dtype: "float64" });
  expect(await numbersOf(() => biject(constraints.positive).forward(one))).toEqual([Math.E]);
  const [y] = await numbersOf(() => biject(constraints.positive, { positive: "softplus" }).forward(one));
  expect(y).toBeCloseTo(Math.log1p(Math.E), 14);
});

test("the ends of an interval are where they were given", async () => {
  const x = tensor([-3, 0, 3], { dtype: "float64" });
  const y = await numbersOf(() => biject(constraints.interval(-1, 3)).forward(x));
  // −1 + 4 σ(x).
  [-3, 0, 3].forEach((v, i) => {
    expect(y[i]).toBeCloseTo(-1 + 4 / (1 + Math.exp(-v)), 14);
  });
});

test("a discrete set is refused", () => {
  expect(() => biject(constraints.boolean)).toThrow(
    new UsageError(
      "biject: 'boolean' is a discrete set, so there is no smooth map to it; " +
        "enumerate or marginalise the variable, or use a relaxed distribution.",
    ),
  );
});

test("an unknown set is refused, with what is known", () => {
  expect(() => biject(constraints.independentConstraint({ ...constraints.real, name: "sphere" }, 1))).toThrow(
    new UsageError(
      "biject: no transform to 'sphere' is known; known are real, angle, logit, realVector, positive, nonNegative, greaterThan, atLeast, atMost, " +
        "unitInterval, halfOpenUnitInterval, leftOpenUnitInterval, interval, simplex, orderedVector, positiveOrderedVector, unitVector, correlationCholesky, correlation, positiveDefinite, lowerCholesky and independent(…) of them.",
    ),
  );
});

const untransformed = new Set(["censored", "generalizedPareto", "generalizedExtremeValue"]);

describe("supports of distributions", () => {
  const continuous = distributionCases
    .map((c) => [c.name, symbolic(c)] as const)
    // Where the end of a support depends on a parameter's sign there is no transform, and the docstrings say so.
    .filter(([, d]) => !d.isDiscrete && !untransformed.has(d.support.name));

  test.each(continuous)("%s", (_, d) => {
    const t = biject(d.support);
    expect(t.codomain.eventRank).toBe(d.eventShape.length);
    const shape = [...d.batchShape, ...d.eventShape];
    expect(t.forwardShape(t.inverseShape(shape))).toEqual(shape);
  });
});

test("positive definite matrices: there and back, and the Jacobian of the lower triangle", async () => {
  const t = biject(constraints.positiveDefinite);
  // x = [ln a, b, ln c] goes to [[a², ab], [ab, b² + c²]]: the determinant of (a², ab, b² + c²) in x is 2a² · a · 2c².
  const [a, b, c] = [1.5, -0.75, 0.5];
  const x = tensor([Math.log(a), b, Math.log(c)], { dtype: "float64" });
  const { value, logDet } = t.forwardAndLogDet(x);
  const numbers = async (y: Tensor): Promise<number[]> =>
    Array.from((await y.value({ executor: "host" })).data, Number);
  const close = (found: readonly number[], expected: readonly number[]) =>
    expected.forEach((e, i) => {
      expect(Math.abs(found[i] - e)).toBeLessThan(1e-14);
    });
  close(await numbers(value), [a * a, a * b, a * b, b * b + c * c]);
  close(await numbers(logDet), [Math.log(4 * a ** 3 * c ** 2)]);
  const plain = tensor([a * a, a * b, a * b, b * b + c * c], { dtype: "float64" }).reshape([2, 2]);
  close(await numbers(t.inverse(plain)), [Math.log(a), b, Math.log(c)]);
});
