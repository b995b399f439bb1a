import { expect, test } from "vitest";
import { createDataset } from "../../src/data/index.ts";
import { UsageError } from "../../src/errors.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { cluster } from "../../src/studio/clusters.ts";
import { principalFeatures } from "../../src/studio/features.ts";
import { chooseRows, entropies, type QueueState, strategies } from "../../src/studio/queue.ts";

/** Rows around four far corners, in turn. */
const corners = (rows: number) => {
  const values = new Float32Array(rows * 2);
  fillNormal(values, stream(1, "corners"));
  for (let i = 0; i < rows; i++) {
    values[2 * i] = 0.1 * values[2 * i] + (i % 2) * 10;
    values[2 * i + 1] = 0.1 * values[2 * i + 1] + (Math.floor(i / 2) % 2) * 10;
  }
  return { values, width: 2 };
};

const state = (given: Partial<QueueState> = {}): QueueState => ({
  features: corners(200),
  rows: 200,
  labelled: new Set(),
  excluded: new Set(),
  classes: 0,
  ...given,
});

test.each(strategies)(
  "%s: distinct rows, none that is labelled or excluded, the same for a seed",
  (strategy) => {
    const probabilities = new Float32Array(400).map((_, i) => (i % 2 === 0 ? 0.3 : 0.7));
    const labelled = new Set([0, 1, 2, 3, 4, 5, 6]);
    const excluded = new Set(Array.from({ length: 180 }, (_, i) => 20 + i));
    const some = state({ labelled, excluded, probabilities, classes: 2 });
    const asked = { strategy, seed: 4 } as const;
    const rows = chooseRows(some, { ...asked, count: 10 });
    expect(new Set(rows).size).toBe(10);
    for (const row of rows) expect(row >= 7 && row < 20).toBe(true);
    expect(chooseRows(some, { ...asked, count: 10 })).toEqual(rows);
    // 13 rows are left.
    expect(chooseRows(some, { ...asked, count: 50 })).toHaveLength(13);
    expect(() => chooseRows(some, { ...asked, count: 0 })).toThrow(UsageError);
  },
);

test("the first batch covers the parts of the data, the next the parts without a label", () => {
  const corner = (row: number) => row % 4;
  const first = chooseRows(state(), { strategy: "chosen", count: 4, seed: 0 });
  expect(new Set(first.map(corner)).size).toBe(4);
  // Two corners have labels: 4 clusters in all, the two that are open come first.
  const next = chooseRows(state({ labelled: new Set([0, 1]), classes: 2 }), {
    strategy: "diverse",
    count: 2,
    seed: 0,
  });
  expect(new Set(next.map(corner))).toEqual(new Set([2, 3]));
});

test("uncertain takes the rows of the highest entropy; chosen takes unsure rows from more than one part", () => {
  const probabilities = new Float32Array(400);
  for (let row = 0; row < 200; row++) {
    // Corners 2 and 3 are unsure, corner 3 a little less.
    const p = row % 4 === 2 ? 0.5 : row % 4 === 3 ? 0.45 : 0.01;
    probabilities.set([p, 1 - p], 2 * row);
  }
  const labelled = new Set([0, 1, 4, 5, 8, 9]);
  const some = state({ probabilities, labelled, classes: 2 });
  const uncertain = chooseRows(some, { strategy: "uncertain", count: 4, seed: 0 });
  expect(uncertain.map((row) => row % 4)).toEqual([2, 2, 2, 2]);
  const chosen = chooseRows(some, { strategy: "chosen", count: 4, seed: 0 });
  expect(new Set(chosen.map((row) => row % 4))).toEqual(new Set([2, 3]));
});

test("informative takes rows of high information, not of high entropy, and only where it is known", () => {
  const probabilities = new Float32Array(400).fill(0.5);
  const information = new Float32Array(200).fill(Number.NaN);
  // Corners 2 and 3 are informative; corner 1 is as unsure as they are, and nobody asked about corner 0.
  for (let row = 0; row < 200; row++) if (row % 4 > 0) information[row] = row % 4 === 1 ? 0.001 : 0.3;
  const labelled = new Set([0, 1, 2, 3, 4, 5]);
  const known = { probabilities, labelled, classes: 2 };
  const asked = { strategy: "informative", count: 4, seed: 0 } as const;
  const rows = chooseRows(state({ ...known, information }), asked);
  expect(new Set(rows.map((row) => row % 4))).toEqual(new Set([2, 3]));
  expect(rows.filter((row) => labelled.has(row))).toEqual([]);
  // Before a lesson has told the information, the entropy is used.
  expect(chooseRows(state(known), asked)).toEqual(chooseRows(state(known), { ...asked, strategy: "chosen" }));
});

test("entropies: ln 2 for even odds, 0 for certainty", () => {
  const [even, sure] = entropies(Float32Array.of(0.5, 0.5, 1, 0), 2);
  expect(even).toBeCloseTo(Math.LN2, 6);
  expect(sure).toBe(0);
});

test("clusters: four far corners are found, and weights of 0 do not move centres", () => {
  const features = corners(80);
  const rows = Array.from({ length: 80 }, (_, i) => i);
  const { of, distances } = cluster(features, rows, { count: 4, seed: 2 });
  for (const row of rows) expect(of[row]).toBe(of[row % 4]);
  expect(new Set(of).size).toBe(4);
  expect(Math.max(...distances)).toBeLessThan(1);
  const weights = Float64Array.from(rows, (row) => Number(row % 4 === 0));
  const weighted = cluster(features, rows, { count: 1, seed: 2, weights });
  // The one centre is that of corner 0: the others are 10 away or more.
  expect(weighted.distances[0]).toBeLessThan(1);
  expect(weighted.distances[1]).toBeGreaterThan(80);
});

test("principal features: a plane in 40 dimensions keeps its distances in two", async () => {
  const plane = corners(120).values;
  const x = new Float32Array(120 * 40);
  for (let row = 0; row < 120; row++) {
    for (let j = 0; j < 40; j++) {
      // Two orthogonal directions of length 1.
      x[row * 40 + j] = (plane[2 * row] * Math.sqrt(2) * Number(j % 2 === 0)) / Math.sqrt(40);
      x[row * 40 + j] += (plane[2 * row + 1] * Math.sqrt(2) * Number(j % 2 === 1)) / Math.sqrt(40);
    }
  }
  const plane40 = createDataset({ name: "plane", shape: [40], x });
  const { values, width } = await principalFeatures(plane40, { width: 2 });
  expect(width).toBe(2);
  for (const [a, b] of [
    [0, 1],
    [0, 3],
    [5, 90],
  ]) {
    const before = Math.hypot(plane[2 * a] - plane[2 * b], plane[2 * a + 1] - plane[2 * b + 1]);
    const after = Math.hypot(values[2 * a] - values[2 * b], values[2 * a + 1] - values[2 * b + 1]);
    expect(after).toBeCloseTo(before, 3);
  }
});
