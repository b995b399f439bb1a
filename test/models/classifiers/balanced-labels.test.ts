import fc from "fast-check";
import { expect, test } from "vitest";
import { balancedLabels } from "../../../src/models/classifiers/balanced-labels.ts";

/** The largest sum of scores over all labellings with these counts. */
const bruteForce = (scores: readonly (readonly number[])[], counts: readonly number[]): number =>
  scores.length === 0
    ? 0
    : Math.max(
        ...counts.flatMap((count, c) =>
          count === 0
            ? []
            : [
                scores[0][c] +
                  bruteForce(
                    scores.slice(1),
                    counts.map((other, d) => other - Number(d === c)),
                  ),
              ],
        ),
      );

test("is the best of all labellings with these counts", () => {
  const score = fc.oneof(fc.integer({ min: -2, max: 2 }), fc.double({ min: -3, max: 3, noNaN: true }));
  const problem = fc
    .tuple(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 0, max: 7 }))
    .chain(([classes, rows]) =>
      fc.record({
        scores: fc.array(fc.array(score, { minLength: classes, maxLength: classes }), {
          minLength: rows,
          maxLength: rows,
        }),
        wanted: fc.array(fc.nat(classes - 1), { minLength: rows, maxLength: rows }),
        classes: fc.constant(classes),
      }),
    );
  fc.assert(
    fc.property(problem, ({ scores, wanted, classes }) => {
      const counts = Array.from({ length: classes }, (_, c) => wanted.filter((label) => label === c).length);
      const labels = balancedLabels(Float64Array.from(scores.flat()), counts);
      expect(counts.map((_, c) => labels.filter((label) => label === c).length)).toEqual(counts);
      const total = scores.reduce((sum, row, i) => sum + row[labels[i]], 0);
      expect(total).toBeCloseTo(bruteForce(scores, counts), 6);
    }),
    { numRuns: 300, seed: 3 },
  );
});

test("moves a chain of rows where that is cheaper than one row's move", () => {
  // All prefer class 0 or 1; class 2 lacks a row. From 0 straight to 2 costs 9; from 0 to 1 costs 1 and from 1 to 2 costs 2.
  const scores = Float64Array.of(9, 8, 0, 9, 8, 0, 0, 9, 7);
  expect(balancedLabels(scores, [1, 1, 1])).toEqual(Int32Array.of(1, 0, 2));
});
