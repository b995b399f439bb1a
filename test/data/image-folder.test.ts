import { crc32, deflateSync } from "node:zlib";
import { encode } from "fast-png";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { loadParts, readImageFolder } from "../../src/data/index.ts";
import { DataError, UsageError } from "../../src/errors.ts";
import { tempFolder } from "./temp.ts";

const grey = (values: readonly number[], width = values.length) =>
  encode({ width, height: values.length / width, data: Uint8Array.from(values), channels: 1 });

describe("readImageFolder", () => {
  test("reads greyscale images in the order of their names", async () => {
    const { path, write } = tempFolder();
    write("b.png", grey([4, 5, 6, 255], 2));
    write("a.PNG", grey([0, 1, 2, 3], 2));
    write("notes.txt", "not an image");
    const dataset = await readImageFolder(path, { name: "own" });
    expect(dataset).toMatchObject({ name: "own", kind: "image", rows: 2, shape: [2, 2], scale: 1 / 255 });
    expect(dataset.x).toEqual(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 255));
    expect(dataset.labels).toBeUndefined();
  });

  test("keeps three channels last", async () => {
    const { path, write } = tempFolder();
    const data = Uint8Array.from({ length: 6 }, (_, i) => 40 * i);
    write("a.png", encode({ width: 1, height: 2, data, channels: 3 }));
    const dataset = await readImageFolder(path);
    expect(dataset.shape).toEqual([2, 1, 3]);
    expect(dataset.x).toEqual(data);
    expect(dataset.notes).toBeUndefined();
  });

  test.each([
    // 100 of 255 at alpha 128: 100 · 128/255 + 255 · 127/255 = 177.2.
    [2, [100, 128, 7, 255], [2, 1], [177, 7]],
    [4, [100, 50, 20, 128, 1, 2, 3, 255], [2, 1, 3], [177, 152, 137, 1, 2, 3]],
  ])("lays what is transparent on white, of %d channels, and says so", async (channels, values, shape, x) => {
    const { path, write } = tempFolder();
    write("a.png", encode({ width: 1, height: 2, data: Uint8Array.from(values), channels }));
    const dataset = await readImageFolder(path);
    expect(dataset.shape).toEqual(shape);
    expect([...dataset.x]).toEqual(x);
    expect(dataset.notes).toEqual([`${path}: the image with an alpha channel drawn on white.`]);
  });

  test("reduces 16 bits to 8", async () => {
    const { path, write } = tempFolder();
    // 65535 = 255 * 257; 128 / 257 rounds to 0 and 129 / 257 to 1.
    const data = Uint16Array.of(0, 65535, 128, 129);
    write("a.png", encode({ width: 4, height: 1, data, channels: 1, depth: 16 }));
    const dataset = await readImageFolder(path);
    expect(dataset.x).toEqual(Uint8Array.of(0, 255, 0, 1));
    expect(dataset.notes).toEqual([`${path}: the image reduced from 16 bits to 8.`]);
    const colours = tempFolder();
    const rgb = Uint16Array.of(0, 65535, 129, 257, 128, 32896);
    colours.write("a.png", encode({ width: 2, height: 1, data: rgb, channels: 3, depth: 16 }));
    expect((await readImageFolder(colours.path)).x).toEqual(Uint8Array.of(0, 255, 1, 1, 0, 128));
  });

  test("widens packed grey and resolves palettes", async () => {
    const { path, write } = tempFolder();
    // Two lines of three 2-bit pixels: 0 1 2 and 3 0 1, each line filled up to a byte after its filter byte 0.
    const lines = Uint8Array.of(0, 0b00_01_10_00, 0, 0b11_00_01_00);
    write("a.png", rawPng({ width: 3, height: 2, depth: 2, colour: 0, lines }));
    expect((await readImageFolder(path)).x).toEqual(Uint8Array.of(0, 85, 170, 255, 0, 85));

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
    const dataset = await readImageFolder(other.path);
    expect(dataset.shape).toEqual([1, 2, 3]);
    expect(dataset.x).toEqual(Uint8Array.of(4, 5, 6, 1, 2, 3));
  });

  test("a truecolour image may suggest a palette", async () => {
    const { path, write } = tempFolder();
    const palette = Uint8Array.of(1, 2, 3);
    write(
      "a.png",
      rawPng({ width: 1, height: 1, depth: 8, colour: 2, lines: Uint8Array.of(0, 7, 8, 9), palette }),
    );
    expect((await readImageFolder(path)).x).toEqual(Uint8Array.of(7, 8, 9));
  });

  test("subfolders are classes, and unlabelled/ has none", async () => {
    const { path, write } = tempFolder();
    write("dog/1.png", grey([3]));
    write("unlabelled/1.png", grey([5]));
    write("cat/2.png", grey([2]));
    write("cat/1.png", grey([1]));
    write("empty/readme.txt", "no images");
    const dataset = await readImageFolder(path);
    expect(dataset.classes).toEqual(["cat", "dog"]);
    expect(dataset.x).toEqual(Uint8Array.of(1, 2, 3, 5));
    expect(dataset.labels).toEqual(Int32Array.of(0, 0, 1, -1));
  });

  test("classes may be fixed from outside", async () => {
    const { path, write } = tempFolder();
    write("dog/1.png", grey([3]));
    expect((await readImageFolder(path, { classes: ["cat", "dog"] })).labels).toEqual(Int32Array.of(1));
    await expect(readImageFolder(path, { classes: ["cat", "cow"] })).rejects.toThrow(
      new DataError(`${path}/dog: no such class in the training images, which have cat, cow.`),
    );
  });

  test("images of several sizes are resized when that is asked for, and the message says how to ask", async () => {
    const { path, write } = tempFolder();
    const a = write("a.png", grey([0, 0, 0, 0], 2));
    const b = write("b.png", grey([255, 255, 255, 255], 4));
    await expect(readImageFolder(path)).rejects.toThrow(
      new DataError(
        `${path}: expected images of one size; found 2 sizes: 2 x 2 (1, such as ${a}), 4 x 1 (1, such as ${b}). Give the size they ` +
          "should have: `resize: [32, 32]`, and with `fit` how images with different proportions fit: cover (default, crops), contain " +
          "(adds white) or stretch (distorts).",
      ),
    );
    const dataset = await readImageFolder(path, { resize: [4, 4] });
    expect(dataset).toMatchObject({ rows: 2, shape: [4, 4] });
    expect([...dataset.x]).toEqual([...Array(16).fill(0), ...Array(16).fill(255)]);
    expect(dataset.notes).toEqual([`${path}: all 2 images resized to 4 x 4 (cover: cropped).`]);
    for (const resize of [[0, 4], [4], [1.5, 2]] as const) {
      await expect(readImageFolder(path, { resize: resize as unknown as [number, number] })).rejects.toThrow(
        UsageError,
      );
    }
    await expect(readImageFolder(path, { fit: "contain" })).rejects.toThrow(UsageError);
  });

  test("three ways to fit a wide image into a square", async () => {
    const { path, write } = tempFolder();
    // Black, white, white, black, side by side, 8 x 8 pixels each.
    const row = [0, 255, 255, 0].flatMap((value) => Array<number>(8).fill(value));
    write("a.png", grey(Array.from({ length: 8 }, () => row).flat(), 32));
    const middle = async (fit: "cover" | "contain" | "stretch") => {
      const { x } = await readImageFolder(path, { resize: [8, 8], fit });
      return { corner: x[0], left: x[8 * 4], centre: x[8 * 4 + 4] };
    };
    expect(await middle("cover")).toEqual({ corner: 255, left: 255, centre: 255 });
    expect(await middle("stretch")).toMatchObject({ corner: 0, left: 0, centre: 255 });
    // Two lines of the eight; the others are white.
    expect(await middle("contain")).toMatchObject({ corner: 255, left: 0, centre: 255 });
  });

  test("grey among colours is read as colour, colours are made grey when that is asked for", async () => {
    const { path, write } = tempFolder();
    write("a.png", grey([10, 20], 2));
    write("b.png", encode({ width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 9, 9, 9), channels: 3 }));
    const colour = await readImageFolder(path);
    expect(colour.shape).toEqual([1, 2, 3]);
    expect([...colour.x]).toEqual([10, 10, 10, 20, 20, 20, 255, 0, 0, 9, 9, 9]);
    expect(colour.notes).toEqual([`${path}: 1 of 2 images in grey, read as colour like the others.`]);
    const made = await readImageFolder(path, { grey: true });
    expect(made.shape).toEqual([1, 2]);
    expect([made.x[0], made.x[1], made.x[3]]).toEqual([10, 20, 9]);
    // Red is darker than white and lighter than black.
    expect(made.x[2]).toBeGreaterThan(50);
    expect(made.x[2]).toBeLessThan(150);
    expect(made.notes).toEqual([`${path}: 1 of 2 images converted to grey.`]);
  });

  test("reads every format that it names, whatever the file is called", async () => {
    const { path, write } = tempFolder();
    const picture = sharp({ create: { width: 16, height: 16, channels: 3, background: "#c86432" } });
    for (const [name, format] of [
      ["a.jpg", "jpeg"],
      ["b.png", "png"],
      ["c.webp", "webp"],
      ["d.gif", "gif"],
      ["e.tif", "tiff"],
      ["f.avif", "avif"],
      ["g.JPEG", "png"],
    ] as const) {
      write(name, await picture.clone().toFormat(format).toBuffer());
    }
    const dataset = await readImageFolder(path);
    expect(dataset).toMatchObject({ rows: 7, shape: [16, 16, 3] });
    // Lossy formats are near.
    for (let i = 0; i < dataset.x.length; i++) {
      expect(Math.abs(dataset.x[i] - [200, 100, 50][i % 3])).toBeLessThan(6);
    }
  });

  test("turns an image as its EXIF data say", async () => {
    const { path, write } = tempFolder();
    // Dark above, light below; orientation 3 is upside down, 6 a quarter turn to the right.
    const halves = Buffer.from(Array.from({ length: 256 }, (_, i) => (i < 128 ? 0 : 255)));
    const source = () => sharp(halves, { raw: { width: 16, height: 16, channels: 1 } }).toColourspace("b-w");
    write("a.jpg", await source().jpeg().withMetadata({ orientation: 3 }).toBuffer());
    write("b.jpg", await source().jpeg().withMetadata({ orientation: 6 }).toBuffer());
    const dataset = await readImageFolder(path, { grey: true });
    const at = (image: number, y: number, x: number) =>
      dataset.x[image * 256 + y * 16 + x] < 128 ? "dark" : "light";
    expect([at(0, 0, 8), at(0, 15, 8)]).toEqual(["light", "dark"]);
    expect([at(1, 8, 0), at(1, 8, 15)]).toEqual(["light", "dark"]);
    expect(dataset.notes).toContain(`${path}: all 2 images rotated as their EXIF data say.`);
  });

  test("colours of print come out as colours of a screen", async () => {
    const { path, write } = tempFolder();
    const cmyk = await sharp({ create: { width: 16, height: 16, channels: 3, background: "#d02020" } })
      .toColourspace("cmyk")
      .jpeg()
      .toBuffer();
    write("a.jpg", cmyk);
    const { x, shape, notes } = await readImageFolder(path);
    expect(shape).toEqual([16, 16, 3]);
    expect(x[0]).toBeGreaterThan(x[1] + 80);
    expect(x[0]).toBeGreaterThan(x[2] + 80);
    expect(notes).toEqual([`${path}: the image converted from CMYK.`]);
  });

  test("of an animation the first frame is read, and images of other kinds are told of", async () => {
    const { path, write } = tempFolder();
    const frames = Buffer.concat([Buffer.alloc(192, 255), Buffer.alloc(192, 0)]);
    const raw = { width: 8, height: 16, channels: 3, pageHeight: 8 } as const;
    write(
      "a.gif",
      await sharp(frames, { raw })
        .gif({ delay: [50, 50], loop: 0 })
        .toBuffer(),
    );
    const bmp = write("b.bmp", "BM");
    const { rows, x, notes } = await readImageFolder(path, { grey: true });
    expect(rows).toBe(1);
    expect(Math.min(...x)).toBe(255);
    expect(notes).toContain(`${path}: the image with several frames: the first was read.`);
    expect(notes).toContain(`${path}: 1 files left out, of a kind that cannot be read, such as ${bmp}.`);
  });

  /** A grey ramp of 8 x 8 at a depth, as seven passes of Adam7 or one after the other. */
  test.each(
    [1, 2, 4, 8, 16].flatMap(
      (depth) =>
        [
          [depth, 0],
          [depth, 1],
        ] as const,
    ),
  )("of %d bits, interlaced %d", async (depth, interlace) => {
    const { path, write } = tempFolder();
    const most = 2 ** depth - 1;
    const value = (y: number, x: number) => (8 * y + x) % (most + 1);
    const line = (values: readonly number[]): number[] => {
      const bits = values.map((v) => v.toString(2).padStart(depth, "0")).join("");
      return [
        0,
        ...(bits.padEnd(Math.ceil(bits.length / 8) * 8, "0").match(/.{8}/g) ?? []).map((b) =>
          Number.parseInt(b, 2),
        ),
      ];
    };
    // PNG specification, 8.1: first column and row of each pass, and the steps.
    const passes = interlace
      ? [
          [0, 0, 8, 8],
          [4, 0, 8, 8],
          [0, 4, 4, 8],
          [2, 0, 4, 4],
          [0, 2, 2, 4],
          [1, 0, 2, 2],
          [0, 1, 1, 2],
        ]
      : [[0, 0, 1, 1]];
    const lines = passes.flatMap(([x0, y0, dx, dy]) =>
      Array.from({ length: Math.ceil((8 - y0) / dy) }, (_, r) =>
        line(Array.from({ length: Math.ceil((8 - x0) / dx) }, (_, c) => value(y0 + r * dy, x0 + c * dx))),
      ).flat(),
    );
    write(
      "a.png",
      rawPng({ width: 8, height: 8, depth, colour: 0, lines: Uint8Array.from(lines), interlace }),
    );
    const { x } = await readImageFolder(path);
    expect([...x]).toEqual(
      Array.from({ length: 64 }, (_, i) => Math.round((255 * value(i >> 3, i & 7)) / most)),
    );
  });

  test("sizes are checked before pixels are decoded", async () => {
    const { path, write } = tempFolder();
    const file = write(
      "a.png",
      rawPng({ width: 60000, height: 60000, depth: 8, colour: 0, lines: new Uint8Array(10) }),
    );
    await expect(readImageFolder(path)).rejects.toThrow(
      new DataError(
        `${file}: expected at most 67108864 pixels, found 60000 x 60000. If there is enough memory, raise the limit (maxPixels).`,
      ),
    );
    const many = tempFolder();
    many.write("a.png", grey([1, 2, 3, 4], 2));
    many.write("b.png", grey([1, 2, 3, 4], 2));
    await expect(readImageFolder(many.path, { maxBytes: 7_000 })).resolves.toMatchObject({ rows: 2 });
    await expect(readImageFolder(many.path, { resize: [100, 100], maxBytes: 7_000 })).rejects.toThrow(
      "2 images of 100 x 100 pixels and 1 channel take 20000 bytes; expected at most 7000.",
    );
  });

  test("pixel data and profiles that unpack to gigabytes take little memory", async () => {
    const { path, write } = tempFolder();
    const zeros = deflateSync(Buffer.alloc(3e8));
    write(
      "a.png",
      rawPng({ width: 4, height: 4, depth: 8, colour: 0, lines: new Uint8Array(), packed: zeros }),
    );
    const profile = Buffer.concat([Buffer.from("p\0\0"), zeros]);
    const lines = Uint8Array.from({ length: 20 }, (_, i) => (i % 5 === 0 ? 0 : i));
    write("b.png", rawPng({ width: 4, height: 4, depth: 8, colour: 0, lines, extra: ["iCCP", profile] }));
    const before = process.resourceUsage().maxRSS;
    await readImageFolder(path).catch((error) => expect(error).toBeInstanceOf(DataError));
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(150_000);
  });

  test("refuses images both loose and in classes", async () => {
    const { path, write } = tempFolder();
    const loose = write("z.png", grey([0]));
    const inside = write("cat/a.png", grey([0]));
    await expect(readImageFolder(path)).rejects.toThrow(
      new DataError(
        `${path}: expected images either in the folder or in one subfolder per class; found both ${loose} and ${inside}. ` +
          `Put images without a class into ${path}/unlabelled.`,
      ),
    );
  });

  test("refuses a folder without images, and a missing one", async () => {
    const { path } = tempFolder();
    await expect(readImageFolder(path)).rejects.toThrow(
      new DataError(
        `${path}: expected images (PNG, JPEG, WebP, GIF, TIFF or AVIF), in the folder or in one subfolder per class; found none.`,
      ),
    );
    await expect(readImageFolder(`${path}/none`)).rejects.toThrow(
      new DataError(`${path}/none: no such file. Check the path.`),
    );
  });

  test.each([
    ["cut", (png: Uint8Array) => png.subarray(0, png.length - 20)],
    ["short", () => rawPng({ width: 2, height: 2, depth: 8, colour: 0, lines: Uint8Array.of(0, 1, 2) })],
    ["altered", (png: Uint8Array) => png.map((byte, i) => (i === 45 ? byte ^ 255 : byte))],
    ["without pixels", () => rawPng({ width: 2, height: 2, depth: 8, colour: 0, lines: new Uint8Array(0) })],
  ])("refuses a damaged image: %s", async (_, damage) => {
    const { path, write } = tempFolder();
    const file = write("a.png", damage(grey([0, 1, 2, 3])));
    await expect(readImageFolder(path)).rejects.toThrow(DataError);
    // What stands between is the decoder's own account of the damage.
    await expect(readImageFolder(path)).rejects.toThrow(
      /^.*a\.png: cannot be decoded as PNG \(.+\)\. The file is damaged or has another format\.$/s,
    );
    await expect(readImageFolder(path)).rejects.toThrow(file);
  });
});

