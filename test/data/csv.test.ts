import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readCsv } from "../../src/data/index.ts";
import { DataError } from "../../src/errors.ts";
import { tempFolder } from "./temp.ts";

const { write } = tempFolder();
const csv = (text: string | Uint8Array) => write("t.csv", text);

describe("readCsv", () => {
  test("reads numbers under a header", () => {
    const dataset = readCsv(csv("a,b\n1,2\n3.5,-4e1\n"));
    expect(dataset).toMatchObject({ name: "t.csv", kind: "table", rows: 2, shape: [2], scale: 1 });
    expect(dataset.columns).toEqual(["a", "b"]);
    expect(dataset.x).toEqual(Float32Array.of(1, 2, 3.5, -40));
    expect(dataset.labels).toBeUndefined();
  });

  test.each([
    ["1,2\n3,4\n", ["0", "1"], 2],
    ["label,0,1\n5,6,7\n", ["label", "0", "1"], 1],
    ["a,b\n1,2\n", ["a", "b"], 1],
    ["1,2", ["0", "1"], 1],
  ])("detects whether %j has a header", (text, columns, rows) => {
    expect(readCsv(csv(text))).toMatchObject({ columns, rows });
  });

  test("can be told about the header", () => {
    expect(readCsv(csv("1,2\n3,4\n"), { header: true })).toMatchObject({ columns: ["1", "2"], rows: 1 });
    expect(() => readCsv(csv("a,b\n3,4\n"), { header: false })).toThrow(
      'line 1, column "0": expected a finite number, found "a".',
    );
  });

  test.each([
    ["semicolons", "a;b\n1;2\n"],
    ["tabs", "a\tb\n1\t2\n"],
    ["a byte order mark, CR LF, blanks, quotes and empty lines", '\ufeffa,b\r\n\r\n 1 ,"2"\r\n\r\n'],
    ["gzip", gzipSync("a,b\n1,2\n")],
  ])("reads %s", (_, text) => {
    const dataset = readCsv(csv(text));
    expect(dataset.columns).toEqual(["a", "b"]);
    expect(dataset.x).toEqual(Float32Array.of(1, 2));
  });

  test("grows past its first buffer", () => {
    const rows = Array.from({ length: 2000 }, (_, i) => `${i},${i + 0.5}`);
    const { x } = readCsv(csv(rows.join("\n")));
    expect([...x]).toEqual(rows.flatMap((row) => row.split(",").map(Number)));
  });

  test("a label column gives sorted classes, and an empty cell is unlabelled", () => {
    const dataset = readCsv(csv("x,kind,y\n1,dog,2\n3,cat,4\n5,,6\n"), { labelColumn: "kind" });
    expect(dataset.columns).toEqual(["x", "y"]);
    expect(dataset.x).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(dataset.classes).toEqual(["cat", "dog"]);
    expect(dataset.labels).toEqual(Int32Array.of(1, 0, -1));
  });

  test("numeric classes are in numeric order, and a column without a header has its number for a name", () => {
    const dataset = readCsv(csv("0.5,10\n0.6,9\n"), { labelColumn: "1" });
    expect(dataset.classes).toEqual(["9", "10"]);
    expect(dataset.labels).toEqual(Int32Array.of(1, 0));
  });

  test.each([
    [
      "a,b\n1,2\n3\n",
      ', line 3: expected 2 cells, as on the first line; found 1, with nothing for column "b".',
    ],
    ["a,b\n1,2,3\n", ", line 2: expected 2 cells, as on the first line; found 3."],
    ["a,b\n1,2\n\n3,x\n", ', line 4, column "b": expected a finite number, found "x".'],
    ["a,b\n1,\n", ', line 2, column "b": expected a finite number, found an empty cell.'],
    ["a,b\n1,NaN\n", ', line 2, column "b": expected a finite number, found "NaN".'],
    ["a,b\n-Infinity,1\n", ', line 2, column "a": expected a finite number, found "-Infinity".'],
    // Finite as a double, infinite as float32, whose largest value is about 3.4e38.
    ["a,b\n1e39,1\n", ', line 2, column "a": expected a finite number, found "1e39".'],
    ["", ": the file is empty (0 bytes)."],
    ["\n\n", ": expected rows of numbers, found an empty file."],
    ["a,b\n", ': expected rows of numbers, found only the header "a", "b".'],
    // The text in brackets is the CSV parser's own.
    [
      'a,b\n1,"2\n',
      ": not well-formed CSV. Quote Not Closed: the parsing is finished with an opening quote at line 2.",
    ],
  ])("refuses %j", (text, message) => {
    const path = csv(text);
    expect(() => readCsv(path)).toThrow(new DataError(path + message));
  });

  test("refuses a label column that does not exist or stands alone", () => {
    const path = csv(`${Array.from({ length: 12 }, (_, i) => `c${i}`).join(",")}\n${"1,".repeat(11)}1\n`);
    expect(() => readCsv(path, { labelColumn: "y" })).toThrow(
      new DataError(
        `${path}: expected a column "y" with the labels; found "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", ` +
          '"c8", "c9" and 2 more.',
      ),
    );
    const alone = csv("y\n1\n");
    expect(() => readCsv(alone, { labelColumn: "y" })).toThrow(
      new DataError(
        `${alone}: has only one column, the labels ("y"). Expected at least one column of numbers.`,
      ),
    );
  });
});
