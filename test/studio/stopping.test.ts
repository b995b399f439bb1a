import { expect, test } from "vitest";
import { placedAmong } from "../../src/studio/layout.ts";
import { Outliers } from "../../src/studio/outliers.ts";
import { kappaOf, Stabilising } from "../../src/studio/stopping.ts";

test("Cohen's kappa of a small table", () => {
  // Agreement 4/6; by chance (1·1 + 2·2 + 3·3)/36 = 14/36; (24 − 14)/(36 − 14).
  expect(kappaOf([0, 1, 1, 2, 2, 2], [0, 1, 2, 2, 2, 1], 3)).toBeCloseTo(10 / 22, 12);
  expect(kappaOf([0, 1, 0, 1], [0, 1, 0, 1], 2)).toBe(1);
  expect(kappaOf([0, 0], [0, 0], 2)).toBe(1);
});

/** Predictions of 200 rows of two classes; the first `changed` of them are turned round. */
const lesson = (changed: number, classes: readonly string[] = ["a", "b"]) => ({
  classes,
  probabilities: Float32Array.from({ length: 400 }, (_, i) => {
    const [row, k] = [i >> 1, i & 1];
    return (row % 2 === k) === row >= changed ? 0.9 : 0.1;
  }),
});

test("lessons that change nothing three times in a row have settled; one that does, or a new class, begins anew", () => {
  const stabilising = new Stabilising();
  stabilising.add(lesson(0), 10);
  expect(stabilising.stability).toBeUndefined();
  // Lessons between are not compared.
  stabilising.add(lesson(100), 15);
  expect(stabilising.stability).toBeUndefined();
  for (const labels of [20, 30, 40]) {
    expect(stabilising.stability?.settled ?? false).toBe(false);
    stabilising.add(lesson(0), labels);
  }
  expect(stabilising.stability).toEqual({ same: 1, settled: true });
  stabilising.add(lesson(4), 50);
  expect(stabilising.stability).toMatchObject({ settled: false });
  expect(stabilising.stability?.same).toBeCloseTo(0.98, 9);
  for (const labels of [60, 70, 80]) stabilising.add(lesson(4), labels);
  expect(stabilising.stability?.settled).toBe(true);
  stabilising.add(lesson(4, ["a", "c"]), 90);
  expect(stabilising.stability).toBeUndefined();
});

test("a row that is placed stays there, and another is between its neighbours", () => {
  const features = { values: Float32Array.of(0, 1, 10, 11, 0.5, 10.5), width: 1 };
  const places = placedAmong(features, [0, 1, 2, 3], Float32Array.of(0, 0, 2, 0, 8, 5, 8, 7));
  for (const [i, place] of [0, 0, 2, 0, 8, 5, 8, 7].entries()) expect(places[i]).toBeCloseTo(place, 5);
  expect(places[8]).toBeGreaterThan(0.5);
  expect(places[8]).toBeLessThan(1.5);
  expect(places[11]).toBeCloseTo(6, 0);
});

test("outliers: the score is the logarithm of the share of rows that are as unlikely", async () => {
  const outliers = new Outliers();
  expect(outliers.of(0)).toBeUndefined();
  expect([...outliers.scores(2)]).toEqual([0, 0]);
  const bounds = Float32Array.from({ length: 100 }, (_, i) => -((i * 37) % 100));
  await new Promise<void>((told) => {
    outliers.refresh({ bounds: async () => bounds }, told);
  });
  const row = bounds.indexOf(-99);
  expect(outliers.of(row)).toEqual({ bound: -99, share: 0.01 });
  expect(outliers.scores(100)[row]).toBeCloseTo(2, 6);
  expect(outliers.of(0)?.share).toBe(1);
  outliers.clear();
  expect(outliers.of(row)).toBeUndefined();
});
