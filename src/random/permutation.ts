import type { OwnUint32Array } from "../arrays.ts";
import { UsageError } from "../errors.ts";
import { stream } from "./keys.ts";
import { multiplyHigh } from "./philox.ts";
import { fillBits } from "./streams.ts";

const BATCH = 4096;

/**
 * A permutation of 0 … n - 1, every one equally likely: the Fisher–Yates shuffle on the words of the stream
 * (seed, site) at step `epoch`, with unbiased bounded integers by Lemire's method ("Fast random integer
 * generation in an interval", ACM TOMACS 29, 2019).
 *
 * ```ts
 * const order = permutation(60_000, seed, epoch);
 * ```
 *
 * @throws UsageError when n is not an integer in 0 … 2³² - 1, or the seed or epoch is not one in 0 … 2⁵³ - 1.
 */
export const permutation = (n: number, seed: number, epoch: number, site = "shuffle"): OwnUint32Array => {
  if (!Number.isInteger(n) || n < 0 || n >= 2 ** 32) {
    throw new UsageError(`permutation: expected a length from 0 to 2^32 - 1, found ${n}`);
  }
  const source = stream(seed, site);
  const words = new Uint32Array(Math.min(BATCH, n + 16));
  let used = words.length;
  let drawn = 0;
  const nextWord = (): number => {
    if (used === words.length) {
      fillBits(words, source, { step: epoch, first: drawn });
      drawn += words.length;
      used = 0;
    }
    return words[used++] as number;
  };
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  for (let bound = n; bound > 1; bound--) {
    // ⌊word·bound / 2³²⌋, redrawn in the 2³² mod bound cases that would favour some values.
    let word = nextWord();
    let low = Math.imul(word, bound) >>> 0;
    if (low < bound) {
      const threshold = (2 ** 32 - bound) % bound;
      while (low < threshold) {
        word = nextWord();
        low = Math.imul(word, bound) >>> 0;
      }
    }
    const pick = multiplyHigh(word, bound);
    const last = order[bound - 1] as number;
    order[bound - 1] = order[pick] as number;
    order[pick] = last;
  }
  return order;
};
