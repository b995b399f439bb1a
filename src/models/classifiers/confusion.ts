import { ShapeError, UsageError } from "../../errors.ts";

/**
 * Counts of rows by true class (first index) and predicted class (second). Rows with label -1 have no true class and are
 * left out.
 *
 * ```ts
 * confusionMatrix(Int32Array.of(0, 0, 1), Int32Array.of(0, 1, 1), 2); // [[1, 1], [0, 1]]
 * ```
 *
 * @throws ShapeError when there is not one prediction per label.
 * @throws UsageError when a label or prediction is not a class, or no row is labelled.
 */
export const confusionMatrix = (
  labels: Int32Array,
  predicted: Int32Array,
  classes: number,
): readonly (readonly number[])[] => {
  if (labels.length !== predicted.length) {
    throw new ShapeError(
      `confusionMatrix: expected one prediction for each of ${labels.length} labels; found ${predicted.length}.`,
    );
  }
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  labels.forEach((label, row) => {
    if (label === -1) return;
    for (const [what, index] of Object.entries({ label, prediction: predicted[row] })) {
      if (index in counts) continue;
      throw new UsageError(
        `confusionMatrix: expected classes from 0 to ${classes - 1}; found the ${what} ${index} at row ${row}, counted from 0.`,
      );
    }
    counts[label][predicted[row]]++;
  });
  if (labels.every((label) => label === -1)) {
    throw new UsageError("confusionMatrix: expected at least one labelled row, found none.");
  }
  return counts;
};

/** The share of rows off the diagonal of a confusion matrix. */
export const errorRate = (confusion: readonly (readonly number[])[]): number => {
  const rows = confusion.flat().reduce((total, count) => total + count, 0);
  const right = confusion.reduce((total, counts, label) => total + counts[label], 0);
  return (rows - right) / rows;
};
