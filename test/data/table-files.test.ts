/** Tables and arrays in other files than text: JSON, Parquet, archives of NumPy; and the messages for files that cannot be read. */
import { deflateRawSync, gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import {
  encodeTable,
  fitTable,
  loadData,
  loadParts,
  readNpyLabels,
  readNpz,
  readTable,
} from "../../src/data/index.ts";
import { DataError, UsageError } from "../../src/errors.ts";
import { bytesOf, npyBytes, tempFolder, zipBytes } from "./temp.ts";

const { write } = tempFolder();
const utf32 = (...words: readonly string[]): Uint8Array => {
  const longest = Math.max(1, ...words.map((word) => [...word].length));
  const codes = new Uint32Array(words.length * longest);
  words.forEach((word, row) => {
    [...word].forEach((letter, i) => {
      codes[row * longest + i] = letter.codePointAt(0) ?? 0;
    });
  });
  return npyBytes(`<U${longest}`, `(${words.length},)`, bytesOf(codes));
};
const matrix = (rows: number, columns: number): Uint8Array =>
  npyBytes(
    "<f4",
    `(${rows}, ${columns})`,
    bytesOf(Float32Array.from({ length: rows * columns }, (_, i) => i)),
  );

describe("JSON", () => {
  const lines =
    '{"weight": 4, "sex": "f"}\n\n{"sex": "m", "weight": 20.5, "kind": "cat"}\n{"weight": null, "tame": true}\n';

  test.each([
    ["t.jsonl", lines],
    ["t.ndjson.gz", gzipSync(lines)],
    ["bom.jsonl", `\ufeff${lines}`],
    ["wide.jsonl", Buffer.from(`\ufeff${lines}`, "utf16le")],
  ])("one object per line: %s", async (name, content) => {
    const table = await readTable(write(name, content));
    expect(table).toMatchObject({
      columns: ["weight", "sex", "kind", "tame"],
      rows: [
        ["4", "f", "", ""],
        ["20.5", "m", "cat", ""],
        ["", "", "", "true"],
      ],
      lines: [1, 3, 4],
      rowNoun: "line",
    });
  });

  test("a list of objects, whose rows are counted", async () => {
    const table = await readTable(write("t.json", '[{"a": 1},\n {"a": "x",\n "b": 2}]'));
    expect(table).toMatchObject({
      columns: ["a", "b"],
      rows: [
        ["1", ""],
        ["x", "2"],
      ],
      lines: [1, 2],
      rowNoun: "row",
    });
  });

  test.each([
    ['{"a": 1}\n{"a": 2\n', /, line 2: not well-formed JSON/],
    ['{\n"a": 1\n}\n', /, line 1: not well-formed JSON .*write one object per line, or a list of objects\./],
    ['{"a": 1}\n[1, 2]\n', /, line 2: expected an object with a value for each column.*found a list\./],
    ["3\n", /, line 1: expected an object.*found a number\./],
    [
      '{"a": [1, 2]}\n',
      /, line 1, column "a": expected a number, a word, true, false or null; found a list\. Give each/,
    ],
    ['{"a": {"b": 1}}\n', /, line 1, column "a": .*found an object/],
    [
      '{"id": 12345678901234567890}\n',
      /, line 1: the number 12345678901234567890 has more digits than a JavaScript number can hold/,
    ],
    ["{}\n{}\n", /not well-formed|expected/],
    ["\n\n", /expected rows, found an empty file\./],
    [`${"[".repeat(1e5)}\n`, /not well-formed JSON/],
  ])("refused in words: %#", async (content, message) => {
    const path = write("bad.jsonl", content);
    const read = async () => {
      const table = await readTable(path);
      fitTable(table);
    };
    await expect(read()).rejects.toThrow(message);
    await expect(read()).rejects.toBeInstanceOf(DataError);
  });

  test("keys of its own for each row are no table", async () => {
    const rows = Array.from({ length: 12_000 }, (_, i) => `{"k${i}": 1}`);
    await expect(readTable(write("keys.jsonl", rows.join("\n")))).rejects.toThrow(
      /12000 different keys in 12000 rows would make a table of 144000000 cells/,
    );
  });

  test("a header does not apply", async () => {
    const path = write("h.jsonl", '{"a": 1}\n');
    await expect(readTable(path, { header: true })).rejects.toThrow(
      new UsageError(`header: does not apply to ${path}, which names its columns itself.`),
    );
  });
});

describe("Parquet", () => {
  const columns = (codec: "UNCOMPRESSED" | "SNAPPY" = "SNAPPY") =>
    new Uint8Array(
      parquetWriteBuffer({
        codec,
        columnData: [
          { name: "weight", data: [4, 20.5, Number.NaN], type: "DOUBLE" },
          { name: "legs", data: [4n, 2n, 9007199254740993n], type: "INT64" },
          { name: "sex", data: ["f", null, "Müller"], type: "STRING" },
          { name: "tame", data: [true, false, null], type: "BOOLEAN", nullable: true },
          {
            name: "born",
            data: [new Date("2020-01-31"), new Date("2021-02-28T12:30:00Z"), null],
            type: "TIMESTAMP",
            nullable: true,
          },
        ],
      }),
    );

  test.each([
    ["t.parquet", columns()],
    ["plain.parquet", columns("UNCOMPRESSED")],
    ["t.pq.gz", gzipSync(columns())],
  ])("cells are text; null and NaN are missing: %s", async (name, content) => {
    expect(await readTable(write(name, content))).toMatchObject({
      columns: ["weight", "legs", "sex", "tame", "born"],
      rows: [
        ["4", "4", "f", "true", "2020-01-31"],
        ["20.5", "2", "", "false", "2021-02-28T12:30:00Z"],
        ["", "9007199254740993", "Müller", "", ""],
      ],
      lines: [1, 2, 3],
      rowNoun: "row",
    });
  });

  test("numbers as they are", async () => {
    const data = Array.from({ length: 5000 }, (_, i) => i / 4);
    const path = write(
      "n.parquet",
      new Uint8Array(parquetWriteBuffer({ columnData: [{ name: "a", data, type: "DOUBLE" }] })),
    );
    const { train } = await loadParts(path);
    expect(train).toMatchObject({ rows: 5000, shape: [1], columns: ["a"], rowNoun: "row" });
    expect([...train.x.subarray(4998)]).toEqual([4998 / 4, 4999 / 4]);
    expect(train.rowNames?.[4999]).toBe("5000");
  });

  test("refused in words", async () => {
    await expect(readTable(write("no.parquet", "a,b\n1,2\n"))).rejects.toThrow(
      /not well-formed Parquet \(.*Write the file again\./,
    );
    await expect(readTable(write("cut.parquet", columns().slice(0, 200)))).rejects.toBeInstanceOf(DataError);
    const nested = new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: "a", data: [1, 2], type: "INT32" },
          { name: "tags", data: [["x"], ["y", "z"]] },
        ] as never,
      }),
    );
    await expect(readTable(write("nested.parquet", nested))).rejects.toThrow(
      /column "tags"|lists or objects in "tags"/,
    );
  });
});

