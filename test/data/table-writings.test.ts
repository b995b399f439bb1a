/** What people write for numbers, dates and missing values: read right, or refused; never a category without a word. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  decodeRows,
  encodeTable,
  fitTable,
  readTable,
  type TablePreprocessing,
} from "../../src/data/index.ts";
import { readTextTable } from "../../src/data/table.ts";
import { lookalikeOf } from "../../src/data/table-lookalikes.ts";
import { remarksOnNumbers, remarksOnWords } from "../../src/data/table-remarks.ts";
import { DataError } from "../../src/errors.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { tempFolder } from "./temp.ts";

const { write } = tempFolder();
const N = 120;
const normals = new Float32Array(N);
beforeAll(() => fillNormal(normals, stream(3, "writings")));
const each = <T>(of: (i: number) => T): readonly T[] => Array.from({ length: N }, (_, i) => of(i));

/** Columns as a file with semicolons. */
const table = (columns: Readonly<Record<string, readonly string[]>>, name = "t.csv") => {
  const names = Object.keys(columns);
  const rows = each((i) => names.map((column) => columns[column][i]).join(";"));
  return readTextTable(write(name, [names.join(";"), ...rows].join("\n")));
};

/** The values that a model sees of the first column, in the column's units. */
const seen = (text: ReturnType<typeof table>, preprocessing: TablePreprocessing): readonly unknown[] => {
  const at = preprocessing.columns.findIndex(({ name }) => name === "v");
  return decodeRows(Float32Array.from(encodeTable(text, preprocessing).dataset.x), preprocessing).map(
    (row) => row[at],
  );
};

/** A number with its thousands grouped. */
const grouped = (value: number, by: string, decimal: string, digits: number): string => {
  const [whole, fraction] = Math.abs(value).toFixed(digits).split(".");
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, by);
  return `${value < 0 ? "-" : ""}${groups}${fraction === undefined ? "" : `${decimal}${fraction}`}`;
};

