import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readIdx, readIdxImages, readIdxLabels, readIdxPair } from "../../src/data/index.ts";
import { DataError } from "../../src/errors.ts";
import { idxBytes, tempFolder } from "./temp.ts";

const { path: folder, write } = tempFolder();
const images = write("images", idxBytes(8, [2, 1, 3], [0, 1, 2, 3, 4, 255]));
const labels = write("labels", idxBytes(8, [2], [7, 0]));

describe("readIdx", () => {
  // The bodies are big-endian by the format's definition: IEEE 754 of 1.5 is 3f c0 00 00 in single precision and
  // 3f f8 00 … in double; -2 in two's complement is ff … fe.
  test.each([
    ["u8", 0x08, [200, 1], [200, 1]],
    ["i8", 0x09, [0xfe, 1], [-2, 1]],
    ["i16", 0x0b, [0xff, 0xfe, 1, 2], [-2, 258]],
    ["i32", 0x0c, [0xff, 0xff, 0xff, 0xfe, 0, 1, 0, 0], [-2, 65536]],
    ["f32", 0x0d, [0x3f, 0xc0, 0, 0, 0, 0, 0, 0], [1.5, 0]],
    ["f64", 0x0e, [0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [1.5, 0]],
  ])("reads %s, plain and gzipped", (type, code, body, values) => {
    for (const wrap of [(b: Uint8Array) => b, gzipSync]) {
      const array = readIdx(write("any", wrap(idxBytes(code, [2, 1, 1, 1, 1], body))));
      expect(array).toMatchObject({ type, shape: [2, 1, 1, 1, 1] });
      expect([...array.data]).toEqual(values);
    }
  });

  const whole = idxBytes(8, [2, 1, 3], [0, 1, 2, 3, 4, 5]);
  test.each([
    ["truncated", whole.subarray(0, 20), "truncated. Expected 22 bytes for u8 of shape [2, 1, 3], found 20."],
    [
      "half-headed",
      whole.subarray(0, 9),
      "truncated. Expected a header of 16 bytes for 3 dimensions, found 9 bytes.",
    ],
    [
      "trailing",
      Buffer.concat([whole, whole.subarray(0, 1)]),
      "trailing bytes. Expected 22 bytes for u8 of shape [2, 1, 3], found 23.",
    ],
    ["empty", "", "the file is empty (0 bytes)."],
  ])("refuses a %s file", (name, contents, message) => {
    const path = write(name, contents);
    expect(() => readIdx(path)).toThrow(new DataError(`${path}: ${message}`));
  });

  test.each([
    [Buffer.from([0x89, 0x50, 0x4e, 0x47, 13]), "89 50 4e 47 (a PNG image)"],
    [Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50]), "93 4e 55 4d (a NumPy .npy file)"],
    [Buffer.from("<html>"), "3c 68 74 6d (a web page)"],
    [Buffer.from([0x50, 0x4b, 3, 4]), "50 4b 03 04 (a ZIP archive)"],
    [Buffer.from([0, 0, 0x0a, 3, 0]), "00 00 0a 03"],
    [Buffer.from([0, 0, 8, 0]), "00 00 08 00"],
    [Buffer.from([1, 0, 8, 3]), "01 00 08 03"],
    [Buffer.from([0]), "00"],
  ])("refuses another magic number %#", (contents, found) => {
    const path = write("magic", contents);
    expect(() => readIdx(path)).toThrow(
      new DataError(
        `${path}: expected an IDX file, which begins with 00 00, a type (08, 09, 0b, 0c, 0d or 0e) and the number ` +
          `of dimensions; found ${found}.`,
      ),
    );
  });

  test("refuses a missing file and a directory", () => {
    expect(() => readIdx(`${folder}/none`)).toThrow(
      new DataError(`${folder}/none: no such file. Check the path.`),
    );
    expect(() => readIdx(folder)).toThrow(new DataError(`${folder}: expected a file, found a directory.`));
  });

  test("refuses truncated gzip", () => {
    const path = write("cut.gz", gzipSync(whole).subarray(0, 20));
    // "unexpected end of file" is zlib's own message.
    expect(() => readIdx(path)).toThrow(
      new DataError(
        `${path}: the gzip data is truncated or damaged (unexpected end of file). Download or compress it again.`,
      ),
    );
  });
});

