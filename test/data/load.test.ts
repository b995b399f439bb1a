import { encode } from "fast-png";
import { describe, expect, test } from "vitest";
import { defaultPermute, loadData } from "../../src/data/index.ts";
import { DataError, UsageError } from "../../src/errors.ts";
import { bytesOf, idxBytes, npyBytes, tempFolder } from "./temp.ts";

const ACCEPTED =
  'Accepted: "mnist"; a directory with MNIST\'s four IDX file names; a directory of images (PNG, JPEG, WebP, GIF, TIFF, AVIF), or of ' +
  "one subfolder of images a class, or of two such directories train and test; a .npy or .npz file; a .csv, .tsv, .jsonl, .json, .parquet or .xlsx file; an IDX file; each gzipped or not.";

const { path: folder, write } = tempFolder();
const grey = (value: number, width = 1) =>
  encode({ width, height: 1, data: new Uint8Array(width).fill(value), channels: 1 });
/** Keeps the order, so that the last rows are held out. */
const inOrder = (n: number) => Uint32Array.from({ length: n }, (_, i) => i);

describe("loadData", () => {
  test("mnist", async () => {
    const { train, test: held } = await loadData("mnist");
    expect([train.name, train.rows, held.name, held.rows]).toEqual([
      "mnist/train",
      60_000,
      "mnist/test",
      10_000,
    ]);
  });

  test("a directory of the four IDX files, with the classes of both parts", async () => {
    write("four/train-images.idx3-ubyte", idxBytes(8, [2, 1, 1], [1, 2]));
    write("four/train-labels.idx1-ubyte", idxBytes(8, [2], [0, 1]));
    write("four/t10k-images.idx3-ubyte", idxBytes(8, [1, 1, 1], [3]));
    write("four/t10k-labels.idx1-ubyte", idxBytes(8, [1], [2]));
    const { train, test: held } = await loadData(`${folder}/four`);
    expect(train).toMatchObject({ name: "four/train", rows: 2, classes: ["0", "1", "2"] });
    expect(held).toMatchObject({ name: "four/test", x: Uint8Array.of(3), classes: ["0", "1", "2"] });
  });

  test("a directory of training images alone holds out", async () => {
    write("two/train-images-idx3-ubyte", idxBytes(8, [2, 1, 1], [1, 2]));
    const { train, test: held } = await loadData(`${folder}/two`, { permute: inOrder });
    expect([...train.x, ...held.x]).toEqual([1, 2]);
    expect(train.labels).toBeUndefined();
  });

  test("refuses parts of different shape", async () => {
    write("odd/train-images-idx3-ubyte", idxBytes(8, [1, 1, 1], [1]));
    write("odd/t10k-images-idx3-ubyte", idxBytes(8, [1, 1, 2], [1, 2]));
    await expect(loadData(`${folder}/odd`)).rejects.toThrow(
      new DataError(
        `${folder}/odd: expected training and test rows of the same shape; found [1, 1] and [1, 2].`,
      ),
    );
  });

  test("can hold out labelled rows only, and that fraction of them", async () => {
    const x = write(
      "partly.npy",
      npyBytes("<f4", "(8, 1)", bytesOf(Float32Array.from({ length: 8 }, (_, i) => i))),
    );
    const y = write(
      "partly-y.npy",
      npyBytes("<i4", "(8,)", bytesOf(Int32Array.of(-1, 0, -1, 1, 1, 0, -1, -1))),
    );
    const { train, test: held } = await loadData(x, {
      labels: y,
      labelledTest: true,
      testFraction: 0.5,
      permute: inOrder,
    });
    expect([...held.x]).toEqual([4, 5]);
    expect([...train.x]).toEqual([0, 2, 6, 7, 1, 3]);
    const few = write(
      "few-y.npy",
      npyBytes("<i4", "(8,)", bytesOf(Int32Array.of(-1, 0, -1, -1, -1, -1, -1, -1))),
    );
    // One labelled row tells nothing: as without labels.
    const alone = { testFraction: 0.5, permute: inOrder };
    const { test: any } = await loadData(x, { labels: few, labelledTest: true, ...alone });
    expect([...any.x]).toEqual([...(await loadData(x, alone)).test.x]);
  });

  test("a directory of images can be asked for unlabelled ones", async () => {
    write("few/cat/1.png", grey(1));
    write("few/dog/1.png", grey(2));
    const missing =
      `${folder}/few: semi-supervised learning needs images without a class: expected images in ${folder}/few/unlabelled, ` +
      "beside the classes cat, dog; found none. Put images there, or give the number of labels to keep, such as `labels: 100`: the others " +
      "are then hidden.";
    await expect(loadData(`${folder}/few`, { needsUnlabelled: true })).rejects.toThrow(
      new DataError(missing),
    );
    write("few/unlabelled/read.me", "none yet");
    await expect(loadData(`${folder}/few`, { needsUnlabelled: true })).rejects.toThrow(
      new DataError(missing.replace("found none.", "found it empty.")),
    );
    write("few/unlabelled/1.png", grey(3));
    write("few/owl/read.me", "none yet");
    await expect(loadData(`${folder}/few`, { needsUnlabelled: true })).rejects.toThrow(
      new DataError(
        `${folder}/few/owl: expected at least one image of the class "owl"; found none. Add one, or remove the folder.`,
      ),
    );
    write("few/owl/1.png", grey(4));
    const asked = { needsUnlabelled: true, labelledTest: true, permute: inOrder };
    await expect(loadData(`${folder}/few`, asked)).rejects.toThrow(
      new DataError(
        `${folder}/few: no class has a second labelled row to test on. Label more rows, or hold none out (\`testFraction: 0\`).`,
      ),
    );
    write("few/owl/2.png", grey(5));
    const { train, test: held } = await loadData(`${folder}/few`, asked);
    expect(train.labels).toEqual(Int32Array.of(-1, 0, 1, 2));
    expect(held.labels).toEqual(Int32Array.of(2));
  });

  test("directories of images", async () => {
    write("pngs/cat/1.png", grey(1));
    write("pngs/dog/1.png", grey(2));
    const { train, test: held } = await loadData(`${folder}/pngs`, { permute: inOrder });
    expect([...train.x, ...held.x]).toEqual([1, 2]);
    expect(held).toMatchObject({ labels: Int32Array.of(1), classes: ["cat", "dog"] });
  });

  test("directories of images with a test part, whose classes are those of the training part", async () => {
    write("parts/train/cat/1.png", grey(1));
    write("parts/train/dog/1.png", grey(2));
    write("parts/test/dog/1.png", grey(3));
    const { train, test: held } = await loadData(`${folder}/parts`);
    expect([train.rows, held.rows]).toEqual([2, 1]);
    expect(held).toMatchObject({ labels: Int32Array.of(1), classes: ["cat", "dog"] });
  });

  test("a .npy file, with labels from another", async () => {
    const x = write("x.npy", npyBytes("<f4", "(4, 1)", bytesOf(Float32Array.of(1, 2, 3, 4))));
    const y = write("y.npy", npyBytes("<i8", "(4,)", bytesOf(BigInt64Array.of(0n, 1n, 0n, 1n))));
    const { train, test: held } = await loadData(x, { labels: y, testFraction: 0.5, permute: inOrder });
    expect([...train.x]).toEqual([1, 2]);
    expect([...held.x]).toEqual([3, 4]);
    expect(held).toMatchObject({ labels: Int32Array.of(0, 1), classes: ["0", "1"] });
  });

  test("an IDX file, with labels from another", async () => {
    const x = write("pictures", idxBytes(8, [2, 1, 1], [1, 2]));
    const y = write("answers", idxBytes(8, [2], [0, 1]));
    const { train } = await loadData(x, { labels: y, permute: inOrder });
    expect(train).toMatchObject({ name: "pictures/train", x: Uint8Array.of(1), labels: Int32Array.of(0) });
  });

  test("a file whose name says IDX is judged as one", async () => {
    const path = write("train-images-idx3-ubyte", "<html>");
    await expect(loadData(path)).rejects.toThrow(`${path}: expected an IDX file`);
  });

  test("a CSV file, with a label column", async () => {
    const path = write("t.csv", "x,y\n1,a\n2,b\n");
    const { train, test: held } = await loadData(path, { labelColumn: "y", permute: inOrder });
    expect([...train.x, ...held.x]).toEqual([1, 2]);
    expect(held).toMatchObject({ labels: Int32Array.of(1), columns: ["x"] });
  });

  test("holds out a tenth, by the seed", async () => {
    const path = write("many.csv", Array.from({ length: 100 }, (_, i) => `${i}`).join("\n"));
    const zero = await loadData(path);
    expect([zero.train.rows, zero.test.rows]).toEqual([90, 10]);
    expect([...zero.train.x, ...zero.test.x].sort((a, b) => a - b)).toEqual([...inOrder(100)]);
    expect((await loadData(path, { seed: 0 })).test.x).toEqual(zero.test.x);
    expect((await loadData(path, { seed: 1 })).test.x).not.toEqual(zero.test.x);
  });

  test("lists what is accepted", async () => {
    await expect(loadData("minst")).rejects.toThrow(
      new UsageError(`minst: no such file or directory. ${ACCEPTED}`),
    );
    const zip = write("data.zip", "PK\x03\x04");
    await expect(loadData(zip)).rejects.toThrow(
      new UsageError(`${zip}: not a kind of file that can be read. ${ACCEPTED}`),
    );
    write("nothing/readme.txt", "");
    await expect(loadData(`${folder}/nothing`)).rejects.toThrow(
      new UsageError(`${folder}/nothing: found no data that can be read in this directory. ${ACCEPTED}`),
    );
  });

  test("refuses options that do not apply", async () => {
    await expect(loadData("mnist", { labels: "y.npy" })).rejects.toThrow(
      new UsageError('The option labels ("y.npy") does not apply to mnist, which has its own labels.'),
    );
    await expect(loadData(folder, { labelColumn: "y" })).rejects.toThrow(
      new UsageError(
        'The option labelColumn ("y") does not apply to a directory, where labels are files or subfolders.',
      ),
    );
    const csv = write("o.csv", "1\n2\n");
    await expect(loadData(csv, { labels: "y.npy" })).rejects.toThrow(
      new UsageError(
        'The option labels ("y.npy") does not apply to a table; its labels are in a column: use labelColumn.',
      ),
    );
    const npy = write("o.npy", npyBytes("<f4", "(1, 1)", bytesOf(Float32Array.of(1))));
    await expect(loadData(npy, { labelColumn: "y" })).rejects.toThrow(
      new UsageError(
        'The option labelColumn ("y") does not apply to an IDX or .npy file; its labels are in another file: use labels.',
      ),
    );
    await expect(loadData(csv, { testFraction: 1 })).rejects.toThrow(
      new UsageError("testFraction: expected a number between 0 and 1, found 1."),
    );
    await expect(loadData(npy)).rejects.toThrow(
      new DataError(`${npy}: holds 1 row. Expected at least 2: one to train on and one to test on.`),
    );
  });
});

describe("defaultPermute", () => {
  test("is a permutation, the same for the same seed", () => {
    const order = defaultPermute(1000, 3);
    expect([...order].sort((a, b) => a - b)).toEqual([...inOrder(1000)]);
    expect(defaultPermute(1000, 3)).toEqual(order);
    expect(defaultPermute(0, 3)).toHaveLength(0);
  });

  test("puts every row in every place equally often", () => {
    const n = 5;
    const seeds = 5000;
    const counts = new Float64Array(n * n);
    for (let seed = 0; seed < seeds; seed++) {
      defaultPermute(n, seed).forEach((row, place) => {
        counts[row * n + place] = (counts[row * n + place] ?? 0) + 1;
      });
    }
    const expected = seeds / n;
    let chiSquare = 0;
    for (const count of counts) chiSquare += (count - expected) ** 2 / expected;
    // (n - 1) / n * chi-square is asymptotically chi-square with (n - 1)^2 = 16 degrees of freedom;
    // scipy.stats.chi2.isf(1e-4, 16) = 45.92. The seeds are fixed, so the test cannot flicker.
    expect((chiSquare * (n - 1)) / n).toBeLessThan(45.92);
  });
});
