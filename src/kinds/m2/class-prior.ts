/** p(y) of a run, and shares of classes that are others than in training. */
import { UsageError } from "../../errors.ts";
import type { ClassPrior } from "../../models/index.ts";
import type { LabelSettings } from "../run-settings.ts";

/** p(y) as the settings of a run say. @throws UsageError unless there is a share for each class. */
export function classPriorOf(
  prior: "uniform" | "labels" | "learned" | readonly number[] | undefined,
  { classes, perClass }: Pick<LabelSettings, "classes" | "perClass">,
): ClassPrior {
  if (prior === undefined) return "uniform";
  if (prior === "labels") return sharesOf(perClass ?? classes.map(() => 1));
  if (typeof prior !== "string") checkShares("`classPrior`", prior, classes);
  return prior;
}

/** Counts as shares. */
export function sharesOf(counts: readonly number[]): number[] {
  const total = counts.reduce((a, b) => a + b, 0);
  return counts.map((count) => count / total);
}

function checkShares(flag: string, shares: readonly number[], classes: readonly string[]): void {
  if (shares.length === classes.length) return;
  throw new UsageError(
    `${flag}: expected ${classes.length} shares, of the classes ${classes.join(", ")}; found ${shares.length}.`,
  );
}

/** Turns of the estimate at most; each is a pass over the probabilities. */
const TURNS = 1000;

/**
 * Probabilities of classes for rows in which the classes have other shares: Bayes' rule, p'(y|x) ∝ p(y|x) p'(y) / p(y). Shares that are
 * to be estimated are the fixed point at which they are the mean of the probabilities that follow from them (Saerens, Latinne and
 * Decaestecker 2002, "Adjusting the outputs of a classifier to new a priori probabilities").
 *
 * @param probabilities [rows, classes] under the shares `from`
 * @throws UsageError unless there is a share for each class.
 */
export function withShares(
  probabilities: Float32Array,
  from: readonly number[],
  to: "estimated" | readonly number[],
  classes: readonly string[],
): Float32Array {
  if (to !== "estimated") {
    checkShares("`classShares`", to, classes);
    return moved(probabilities, from, to);
  }
  let shares = [...from];
  for (let turn = 0; turn < TURNS; turn++) {
    const next = means(moved(probabilities, from, shares), from.length);
    const change = Math.max(...next.map((share, k) => Math.abs(share - shares[k])));
    shares = next;
    if (change < 1e-7) break;
  }
  return moved(probabilities, from, shares);
}

function moved(probabilities: Float32Array, from: readonly number[], to: readonly number[]): Float32Array {
  const width = from.length;
  const out = new Float32Array(probabilities.length);
  for (let at = 0; at < out.length; at += width) {
    let total = 0;
    for (let k = 0; k < width; k++) total += (probabilities[at + k] * to[k]) / from[k];
    for (let k = 0; k < width; k++) out[at + k] = (probabilities[at + k] * to[k]) / from[k] / total;
  }
  return out;
}

function means(values: Float32Array, width: number): number[] {
  const sums = new Array<number>(width).fill(0);
  values.forEach((value, i) => {
    sums[i % width] += value;
  });
  return sums.map((sum) => (sum * width) / values.length);
}
