import { expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { fnv1a64, split, stream } from "../../src/random/keys.ts";

test.each([
  // Test vectors of draft-eastlake-fnv, appendix C.
  ["", 0xcbf29ce484222325n],
  ["a", 0xaf63dc4c8601ec8cn],
  ["foobar", 0x85944171f73967e8n],
] as const)("FNV-1a of %j", (text, hash) => {
  expect(fnv1a64(text)).toBe(hash);
});

test("a stream is a function of seed and site", () => {
  expect(stream(3, "z")).toEqual(stream(3, "z"));
});

test("keys of 20,000 neighbouring (seed, site) pairs are distinct and their bits are balanced", () => {
  const keys = new Set<string>();
  const ones = new Array<number>(64).fill(0);
  for (let seed = 0; seed < 100; seed++) {
    for (let site = 0; site < 200; site++) {
      const { key } = stream(seed, `z${site}`);
      keys.add(key.join());
      for (let bit = 0; bit < 64; bit++) {
        ones[bit] = (ones[bit] ?? 0) + (((key[bit >> 5] ?? 0) >>> (bit & 31)) & 1);
      }
    }
  }
  expect(keys.size).toBe(20_000);
  // Binomial(20000, ½): standard error 70.7 ones. Five and a half of them: false alarm 4e-8 a bit, 2.4e-6 in all.
  for (const count of ones) expect(Math.abs(count - 10_000)).toBeLessThan(5.5 * 70.7);
});

test("the largest seed keeps all its bits", () => {
  expect(split(Number.MAX_SAFE_INTEGER)).toEqual([0xffffffff, 0x1fffff]);
  expect(stream(Number.MAX_SAFE_INTEGER, "z").key).not.toEqual(stream(Number.MAX_SAFE_INTEGER - 1, "z").key);
  expect(stream(2 ** 32, "z").key).not.toEqual(stream(0, "z").key);
});

test.each([-1, 0.5, Number.NaN, 2 ** 53])("the seed %s is refused", (seed) => {
  expect(() => stream(seed, "z")).toThrow(
    new UsageError(`seed: expected an integer from 0 to 9007199254740991, found ${seed}`),
  );
});
