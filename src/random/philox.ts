/** Four 32-bit words, each an integer in [0, 2³²). */
export type Words4 = readonly [number, number, number, number];

/** Two 32-bit words, each an integer in [0, 2³²). */
export type Words2 = readonly [number, number];

/** The high half of the 64-bit product of two 32-bit words. */
export const multiplyHigh = (a: number, b: number): number => {
  // Splitting a = 2¹⁶ high + low keeps both partial products below 2⁴⁸, exact in a double.
  const low = (a & 0xffff) * b;
  return Math.floor(((a >>> 16) * b + Math.floor(low / 0x10000)) / 0x10000);
};

/**
 * One block of Philox 4×32-10: a bijection of 128-bit counters for each 64-bit key, whose outputs over counters
 * 0, 1, 2, … pass every known statistical battery (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
 * easy as 1, 2, 3", SC 2011).
 *
 * This is the reference. Bulk draws come from the WebAssembly kernel, whose words are the same.
 *
 * ```ts
 * philox4x32([0, 0, 0, 0], [0, 0]); // [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]
 * ```
 */
export const philox4x32 = (counter: Words4, key: Words2): Words4 => {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(c0, 0xd2511f53);
    const low0 = Math.imul(c0, 0xd2511f53) >>> 0;
    const high1 = multiplyHigh(c2, 0xcd9e8d57);
    const low1 = Math.imul(c2, 0xcd9e8d57) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
};
