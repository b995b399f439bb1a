/** What a session delivers: the predictions of the last lesson at a temperature fitted to the check rows, and how good they are. */
import {
  calibrationErrorOf,
  mostProbable,
  type ShareEstimate,
  shareOf,
  temperatureOf,
  tempered,
} from "./judgement.ts";
import type { LabelState } from "./label-log.ts";
import type { Learnt } from "./learner.ts";

/** Predictions of all rows, and their quality. */
export interface Delivered {
  readonly classes: readonly string[];
  /** The calibrated probabilities of all rows, [rows, classes]; computed when they are asked for. */
  all(): Float32Array;
  /** Those of one row. */
  of(row: number): Float32Array;
  readonly temperature: number;
  /** The share of check rows that are wrong; undefined without any. */
  readonly error: ShareEstimate | undefined;
  /** Check rows whose class the model knows. */
  readonly checked: number;
  /** Undefined while there are too few of them. */
  readonly calibrationError: number | undefined;
}

/** Judges the predictions of a lesson by the labels of the check rows so far. */
export function delivered({ classes, probabilities }: Learnt, state: LabelState): Delivered {
  const width = classes.length;
  const checks = [...state.labels].filter(([, { by }]) => by === "check");
  const wrong = checks.filter(
    ([row, { class: label }]) => classes[mostProbable(probabilities, row, width)] !== state.classes[label],
  ).length;
  const known = checks.flatMap(([row, { class: label }]) => {
    const place = classes.indexOf(state.classes[label]);
    return place < 0 ? [] : [{ row, place }];
  });
  const labels = Int32Array.from(known, ({ place }) => place);
  const own = Float32Array.from(
    known.flatMap(({ row }) => [...probabilities.subarray(row * width, (row + 1) * width)]),
  );
  const temperature = temperatureOf(own, labels, width);
  let all: Float32Array | undefined;
  return {
    classes,
    all: () => (all ??= tempered(probabilities, width, temperature)),
    of: (row) => tempered(probabilities.subarray(row * width, (row + 1) * width), width, temperature),
    temperature,
    error: shareOf(wrong, checks.length),
    checked: known.length,
    calibrationError: calibrationErrorOf(own, labels, width),
  };
}
