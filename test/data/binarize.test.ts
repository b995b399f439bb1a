import { describe, expect, test } from "vitest";
import { binarize, createDataset, type Dataset, isBinary } from "../../src/data/index.ts";
import { UsageError } from "../../src/errors.ts";
import { fillUniform, stream } from "../../src/random/index.ts";

const grey = (values: readonly number[], shape: readonly number[]): Dataset =>
  createDataset({ name: "grey", shape, x: Uint8Array.from(values) });

describe("isBinary", () => {
  test("looks at model units", () => {
    expect(isBinary(grey([0, 255, 255, 0], [4]))).toBe(true);
    expect(isBinary(grey([0, 1], [2]))).toBe(false);
    expect(isBinary(createDataset({ name: "b", shape: [2], x: Float32Array.of(0, 1) }))).toBe(true);
    expect(isBinary(createDataset({ name: "b", shape: [2], x: Float32Array.of(0, 0.5) }))).toBe(false);
  });
});

describe("binarize", () => {
  test("gives 1 where the stream's uniform is below the value: rows follow one another in one stream", () => {
    const pixels = Array.from({ length: 12 }, (_, i) => i * 23);
    const u = new Float32Array(12);
    fillUniform(u, stream(5, "somewhere"));
    const expected = pixels.map((p, i) => (u[i] < p / 255 ? 1 : 0));
    expect(expected).toContain(0);
    expect(expected).toContain(1);
    const drawn = binarize(grey(pixels, [4]), 5, "somewhere");
    expect(Array.from(drawn.x)).toEqual(expected);
    expect([drawn.scale, drawn.rows, drawn.shape]).toEqual([1, 3, [4]]);
    expect(isBinary(drawn)).toBe(true);
  });

  test("is a function of data, seed and site", () => {
    const data = grey(
      Array.from({ length: 400 }, () => 128),
      [20],
    );
    const x = Array.from(binarize(data, 1).x);
    expect(Array.from(binarize(data, 1).x)).toEqual(x);
    expect(Array.from(binarize(data, 2).x)).not.toEqual(x);
    expect(Array.from(binarize(data, 1, "binarize/test").x)).not.toEqual(x);
  });

  test("black stays black and white stays white; binary data stay as they are", () => {
    const data = grey(
      Array.from({ length: 2000 }, (_, i) => (i % 2) * 255),
      [20],
    );
    expect(Array.from(binarize(data, 3).x)).toEqual(Array.from(data.x, (v) => v / 255));
  });

  test("draws have the pixel's mean", () => {
    const n = 40_000;
    const data = createDataset({ name: "p", shape: [100], x: new Float32Array(n).fill(0.3) });
    const mean = Array.from(binarize(data, 0).x).reduce((a, b) => a + b, 0) / n;
    // Four standard errors √(0.3 · 0.7 / n): false alarm of 6·10⁻⁵ if the seed were not fixed.
    expect(Math.abs(mean - 0.3)).toBeLessThan(4 * Math.sqrt(0.21 / n));
  });

  test("values that are no probabilities are refused with their place", () => {
    const data = createDataset({ name: "table", shape: [2], x: Float32Array.of(0, 0.5, 1, 1.5) });
    expect(() => binarize(data, 0)).toThrow(
      new UsageError("table: cannot binarise 1.5 (row 1, counted from 0, value 1): it is not a probability."),
    );
  });
});
