/** How good the predictions are: the error on rows drawn at random with its interval, calibrated probabilities, and doubtful labels. */
import { calibration } from "../models/index.ts";
import type { Features } from "./features.ts";

/** A share of rows with an interval. */
export interface ShareEstimate {
  readonly wrong: number;
  readonly rows: number;
  readonly share: number;
  /** Ends of the 95 % interval. */
  readonly interval: readonly [number, number];
}

/** 97.5 % quantile of the normal distribution. */
const Z = 1.959964;

/** The share of wrong predictions, with Wilson's score interval (Wilson 1927), which is valid even for few rows and shares near 0. */
export function shareOf(wrong: number, rows: number): ShareEstimate | undefined {
  if (rows === 0) return undefined;
  const share = wrong / rows;
  const scale = 1 + Z ** 2 / rows;
  const middle = (share + Z ** 2 / (2 * rows)) / scale;
  const half = (Z / scale) * Math.sqrt((share * (1 - share)) / rows + Z ** 2 / (4 * rows ** 2));
  return { wrong, rows, share, interval: [Math.max(0, middle - half), Math.min(1, middle + half)] };
}

/** The index of the most probable class of a row. */
export function mostProbable(probabilities: Float32Array, row: number, classes: number): number {
  let best = 0;
  for (let k = 1; k < classes; k++) {
    if (probabilities[row * classes + k] > probabilities[row * classes + best]) best = k;
  }
  return best;
}

/** Probabilities after dividing their logarithms by a temperature. Above 1 they are less certain. */
export function tempered(probabilities: Float32Array, classes: number, temperature: number): Float32Array {
  const out = new Float32Array(probabilities.length);
  for (let at = 0; at < out.length; at += classes) {
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) most = Math.max(most, probabilities[at + k]);
    let total = 0;
    for (let k = 0; k < classes; k++) {
      // A probability that is 0 in float32 stays possible, but small.
      out[at + k] = Math.exp(Math.log(Math.max(probabilities[at + k], 1e-38) / most) / temperature);
      total += out[at + k];
    }
    for (let k = 0; k < classes; k++) out[at + k] /= total;
  }
  return out;
}

/**
 * Standard deviation of the logarithm of the temperature before any row is seen: about two thirds of models need one between 0.6 and 1.6.
 * A few rows that are all right would otherwise say that the model is never wrong.
 */
const TEMPERATURE_SPREAD = 0.5;

/**
 * The temperature that makes the labels of rows the model did not learn from most probable (Guo, Pleiss, Sun and Weinberger 2017), under a
 * log-normal prior around 1, by golden-section search over its logarithm, from 1/4 to 8. Without rows it is 1.
 */
export function temperatureOf(probabilities: Float32Array, labels: Int32Array, classes: number): number {
  if (labels.length === 0) return 1;
  const loss = (log: number): number => {
    const p = tempered(probabilities, classes, Math.exp(log));
    return labels.reduce(
      (sum, label, i) => sum - Math.log(p[i * classes + label] + 1e-12),
      0.5 * (log / TEMPERATURE_SPREAD) ** 2,
    );
  };
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(1 / 4), Math.log(8)];
  for (let turn = 0; turn < 40; turn++) {
    const [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (loss(a) < loss(b)) high = b;
    else low = a;
  }
  return Math.exp((low + high) / 2);
}

/** With fewer check rows than this their calibration error is not told: it would be chance. */
const ENOUGH_TO_TELL = 40;

/**
 * The calibration error of tempered probabilities. Each half of the rows uses the temperature fitted to the other half, because on the rows
 * it was fitted to the error would look too small. Undefined with fewer than 40 labels.
 */
export function calibrationErrorOf(
  probabilities: Float32Array,
  labels: Int32Array,
  classes: number,
): number | undefined {
  if (labels.length < ENOUGH_TO_TELL) return undefined;
  const all = Float32Array.from(probabilities);
  const half = (parity: number) => Array.from(labels.keys()).filter((i) => i % 2 === parity);
  const rowsOf = (rows: readonly number[]) =>
    Float32Array.from(rows.flatMap((row) => [...probabilities.subarray(row * classes, (row + 1) * classes)]));
  for (const [own, other] of [
    [half(0), half(1)],
    [half(1), half(0)],
  ]) {
    const temperature = temperatureOf(
      rowsOf(other),
      Int32Array.from(other, (row) => labels[row]),
      classes,
    );
    const p = tempered(rowsOf(own), classes, temperature);
    own.forEach((row, i) => {
      all.set(p.subarray(i * classes, (i + 1) * classes), row * classes);
    });
  }
  return calibration(all, labels, { classes, bins: 10 }).error;
}

/** A label that the model doubts. */
export interface Suspect {
  readonly row: number;
  /** The class that the row was given, and the most probable class of its neighbours. */
  readonly given: number;
  readonly likely: number;
  /** Mean probability of the given class over the row's neighbours without a label. */
  readonly support: number;
}

/** Number of neighbours that are compared. */
const NEIGHBOURS = 10;
/** Support below which a label is suspect. */
const DOUBTED = 0.2;

/**
 * Labels that disagree with the predictions for the nearest unlabelled rows, the most doubtful first. The row's own prediction means
 * little, because the model learnt from its label.
 *
 * @param labels class index by row, an index into the classes of the probabilities
 */
export function suspectsOf(
  { values, width }: Features,
  probabilities: Float32Array,
  classes: number,
  labels: ReadonlyMap<number, number>,
): readonly Suspect[] {
  const rows = values.length / width;
  const suspects: Suspect[] = [];
  for (const [row, given] of labels) {
    const near: { readonly row: number; readonly distance: number }[] = [];
    for (let other = 0; other < rows; other++) {
      if (labels.has(other)) continue;
      let distance = 0;
      for (let j = 0; j < width; j++) distance += (values[row * width + j] - values[other * width + j]) ** 2;
      if (near.length === NEIGHBOURS && distance >= near[NEIGHBOURS - 1].distance) continue;
      near.push({ row: other, distance });
      near.sort((a, b) => a.distance - b.distance);
      if (near.length > NEIGHBOURS) near.pop();
    }
    if (near.length === 0) continue;
    const mean = Array.from(
      { length: classes },
      (_, k) => near.reduce((sum, one) => sum + probabilities[one.row * classes + k], 0) / near.length,
    );
    const likely = mean.indexOf(Math.max(...mean));
    if (likely !== given && mean[given] < DOUBTED)
      suspects.push({ row, given, likely, support: mean[given] });
  }
  return suspects.sort((a, b) => a.support - b.support);
}
