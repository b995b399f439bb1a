import { describe, expect, test } from "vitest";
import { readNpy, readNpyDataset, readNpyLabels } from "../../src/data/index.ts";
import { DataError } from "../../src/errors.ts";
import { bytesOf, npyBytes, tempFolder } from "./temp.ts";

const { write } = tempFolder();
const floats = bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6));

describe("readNpy", () => {
  test("reads a file that numpy 2.4.6 wrote", () => {
    // python3 -c "import io, base64, numpy as np; f = io.BytesIO();
    //   np.save(f, np.array([[1.5, -2], [0, 4]], dtype='f4')); print(base64.b64encode(f.getvalue()).decode())"
    const file =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDIpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAMA/AAAAwAAAAAAAAIBA";
    const path = write("numpy.npy", Buffer.from(file, "base64"));
    expect(readNpy(path)).toEqual({ descr: "<f4", shape: [2, 2], data: Float32Array.of(1.5, -2, 0, 4) });
  });

  test.each([
    ["|b1", Uint8Array.of(1, 0)],
    ["|u1", Uint8Array.of(1, 255)],
    ["|i1", Int8Array.of(-1, 2)],
    ["<u2", Uint16Array.of(1, 65535)],
    ["<i2", Int16Array.of(-1, 2)],
    ["<u4", Uint32Array.of(1, 2 ** 32 - 1)],
    ["<i4", Int32Array.of(-1, 2)],
    ["<f4", Float32Array.of(0.5, 2)],
    ["<f8", Float64Array.of(0.1, 2)],
    ["<i8", BigInt64Array.of(-1n, 2n)],
    ["<u8", BigUint64Array.of(1n, 2n)],
  ])("reads %s", (descr, values) => {
    const path = write("typed.npy", npyBytes(descr, "(2,)", bytesOf(values)));
    expect(readNpy(path)).toEqual({ descr, shape: [2], data: values });
  });

  test("reads Fortran order, as numpy 2.4.6 writes it", () => {
    // np.save(f, np.asfortranarray(np.arange(6).reshape(2, 3))), base64 as above
    const table =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAAMAAAAAAAAAAQAAAAAAAAAEAAAAAAAAAAIAAAAAAAAABQAAAAAAAAA=";
    expect(readNpy(write("fortran.npy", Buffer.from(table, "base64")))).toEqual({
      descr: "<i8",
      shape: [2, 3],
      data: BigInt64Array.of(0n, 1n, 2n, 3n, 4n, 5n),
    });
    // np.save(f, np.array([0, 1, 2, 3, 4, 5, 6, -7, 8, 9, 10, 11]).reshape(2, 3, 2).astype(">i2", order="F"))
    const images =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPmkyJywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMywgMiksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAGAAIACAAEAAoAAf/5AAMACQAFAAs=";
    expect(readNpy(write("fortran3.npy", Buffer.from(images, "base64")))).toEqual({
      descr: ">i2",
      shape: [2, 3, 2],
      data: Int16Array.of(0, 1, 2, 3, 4, 5, 6, -7, 8, 9, 10, 11),
    });
  });

  test("reads format versions 2.0 and 3.0", () => {
    // numpy.lib.format.write_array(f, np.array([1.5, -2], dtype="f4"), version=(2, 0)); 3.0 differs in byte 6.
    const file = Buffer.from(
      "k05VTVBZAgB0AAAAeydkZXNjcic6ICc8ZjQnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAMA/AAAAwA==",
      "base64",
    );
    const expected = { descr: "<f4", shape: [2], data: Float32Array.of(1.5, -2) };
    expect(readNpy(write("2.npy", file))).toEqual(expected);
    file[6] = 3;
    expect(readNpy(write("3.npy", file))).toEqual(expected);
  });

  test.each([
    [">i4", Buffer.from([255, 255, 255, 254, 0, 0, 1, 2]), Int32Array.of(-2, 258)],
    [">f4", Buffer.from([0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0]), Float32Array.of(1.5, -2)],
    [
      ">u8",
      Buffer.from([0, 0, 0, 0, 0, 0, 1, 0, 128, 0, 0, 0, 0, 0, 0, 1]),
      BigUint64Array.of(256n, 2n ** 63n + 1n),
    ],
    [">f8", Buffer.from([0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0]), Float64Array.of(1.5, -2)],
  ])("reads big-endian %s", (descr, bytes, values) => {
    const path = write("big.npy", npyBytes(descr, "(2,)", bytes));
    expect(readNpy(path)).toEqual({ descr, shape: [2], data: values });
  });

  test("widens float16", () => {
    // np.array([1, -2, 0.1, 6e-8, 65504, inf, nan, -0.0], dtype="f2").view("u2"), and the floats of those
    const bits = Uint16Array.of(15360, 49152, 11878, 1, 31743, 31744, 32256, 32768);
    const path = write("half.npy", npyBytes("<f2", "(8,)", bytesOf(bits)));
    expect(readNpy(path).data).toEqual(
      Float32Array.of(1, -2, 0.0999755859375, 2 ** -24, 65504, Number.POSITIVE_INFINITY, Number.NaN, -0),
    );
  });

  test("reads headers of any padding, and scalars", () => {
    // One byte less of padding: the values begin at byte 127, where no float32 may lie.
    const whole = Buffer.from(npyBytes("<f4", "(2, 3)", floats));
    const odd = Buffer.concat([
      whole.subarray(0, 8),
      Buffer.from([117, 0]),
      whole.subarray(10, 126),
      whole.subarray(127),
    ]);
    expect(readNpy(write("odd.npy", odd)).data).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(readNpy(write("scalar.npy", npyBytes("<f8", "()", bytesOf(Float64Array.of(7)))))).toEqual({
      descr: "<f8",
      shape: [],
      data: Float64Array.of(7),
    });
  });

  const good = npyBytes("<f4", "(2, 3)", floats);
  const version4 = Buffer.from(good);
  version4[6] = 4;
  const version2Cut = Buffer.from(good.subarray(0, 11));
  version2Cut[6] = 2;
  test.each([
    // Headers of numpy.save end at a multiple of 64, here 128; then come 24 bytes.
    ["cut", good.subarray(0, 148), "truncated. Expected 152 bytes for <f4 of shape [2, 3], found 148."],
    ["odd cut", good.subarray(0, 147), "truncated. Expected 152 bytes for <f4 of shape [2, 3], found 147."],
    ["cut header", good.subarray(0, 60), "truncated. The file ends within its header, after 60 bytes."],
    ["cut magic", good.subarray(0, 8), "truncated. The file ends within its header, after 8 bytes."],
    [
      "long",
      Buffer.concat([good, Buffer.alloc(1)]),
      "trailing bytes. Expected 152 bytes for <f4 of shape [2, 3], found 153.",
    ],
    ["empty", "", "the file is empty (0 bytes)."],
    [
      "other",
      "PK\x03\x04 and more",
      'expected a NumPy .npy file, which begins with 93 4e 55 4d 50 59 ("\\x93NUMPY"); found 50 4b 03 04 20 61.',
    ],
    ["cut version 2 header", version2Cut, "truncated. The file ends within its header, after 11 bytes."],
    [
      "version",
      version4,
      "expected .npy format version 1.0, 2.0 or 3.0, found version 4.0. " +
        "Load it with numpy.load and save it again with numpy.save.",
    ],
    [
      "complex",
      npyBytes("<c8", "(3,)", floats),
      "element type <c8 cannot be read. Expected one of b1, u1, i1, u2, i2, u4, i4, u8, i8, f2, f4, f8, in either " +
        'byte order: save x.astype("float32"), for example.',
    ],
  ])("refuses: %s", (_, contents, message) => {
    const path = write("bad.npy", contents);
    expect(() => readNpy(path)).toThrow(new DataError(`${path}: ${message}`));
  });

  test("refuses named fields and headers that are none", () => {
    const fields = Buffer.from(
      Buffer.from(good).toString("latin1").replace("'<f4'", "[('a', '<f4')]"),
      "latin1",
    );
    // Eleven characters of padding fewer keep the header as long as it was.
    const named = Buffer.concat([fields.subarray(0, 116), fields.subarray(127)]);
    const path = write("fields.npy", named);
    expect(() => readNpy(path)).toThrow(
      `${path}: element type with named fields cannot be read. Expected one of b1, u1`,
    );
    const wild = Buffer.from(good);
    wild.fill(0x20, 10, 128);
    const other = write("wild.npy", wild);
    expect(() => readNpy(other)).toThrow(
      new DataError(`${other}: expected a header with descr, fortran_order and shape; found "".`),
    );
  });
});