describe("numbers", () => {
  const writings: Readonly<Record<string, (value: number, digits: number) => string>> = {
    "a point": (value, digits) => value.toFixed(digits),
    "a comma": (value, digits) => value.toFixed(digits).replace(".", ","),
    "a point, commas for thousands": (value, digits) => grouped(value, ",", ".", digits),
    "a comma, points for thousands": (value, digits) => grouped(value, ".", ",", digits),
    "a point, blanks for thousands": (value, digits) => grouped(value, " ", ".", digits),
    "a comma, narrow blanks for thousands": (value, digits) => grouped(value, "\u202f", ",", digits),
    "a point, apostrophes for thousands": (value, digits) => grouped(value, "'", ".", digits),
    "a minus of print": (value, digits) => value.toFixed(digits).replace("-", "\u2212"),
  };
  const decimals = each((i) => (i % 5) / 2).map((value) => value.toFixed(1));

  test.each(
    Object.keys(writings).flatMap((name) =>
      [0, 1, 2, 3].flatMap((digits) => [1, 1e4, 3e6].map((size) => [name, digits, size] as const)),
    ),
  )("with %s, %d digits, of size %d", (name, digits, size) => {
    const values = each((i) => Number((size * normals[i]).toFixed(digits)));
    const written = values.map((value) => writings[name](value, digits));
    // Another column says which separator the file has.
    const other = decimals.map((value) => (name.startsWith("a comma") ? value.replace(".", ",") : value));
    const text = table({ v: written, other });
    let fitted: ReturnType<typeof fitTable>;
    try {
      fitted = fitTable(text);
    } catch (error) {
      expect((error as DataError).message).toMatch(
        /column "v": the comma of .* may be a decimal comma or may group thousands/,
      );
      // Only what truly has two readings may ask.
      expect(
        written.filter((cell) => /[.,]/.test(cell)).every((cell) => /^-?\d{1,3},\d{3}$/.test(cell)),
      ).toBe(true);
      return;
    }
    const column = fitted.preprocessing.columns.find((one) => one.name === "v");
    const sd = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / N);
    if (column?.kind === "categorical") throw new Error("numbers became categories");
    // Few different whole numbers are levels; these are compared by name.
    seen(text, fitted.preprocessing).forEach((value, i) => {
      expect(Math.abs(Number(value) - values[i])).toBeLessThan(1e-3 * sd + 1e-9);
    });
  });

  test("2.000 is two thousand where commas are decimal, and two where points are", () => {
    const w = each(String);
    const text = table({ v: each((i) => ["1.500,50", "2.000", "10.000", "950"][i % 4]), w });
    expect(seen(text, fitTable(text).preprocessing).slice(0, 4).map(Number)).toEqual(
      [1500.5, 2000, 10_000, 950].map((value) => expect.closeTo(value, 0)),
    );
    const points = table({ v: each((i) => ["1.500", "2.000", "10.250", "0.950"][i % 4]), w });
    expect(Number(seen(points, fitTable(points).preprocessing)[1])).toBeCloseTo(2, 3);
  });

  test("levels with decimal commas are in the order of their numbers", () => {
    const text = table({
      v: each((i) => ["10,0", "9,0", "8,0", "7,0"][i % 4]),
      w: each((i) => `${normals[i].toFixed(3)}`),
    });
    expect(fitTable(text).preprocessing.columns).toContainEqual({
      kind: "ordinal",
      name: "v",
      categories: ["7", "8", "9", "10"],
    });
    const declared = table({ v: each((i) => ["10,5", "9,5", "2,5"][i % 3]), w: each(String) });
    expect(fitTable(declared, { types: { v: "ordinal" } }).preprocessing.columns[0]).toMatchObject({
      categories: ["2,5", "9,5", "10,5"],
    });
  });

  test.each(["%", " %", " €", " kg", "cm", " mg/dl"])("with %j behind them are refused", (sign) => {
    const text = table({ v: each((i) => `${10 + (i % 9)}.5${sign}`), w: each(String) });
    expect(() => fitTable(text)).toThrow(DataError);
    expect(() => fitTable(text)).toThrow(
      /column "v": 120 of 120 cells look like numbers, such as "10\.5.*\. Write plain numbers/,
    );
  });

  test.each([
    "red",
    "18-25",
    "1.2.3",
    "Q1",
    "4th",
    "<5",
    "192.168.0.1",
    "a1",
    "12A",
    "3 apples",
    "ja",
    "48.1, 9.2",
  ])("%s is a word", (word) => {
    expect(lookalikeOf([word, word, word])).toBeUndefined();
  });

  test("of files that know numbers are read as they are, whatever the decimal separator of text", async () => {
    // Three decimals, so that a point could group thousands.
    const values = each((i) => Math.round(1000 * (5 + normals[i])) / 1000);
    const train = table({
      v: values.map((value) => value.toFixed(3).replace(".", ",")),
      w: each((i) => `${i % 7},5`),
    });
    const { preprocessing } = fitTable(train, { decimal: "," });
    const rows = values.map((v, i) => JSON.stringify({ v, w: (i % 7) + 0.5 }));
    const typed = await readTable(write("t.jsonl", rows.join("\n")));
    expect([...encodeTable(typed, preprocessing).dataset.x]).toEqual([
      ...encodeTable(train, preprocessing).dataset.x,
    ]);
    const [v] = fitTable(typed, { decimal: "," }).preprocessing.columns;
    expect(v).toMatchObject({ name: "v", decimal: ",", mean: expect.closeTo(5, 0) });
  });

  test("of more digits than a number holds, and codes such as 0x1F, are ids", () => {
    const text = table({
      v: each((i) => `${12345678901234567890n + BigInt(i % 60)}`),
      w: each((i) => `0x${i.toString(16)}`),
      x: each((i) => normals[i].toFixed(2)),
    });
    const { preprocessing, notes } = fitTable(text);
    expect(preprocessing.columns.map(({ name }) => name)).toEqual(["x"]);
    expect(notes).toContainEqual(
      expect.stringMatching(/"v" is left out: its numbers have more digits than can be told apart/),
    );
  });

  test("as labels with decimal commas are a quantity too", () => {
    const text = table({ v: each((i) => `${i},25`), w: each((i) => normals[i].toFixed(2)) });
    expect(() => fitTable(text, { labelColumn: "v" })).toThrow(
      /the labels look like a quantity, not like classes/,
    );
  });
});

