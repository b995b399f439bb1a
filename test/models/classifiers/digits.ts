import { loadMnist, rowsOf } from "../../../src/data/index.ts";
import type { LabelledFeatures } from "../../../src/models/index.ts";

const mnist = loadMnist("train");

/** Digits of MNIST's training part as float32 in [0, 1], with labels. */
export const digits = (from: number, to: number): LabelledFeatures => {
  const rows = Array.from({ length: to - from }, (_, i) => from + i);
  return {
    x: rowsOf(mnist, rows, new Float32Array(rows.length * 784)),
    features: 784,
    labels: (mnist.labels ?? new Int32Array(0)).slice(from, to),
    classes: 10,
  };
};

/** Rows of a small table. */
export const features = (
  rows: readonly (readonly number[])[],
  labels: readonly number[],
  classes = 2,
): LabelledFeatures => ({
  x: Float32Array.from(rows.flat()),
  features: rows[0].length,
  labels: Int32Array.from(labels),
  classes,
});

export const errors = (predicted: Int32Array, labels: Int32Array): number =>
  predicted.filter((label, row) => label !== labels[row]).length;
