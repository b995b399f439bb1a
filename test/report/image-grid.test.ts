import { decode } from "fast-png";
import { describe, expect, test } from "vitest";
import { ShapeError, UsageError } from "../../src/errors.ts";
import { imageGrid } from "../../src/report/image-grid.ts";

describe("imageGrid", () => {
  test("lays grey images out row by row, clamps, and fills gaps and empty cells", () => {
    // Three 1×2 images in two columns, gap 1: 5 wide, 3 high. 0.5 · 255 = 127.5 rounds to even, 128.
    const { png, width, height } = imageGrid({
      pixels: Float32Array.of(0, 1, 0.5, 2, -1, Number.NaN),
      count: 3,
      height: 1,
      width: 2,
      channels: 1,
      columns: 2,
      gap: 1,
      background: 9,
    });
    expect([width, height]).toEqual([5, 3]);
    const image = decode(png);
    expect([image.width, image.height, image.channels, image.depth]).toEqual([5, 3, 1, 8]);
    expect(Array.from(image.data)).toEqual([
      ...[0, 255, 9, 128, 255], // images 0 and 1
      ...[9, 9, 9, 9, 9], // the gap
      ...[0, 0, 9, 9, 9], // image 2 (−1 and NaN are black) and an empty cell
    ]);
  });

  test("keeps bytes as they are and upscales by nearest neighbour", () => {
    const { png } = imageGrid({
      pixels: Uint8Array.of(10, 20, 30, 40),
      count: 1,
      height: 2,
      width: 2,
      channels: 1,
      columns: 1,
      scale: 2,
      background: 0,
    });
    expect(Array.from(decode(png).data)).toEqual([
      ...[10, 10, 20, 20],
      ...[10, 10, 20, 20],
      ...[30, 30, 40, 40],
      ...[30, 30, 40, 40],
    ]);
  });

  test("colour with a transparent background has four channels, opaque only inside the images", () => {
    const { png } = imageGrid({
      pixels: Float32Array.of(1, 0, 0.2, 0, 1, 0),
      count: 2,
      height: 1,
      width: 1,
      channels: 3,
      columns: 2,
      gap: 1,
    });
    const image = decode(png);
    expect(image.channels).toBe(4);
    // 0.2 · 255 = 51.
    expect(Array.from(image.data)).toEqual([255, 0, 51, 255, 0, 0, 0, 0, 0, 255, 0, 255]);
  });

  test("says which shape it expected", () => {
    const options = { count: 2, height: 2, width: 2, channels: 1, columns: 2 } as const;
    expect(() => imageGrid({ ...options, pixels: new Float32Array(7) })).toThrow(ShapeError);
    expect(() => imageGrid({ ...options, pixels: new Float32Array(7) })).toThrow(
      "imageGrid: expected 8 pixel values for shape [2, 2, 2, 1], found 7. " +
        "Pass images as [count, height, width, channels], row-major.",
    );
  });

  test("refuses sizes that cannot be", () => {
    const options = {
      pixels: new Float32Array(1),
      count: 1,
      height: 1,
      width: 1,
      channels: 1,
      columns: 1,
    } as const;
    expect(() => imageGrid({ ...options, columns: 0 })).toThrow(
      new UsageError("imageGrid: columns must be a whole number of at least 1, found 0"),
    );
    expect(() => imageGrid({ ...options, scale: 1.5 })).toThrow(
      new UsageError("imageGrid: scale must be a whole number of at least 1, found 1.5"),
    );
    expect(() => imageGrid({ ...options, background: 256 })).toThrow(
      new UsageError(
        'imageGrid: background must be a whole number from 0 to 255 or "transparent", found 256',
      ),
    );
  });
});
