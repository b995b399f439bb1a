import { expect, test } from "vitest";
import { ShapeError, UsageError } from "../../../src/errors.ts";
import { knn, predictedClasses } from "../../../src/models/index.ts";
import { digits, errors, features } from "./digits.ts";

// KNeighborsClassifier(k, weights="distance") of scikit-learn 1.2.1 on the same rows of MNIST: errors of 200, and the
// class probabilities of the fifth row.
test.each([
  [1, 58, [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]],
  [5, 65, [0, 0.192858, 0, 0, 0.214845, 0, 0, 0.193277, 0, 0.39902]],
  [20, 82, [0, 0.246829, 0, 0.098306, 0.156808, 0, 0, 0.099681, 0.049033, 0.349343]],
])("%d neighbours agree with scikit-learn", async (k, wrong, fifth) => {
  const fitted = await knn({ k }).fit(digits(0, 200));
  const { x, labels } = digits(1000, 1200);
  const scores = await fitted.scores(x);
  expect(errors(predictedClasses(scores, 10), labels)).toBe(wrong);
  fifth.forEach((probability, label) => {
    expect(scores[40 + label]).toBeCloseTo(probability, 5);
  });
});

test("a known row is asked of itself alone, and of its copies", async () => {
  const fitted = await knn({ k: 3 }).fit(
    features(
      [
        [0, 0],
        [0, 0],
        [1, 0],
        [3, 0],
      ],
      [0, 1, 1, 1],
    ),
  );
  expect([...(await fitted.scores(Float32Array.of(0, 0, 3, 0)))]).toEqual([0.5, 0.5, 0, 1]);
  expect(fitted.scoring).toBe("probability");
});

test("unlabelled rows are left out, and k is never more than there are", async () => {
  const data = features([[0], [1], [10]], [0, -1, 1]);
  const fitted = await knn({ k: 9 }).fit(data);
  // Distances 2 and 8: shares 4/5 and 1/5.
  expect([...(await fitted.scores(Float32Array.of(2)))]).toEqual([0.8, 0.2].map(Math.fround));
});

test("refuses what cannot be", async () => {
  for (const k of [0, 1.5]) {
    expect(() => knn({ k })).toThrow(
      new UsageError(`knn: k must be a whole number of at least 1, found ${k}.`),
    );
  }
  const data = features([[0, 0]], [0]);
  await expect(knn().fit(data)).rejects.toThrow(
    new UsageError("knn: expected a labelled row of every class; class 1 has none."),
  );
  await expect(knn().fit({ ...data, classes: 1 })).rejects.toThrow(
    new UsageError("knn: expected at least two classes, found 1."),
  );
  await expect(knn().fit({ ...data, labels: Int32Array.of(0, 1) })).rejects.toThrow(
    new ShapeError("knn: expected one label for each of 1 rows; found 2."),
  );
  await expect(knn().fit({ ...data, labels: Int32Array.of(2) })).rejects.toThrow(
    new UsageError(
      "knn: expected labels from 0 to 1, or -1 for unlabelled; found 2 at row 0, counted from 0.",
    ),
  );
  await expect(knn().fit({ ...data, features: 3 })).rejects.toThrow(
    new ShapeError("knn: expected features of shape [rows, 3]; found 2 values, not a multiple of 3."),
  );
  const fitted = await knn().fit(
    features(
      [
        [0, 0],
        [1, 1],
      ],
      [0, 1],
    ),
  );
  await expect(fitted.scores(new Float32Array(3))).rejects.toThrow(
    new ShapeError("knn: expected features of shape [rows, 2]; found 3 values, not a multiple of 2."),
  );
});
