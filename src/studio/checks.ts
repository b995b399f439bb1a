/** Check rows: drawn at random, labelled by the user, and never used for training. They tell how good the predictions are. */
import { permutation } from "../random/index.ts";

/** One in this many rows that are asked for is a check row. */
export const CHECK_EVERY = 4;
/** The most check rows, and their largest share of all rows. */
const MOST_CHECKS = 2000;
const CHECK_SHARE = 0.2;

/** The check rows of data, in the order in which they are asked for. */
export function drawChecks(rows: number, seed = 0): readonly number[] {
  const reserved = Math.min(MOST_CHECKS, Math.floor(rows * CHECK_SHARE));
  return Array.from(permutation(rows, seed, 0, "studio/checks").slice(0, reserved));
}

/** The number of check rows that are asked for beside this many labels to learn from. */
export const checksBeside = (labels: number): number => Math.floor(labels / (CHECK_EVERY - 1));