describe("dates", () => {
  const day = (i: number) => new Date(Date.UTC(2019, 0, 1 + 9 * i));
  const parts = (i: number) => [day(i).getUTCFullYear(), day(i).getUTCMonth() + 1, day(i).getUTCDate()];
  const two = (n: number) => String(n % 100).padStart(2, "0");
  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  test("of eight digits are dates, not numbers of twenty million", () => {
    const text = table({ v: each((i) => `${parts(i)[0]}${two(parts(i)[1])}${two(parts(i)[2])}`) });
    const { preprocessing } = fitTable(text);
    expect(preprocessing.columns[0]).toMatchObject({ kind: "date", order: "ymd" });
    expect(seen(text, preprocessing)).toEqual(each((i) => day(i).toISOString().slice(0, 10)));
    const few = table({ v: each((i) => String(20_000_000 + 997 * i)) });
    expect(fitTable(few).preprocessing.columns[0].kind).not.toBe("date");
  });

  test.each<[string, (i: number) => string]>([
    ["years of two digits", (i) => `${two(parts(i)[2])}.${two(parts(i)[1])}.${two(parts(i)[0])}`],
    ["names of months", (i) => `${parts(i)[2]} ${months[parts(i)[1] - 1]} ${parts(i)[0]}`],
    ["names of months first", (i) => `${months[parts(i)[1] - 1]} ${parts(i)[2]}, ${parts(i)[0]}`],
    ["months alone", (i) => `${parts(i)[0]}-${two(parts(i)[1])}`],
    ["twelve hours", (i) => `${parts(i)[1]}/${parts(i)[2]}/${parts(i)[0]} 3:30 PM`],
    [
      "two forms",
      (i) =>
        i % 2 ? day(i).toISOString().slice(0, 10) : `${two(parts(i)[2])}.${two(parts(i)[1])}.${parts(i)[0]}`,
    ],
    ["day first and month first", (i) => (i % 2 ? "13/02/2020" : `02/${14 + (i % 9)}/2020`)],
    ["one that is none", (i) => (i === 7 ? "soon" : day(i).toISOString().slice(0, 10))],
    ["one that does not exist", (i) => (i === 7 ? "2020-02-30" : `2020-01-0${1 + (i % 9)}`)],
    ["times of day", (i) => `${i % 24}:30`],
  ])("with %s are refused", (_, of) => {
    const text = table({ v: each(of), w: each((i) => normals[i].toFixed(2)) });
    expect(() => fitTable(text)).toThrow(DataError);
    expect(() => fitTable(text)).toThrow(
      /line \d+, column "v": .*(date|times of day).*declare the column categorical or ignored/s,
    );
    expect(fitTable(text, { categorical: ["v"] }).preprocessing.columns[1].kind).toBe("categorical");
  });
});

describe("missing values", () => {
  test.each(["NA", "n/a", "N/A", "#N/A", "<NA>", "NULL", "NaN", "?", "#DIV/0!", "NaT"])(
    "%s is missing",
    (mark) => {
      const text = table({
        v: each((i) => ["red", "blue", "green", mark][i % 4]),
        w: each((i) => (i % 3 ? normals[i].toFixed(2) : mark)),
      });
      const { preprocessing } = fitTable(text);
      expect(
        preprocessing.columns.map((column) => ("categories" in column ? column.categories : column.kind)),
      ).toEqual(["numeric", ["blue", "green", "red"]]);
    },
  );

  test("what may be a word or missing is told, and words that look alike", () => {
    expect(remarksOnWords(["a", "b", "-", "-"], 0, "category")).toEqual([
      '"-" (2 cells) counts as a category. If it means missing, leave these cells blank',
    ]);
    expect(remarksOnWords(["EU", "AS"], 3, "class")).toEqual([
      "NA (3 cells) counts as missing. If it is a class, write it another way",
    ]);
    expect(remarksOnWords(["Male", "male", "F"], 0, "class")[0]).toMatch(
      /^"Male", "male" differ only in capital letters or blanks/,
    );
    expect(remarksOnWords(["yes", "no"], 0, "category")).toEqual([]);
    const text = table({
      v: each((i) => ["K\u00f6ln", "Ko\u0308ln", "Bonn"][i % 3]),
      w: each((i) => (i % 4 ? "EU" : "NA")),
      x: each((i) => (i % 4 ? "5" : "999")),
    });
    const { preprocessing, notes } = fitTable(text, { labelColumn: "w", types: { x: "number" } });
    expect(preprocessing.columns[1]).toMatchObject({ categories: ["Bonn", "K\u00f6ln"] });
    expect(notes).toContainEqual(expect.stringMatching(/column "w": NA \(30 cells\) counts as missing/));
  });

  test("a number that stands for missing is told, but no value of the column's own kind", () => {
    const ages = each((i) => 20 + (i % 50));
    const remarkOnNumbers = (values: readonly number[]) => remarksOnNumbers(values.map(String), values)[0];
    expect(remarkOnNumbers(ages)).toBeUndefined();
    expect(remarkOnNumbers([...ages, 999, 999])).toBe(
      "999 (2 cells) lies apart from the other values, 20 to 69. If it means missing, leave these cells blank",
    );
    expect(remarkOnNumbers([...ages, -1, -1])).toMatch(/^-1 \(2 cells\)/);
    expect(remarkOnNumbers([...ages, 999])).toBeUndefined();
    expect(remarkOnNumbers([-2.5, -1, -1, 0.5, 3])).toBeUndefined();
    expect(remarkOnNumbers([...each((i) => 10 * i), 999, 999])).toBeUndefined();
  });
});

