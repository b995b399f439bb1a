/** When more labels stop helping: lessons that no longer change what is predicted. */
import { mostProbable } from "./judgement.ts";
import type { Learnt } from "./learner.ts";

/** Labels between two lessons that are compared. Lessons after every label would always agree. */
const BETWEEN = 10;
/** Comparisons in a row that must agree, and Cohen's κ that counts as agreement. */
const [COMPARISONS, AGREEMENT] = [3, 0.99];

/** What the last lessons say about more labels. */
export interface Stability {
  /** Share of all rows whose class is the same as ten or more labels ago. */
  readonly same: number;
  /** Whether the last three comparisons agree: more labels of this kind will change little. */
  readonly settled: boolean;
}

/**
 * Compares lessons by Cohen's κ over all rows (Bloodgood and Vijay-Shanker 2009, "A method for stopping active learning based on
 * stabilizing predictions and the need for user-adjustable stopping": κ of at least 0.99, three times in a row).
 */
export class Stabilising {
  #last: { readonly labels: number; readonly classes: string; readonly predicted: Uint16Array } | undefined;
  #kappas: number[] = [];
  #same: number | undefined;

  /** Takes note of a lesson from this many labels. */
  add({ probabilities, classes }: Pick<Learnt, "probabilities" | "classes">, labels: number): void {
    const last = this.#last;
    // After an undo there may be fewer labels.
    if (last !== undefined && Math.abs(labels - last.labels) < BETWEEN) return;
    const width = classes.length;
    const predicted = Uint16Array.from({ length: probabilities.length / width }, (_, row) =>
      mostProbable(probabilities, row, width),
    );
    const names = classes.join("\n");
    if (last?.classes === names) {
      this.#same =
        predicted.reduce((n, k, row) => n + Number(k === last.predicted[row]), 0) / predicted.length;
      this.#kappas = [...this.#kappas, kappaOf(last.predicted, predicted, width)].slice(-COMPARISONS);
    } else {
      // A new class changes everything.
      this.#kappas = [];
      this.#same = undefined;
    }
    this.#last = { labels, classes: names, predicted };
  }

  /** Undefined until two lessons can be compared. */
  get stability(): Stability | undefined {
    if (this.#same === undefined) return undefined;
    const agree = this.#kappas.length === COMPARISONS && this.#kappas.every((kappa) => kappa >= AGREEMENT);
    return { same: this.#same, settled: agree };
  }
}

/** Cohen's κ of two classifications of the same rows: agreement beyond what their shares of classes give by chance. */
export function kappaOf(a: ArrayLike<number>, b: ArrayLike<number>, classes: number): number {
  const [first, second] = [new Float64Array(classes), new Float64Array(classes)];
  let same = 0;
  for (let row = 0; row < a.length; row++) {
    first[a[row]] += 1 / a.length;
    second[b[row]] += 1 / a.length;
    same += Number(a[row] === b[row]) / a.length;
  }
  const chance = first.reduce((sum, share, k) => sum + share * second[k], 0);
  // With one class everywhere chance explains all.
  return chance >= 1 ? 1 : (same - chance) / (1 - chance);
}