describe("readNpyDataset", () => {
  test("rank 2 is a table of float32", () => {
    const dataset = readNpyDataset(
      write("t.npy", npyBytes("<f8", "(1, 2)", bytesOf(Float64Array.of(0.1, 2)))),
    );
    expect(dataset).toMatchObject({ name: "t.npy", kind: "table", rows: 1, shape: [2], scale: 1 });
    expect(dataset.x).toEqual(Float32Array.of(0.1, 2));
  });

  test("rank 3 and 4 are images, and uint8 stays bytes", () => {
    const grey = readNpyDataset(
      write("g.npy", npyBytes("|u1", "(1, 2, 3)", Uint8Array.of(0, 1, 2, 3, 4, 5))),
    );
    expect(grey).toMatchObject({ kind: "image", shape: [2, 3], scale: 1 / 255 });
    expect(grey.x).toEqual(Uint8Array.of(0, 1, 2, 3, 4, 5));
    const colour = readNpyDataset(write("c.npy", npyBytes("<f4", "(2, 1, 1, 3)", floats)));
    expect(colour).toMatchObject({ kind: "image", rows: 2, shape: [1, 1, 3], scale: 1 });
  });

  test("a table in Fortran order keeps its rows", () => {
    // Columns (1, 2), (3, 4), (5, 6), so rows 1 3 5 and 2 4 6.
    const dataset = readNpyDataset(write("f.npy", npyBytes("<f4", "(2, 3)", floats, true)));
    expect(dataset.x).toEqual(Float32Array.of(1, 3, 5, 2, 4, 6));
  });

  test("booleans and 64-bit integers become float32", () => {
    const bits = readNpyDataset(write("b.npy", npyBytes("|b1", "(1, 1, 2)", Uint8Array.of(1, 0))));
    expect(bits).toMatchObject({ scale: 1, x: Float32Array.of(1, 0) });
    const longs = readNpyDataset(
      write("l.npy", npyBytes("<i8", "(1, 2)", bytesOf(BigInt64Array.of(-5n, 7n)))),
    );
    expect(longs.x).toEqual(Float32Array.of(-5, 7));
  });

  test.each([
    [
      npyBytes("<f4", "(6,)", floats),
      "expected a table [rows, features] or images [rows, height, width] or [rows, height, width, channels]; " +
        "found shape [6].",
    ],
    [
      npyBytes("<f4", "(1, 1, 1, 6)", floats),
      "expected images [rows, height, width, channels], found shape [1, 1, 1, 6], where channels seem to come first. " +
        "Save numpy.moveaxis(x, 1, -1) instead.",
    ],
    [npyBytes("<f4", "(0, 3)", new Uint8Array(0)), "holds no rows. Expected at least one."],
    [
      npyBytes("<f4", "(1, 2)", bytesOf(Float32Array.of(0, Number.NaN))),
      "expected finite float32 numbers, found NaN at row 0, column 1, counted from 0. " +
        "Remove the row or fill in the value.",
    ],
    [
      // The largest float32 is about 3.4e38.
      npyBytes("<f8", "(1, 1)", bytesOf(Float64Array.of(1e39))),
      "expected finite float32 numbers, found Infinity at row 0, column 0, counted from 0. " +
        "Remove the row or fill in the value.",
    ],
  ])("refuses %#", (contents, message) => {
    const path = write("bad.npy", contents);
    expect(() => readNpyDataset(path)).toThrow(new DataError(`${path}: ${message}`));
  });
});

describe("readNpyLabels", () => {
  test("reads NumPy's default integers", () => {
    const path = write("y.npy", npyBytes("<i8", "(3,)", bytesOf(BigInt64Array.of(2n, -1n, 0n))));
    expect(readNpyLabels(path)).toEqual({ labels: Int32Array.of(2, -1, 0) });
  });

  test("refuses one-hot rows and numbers that are no class", () => {
    const oneHot = write("hot.npy", npyBytes("<f4", "(2, 3)", floats));
    expect(() => readNpyLabels(oneHot)).toThrow(
      new DataError(`${oneHot}: expected labels of shape [rows], at least one; found shape [2, 3].`),
    );
    const half = write("half.npy", npyBytes("<f4", "(1,)", bytesOf(Float32Array.of(0.5))));
    expect(() => readNpyLabels(half)).toThrow(
      new DataError(
        `${half}: expected class indices from 0 to 65535, or -1 for unlabelled; found 0.5 at row 0, counted from 0.`,
      ),
    );
  });
});