describe("the first line", () => {
  const columnsOf = (text: string, name = "h.csv") => {
    const { columns, rows, notes = [], lines } = readTextTable(write(name, text));
    return { columns, rows: rows.length, notes, lines };
  };

  test.each([
    ["a mark for a missing value among numbers", "?,1.5,2.5\n3,4,6\n1,2,2", ["0", "1", "2"], 3],
    ["a blank cell among numbers", ",1.5,2.5\n3,4,6\n1,2,2", ["0", "1", "2"], 3],
    ["words that occur below", "p,x,s\nq,y,s\np,x,t\nq,x,t", ["0", "1", "2"], 4],
    ["the same word twice, which occurs below", "p,p\nq,p\np,q", ["0", "1"], 3],
    ["names over words", "colour,size\nred,small\nblue,large\nred,small", ["colour", "size"], 3],
    ["row numbers of pandas", ",0,1\n0,0.5,0.7\n1,0.1,0.2", ["", "0", "1"], 2],
    ["row numbers of pandas with names", ",a,b\n0,x,0.7\n1,y,0.2", ["", "a", "b"], 2],
    ["decimal commas and no names", "1,5;2,5\n3,25;4,5\n", ["0", "1"], 2],
    ["decimal commas, tabs and no names", "1,5\t2,5\n3,25\t4,5\n", ["0", "1"], 2],
    ["one column of decimal commas", "size\n1,5\n2,25\n3\n", ["size"], 3],
    ["bars", "a|b\n1|2\n3|4\n", ["a", "b"], 2],
    ["Excel's own word on the delimiter", "sep=;\na;b\n1;2\n3;4\n", ["a", "b"], 2],
    ["blank lines", "a,b\n1,2\n  \n3,4\n,\n", ["a", "b"], 3],
  ])("with %s", (_, text, columns, rows) => {
    expect(columnsOf(text)).toMatchObject({ columns, rows });
  });

  test("what was guessed is told, lines keep their numbers, and titles are pointed at", () => {
    expect(columnsOf("p,x\nq,x\np,y").notes).toEqual([
      expect.stringMatching(/was read as values.*`header: true`/),
    ]);
    expect(columnsOf("a,b\n1,2\n \n3,4\n").notes).toEqual([
      expect.stringMatching(/1 blank line is left out\.$/),
    ]);
    expect(columnsOf("a,b\n1,2\n,\n3,4\n,\n").notes).toEqual([
      expect.stringMatching(
        /: 2 rows have no values \(the first on line 3\)\. If they are not data, delete them\.$/,
      ),
    ]);
    expect(remarksOnNumbers(["3E2", "4E1"], [300, 40])).toEqual([
      '"3E2" counts as the number 300. If it is a code, declare the column categorical',
    ]);
    expect(remarksOnNumbers(["3.5E2", "1E-3"], [350, 0.001])).toEqual([]);
    expect(columnsOf("sep=;\na;b\n1;2\n\n3;4\n").lines).toEqual([3, 5]);
    expect(() => columnsOf("# made by hand\na,b\n1,2\n")).toThrow(
      /Delete titles and comments above the names of the columns/,
    );
  });
});
