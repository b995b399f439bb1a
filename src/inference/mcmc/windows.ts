/** Stan's schedule of warm-up (Stan Reference Manual, "HMC Algorithm Parameters"). */

/** The parts of warm-up. */
export interface Schedule {
  readonly warmUp: number;
  /** Iterations from `start` up to, not including, `end` inform the metric. */
  readonly start: number;
  readonly end: number;
  /** Iterations before `start` at which the metric takes up the coordinates' units; the last is `start` − 1. */
  readonly early: readonly number[];
  /** Last iteration of each window: the metric is estimated there, and the moments are reset. */
  readonly ends: readonly number[];
}

const FIRST = 75;
const LAST = 50;
const BASE = 25;
/** A fast part shorter than this is too short to guess from. */
const FEW = 15;

/** Parts of the fast part after which the metric is guessed. */
const EARLY = [1 / 5, 2 / 5, 1];

/**
 * A fast part that finds the typical set and, beyond Stan, the units of the coordinates; slow windows of doubling length that each
 * estimate the metric from their own draws, and a fast part for the final step size: 75, 25, 50, 100, …, 50. A warm-up shorter than 150
 * is split 15 %, 75 %, 10 %; below 20 the metric is not adapted.
 */
export function schedule(warmUp: number): Schedule {
  if (warmUp < 20) return { warmUp, start: warmUp, end: warmUp, early: [], ends: [] };
  const short = warmUp < FIRST + LAST + BASE;
  const start = short ? Math.floor(0.15 * warmUp) : FIRST;
  const end = warmUp - (short ? Math.floor(0.1 * warmUp) : LAST);
  const ends: number[] = [];
  let size = short ? end - start : BASE;
  for (let from = start; from < end; size *= 2) {
    // A window whose successor would not fit takes the rest.
    const to = from + size + 2 * size > end ? end : from + size;
    ends.push(to - 1);
    from = to;
  }
  const early = start < FEW ? [] : EARLY.map((part) => Math.round(part * start) - 1);
  return { warmUp, start, end, early, ends };
}
