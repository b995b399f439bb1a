import { expect, test } from "vitest";
import { createDataset, type TablePreprocessing } from "../../../src/data/index.ts";
import { leastSure } from "../../../src/kinds/classification/least-sure.ts";
import {
  analogyRows,
  type ClassStyle,
  classSamples,
  classStyleOf,
  styleFigures,
} from "../../../src/kinds/m2/style.ts";
import { M2 } from "../../../src/models/index.ts";
import { tensor } from "../../../src/tensor/leaf.ts";
import { add, mul } from "../../../src/tensor/ops/arithmetic.ts";
import { matmul } from "../../../src/tensor/ops/matmul.ts";

/**
 * Images of 1 × 2 pixels: the first is the style, the second the class. Style is the first pixel plus 10 times the class that it is
 * encoded under, so that the class it was given can be read from what is drawn.
 */
const toy: ClassStyle = {
  classes: 3,
  latent: 1,
  style: (x, y) => add(matmul(x, tensor([[1], [0]])), mul(matmul(y, tensor([[0], [1], [2]])), 10)),
  draw: (y, z) =>
    add(
      matmul(z, tensor([[1, 0]])),
      matmul(
        y,
        tensor([
          [0, 0],
          [0, 1],
          [0, 2],
        ]),
      ),
    ),
};
const classes = ["a", "b", "c"];

const dataset = (name: string, styles: readonly number[], labels?: readonly number[]) =>
  createDataset({
    name,
    shape: [1, 2],
    x: Float32Array.from(styles.flatMap((style) => [style, 0])),
    classes,
    ...(labels && { labels: Int32Array.from(labels) }),
  });

const classified = (data: ReturnType<typeof dataset>, predicted: readonly number[]) => ({
  dataset: data,
  classes,
  predicted: Int32Array.from(predicted),
  probabilities: Float32Array.from(predicted.flatMap((p) => classes.map((_, k) => (k === p ? 0.8 : 0.1)))),
});

const test4 = dataset("test", [0.25, 0.5, 0.75, 1], [2, 0, 2, 0]);

test("analogies: the image, then its style, encoded under the class predicted, drawn as every class", async () => {
  const { analogies } = await styleFigures(toy, classified(test4, [2, 0, 1, 0]), { parameters: new Map() });
  expect(analogies?.classes).toEqual(classes);
  expect(analogies?.images).toMatchObject({ count: 16, height: 1, width: 2, channels: 1 });
  const pixels = analogies?.images.pixels;
  const row = (i: number) => Array.from(pixels?.subarray(i * 8, (i + 1) * 8) ?? []);
  // Rows 1 and 3 are of class 0, rows 0 and 2 of class 2: the first of each class, then the second.
  expect(row(0)).toEqual([0.5, 0, 0.5, 0, 0.5, 1, 0.5, 2]);
  expect(row(1)).toEqual([0.25, 0, 20.25, 0, 20.25, 1, 20.25, 2]);
  expect(row(2)).toEqual([1, 0, 1, 0, 1, 1, 1, 2]);
  expect(row(3)).toEqual([0.75, 0, 10.75, 0, 10.75, 1, 10.75, 2]);
});

test("samples: a row for each class, of twenty at most, as the model draws them", async () => {
  const names = Array.from({ length: 21 }, (_, k) => `class ${k}`);
  // Ten draws of each class, of one pixel: seed, class and draw can be read from it.
  const sample = async (count: number, seed: number) =>
    Float32Array.from({ length: names.length * count }, (_, i) => 1000 * seed + i);
  const samples = await classSamples({ classes: names, sample }, [1, 1], 5);
  expect(samples?.classes).toEqual(names.slice(0, 20));
  expect(samples?.images).toMatchObject({ count: 200, height: 1, width: 1, channels: 1 });
  expect(samples?.images.pixels).toEqual(Float32Array.from({ length: 200 }, (_, i) => 5000 + i));
  expect(await classSamples({ classes: names, sample }, [1], 5)).toBeUndefined();
});

