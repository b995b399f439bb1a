import { describe, expect, test } from "vitest";
import { createDataset, drawLabels, loadMnist, select } from "../../src/data/index.ts";
import { DataError, UsageError } from "../../src/errors.ts";

/** One feature a row; classes a, b, c with 5, 8 and 7 rows, interleaved; two rows unlabelled. */
const labels = Int32Array.of(0, 1, 2, 1, 1, 2, 0, -1, 1, 2, 0, 2, 1, 2, 0, 1, -1, 2, 1, 0, 1, 2);
const data = createDataset({
  name: "t",
  shape: [1],
  x: Float32Array.from(labels.keys()),
  labels,
  classes: ["a", "b", "c"],
});

const countsOf = (rows: Uint32Array, of: Int32Array = labels): number[] => {
  const counts: number[] = [];
  for (const row of rows) counts[of[row]] = (counts[of[row]] ?? 0) + 1;
  return counts;
};

describe("drawLabels", () => {
  test("draws as many of each class, and every row is in one part", () => {
    const draw = drawLabels(data, { labels: 9, seed: 1, validation: 4 });
    expect(countsOf(draw.labelled)).toEqual([3, 3, 3]);
    expect(draw.validation.length).toBe(4);
    expect(draw.unlabelled.length).toBe(22 - 9 - 4);
    const all = [...draw.labelled, ...draw.unlabelled, ...draw.validation];
    expect(all.sort((a, b) => a - b)).toEqual([...labels.keys()]);
    for (const part of Object.values(draw)) expect(part).toEqual(Uint32Array.from(part).sort());
    expect(select(data, draw.labelled).labels?.every((label) => label >= 0)).toBe(true);
  });

  test("is a pure function of the seed, and differs between seeds", () => {
    const draws = [0, 0, 1, 2, 3].map((seed) => drawLabels(data, { labels: 6, seed }).labelled.join());
    expect(draws[0]).toBe(draws[1]);
    // Five of five draws of 2 from 5, 8 and 7 agree with probability (1/10 · 1/28 · 1/21)³, about 5e-12.
    expect(new Set(draws).size).toBe(4);
  });

  test("what does not divide goes to classes that the seed draws, one each; every class gets its turn", () => {
    const seen = [0, 0, 0];
    for (let seed = 0; seed < 90; seed++) {
      const counts = countsOf(drawLabels(data, { labels: 10, seed }).labelled);
      expect([...counts].sort()).toEqual([3, 3, 4]);
      seen[counts.indexOf(4)]++;
    }
    // 30 expected of 90, standard deviation 4.5: outside these bounds 1 run in 3,000 a class (fixed seeds).
    for (const count of seen) expect(Math.abs(count - 30)).toBeLessThan(16);
  });

  test("each row of a class is as likely as the others", () => {
    const drawn = new Map<number, number>();
    for (let seed = 0; seed < 400; seed++) {
      for (const row of drawLabels(data, { labels: 3, seed }).labelled)
        drawn.set(row, (drawn.get(row) ?? 0) + 1);
    }
    // Class b: 8 rows, 50 draws each expected, standard deviation 6.6.
    const ofB = [...drawn].filter(([row]) => labels[row] === 1).map(([, count]) => count);
    expect(ofB.length).toBe(8);
    for (const count of ofB) expect(Math.abs(count - 50)).toBeLessThan(27);
  });

  test("draws of one seed are nested", () => {
    for (let seed = 0; seed < 5; seed++) {
      let inner: readonly number[] = [];
      for (let count = 3; count <= 15; count++) {
        const { labelled } = drawLabels(data, { labels: count, seed });
        expect([...labelled]).toEqual(expect.arrayContaining([...inner]));
        inner = [...labelled];
      }
    }
  });

  test("validation rows have labels and stay the same from draw to draw", () => {
    const rows = [0, 1, 2].map((seed) => drawLabels(data, { labels: 3, seed, validation: 6 }).validation);
    expect(rows[1]).toEqual(rows[0]);
    expect(rows[2]).toEqual(rows[0]);
    expect([...rows[0]].every((row) => labels[row] >= 0)).toBe(true);
    expect(drawLabels(data, { validation: 6, validationSeed: 1 }).validation).not.toEqual(rows[0]);
  });

  test("without a number, all labels are kept", () => {
    const draw = drawLabels(data);
    expect([...draw.unlabelled]).toEqual([7, 16]);
    expect(draw.labelled.length).toBe(20);
    expect(draw.validation.length).toBe(0);
  });

  test("MNIST's 50,000 and 10,000, with 10 labels of each digit", () => {
    const mnist = loadMnist("train");
    const draw = drawLabels(mnist, { labels: 100, seed: 0, validation: 10_000 });
    expect(countsOf(draw.labelled, mnist.labels)).toEqual(new Array(10).fill(10));
    expect([draw.labelled.length, draw.unlabelled.length, draw.validation.length]).toEqual([
      100, 49_900, 10_000,
    ]);
  });

  test.each([
    [
      { labels: 18 },
      'labels: 18 labels divided equally over 3 classes need 6 of class "a", which has 5 labelled rows in t. ' +
        "Ask for at most 15 labels, or use all of them.",
    ],
    [{ labels: 2 }, "labels: expected a whole number of at least 3, one for each class of t; found 2."],
    [{ labels: 4.5 }, "labels: expected a whole number of at least 3, one for each class of t; found 4.5."],
    [
      { validation: 20 },
      "validation: expected a whole number from 0 to 19, fewer than the 20 labelled rows of t; found 20.",
    ],
    [
      { validation: -1 },
      "validation: expected a whole number from 0 to 19, fewer than the 20 labelled rows of t; found -1.",
    ],
    [{ labels: 3, seed: -1 }, "seed: expected an integer from 0 to 9007199254740991, found -1"],
  ])("refuses %j", (options, message) => {
    expect(() => drawLabels(data, options)).toThrow(new UsageError(message));
  });

  test("says when validation rows are why a class falls short", () => {
    expect(() => drawLabels(data, { labels: 15, validation: 10 })).toThrow(
      /^labels: 15 labels divided equally over 3 classes need 5 of class "a", which has \d labelled rows in t besides the 10 held out for validation\. Ask for at most \d+ labels, or use all of them\.$/,
    );
  });

  test("names a class that has no row", () => {
    const four = { ...data, classes: ["a", "b", "c", "d"] };
    expect(() => drawLabels(four, { labels: 4 })).toThrow(
      new UsageError(
        'labels: 4 labels divided equally over 4 classes need 1 of class "d", which has 0 labelled rows in t. ' +
          "Label some, or leave the class out.",
      ),
    );
  });

  test("refuses data without labels", () => {
    const { labels: _, classes: __, ...bare } = data;
    expect(() => drawLabels(bare, { labels: 3 })).toThrow(DataError);
    const blank = { ...data, labels: new Int32Array(22).fill(-1) };
    expect(() => drawLabels(blank, { validation: 3 })).toThrow(
      new DataError("t: no row is labelled, so none can be held out for validation."),
    );
  });
});
