import { expect, test } from "vitest";
import { UsageError } from "../../../src/errors.ts";
import { logistic, predictedClasses } from "../../../src/models/index.ts";
import { digits, errors, features } from "./digits.ts";

// The same maximum by SciPy's L-BFGS in float64 (logistic.py): errors of 200, and the probabilities of the fifth row.
test.each([
  [
    1,
    54,
    [0.001933, 0.147557, 0.009877, 0.167056, 0.327813, 0.041257, 0.009712, 0.015501, 0.017843, 0.261452],
  ],
  [
    0.1,
    63,
    [0.032295, 0.171009, 0.058742, 0.130534, 0.128476, 0.084443, 0.054013, 0.104651, 0.05752, 0.178318],
  ],
])("prior of scale %d: the maximum that SciPy finds", async (priorScale, wrong, fifth) => {
  const fitted = await logistic({ priorScale, threads: 1 }).fit(digits(0, 200));
  const { x, labels } = digits(1000, 1200);
  const scores = await fitted.scores(x);
  expect(errors(predictedClasses(scores, 10), labels)).toBe(wrong);
  fifth.forEach((probability, label) => {
    // Six digits were kept.
    expect(Math.abs(scores[40 + label] - probability)).toBeLessThan(1e-5);
  });
});

test("a narrower prior is less sure; unlabelled rows are left out", async () => {
  const data = features([[-1], [1], [50]], [0, 1, -1]);
  const sureness = async (priorScale: number) => {
    const fitted = await logistic({ priorScale, threads: 1 }).fit(data);
    const [zero, one] = await fitted.scores(Float32Array.of(1));
    expect(zero + one).toBeCloseTo(1, 5);
    return one;
  };
  const [wide, narrow] = [await sureness(3), await sureness(0.1)];
  expect(wide).toBeGreaterThan(0.9);
  expect(narrow).toBeGreaterThan(0.5);
  expect(narrow).toBeLessThan(0.6);
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("a prior of scale %d is refused", (priorScale) => {
  expect(() => logistic({ priorScale })).toThrow(
    new UsageError(`logistic: priorScale must be a number above 0, found ${priorScale}.`),
  );
});
