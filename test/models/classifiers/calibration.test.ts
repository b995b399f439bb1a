import { describe, expect, test } from "vitest";
import { ShapeError, UsageError } from "../../../src/errors.ts";
import { calibration, confusionMatrix, errorRate, predictedClasses } from "../../../src/models/index.ts";

describe("predictedClasses", () => {
  test("is the largest, and the first of equals", () => {
    expect(predictedClasses(Float32Array.of(1, 3, 2, 5, 5, 4, -3, -2, -1), 3)).toEqual(
      Int32Array.of(1, 0, 2),
    );
    expect(() => predictedClasses(new Float32Array(4), 3)).toThrow(
      new ShapeError(
        "predictedClasses: expected scores of shape [rows, 3]; found 4 values, not a multiple of 3.",
      ),
    );
  });
});

describe("calibration", () => {
  // Confidences 0.55, 0.65, 0.95, 0.9375 (predicted 0, 1, 0, 1) of labels 0, 0, 0, 1: right, wrong, right, right.
  const probabilities = Float32Array.of(0.55, 0.45, 0.35, 0.65, 0.95, 0.05, 0.0625, 0.9375);
  const labels = Int32Array.of(0, 0, 0, 1);

  test("bins by hand", () => {
    const { error, bins } = calibration(probabilities, labels, { classes: 2, bins: 10 });
    // (|1 − 0.55| + |0 − 0.65| + |2 − 1.8875|) / 4
    expect(error).toBeCloseTo(0.303125, 7);
    expect(bins.map(({ rows }) => rows)).toEqual([0, 0, 0, 0, 0, 1, 1, 0, 0, 2]);
    expect(bins[9].from).toBeCloseTo(0.9, 12);
    expect(bins[9].to).toBe(1);
    expect(bins[9].accuracy).toBe(1);
    expect(bins[9].confidence).toBeCloseTo(0.94375, 7);
    expect(bins[6]).toMatchObject({ accuracy: 0, rows: 1 });
    expect(bins[0]).toEqual({ from: 0, to: 0.1, rows: 0, confidence: 0, accuracy: 0 });
  });

  test("one bin is |accuracy − mean confidence|; the default is 15", () => {
    expect(calibration(probabilities, labels, { classes: 2, bins: 1 }).error).toBeCloseTo(
      Math.abs(3 / 4 - (0.55 + 0.65 + 0.95 + 0.9375) / 4),
      7,
    );
    expect(calibration(probabilities, labels, { classes: 2 }).bins.length).toBe(15);
  });

  test("a classifier that says 3/4 and is right 3 times in 4 is calibrated; unlabelled rows are left out", () => {
    const sure = Float32Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? 0.75 : 0.25));
    expect(calibration(sure, Int32Array.of(0, 0, 1, 0, -1), { classes: 2 }).error).toBe(0);
    expect(calibration(sure, Int32Array.of(1, 1, 1, 1, -1), { classes: 2 }).error).toBe(0.75);
  });

  test("certainty is in the last bin, however a softmax rounds it", () => {
    const { bins } = calibration(Float32Array.of(1, 0, 1 + 2 ** -23, 0), Int32Array.of(0, 0), {
      classes: 2,
      bins: 4,
    });
    expect(bins[3].rows).toBe(2);
  });

  test.each([
    [Float32Array.of(2, 0), [0], "calibration: expected probabilities, found 2 at row 0, counted from 0."],
    [
      Float32Array.of(Number.NaN, 0),
      [0],
      "calibration: expected probabilities, found NaN at row 0, counted from 0.",
    ],
    [Float32Array.of(1, 0), [-1], "calibration: expected at least one labelled row, found none."],
  ])("refuses %#", (values, given, message) => {
    expect(() => calibration(values, Int32Array.from(given), { classes: 2 })).toThrow(
      new UsageError(message),
    );
  });

  test("refuses lengths and bins that cannot be", () => {
    expect(() => calibration(probabilities, Int32Array.of(0), { classes: 2 })).toThrow(
      new ShapeError("calibration: expected one label for each of 4 rows; found 1."),
    );
    expect(() => calibration(probabilities, labels, { classes: 2, bins: 0 })).toThrow(
      new UsageError("calibration: bins must be a whole number of at least 1, found 0."),
    );
  });
});

describe("confusionMatrix", () => {
  test("counts true against predicted, and the error is what is off the diagonal", () => {
    const confusion = confusionMatrix(Int32Array.of(0, 1, 2, 2, 2, -1), Int32Array.of(0, 2, 2, 2, 0, 1), 3);
    expect(confusion).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [1, 0, 2],
    ]);
    expect(errorRate(confusion)).toBe(2 / 5);
  });

  test.each([
    [
      [0, 3],
      [0, 1],
      "confusionMatrix: expected classes from 0 to 2; found the label 3 at row 1, counted from 0.",
    ],
    [
      [0, 1],
      [0, -1],
      "confusionMatrix: expected classes from 0 to 2; found the prediction -1 at row 1, counted from 0.",
    ],
    [[-1], [0], "confusionMatrix: expected at least one labelled row, found none."],
  ])("refuses %j and %j", (labels, predicted, message) => {
    expect(() => confusionMatrix(Int32Array.from(labels), Int32Array.from(predicted), 3)).toThrow(
      new UsageError(message),
    );
  });

  test("refuses lengths that differ", () => {
    expect(() => confusionMatrix(Int32Array.of(0), Int32Array.of(0, 1), 2)).toThrow(
      new ShapeError("confusionMatrix: expected one prediction for each of 1 labels; found 2."),
    );
  });
});
