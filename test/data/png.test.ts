import { crc32, deflateSync } from "node:zlib";
import { encode } from "fast-png";
import { describe, expect, test } from "vitest";
import { readPngFolder } from "../../src/data/index.ts";
import { DataError } from "../../src/errors.ts";
import { tempFolder } from "./temp.ts";

const grey = (values: readonly number[], width = values.length) =>
  encode({ width, height: values.length / width, data: Uint8Array.from(values), channels: 1 });

describe("readPngFolder", () => {
  test("reads greyscale images in the order of their names", () => {
    const { path, write } = tempFolder();
    write("b.png", grey([4, 5, 6, 255], 2));
    write("a.PNG", grey([0, 1, 2, 3], 2));
    write("notes.txt", "not an image");
    const dataset = readPngFolder(path, { name: "own" });
    expect(dataset).toMatchObject({ name: "own", kind: "image", rows: 2, shape: [2, 2], scale: 1 / 255 });
    expect(dataset.x).toEqual(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 255));
    expect(dataset.labels).toBeUndefined();
  });

  test.each([
    [2, [2, 1, 2]],
    [3, [2, 1, 3]],
    [4, [2, 1, 4]],
  ])("keeps %d channels last", (channels, shape) => {
    const { path, write } = tempFolder();
    const data = Uint8Array.from({ length: 2 * channels }, (_, i) => i);
    write("a.png", encode({ width: 1, height: 2, data, channels }));
    const dataset = readPngFolder(path);
    expect(dataset.shape).toEqual(shape);
    expect(dataset.x).toEqual(data);
  });

  test("reduces 16 bits to 8", () => {
    const { path, write } = tempFolder();
    // 65535 = 255 * 257; 128 / 257 rounds to 0 and 129 / 257 to 1.
    const data = Uint16Array.of(0, 65535, 128, 129);
    write("a.png", encode({ width: 4, height: 1, data, channels: 1, depth: 16 }));
    expect(readPngFolder(path).x).toEqual(Uint8Array.of(0, 255, 0, 1));
  });

  test("widens packed grey and resolves palettes", () => {
    const { path, write } = tempFolder();
    // Two lines of three 2-bit pixels: 0 1 2 and 3 0 1, each line filled up to a byte after its filter byte 0.
    const lines = Uint8Array.of(0, 0b00_01_10_00, 0, 0b11_00_01_00);
    write("a.png", rawPng({ width: 3, height: 2, depth: 2, colour: 0, lines }));
    expect(readPngFolder(path).x).toEqual(Uint8Array.of(0, 85, 170, 255, 0, 85));

    const other = tempFolder();
    const palette = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const picture = rawPng({
      width: 2,
      height: 1,
      depth: 8,
      colour: 3,
      lines: Uint8Array.of(0, 1, 0),
      palette,
    });
    other.write("a.png", picture);
    const dataset = readPngFolder(other.path);
    expect(dataset.shape).toEqual([1, 2, 3]);
    expect(dataset.x).toEqual(Uint8Array.of(4, 5, 6, 1, 2, 3));
  });

  test("a truecolour image may suggest a palette", () => {
    const { path, write } = tempFolder();
    const palette = Uint8Array.of(1, 2, 3);
    write(
      "a.png",
      rawPng({ width: 1, height: 1, depth: 8, colour: 2, lines: Uint8Array.of(0, 7, 8, 9), palette }),
    );
    expect(readPngFolder(path).x).toEqual(Uint8Array.of(7, 8, 9));
  });

  test("subfolders are classes, and unlabelled/ has none", () => {
    const { path, write } = tempFolder();
    write("dog/1.png", grey([3]));
    write("unlabelled/1.png", grey([5]));
    write("cat/2.png", grey([2]));
    write("cat/1.png", grey([1]));
    write("empty/readme.txt", "no images");
    const dataset = readPngFolder(path);
    expect(dataset.classes).toEqual(["cat", "dog"]);
    expect(dataset.x).toEqual(Uint8Array.of(1, 2, 3, 5));
    expect(dataset.labels).toEqual(Int32Array.of(0, 0, 1, -1));
  });

  test("classes may be fixed from outside", () => {
    const { path, write } = tempFolder();
    write("dog/1.png", grey([3]));
    expect(readPngFolder(path, { classes: ["cat", "dog"] }).labels).toEqual(Int32Array.of(1));
    expect(() => readPngFolder(path, { classes: ["cat", "cow"] })).toThrow(
      new DataError(`${path}/dog: no such class in the training images, which have cat, cow.`),
    );
  });

  test("refuses images of different size or channels, naming both", () => {
    const { path, write } = tempFolder();
    const a = write("a.png", grey([0, 1, 2, 3], 2));
    const b = write("b.png", grey([0, 1, 2, 3], 4));
    expect(() => readPngFolder(path)).toThrow(
      new DataError(
        `${path}: expected images of one size; found ${a} with 2 x 2 pixels, 1 channel and ${b} with ` +
          "4 x 1 pixels, 1 channel.",
      ),
    );
    write("b.png", encode({ width: 2, height: 2, data: new Uint8Array(12), channels: 3 }));
    expect(() => readPngFolder(path)).toThrow(`${b} with 2 x 2 pixels, 3 channels.`);
  });

  test("refuses images both loose and in classes", () => {
    const { path, write } = tempFolder();
    const loose = write("z.png", grey([0]));
    const inside = write("cat/a.png", grey([0]));
    expect(() => readPngFolder(path)).toThrow(
      new DataError(
        `${path}: expected PNGs either in the folder or in one subfolder a class; found both ${loose} and ${inside}. ` +
          `Put images without a class into ${path}/unlabelled.`,
      ),
    );
  });

  test("refuses a folder without images, and a missing one", () => {
    const { path } = tempFolder();
    expect(() => readPngFolder(path)).toThrow(
      new DataError(`${path}: expected PNG images, in the folder or in one subfolder a class; found none.`),
    );
    expect(() => readPngFolder(`${path}/none`)).toThrow(
      new DataError(`${path}/none: no such file. Check the path.`),
    );
  });

  test.each([
    ["cut", (png: Uint8Array) => png.subarray(0, png.length - 20)],
    ["altered", (png: Uint8Array) => png.map((byte, i) => (i === 45 ? byte ^ 255 : byte))],
    ["text", () => Buffer.from("this is no picture at all")],
    ["without pixels", () => rawPng({ width: 2, height: 2, depth: 8, colour: 0, lines: new Uint8Array(0) })],
  ])("refuses a damaged image: %s", (_, damage) => {
    const { path, write } = tempFolder();
    const file = write("a.png", damage(grey([0, 1, 2, 3])));
    expect(() => readPngFolder(path)).toThrow(DataError);
    // What stands between is the decoder's own account of the damage.
    expect(() => readPngFolder(path)).toThrow(
      /^.*a\.png: cannot be decoded as PNG \(.+\)\. The file is damaged or of another format\.$/s,
    );
    expect(() => readPngFolder(path)).toThrow(file);
  });
});

/** A PNG made of its chunks, for what the encoder does not write. */
const rawPng = (image: {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly lines: Uint8Array;
  readonly palette?: Uint8Array;
}): Uint8Array => {
  const uint32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    return Buffer.concat([Buffer.from(uint32(data.length)), body, Buffer.from(uint32(crc32(body)))]);
  };
  const header = [...uint32(image.width), ...uint32(image.height), image.depth, image.colour, 0, 0, 0];
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", Uint8Array.from(header)),
    ...(image.palette ? [chunk("PLTE", image.palette)] : []),
    chunk("IDAT", deflateSync(image.lines)),
    chunk("IEND", new Uint8Array(0)),
  ]);
};