describe("archives of NumPy", () => {
  const labels = npyBytes("<i8", "(3,)", bytesOf(BigInt64Array.of(1n, 0n, -1n)));

  test.each([[false], [true]])("x is the data, y the labels; packed: %s", async (packed) => {
    const path = write(
      "a.npz",
      zipBytes({ "x.npy": matrix(3, 2), "y.npy": labels, "notes.txt": Buffer.from("?") }, packed),
    );
    const { train, test: held } = await loadParts(path);
    expect(held).toBeUndefined();
    expect(train).toMatchObject({ name: "a.npz", rows: 3, shape: [2], classes: ["0", "1"] });
    expect([...train.x]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...(train.labels ?? [])]).toEqual([1, 0, -1]);
  });

  test("two parts, and one array of any name", async () => {
    const names = utf32("cat", "dog", "");
    const both = zipBytes(
      { "x_train.npy": matrix(3, 2), "y_train.npy": names, "x_test.npy": matrix(2, 2) },
      true,
    );
    const { train, test: held } = await loadData(write("b.npz", both));
    expect(train).toMatchObject({ name: "b.npz/train", rows: 3, classes: ["cat", "dog"] });
    expect(held).toMatchObject({ name: "b.npz/test", rows: 2 });
    expect(readNpz(write("c.npz", zipBytes({ "pixels.npy": matrix(4, 3) }))).train).toMatchObject({
      rows: 4,
      shape: [3],
    });
  });

  test("classes of two parts are matched by name, whichever names each part has", async () => {
    let state = 7;
    const draw = (n: number): number => {
      state = (state * 16_807) % 2_147_483_647;
      return state % n;
    };
    const words = ["ant", "bee", "cat", "dog", ""];
    for (let trial = 0; trial < 40; trial++) {
      // Each part is drawn from its own names, so that indices of one part mean others in the other part.
      const [given, asked] = [0, 1].map(() => {
        const own = words.filter(() => draw(2) === 0);
        return Array.from({ length: 2 + draw(5) }, () => own[draw(own.length)] ?? "");
      });
      const archive = zipBytes({
        "x_train.npy": matrix(given.length, 1),
        "y_train.npy": utf32(...given),
        "x_test.npy": matrix(asked.length, 1),
        "y_test.npy": utf32(...asked),
      });
      const { train, test: held } = await loadParts(write("names.npz", archive));
      expect(held?.classes).toEqual(train.classes);
      const named = (part: typeof held) =>
        [...(part?.labels ?? [])].map((label) => part?.classes?.[label] ?? "");
      expect([named(train), named(held)]).toEqual([given, asked]);
    }
  });

  test.each([
    [
      "z.npz",
      zipBytes({ "a.npy": matrix(2, 2), "b.npy": matrix(2, 2) }),
      /expected an array called "x".*found "a", "b"\. Save it as numpy\.savez/,
    ],
    ["empty.npz", zipBytes({}), /found no array/],
    ["npy.npz", matrix(2, 2), /expected an archive written by numpy\.savez, which begins with 50 4b/],
    [
      "pair.npz",
      zipBytes({ "x.npy": matrix(2, 2), "y.npy": labels }),
      /array "x" holds 2 rows but .*array "y" holds 3 labels/,
    ],
    [
      "cut.npz",
      zipBytes({ "x.npy": matrix(40, 2) }, true).slice(0, -30),
      /truncated or damaged \(no directory at its end\)/,
    ],
  ])("refused in words: %s", async (name, content, message) => {
    await expect(loadParts(write(name, content))).rejects.toThrow(message);
  });

  test("a byte that changed is found by its checksum, a size that was lied about before memory is taken", async () => {
    const archive = Buffer.from(zipBytes({ "x.npy": matrix(3, 2) }));
    archive[archive.indexOf("NUMPY") + 128] ^= 1;
    await expect(loadParts(write("bit.npz", archive))).rejects.toThrow(
      /damaged \(the checksum of "x\.npy" does not match\)/,
    );
    const bomb = zipBytes({ "x.npy": new Uint8Array(3e6) }, true);
    await expect(loadParts(write("bomb.npz", bomb), { maxBytes: 1e6 })).rejects.toThrow(
      /takes 3000000 bytes, unpacked; expected at most 1000000/,
    );
    const lied = Buffer.from(bomb);
    lied.writeUInt32LE(10, lied.lastIndexOf("PK\x01\x02") + 24);
    await expect(loadParts(write("lied.npz", lied))).rejects.toThrow(/damaged/);
    expect(deflateRawSync(new Uint8Array(3e6)).length).toBeLessThan(10_000);
  });
});

