import { describe, expect, test } from "vitest";
import { checkSupervision, createDataset, type Dataset, withClasses } from "../../src/data/index.ts";
import { DataError } from "../../src/errors.ts";

const dataset = (labels: readonly number[], classes: readonly string[] = ["cat", "dog", "owl"]): Dataset =>
  createDataset({
    name: "pets",
    shape: [1],
    x: new Float32Array(labels.length),
    labels: Int32Array.from(labels),
    classes,
  });

describe("checkSupervision", () => {
  test("some labels are semi-supervised", () => {
    expect(checkSupervision(dataset([0, -1, 1, 2, -1, 2]))).toEqual({
      supervision: "semi-supervised",
      labelled: 4,
      unlabelled: 2,
      perClass: [1, 1, 2],
    });
  });

  test("every row labelled is supervised", () => {
    expect(checkSupervision(dataset([0, 1, 2]))).toMatchObject({ supervision: "supervised", unlabelled: 0 });
  });

  test.each([
    [
      dataset([-1, -1]),
      "pets: expected at least one labelled row per class; none of the 2 rows is labelled. Label a few, or train a " +
        "model that needs no labels (a VAE).",
    ],
    [
      dataset([-1, -1], []),
      "pets: expected at least one labelled row per class; none of the 2 rows is labelled. Label a few, or train a " +
        "model that needs no labels (a VAE).",
    ],
    [
      dataset([0, 0, -1, 2]),
      'pets: expected at least one labelled row of every class; class "dog" has none. Label one, or leave the class out.',
    ],
    [
      dataset([1, -1]),
      'pets: expected at least one labelled row of every class; classes "cat", "owl" have none. Label one, or leave ' +
        "the class out.",
    ],
    [dataset([0, -1], ["cat"]), 'pets: expected at least two classes, found only "cat".'],
    [
      dataset([0, 3]),
      "pets: expected labels from 0 to 2, the classes cat, dog, owl, or -1 for unlabelled; found 3 at row 1, counted " +
        "from 0.",
    ],
    [
      dataset([-2, 0]),
      "pets: expected labels from 0 to 2, the classes cat, dog, owl, or -1 for unlabelled; found -2 at row 0, counted " +
        "from 0.",
    ],
  ])("refuses %#", (data, message) => {
    expect(() => checkSupervision(data)).toThrow(new DataError(message));
  });
});

test("withClasses refuses data without labels", () => {
  const bare = createDataset({ name: "bare", shape: [1], x: new Float32Array(1) });
  expect(() => withClasses(bare)).toThrow(
    new DataError(
      "bare: expected labels, found none. Tables have labels in a column (labelColumn), directories of images have one " +
        "subfolder per class, and IDX and .npy files have labels in another file (labels).",
    ),
  );
});
