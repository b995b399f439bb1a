import { ShapeError, UsageError } from "../../errors.ts";
import { checkRows, predictedClasses } from "./classifier.ts";

/** The rows whose confidence, the probability of the class predicted, lies in (from, to]. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  /** Mean confidence of the rows; 0 if there are none. */
  readonly confidence: number;
  /** Share of rows that are classified correctly; 0 if there are none. */
  readonly accuracy: number;
}

/** The difference between confidence and accuracy. */
export interface Calibration {
  /** Expected calibration error: the mean of |accuracy − confidence| over bins, weighted by their rows. */
  readonly error: number;
  readonly bins: readonly ReliabilityBin[];
}

/**
 * The difference between a classifier's confidence and its accuracy, in bins of equal width (Guo, Pleiss, Sun and Weinberger, "On
 * calibration of modern neural networks", 2017, eq. 3). Rows with label -1 are left out. The estimate depends on the
 * number of bins: only compare figures with the same number.
 *
 * ```ts
 * const { error, bins } = calibration(probabilities, labels, { classes: 10 });
 * ```
 *
 * @param probabilities [rows, classes].
 * @throws ShapeError when there is not one label per row.
 * @throws UsageError when a value is not a probability, the number of bins is invalid, or no row is labelled.
 */
export const calibration = (
  probabilities: Float32Array,
  labels: Int32Array,
  { classes, bins: count = 15 }: { readonly classes: number; readonly bins?: number },
): Calibration => {
  checkRows("calibration", "probabilities", probabilities, classes);
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new UsageError(`calibration: bins must be a whole number of at least 1, found ${count}.`);
  }
  const predicted = predictedClasses(probabilities, classes);
  if (labels.length !== predicted.length) {
    throw new ShapeError(
      `calibration: expected one label for each of ${predicted.length} rows; found ${labels.length}.`,
    );
  }
  const totals = Array.from({ length: count }, () => ({ rows: 0, confidence: 0, right: 0 }));
  labels.forEach((label, row) => {
    if (label === -1) return;
    const confidence = probabilities[row * classes + predicted[row]];
    // A float32 softmax may end a little above 1.
    if (!(confidence >= 0 && confidence <= 1 + 1e-6)) {
      throw new UsageError(
        `calibration: expected probabilities, found ${confidence} at row ${row}, counted from 0.`,
      );
    }
    const total = totals[Math.min(Math.max(Math.ceil(confidence * count) - 1, 0), count - 1)];
    total.rows++;
    total.confidence += confidence;
    if (label === predicted[row]) total.right++;
  });
  const rows = totals.reduce((sum, total) => sum + total.rows, 0);
  if (rows === 0) throw new UsageError("calibration: expected at least one labelled row, found none.");
  return {
    error: totals.reduce((sum, total) => sum + Math.abs(total.right - total.confidence), 0) / rows,
    bins: totals.map((total, i) => ({
      from: i / count,
      to: (i + 1) / count,
      rows: total.rows,
      confidence: total.rows > 0 ? total.confidence / total.rows : 0,
      accuracy: total.rows > 0 ? total.right / total.rows : 0,
    })),
  };
};
