/** How unlike all others each row is: its bound on log p(x) among those of the other rows. */
import type { Teacher } from "./teacher.ts";

/** A row among all rows. */
export interface OutlierOf {
  /** A lower bound on log p(x), in nats. */
  readonly bound: number;
  /** Share of all rows whose bound is at most this. */
  readonly share: number;
}

/** The bounds of all rows, once a model has told them. */
export class Outliers {
  #bounds: Float32Array | undefined;
  #sorted: Float32Array | undefined;
  #asking: Promise<void> | undefined;

  /** Asks a teacher for the bounds. If it is being asked, nothing happens: the next lesson asks again. */
  refresh(teacher: Pick<Teacher, "bounds">, tell: () => void): void {
    this.#asking ??= teacher
      .bounds()
      .then((bounds) => {
        if (bounds === undefined) return;
        this.#bounds = bounds;
        this.#sorted = Float32Array.from(bounds).sort();
        tell();
      })
      // A teacher that has ended is reported where it is asked to learn.
      .catch(() => undefined)
      .finally(() => {
        this.#asking = undefined;
      });
  }

  /** Forgets what a former model said. */
  clear(): void {
    this.#bounds = undefined;
    this.#sorted = undefined;
  }

  /** Undefined while it is not known. */
  of(row: number): OutlierOf | undefined {
    if (this.#bounds === undefined || this.#sorted === undefined) return undefined;
    return { bound: this.#bounds[row], share: shareAtMost(this.#sorted, this.#bounds[row]) };
  }

  /**
   * A score of each row: −log10 of the share of rows that are as unlikely as it, so 2 for one in a hundred. 0 while it is not known.
   */
  scores(rows: number): Float32Array {
    const [bounds, sorted] = [this.#bounds, this.#sorted];
    if (bounds === undefined || sorted === undefined) return new Float32Array(rows);
    return bounds.map((bound) => -Math.log10(shareAtMost(sorted, bound)));
  }
}

/** Share of ascending values that are at most `value`, which is one of them. */
function shareAtMost(sorted: Float32Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return Math.max(low, 1) / sorted.length;
}