test("what only looks like an image by its name is refused, also where the decoder knows it", async () => {
  const { path, write } = tempFolder();
  const file = write("a.png", '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>');
  await expect(readImageFolder(path)).rejects.toThrow(
    new DataError(
      `${file}: expected an image, PNG, JPEG, WebP, GIF, TIFF or AVIF; found a file in none of these formats.`,
    ),
  );
});

/** A PNG made of its chunks, for what the encoder does not write. */
const rawPng = (image: {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly lines: Uint8Array;
  readonly palette?: Uint8Array;
  readonly interlace?: number;
  /** Instead of the lines: what they are packed to. */
  readonly packed?: Uint8Array;
  readonly extra?: readonly [type: string, data: Uint8Array];
}): Uint8Array => {
  const uint32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    return Buffer.concat([Buffer.from(uint32(data.length)), body, Buffer.from(uint32(crc32(body)))]);
  };
  const header = [
    ...uint32(image.width),
    ...uint32(image.height),
    image.depth,
    image.colour,
    0,
    0,
    image.interlace ?? 0,
  ];
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", Uint8Array.from(header)),
    ...(image.extra ? [chunk(...image.extra)] : []),
    ...(image.palette ? [chunk("PLTE", image.palette)] : []),
    chunk("IDAT", image.packed ?? deflateSync(image.lines)),
    chunk("IEND", new Uint8Array(0)),
  ]);
};