describe("images and labels", () => {
  test("a pair is a labelled dataset of bytes", () => {
    const dataset = readIdxPair(images, labels);
    expect(dataset).toMatchObject({ name: "images", rows: 2, shape: [1, 3], kind: "image", scale: 1 / 255 });
    expect(dataset.x).toEqual(Uint8Array.of(0, 1, 2, 3, 4, 255));
    expect(dataset.labels).toEqual(Int32Array.of(7, 0));
    expect(dataset.classes).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
  });

  test("two dimensions are a table, and wider types become float32", () => {
    const dataset = readIdxImages(write("table", idxBytes(0x0b, [2, 2], [0, 1, 0, 2, 0xff, 0xff, 1, 0])));
    expect(dataset).toMatchObject({ kind: "table", shape: [2], scale: 1 });
    expect(dataset.x).toEqual(Float32Array.of(1, 2, -1, 256));
  });

  test("refuses swapped files", () => {
    expect(() => readIdxPair(labels, images)).toThrow(
      new DataError(
        `${labels}: expected images, with 3 dimensions (rows, height, width), or 2 or 4; found 1 dimension, u8 of ` +
          "shape [2], which is what a label file has. Are the image and label files swapped?",
      ),
    );
    expect(() => readIdxLabels(images)).toThrow(
      new DataError(
        `${images}: expected labels, with 1 dimension (rows); found 3 dimensions, u8 of shape [2, 1, 3], which is what ` +
          "an image file has. Are the image and label files swapped?",
      ),
    );
  });

  test("refuses a volume", () => {
    const path = write("volume", idxBytes(8, [1, 1, 1, 1, 1], [0]));
    expect(() => readIdxImages(path)).toThrow(
      new DataError(
        `${path}: expected images, with 3 dimensions (rows, height, width), or 2 or 4; found 5 dimensions, u8 of ` +
          "shape [1, 1, 1, 1, 1].",
      ),
    );
  });

  test("refuses counts that differ", () => {
    const three = write("three", idxBytes(8, [3], [0, 1, 2]));
    expect(() => readIdxPair(images, three)).toThrow(
      new DataError(
        `${images} holds 2 images but ${three} holds 3 labels. Expected one label per image: do these two files belong together?`,
      ),
    );
  });

  test("refuses files without rows, and images without pixels", () => {
    const none = write("none-images", idxBytes(8, [0, 28, 28], []));
    expect(() => readIdxImages(none)).toThrow(
      new DataError(`${none}: holds no rows. Expected at least one.`),
    );
    const flat = write("flat", idxBytes(8, [3, 0, 28], []));
    expect(() => readIdxImages(flat)).toThrow(
      new DataError(`${flat}: a row of shape [0, 28] holds no values. Expected at least one.`),
    );
    const noLabels = write("none-labels", idxBytes(8, [0], []));
    expect(() => readIdxLabels(noLabels)).toThrow(
      new DataError(`${noLabels}: holds no labels. Expected at least one.`),
    );
  });

  test("refuses NaN", () => {
    // 7f c0 00 00 is the quiet NaN of IEEE 754.
    const path = write("nan", idxBytes(0x0d, [1, 1, 2], [0, 0, 0, 0, 0x7f, 0xc0, 0, 0]));
    expect(() => readIdxImages(path)).toThrow(
      new DataError(
        `${path}: expected finite float32 numbers, found NaN at row 0, column 1, counted from 0. ` +
          "Remove the row or fill in the value.",
      ),
    );
  });

  test("labels may be -1, and nothing else below 0 or between the integers", () => {
    expect(readIdxLabels(write("minus", idxBytes(0x09, [2], [0xff, 3])))).toEqual(Int32Array.of(-1, 3));
    const low = write("low", idxBytes(0x09, [2], [0, 0xfe]));
    expect(() => readIdxLabels(low)).toThrow(
      new DataError(
        `${low}: expected class indices from 0 to 65535, or -1 for unlabelled; found -2 at row 1, counted from 0.`,
      ),
    );
    const half = write("half", idxBytes(0x0d, [1], [0x3f, 0xc0, 0, 0]));
    expect(() => readIdxLabels(half)).toThrow("found 1.5 at row 0, counted from 0.");
  });
});
