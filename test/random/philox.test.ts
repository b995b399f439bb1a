import fc from "fast-check";
import { expect, test } from "vitest";
import { multiplyHigh, philox4x32, type Words2, type Words4 } from "../../src/random/philox.ts";

// The three philox4x32 10-round lines of kat_vectors in the Random123 distribution (D. E. Shaw Research), which
// belongs to the paper.
const KNOWN: readonly { readonly counter: Words4; readonly key: Words2; readonly block: Words4 }[] = [
  {
    counter: [0, 0, 0, 0],
    key: [0, 0],
    block: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    block: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    block: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];

test.each(KNOWN)("known answer for counter $counter", ({ counter, key, block }) => {
  expect(philox4x32(counter, key)).toEqual(block);
});

test("multiplyHigh is the high word of the exact product", () => {
  const word = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(multiplyHigh(a, b)).toBe(Number((BigInt(a) * BigInt(b)) >> 32n));
    }),
    { seed: 1, numRuns: 1000 },
  );
  expect(multiplyHigh(0xffffffff, 0xffffffff)).toBe(0xfffffffe);
});
