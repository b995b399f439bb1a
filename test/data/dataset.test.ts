import { describe, expect, test } from "vitest";
import { createDataset, select, split, take } from "../../src/data/index.ts";
import { DataError, UsageError } from "../../src/errors.ts";

const table = createDataset({
  name: "t",
  shape: [2],
  x: Float32Array.of(0, 1, 10, 11, 20, 21, 30, 31),
  labels: Int32Array.of(0, 1, 0, -1),
  classes: ["a", "b"],
});

describe("createDataset", () => {
  test("derives rows, kind and scale", () => {
    expect(table).toMatchObject({ rows: 4, kind: "table", scale: 1 });
    const image = createDataset({ name: "i", shape: [2, 2], x: new Uint8Array(12) });
    expect(image).toMatchObject({ rows: 3, kind: "image", scale: 1 / 255 });
  });

  test.each([
    [{ shape: [2], x: new Float32Array(0) }, "f.bin: holds no rows. Expected at least one."],
    [
      { shape: [2, 0], x: new Float32Array(0) },
      "f.bin: a row of shape [2, 0] holds no values. Expected at least one.",
    ],
    [
      { shape: [2], x: new Float32Array(3) },
      "f.bin: expected whole rows of shape [2], 2 values each; found 3 values.",
    ],
    [
      { shape: [2], x: new Float32Array(4), labels: new Int32Array(3) },
      "f.bin: expected one label per row, 2 in all; found 3 labels.",
    ],
    [{ shape: [2], x: new Float32Array(4), columns: ["a"] }, "f.bin: expected 2 column names; found 1."],
    [
      { shape: [2], x: Float32Array.of(0, 1, 2, Number.NaN) },
      "f.bin: expected finite float32 numbers, found NaN at row 1, column 1, counted from 0. " +
        "Remove the row or fill in the value.",
    ],
    [
      { shape: [2], x: Float32Array.of(0, 1, Number.NEGATIVE_INFINITY, 3), columns: ["a", "b"] },
      'f.bin: expected finite float32 numbers, found -Infinity at row 1, column 0 ("a"), counted from 0. ' +
        "Remove the row or fill in the value.",
    ],
  ])("refuses what cannot be right %#", (fields, message) => {
    expect(() => createDataset({ name: "f", source: "f.bin", ...fields })).toThrow(new DataError(message));
  });
});

describe("take", () => {
  test("views the first rows", () => {
    const two = take(table, 2);
    expect(two.rows).toBe(2);
    expect([...two.x]).toEqual([0, 1, 10, 11]);
    expect([...(two.labels ?? [])]).toEqual([0, 1]);
    expect(two.x.buffer).toBe(table.x.buffer);
  });

  test.each([0, 5, 1.5, Number.NaN])("refuses %d rows of 4", (count) => {
    expect(() => take(table, count)).toThrow(
      new UsageError(`take: expected a whole number of rows from 1 to 4 (all of t); found ${count}.`),
    );
  });
});

describe("split", () => {
  const order = Uint32Array.of(2, 0, 3, 1);

  test("holds out the last of the permutation, with its labels", () => {
    const { train, test: held } = split(table, 0.25, order);
    expect([...train.x]).toEqual([20, 21, 0, 1, 30, 31]);
    expect([...(train.labels ?? [])]).toEqual([0, 0, -1]);
    expect([...held.x]).toEqual([10, 11]);
    expect([...(held.labels ?? [])]).toEqual([1]);
    expect([train.name, train.rows, held.name, held.rows]).toEqual(["t/train", 3, "t/test", 1]);
    expect(held.classes).toEqual(["a", "b"]);
  });

  test("takes a count, and keeps a row in each part however small the fraction", () => {
    expect(split(table, 3, order).test.rows).toBe(3);
    expect(split(table, 0.001, order).test.rows).toBe(1);
    expect(split(table, 0.999, order).train.rows).toBe(1);
  });

  test("keeps bytes as bytes", () => {
    const bytes = createDataset({ name: "b", shape: [1, 2], x: Uint8Array.of(1, 2, 3, 4) });
    expect(split(bytes, 1, Uint32Array.of(1, 0)).train.x).toEqual(Uint8Array.of(3, 4));
  });

  test.each([0, 4, -1, 1.5, Number.NaN])("refuses to hold out %d of 4", (heldOut) => {
    expect(() => split(table, heldOut, order)).toThrow(
      new UsageError(
        `split: expected a fraction between 0 and 1, or a count from 1 to 3, of the 4 rows of t; found ${heldOut}.`,
      ),
    );
  });

  test.each([
    [[0, 1, 2], 3],
    [[0, 1, 2, 2], 4],
    [[0, 1, 2, 4], 4],
  ])("refuses %j as a permutation", (numbers, length) => {
    expect(() => split(table, 1, Uint32Array.from(numbers))).toThrow(
      new UsageError(
        "split: expected a permutation, with each of the row numbers 0 to 3 of t once; " +
          `found ${length} numbers that are not a permutation.`,
      ),
    );
  });
});

describe("select", () => {
  const masked = createDataset({
    name: "m",
    shape: [2],
    x: Float32Array.of(0, 1, 10, 0, 20, 21),
    observed: Uint8Array.of(1, 1, 1, 0, 1, 1),
    labels: Int32Array.of(0, 1, -1),
    classes: ["a", "b"],
  });

  test("copies rows, with their labels and marks, in any order and more than once", () => {
    const picked = select(masked, [2, 1, 1], "p");
    expect(picked).toMatchObject({ name: "p", rows: 3, labels: Int32Array.of(-1, 1, 1) });
    expect(picked.x).toEqual(Float32Array.of(20, 21, 10, 0, 10, 0));
    expect(picked.observed).toEqual(Uint8Array.of(1, 1, 1, 0, 1, 0));
    expect(picked.x.buffer).not.toBe(masked.x.buffer);
    expect(take(masked, 2).observed).toEqual(Uint8Array.of(1, 1, 1, 0));
    expect(split(masked, 1, Uint32Array.of(2, 0, 1)).test.observed).toEqual(Uint8Array.of(1, 0));
  });

  test.each([3, -1, 0.5])("refuses %d, which is no row", (row) => {
    expect(() => select(masked, [0, row])).toThrow(
      new UsageError(`select: m has rows 0 to 2; found row number ${row}.`),
    );
  });

  test("refuses no rows, and marks that do not fit", () => {
    expect(() => select(masked, [])).toThrow(
      new UsageError("select: expected at least one row number of m; found none."),
    );
    expect(() => createDataset({ ...masked, observed: new Uint8Array(5) })).toThrow(
      new DataError("m: expected `observed` to have one value for each of the 6 values of `x`; found 5."),
    );
  });
});
