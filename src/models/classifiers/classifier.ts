/** The contract of classifiers of feature vectors, and checks that they share. */
import { ShapeError, UsageError } from "../../errors.ts";

/** Feature vectors with their class indices. */
export interface LabelledFeatures {
  /** [rows, features], row-major. */
  readonly x: Float32Array;
  readonly features: number;
  /** A class index per row; rows with -1 are unlabelled, and left out by classifiers that can't use them. */
  readonly labels: Int32Array;
  /** How many classes there are. */
  readonly classes: number;
}

/** What a classifier's scores are: probabilities, which sum to 1 over the classes, or votes, of which only the order within a row counts. */
export type Scoring = "probability" | "votes";

/** A classifier before fitting: options, and a method to fit it. */
export interface Classifier {
  readonly name: string;
  /** Learns from the labelled rows. */
  fit(data: LabelledFeatures): Promise<FittedClassifier>;
}

/** A fitted classifier. */
export interface FittedClassifier {
  readonly classes: number;
  readonly features: number;
  readonly scoring: Scoring;
  /** Scores [rows, classes] of feature vectors [rows, features]: the predicted class has the largest. */
  scores(x: Float32Array): Promise<Float32Array>;
}

/**
 * The class with the largest score in each row of [rows, classes]; the first one if several are equal.
 *
 * ```ts
 * const predicted = predictedClasses(await fitted.scores(x), fitted.classes);
 * ```
 */
export const predictedClasses = (scores: Float32Array, classes: number): Int32Array => {
  checkRows("predictedClasses", "scores", scores, classes);
  return Int32Array.from({ length: scores.length / classes }, (_, row) => {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if (scores[row * classes + k] > scores[row * classes + best]) best = k;
    }
    return best;
  });
};

/** @throws ShapeError unless `values` are whole rows of `width`. */
export const checkRows = (where: string, what: string, values: Float32Array, width: number): void => {
  if (width >= 1 && values.length % width === 0) return;
  throw new ShapeError(
    `${where}: expected ${what} of shape [rows, ${width}]; found ${values.length} values, not a multiple of ${width}.`,
  );
};

/** @throws UsageError unless each of the options that are given is a finite number above 0. */
export const checkPositive = (where: string, options: Readonly<Record<string, number | undefined>>): void => {
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || (value > 0 && Number.isFinite(value))) continue;
    throw new UsageError(`${where}: ${option} must be a number above 0, found ${value}.`);
  }
};

/**
 * The labelled rows.
 *
 * @throws ShapeError when there is not one label per row.
 * @throws UsageError when a label is not a class, there are fewer than two classes, a class has no row, or a feature is not finite.
 */
export const labelledRows = (name: string, data: LabelledFeatures): LabelledFeatures => {
  const { x, features, labels, classes } = data;
  checkRows(name, "features", x, features);
  if (labels.length * features !== x.length) {
    throw new ShapeError(
      `${name}: expected one label for each of ${x.length / features} rows; found ${labels.length}.`,
    );
  }
  if (!(Number.isInteger(classes) && classes >= 2)) {
    throw new UsageError(`${name}: expected at least two classes, found ${classes}.`);
  }
  const counts = new Array<number>(classes).fill(0);
  labels.forEach((label, row) => {
    if (label === -1) return;
    if (label in counts) counts[label]++;
    else {
      throw new UsageError(
        `${name}: expected labels from 0 to ${classes - 1}, or -1 for unlabelled; found ${label} at row ${row}, counted ` +
          "from 0.",
      );
    }
  });
  const empty = counts.indexOf(0);
  if (empty >= 0) {
    throw new UsageError(`${name}: expected a labelled row of every class; class ${empty} has none.`);
  }
  const broken = x.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) {
    throw new UsageError(
      `${name}: expected finite features, found ${x[broken]} at row ${Math.floor(broken / features)}, feature ` +
        `${broken % features}, counted from 0.`,
    );
  }
  return selectRows(
    data,
    Array.from(labels.keys()).filter((row) => labels[row] >= 0),
  );
};

/** These rows, in this order. */
export const selectRows = (
  { x, features, labels, classes }: LabelledFeatures,
  rows: readonly number[],
): LabelledFeatures => {
  const kept = new Float32Array(rows.length * features);
  rows.forEach((row, i) => {
    kept.set(x.subarray(row * features, (row + 1) * features), i * features);
  });
  return { x: kept, features, labels: Int32Array.from(rows, (row) => labels[row]), classes };
};