describe("labels as words", () => {
  test("UTF-32 of either order, and bytes", () => {
    const expected = { labels: Int32Array.of(1, 0, 1, -1), classes: ["Müller", "cat"].sort() };
    const words = ["cat", "Müller", "cat", ""];
    const little = utf32(...words);
    expect(readNpyLabels(write("u.npy", little))).toEqual({
      labels: Int32Array.of(1, 0, 1, -1),
      classes: expected.classes,
    });
    const big = Buffer.from(little);
    big.write(">", big.indexOf("<U"));
    big.subarray(128).swap32();
    expect(readNpyLabels(write("b.npy", big))).toEqual(readNpyLabels(write("u.npy", little)));
    const bytes = npyBytes("|S3", "(3,)", Buffer.from("catdogno\0"));
    expect(readNpyLabels(write("s.npy", bytes))).toEqual({
      labels: Int32Array.of(0, 1, 2),
      classes: ["cat", "dog", "no"],
    });
  });

  test("with data, and refused as data", async () => {
    const labels = write("names.npy", utf32("cat", "dog", "cat"));
    const { train } = await loadParts(write("d.npy", matrix(3, 2)), { labels });
    expect(train.classes).toEqual(["cat", "dog"]);
    await expect(loadParts(labels)).rejects.toThrow(/expected numbers, found words \(element type <U3\)/);
    await expect(loadParts(write("o.npy", npyBytes("|O", "(3,)", new Uint8Array(24))))).rejects.toThrow(
      /holds Python objects, which cannot be read safely/,
    );
  });
});

test.each([
  ["t.xls", /Workbooks of this kind cannot be read: save it as \.xlsx, or the sheet as CSV/],
  ["t.ods", /Workbooks of this kind cannot be read/],
  ["t.feather", /save the table as CSV or Parquet/],
  ["t.pkl", /save the table as CSV or Parquet, or the array as \.npy/],
])("what is said of %s", async (name, message) => {
  await expect(loadData(write(name, "PK\x03\x04"))).rejects.toThrow(message);
  await expect(loadData(write(name, "PK\x03\x04"))).rejects.toBeInstanceOf(UsageError);
});

test("a table of each kind becomes the same rows", async () => {
  const csv = write("s.csv", "a,b\n1,x\n2,y\n3,x\n");
  const jsonl = write("s.jsonl", '{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n{"a":3,"b":"x"}\n');
  const parquet = write(
    "s.parquet",
    new Uint8Array(
      parquetWriteBuffer({
        columnData: [
          { name: "a", data: [1, 2, 3], type: "INT32" },
          { name: "b", data: ["x", "y", "x"], type: "STRING" },
        ],
      }),
    ),
  );
  const [first, ...others] = await Promise.all(
    [csv, jsonl, parquet].map(async (path) => {
      const table = await readTable(path);
      return encodeTable(table, fitTable(table).preprocessing).dataset;
    }),
  );
  for (const other of others) expect(other.x).toEqual(first.x);
});