test("styles: test rows under the class predicted, labelled rows under their own", async () => {
  const labelled = dataset("labelled", [2, 3], [1, 2]);
  const { style } = await styleFigures(toy, classified(test4, [2, 0, 1, 0]), {
    parameters: new Map(),
    labelled,
  });
  expect(style).toEqual({
    points: Float32Array.of(20.25, 0.5, 10.75, 1, 12, 23),
    dimensions: 1,
    labels: Int32Array.of(2, 0, 2, 0, 1, 2),
    classes,
    labelled: 2,
  });
});

test("rows that are no images have styles and no pictures; without labels there are none to show", async () => {
  const table = createDataset({ name: "table", shape: [2], x: Float32Array.of(1, 0, 2, 0) });
  const figures = await styleFigures(toy, classified(table, [0, 1]), { parameters: new Map() });
  expect(figures).toEqual({
    style: { points: Float32Array.of(1, 12), dimensions: 1, classes, labelled: 0 },
  });
});

test("the rows of the analogies are the first of each class in turn, unlabelled ones left out", () => {
  expect(analogyRows(Int32Array.of(0, 0, 0, 1, -1, 2), 3, 4)).toEqual([0, 3, 5, 1]);
  expect(analogyRows(Int32Array.of(1, 1, 1), 3)).toEqual([0, 1, 2]);
});

test("M2 is a model of class and style: its means", async () => {
  const m2 = M2({ features: 2, classes: 3, latent: 4, hidden: [5], likelihood: "gaussian" });
  const { analogies, style } = await styleFigures(classStyleOf(m2), classified(test4, [2, 0, 1, 0]), {
    parameters: new Map(),
  });
  expect(style.points).toHaveLength(4 * 4);
  expect(analogies?.images.pixels.every(Number.isFinite)).toBe(true);
});

test("the least sure rows, the least first, and the true class of those that have a label", () => {
  const data = dataset("test", [0.1, 0.2, 0.3], [0, 1, -1]);
  const shown = leastSure({
    dataset: data,
    classes,
    predicted: Int32Array.of(0, 2, 1),
    probabilities: Float32Array.of(0.75, 0.25, 0, 0.25, 0.25, 0.5, 0, 1, 0),
  });
  expect(shown.rows).toEqual([
    { row: 1, predicted: 2, probability: 0.5, truth: 1 },
    { row: 0, predicted: 0, probability: 0.75, truth: 0 },
    { row: 2, predicted: 1, probability: 1 },
  ]);
  expect(shown.images?.pixels).toEqual(Float32Array.of(0.2, 0, 0.1, 0, 0.3, 0));
});

test("the cells of a table are those that its features were made from", () => {
  const table = createDataset({
    name: "table",
    shape: [3],
    x: Float32Array.of(-1, 0, 1, 0, 0, 0),
    observed: Uint8Array.of(1, 1, 1, 0, 0, 0),
    columns: ["mass", "island=Biscoe", "island=Dream"],
  });
  const data = { ...classified(table, [0, 1]), dataset: table };
  const preprocessing: TablePreprocessing = {
    columns: [
      { kind: "numeric", name: "mass", mean: 200, sd: 800.06 },
      { kind: "categorical", name: "island", categories: ["Biscoe", "Dream"] },
    ],
  };
  const cells = (given?: TablePreprocessing) => leastSure(data, given).cells;
  // 200 − 1 · 800.06: to a ten-thousandth of a standard deviation.
  expect(cells(preprocessing)).toEqual({
    columns: ["mass", "island"],
    values: [
      ["−600.06", "Dream"],
      ["–", "–"],
    ],
  });
  expect(cells()).toEqual({
    columns: ["mass", "island=Biscoe", "island=Dream"],
    values: [
      ["−1", "0", "1"],
      ["–", "–", "–"],
    ],
  });
});
