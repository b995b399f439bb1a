/** A session without a user: the true classes are the answers. It shows how much choosing rows helps. */
import { DataError, UsageError } from "../errors.ts";
import { anything, checkOptions, type OptionRules, whole } from "../options.ts";
import { principalFeatures } from "./features.ts";
import { codesOf, Learner, type LearnerOptions, type Learnt } from "./learner.ts";
import { chooseRows, type Strategy, strategies } from "./queue.ts";
import type { StudioRows } from "./rows.ts";

/** Options of {@link simulateLabelling}. */
export interface SimulateOptions extends Pick<LearnerOptions, "base" | "given" | "warm"> {
  /** Labels to give in all. Default 100. */
  readonly labels?: number;
  /** Labels between two lessons. Default 10. */
  readonly batch?: number;
  /** How rows are chosen. Default `chosen`. */
  readonly strategy?: Strategy;
  /** Seed of the choice, the parameters and the noise. Default 0. */
  readonly seed?: number;
  /** Called after each lesson. Default: none. */
  readonly onLesson?: (lesson: SimulatedLesson) => void;
}

const rules: OptionRules<SimulateOptions> = {
  base: anything,
  given: anything,
  warm: anything,
  labels: whole(2),
  batch: whole(1),
  strategy: (value) =>
    strategies.some((name) => name === value) ? undefined : `one of ${strategies.join(", ")}`,
  seed: whole(0),
  onLesson: anything,
};

/** One lesson of a simulation. */
export interface SimulatedLesson {
  /** Labels given so far. */
  readonly labels: number;
  /** Classes among them. */
  readonly classes: number;
  /** Share of the test rows that are misclassified, including rows of classes without labels. Undefined until two classes have labels. */
  readonly error: number | undefined;
  /** Seconds of training and prediction. */
  readonly seconds: number;
}

/**
 * Labels rows with their true classes, batch by batch, and measures the error on the test rows after each lesson.
 *
 * @throws UsageError for an option out of range, or when there are no test rows.
 * @throws DataError when too few rows have a class.
 */
export async function simulateLabelling(
  rows: StudioRows,
  options: SimulateOptions = {},
): Promise<readonly SimulatedLesson[]> {
  checkOptions("simulateLabelling", options, rules);
  const { labels: total = 100, batch = 10, strategy = "chosen", seed = 0, onLesson, ...learning } = options;
  const { given: truth, classes, test } = rows;
  if (test?.labels === undefined || test.classes === undefined) {
    throw new UsageError(
      `${rows.rows.name}: expected test rows with classes to measure the error on; found none.`,
    );
  }
  const known = truth.filter((label) => label >= 0).length;
  if (known < total) {
    throw new DataError(
      `${rows.rows.name}: expected at least ${total} rows whose class is known, to answer with; found ${known}.`,
    );
  }
  const learner = new Learner(rows, { ...learning, seed });
  const features = learning.base
    ? await codesOf(learning.base, rows.rows)
    : await principalFeatures(rows.rows);
  const labels = new Int32Array(rows.rows.rows).fill(-1);
  const labelled = new Set<number>();
  // Rows without a true class cannot be answered.
  const excluded = new Set(Array.from(truth.keys()).filter((row) => truth[row] < 0));
  const lessons: SimulatedLesson[] = [];
  let learnt: Learnt | undefined;
  while (labelled.size < total) {
    const found = new Set(Array.from(labelled, (row) => truth[row])).size;
    const next = chooseRows(
      {
        features,
        rows: rows.rows.rows,
        labelled,
        excluded,
        classes: found,
        ...(learnt && { probabilities: learnt.probabilities }),
      },
      { strategy, count: Math.min(batch, total - labelled.size), seed },
    );
    for (const row of next) {
      labels[row] = truth[row];
      labelled.add(row);
    }
    learnt = await learner.learn({ labels, classes });
    const predicted = await learner.predict(test);
    const lesson = {
      labels: labelled.size,
      classes: new Set(Array.from(labelled, (row) => truth[row])).size,
      error: predicted && errorOf(predicted, test.labels, test.classes),
      seconds: learnt?.seconds ?? 0,
    };
    lessons.push(lesson);
    onLesson?.(lesson);
  }
  return lessons;
}

/** Share of rows whose most probable class is wrong; classes are compared by name. */
function errorOf(
  { probabilities, classes }: Pick<Learnt, "classes" | "probabilities">,
  labels: Int32Array,
  names: readonly string[],
): number {
  let wrong = 0;
  let rows = 0;
  labels.forEach((label, row) => {
    if (label < 0) return;
    rows++;
    if (classes[mostProbable(probabilities, row, classes.length)] !== names[label]) wrong++;
  });
  return wrong / rows;
}

/** The index of the most probable class of a row. */
export function mostProbable(probabilities: Float32Array, row: number, classes: number): number {
  let best = 0;
  for (let k = 1; k < classes; k++) {
    if (probabilities[row * classes + k] > probabilities[row * classes + best]) best = k;
  }
  return best;
}
