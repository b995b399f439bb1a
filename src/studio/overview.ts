/** What the page shows of all rows at once: the map, and the rows that the model is sure of. */
import { permutation } from "../random/index.ts";
import { mostProbable } from "./judgement.ts";
import type { LabelState } from "./label-log.ts";
import type { Learnt } from "./learner.ts";
import { entropies } from "./queue.ts";

/** One value of each row in each column. */
export interface MapColumns {
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** The entropy of the class, in nats. */
  readonly doubt: Float32Array;
  /** −log10 of the share of rows that are as unlikely as this one; 0 while it is not known. */
  readonly outlier: Float32Array;
  /** Class index; -1 without one. */
  readonly label: Int16Array;
  readonly predicted: Int16Array;
}

/**
 * The columns of the map.
 *
 * @param places two coordinates for each row
 * @param outliers the outlier scores of so many rows
 */
export function mapColumns(
  places: Float32Array,
  { labels, classes }: LabelState,
  learnt: Learnt | undefined,
  outliers: (rows: number) => Float32Array,
): MapColumns {
  const rows = places.length / 2;
  const column = (j: number) => Float32Array.from({ length: rows }, (_, i) => places[2 * i + j]);
  const indices = learnt?.classes.map((name) => classes.indexOf(name)) ?? [];
  const label = new Int16Array(rows).fill(-1);
  for (const [row, { class: k }] of labels) label[row] = k;
  return {
    x: column(0),
    y: column(1),
    doubt: learnt ? entropies(learnt.probabilities, learnt.classes.length) : new Float32Array(rows),
    outlier: outliers(rows),
    label,
    predicted: Int16Array.from({ length: rows }, (_, i) =>
      learnt ? indices[mostProbable(learnt.probabilities, i, learnt.classes.length)] : -1,
    ),
  };
}

/** Rows without a label whose class the model is sure of. */
export interface SureRows {
  readonly class: number;
  readonly rows: readonly number[];
  /** Some of them, drawn at random. */
  readonly some: readonly number[];
}

/** Rows of a class that a person sees before accepting all that the model is sure of. */
const LOOKED_AT = 12;

/** For each class that has any, the open rows that the model gives it with a probability of at least `least`. */
export function sureRows(
  learnt: Pick<Learnt, "classes" | "probabilities">,
  classes: readonly string[],
  isOpen: (row: number) => boolean,
  least: number,
): readonly SureRows[] {
  const width = learnt.classes.length;
  const found = learnt.classes.map((): number[] => []);
  for (let row = 0; row < learnt.probabilities.length / width; row++) {
    if (!isOpen(row)) continue;
    const k = mostProbable(learnt.probabilities, row, width);
    if (learnt.probabilities[row * width + k] >= least) found[k].push(row);
  }
  return found.flatMap((rows, k) => {
    if (rows.length === 0) return [];
    const drawn = permutation(rows.length, 0, rows.length, "studio/sure").slice(0, LOOKED_AT);
    return [{ class: classes.indexOf(learnt.classes[k]), rows, some: Array.from(drawn, (i) => rows[i]) }];
  });
}
