import { expect, test } from "vitest";
import { createDataset, describe } from "../../src/data/index.ts";

test("summarises sizes, range and classes", () => {
  const dataset = createDataset({
    name: "d",
    shape: [1, 2],
    x: Uint8Array.of(0, 51, 102, 255, 0, 0),
    labels: Int32Array.of(1, -1, 1),
    classes: ["cat", "dog"],
  });
  expect(describe(dataset)).toEqual({
    name: "d",
    kind: "image",
    rows: 3,
    shape: [1, 2],
    features: 2,
    range: [0, 1],
    labelled: 2,
    classes: [
      { name: "cat", rows: 0 },
      { name: "dog", rows: 2 },
    ],
    notes: [],
  });
});

test("the range is in model units", () => {
  const x = Uint8Array.of(51, 102);
  // 51 / 255 and 102 / 255.
  expect(describe(createDataset({ name: "d", shape: [1, 1], x })).range).toEqual([
    51 * (1 / 255),
    102 * (1 / 255),
  ]);
});

test("tells of image values outside [0, 1], which are kept", () => {
  const dataset = createDataset({ name: "d", shape: [1, 2], x: Float32Array.of(-1, 2) });
  expect(describe(dataset)).toMatchObject({
    range: [-1, 2],
    notes: [
      "d: image values span -1 to 2, outside [0, 1]. A Bernoulli likelihood needs values in [0, 1]: " +
        "rescale them, or use a Gaussian likelihood.",
    ],
  });
  expect(describe(createDataset({ name: "d", shape: [2], x: Float32Array.of(-1, 2) })).notes).toEqual([]);
});

test("tells of constant data", () => {
  const dataset = createDataset({ name: "d", shape: [2], x: Float32Array.of(3, 3) });
  expect(describe(dataset).notes).toEqual(["d: every value is 3."]);
});
