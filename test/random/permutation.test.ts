import { expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { permutation } from "../../src/random/permutation.ts";

test.each([0, 1, 2, 3, 17, 4096, 60_000])("permutation(%s) holds every index once", (n) => {
  const order = permutation(n, 0, 0);
  expect(order.slice().sort()).toEqual(Uint32Array.from({ length: n }, (_, i) => i));
});

test("a permutation is a function of length, seed, epoch and site", () => {
  const order = (seed: number, epoch: number, site?: string) => permutation(100, seed, epoch, site).join();
  expect(order(1, 2)).toBe(order(1, 2, "shuffle"));
  const orders = [order(1, 2), order(1, 3), order(2, 2), order(1, 2, "split")];
  expect(new Set(orders).size).toBe(orders.length);
});

test("all 24 orders of four are equally likely", () => {
  const counts = new Map<string, number>();
  for (let epoch = 0; epoch < 24_000; epoch++) {
    const order = permutation(4, 11, epoch).join();
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(24);
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  // scipy 1.10.1: chi2.isf(1e-6, 23) = 70.55. False alarm 1e-6 for the one seed tried.
  expect(chiSquare).toBeLessThan(70.55);
});

test("where an element lands does not depend on where it was", () => {
  // The 100 × 100 table of (index, place) over 2,000 shuffles, folded into 10 × 10 cells of 2,000 each.
  const cells = new Array<number>(100).fill(0);
  for (let epoch = 0; epoch < 2000; epoch++) {
    for (const [place, index] of permutation(100, 5, epoch).entries()) {
      const cell = 10 * Math.floor(index / 10) + Math.floor(place / 10);
      cells[cell] = (cells[cell] ?? 0) + 1;
    }
  }
  const chiSquare = cells.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
  // Rows and columns sum to constants: 9 · 9 degrees of freedom. An index and a place in the same shuffle exclude
  // each other, which makes the statistic 100/99 times a χ². chi2.isf(1e-6, 81) · 100/99 = 158.03 (scipy 1.10.1).
  expect(chiSquare).toBeLessThan(158.03);
});

test.each([-1, 1.5, 2 ** 32])("the length %s is refused", (n) => {
  expect(() => permutation(n, 0, 0)).toThrow(
    new UsageError(`permutation: expected a length from 0 to 2^32 - 1, found ${n}`),
  );
});
