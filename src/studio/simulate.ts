/** A session without a user: the true classes are the answers. It shows how much choosing rows helps. */
import { DataError, UsageError } from "../errors.ts";
import { calibration } from "../models/index.ts";
import { anything, checkOptions, type OptionRules, whole } from "../options.ts";
import { checksBeside, drawChecks } from "./checks.ts";
import { principalFeatures } from "./features.ts";
import { mostProbable, temperatureOf, tempered } from "./judgement.ts";
import { codesOf, Learner, type LearnerOptions, type Learnt } from "./learner.ts";
import { candidatesOf, chooseRows, type Strategy, strategies } from "./queue.ts";
import type { StudioRows } from "./rows.ts";

/** Options of {@link simulateLabelling}. */
export interface SimulateOptions extends Pick<LearnerOptions, "base" | "given" | "warm"> {
  /** Labels to give in all. Default 100. */
  readonly labels?: number;
  /** Labels between two lessons. Default 10. */
  readonly batch?: number;
  /** How rows are chosen. Default `chosen`. */
  readonly strategy?: Strategy;
  /** Passes over the rows of one more lesson, from scratch, after the last label: what is delivered when nobody waits. Default: none. */
  readonly finalEpochs?: number;
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
  finalEpochs: whole(1),
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
  /** Rows drawn at random that were labelled besides, to fit the temperature: one for every three labels, as in a session. */
  readonly checks: number;
  /** The temperature that makes probabilities less certain (above 1) or more; fitted to the check rows, never to test rows. */
  readonly temperature: number;
  /** The expected calibration error of the tempered probabilities on the test rows, in 15 bins. Undefined until two classes have labels. */
  readonly calibrationError: number | undefined;
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
  const { labels: total = 100, batch = 10, strategy = "chosen", seed = 0 } = options;
  const { finalEpochs, onLesson, base, given = {}, warm } = options;
  const learning = { ...(base && { base }), given, ...(warm !== undefined && { warm }) };
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
  const checks = drawChecks(rows.rows.rows, seed)
    .filter((row) => truth[row] >= 0)
    .slice(0, Math.min(checksBeside(total), known - total));
  // Rows without a true class cannot be answered; check rows are not learnt from.
  const excluded = new Set([...checks, ...Array.from(truth.keys()).filter((row) => truth[row] < 0)]);
  const lessons: SimulatedLesson[] = [];
  const answers = { labels: test.labels, names: test.classes };
  const measure = async (by: Learner, learnt: Learnt | undefined): Promise<void> => {
    const predicted = await by.predict(test);
    const asked = checks.slice(0, checksBeside(labelled.size));
    const temperature = learnt === undefined ? 1 : temperatureFor(learnt, asked, { truth, classes });
    const lesson = {
      labels: labelled.size,
      classes: new Set(Array.from(labelled, (row) => truth[row])).size,
      ...(predicted
        ? figuresOf(predicted, temperature, answers)
        : { error: undefined, calibrationError: undefined }),
      checks: asked.length,
      temperature,
      seconds: learnt?.seconds ?? 0,
    };
    lessons.push(lesson);
    onLesson?.(lesson);
  };
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
        ...(learnt?.information && { information: learnt.information }),
      },
      { strategy, count: Math.min(batch, total - labelled.size), seed },
    );
    for (const row of next) {
      labels[row] = truth[row];
      labelled.add(row);
    }
    const judged =
      strategy === "informative" && labelled.size < total
        ? candidatesOf({ labelled, excluded, rows: rows.rows.rows }, seed)
        : undefined;
    learnt = await learner.learn({ labels, classes, ...(judged && { judged }) });
    await measure(learner, learnt);
  }
  if (finalEpochs !== undefined) {
    const train = { ...given.train, epochs: finalEpochs };
    const longer = new Learner(rows, { ...learning, given: { ...given, train }, seed });
    await measure(longer, await longer.learn({ labels, classes }));
  }
  return lessons;
}

/** The temperature fitted to check rows; those of classes without labels say nothing about it. */
function temperatureFor(
  { probabilities, classes }: Learnt,
  checks: readonly number[],
  { truth, classes: names }: { readonly truth: Int32Array; readonly classes: readonly string[] },
): number {
  const width = classes.length;
  const known = checks.filter((row) => classes.includes(names[truth[row]]));
  return temperatureOf(
    Float32Array.from(known.flatMap((row) => [...probabilities.subarray(row * width, (row + 1) * width)])),
    Int32Array.from(known, (row) => classes.indexOf(names[truth[row]])),
    width,
  );
}

/**
 * The share of rows whose most probable class is wrong, and the calibration error at a temperature. Classes are compared by name; a row of
 * a class without labels is wrong.
 */
function figuresOf(
  { probabilities, classes }: Pick<Learnt, "classes" | "probabilities">,
  temperature: number,
  test: { readonly labels: Int32Array; readonly names: readonly string[] },
): Pick<SimulatedLesson, "error" | "calibrationError"> {
  const width = classes.length;
  const places = test.names.map((name) => classes.indexOf(name));
  // No row is predicted to be of class `width`.
  const labels = test.labels.map((label) => (label < 0 ? -1 : places[label] < 0 ? width : places[label]));
  const predicted = Int32Array.from(labels, (_, row) => mostProbable(probabilities, row, width));
  const rows = labels.filter((label) => label >= 0).length;
  const wrong = labels.filter((label, row) => label >= 0 && label !== predicted[row]).length;
  return {
    error: wrong / rows,
    calibrationError: calibration(tempered(probabilities, width, temperature), labels, { classes: width })
      .error,
  };
}