test("what is passed over is told: deeper folders, classes without images, files without an ending; thumbnails are no class", async () => {
  const { path, write } = tempFolder();
  const one = grey([0]);
  const names = [
    "cat/a.png",
    "dog/a.png",
    "cat/old/b.png",
    ".thumbs/a.png",
    "__MACOSX/a.png",
    "cat/@eaDir/a.png",
  ];
  for (const name of names) write(name, one);
  write("bird/readme.txt", "none yet");
  write("dog/b", one);
  const { classes, rows, notes } = await readImageFolder(path);
  expect([classes, rows]).toEqual([["cat", "dog"], 2]);
  expect(notes).toEqual([
    `${path}: 1 files left out, of a kind that cannot be read, such as ${path}/dog/b.`,
    `${path}: 1 images in deeper folders are left out, such as ${path}/cat/old/b.png. Move them into the folder of their class to use them.`,
    `${path}: no images in "bird", so there is no such class.`,
  ]);
});

test.each(["unlabelled", "unlabeled", "Unlabelled", "un-labeled"])(
  "images in %s have no class",
  async (name) => {
    const { path, write } = tempFolder();
    for (const folder of ["cat", "dog", name]) write(`${folder}/a.png`, grey([0]));
    const { classes, labels } = await readImageFolder(path, { needsUnlabelled: true });
    expect(classes).toEqual(["cat", "dog"]);
    expect([...(labels ?? [])].sort()).toEqual([-1, 0, 1]);
  },
);

test("folders of folders of classes, and of images of other kinds only, are refused by what is in them", async () => {
  const { path, write } = tempFolder();
  write("animals/cat/a.png", grey([0]));
  await expect(loadParts(path)).rejects.toThrow(
    /1 in deeper folders, such as .*animals\/cat\/a\.png\. Give the folder above the classes/,
  );
  const other = tempFolder();
  other.write("a.heic", "?");
  await expect(loadParts(other.path)).rejects.toThrow(
    /found none, but 1 files of a kind that cannot be read, such as .*a\.heic/,
  );
  await expect(loadParts(write("one.png", grey([0])))).rejects.toThrow(
    /Images are read by folder: give the folder that holds it/,
  );
  await expect(loadParts(write("t.txt", "a,b"))).rejects.toThrow(/give it the ending \.csv/);
});
