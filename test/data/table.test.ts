import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkSupervision,
  encodeTable,
  featureLayout,
  fitTable,
  type LoadTableOptions,
  splitTable,
  type TableOptions,
  tablePreprocessing,
} from "../../src/data/index.ts";
import { readTextTable } from "../../src/data/table.ts";
import { DataError, UsageError } from "../../src/errors.ts";
import { tempFolder } from "./temp.ts";

const { path: folder, write } = tempFolder();
const loadTextTable = (path: string, options: LoadTableOptions = {}) =>
  splitTable(readTextTable(path), options);
const CSV = join(folder, "t.csv");
const csv = (text: string) => write("t.csv", text);
const fitted = (text: string, options: TableOptions = {}) => fitTable(readTextTable(csv(text)), options);

const PENGUINS = join(import.meta.dirname, "..", "..", "examples", "data", "penguins.csv");

const PETS = `weight,sex,kind,home
4,f,cat,
20,m,,dream
NA,m,dog,north
6,NA,cat,south
,f,,north
`;

describe("fitTable and encodeTable", () => {
  test("numbers are standardised, words are one-hot blocks, missing cells are zeros that are not observed", () => {
    const table = readTextTable(csv(PETS));
    const { preprocessing, notes } = fitTable(table, { labelColumn: "kind" });
    // Of 4, 20, 6: mean 10, variance (36 + 100 + 16) / 3.
    const sd = Math.sqrt(152 / 3);
    expect(preprocessing).toEqual({
      columns: [
        { kind: "numeric", name: "weight", mean: 10, sd },
        { kind: "categorical", name: "sex", categories: ["f", "m"] },
        { kind: "categorical", name: "home", categories: ["dream", "north", "south"] },
      ],
      labels: { column: "kind", classes: ["cat", "dog"] },
    });
    expect(notes).toEqual([
      `${table.path}: column "sex": NA (1 cell) counts as missing. If it is a category, write it another way.`,
    ]);
    const { dataset } = encodeTable(table, preprocessing);
    expect(dataset).toMatchObject({
      name: "t.csv",
      kind: "table",
      rows: 5,
      shape: [6],
      scale: 1,
      columns: ["weight", "sex=f", "sex=m", "home=dream", "home=north", "home=south"],
      classes: ["cat", "dog"],
    });
    expect([...(dataset.labels ?? [])]).toEqual([0, -1, 1, 0, -1]);
    // weight, sex f and m, home dream, north and south
    expect([...dataset.x]).toEqual(
      [
        [-6 / sd, 1, 0, 0, 0, 0],
        [10 / sd, 0, 1, 1, 0, 0],
        [0, 0, 1, 0, 1, 0],
        [-4 / sd, 0, 0, 0, 0, 1],
        [0, 1, 0, 0, 1, 0],
      ]
        .flat()
        .map(Math.fround),
    );
    expect([...(dataset.observed ?? [])]).toEqual(
      [
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 1, 1],
        [0, 1, 1, 1, 1, 1],
        [1, 0, 0, 1, 1, 1],
        [0, 1, 1, 1, 1, 1],
      ].flat(),
    );
    expect(featureLayout(preprocessing)).toMatchObject({
      features: 6,
      numeric: 1,
      categories: [2, 3],
      blocks: [
        { name: "sex", start: 1, categories: ["f", "m"] },
        { name: "home", start: 3, categories: ["dream", "north", "south"] },
      ],
    });
  });

  test("few rows, many columns: no held-out value is far off because few training values happen to be close", () => {
    const numberOf = (row: number, column: number): string =>
      (Math.sin(12.9898 * row + 78.233 * column) * 43.7585).toFixed(3);
    for (const [rows, columns] of [
      [3, 2000],
      [4, 1500],
      [9, 700],
    ]) {
      const names = Array.from({ length: columns }, (_, j) => `c${j}`);
      const lines = Array.from({ length: rows }, (_, i) => names.map((_, j) => numberOf(i, j)).join(","));
      const table = readTextTable(csv([names.join(","), ...lines].join("\n")));
      const training = Array.from({ length: rows - 1 }, (_, i) => i);
      const { preprocessing } = fitTable(table, { types: { c0: "number" } }, training);
      const { dataset } = encodeTable(table, preprocessing);
      // A value of n is at most √(n − 1) of their standard deviations from their mean.
      const most = Math.sqrt(rows - 1) * (1 + 1e-6);
      expect(Array.from(dataset.x).filter((value) => !(Math.abs(value) <= most))).toEqual([]);
    }
  });

  test.each([
    ["constant but for rounding among training rows", 0.1, 0.1],
    ["nearly constant among training rows", 0.1, 0.1 + 1e-12],
    ["missing from training rows", Number.NaN, Number.NaN],
  ])("a column %s is standardised by all rows", (_, even, odd) => {
    const cell = (value: number) => (Number.isNaN(value) ? "" : String(value));
    const lines = Array.from({ length: 30 }, (_, i) => `${cell(i % 2 ? odd : even)},${Math.sin(i)}`);
    const table = readTextTable(csv(["a,b", ...lines, "0.7,0.5", "0.2,0.25", "0.3,0.75"].join("\n")));
    const training = Array.from({ length: 30 }, (_, i) => i);
    const { dataset } = encodeTable(table, fitTable(table, {}, training).preprocessing);
    expect(dataset.columns).toEqual(["a", "b"]);
    expect(dataset.x.every((value) => Math.abs(value) < Math.sqrt(32))).toBe(true);
  });

  test("the preprocessing survives JSON and its schema", () => {
    const { preprocessing } = fitted(PETS, { labelColumn: "kind" });
    expect(tablePreprocessing.parse(JSON.parse(JSON.stringify(preprocessing)))).toEqual(preprocessing);
    expect(() => tablePreprocessing.parse({ columns: [] })).toThrow();
  });

  test("new rows: other order, more columns, no labels, the training table's scale", () => {
    const { preprocessing } = fitted(PETS, { labelColumn: "kind" });
    const path = write("new.csv", "home,id,weight,sex\nnorth,17,10,\n,18,,m\n");
    const { dataset, notes } = encodeTable(readTextTable(path), preprocessing);
    expect([...dataset.x]).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    expect([...(dataset.observed ?? [])]).toEqual([1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 0, 0]);
    expect(dataset.labels).toBeUndefined();
    expect(notes).toEqual([`${path}: not used: "id".`]);
  });

  test.each([
    ["home,weight\nnorth,1\n", ': expected a column "sex" as in the training table; found "home", "weight".'],
    [
      "home,weight,sex\nnorth,1,f\nnorht,2,m\n",
      ', line 3, column "home": expected one of "dream", "north", "south", as in the training table; found "norht". ' +
        "Correct the cell, or leave it blank: it then counts as missing.",
    ],
    [
      "home,weight,sex\nnorth,1o,f\n",
      ', line 2, column "weight": expected a finite number, found "1o". Correct the cell, or leave it blank: it then ' +
        "counts as missing.",
    ],
    [
      "home,weight,sex,kind\nnorth,1,f,cat\nnorth,1,f,cow\n",
      ', line 3, column "kind": expected one of the classes "cat", "dog", or a blank cell; found "cow".',
    ],
  ])("new rows are refused: %j", (text, message) => {
    const { preprocessing } = fitted(PETS, { labelColumn: "kind" });
    const path = write("new.csv", text);
    expect(() => encodeTable(readTextTable(path), preprocessing)).toThrow(new DataError(path + message));
  });

  test("two different values are categories, however a program writes them", () => {
    const { preprocessing } = fitted("x,smoker\n1,0\n2,1\n3,\n4,1\n");
    expect(preprocessing.columns[1]).toEqual({ kind: "categorical", name: "smoker", categories: ["0", "1"] });
    const path = write("new.csv", "smoker,x\n1.0,2\n0.0,3\n");
    expect([...encodeTable(readTextTable(path), preprocessing).dataset.x].slice(1, 3)).toEqual([0, 1]);
  });

  test("columns that tell nothing are left out with a note", () => {
    const { preprocessing, notes } = fitted(",x,blank,same\n0,1,,5\n1,2,NA,5\n2,4,?,\n");
    expect(preprocessing.columns.map(({ name }) => name)).toEqual(["x"]);
    expect(notes).toEqual([
      `${CSV}: column "" is left out: it has no name.`,
      `${CSV}: column "blank" is left out: every cell is missing.`,
      `${CSV}: column "same" is left out: every value is "5".`,
    ]);
  });

  test("columns can be declared categorical or ignored", () => {
    const { preprocessing } = fitted("a,b,c\n1,x,3\n2,y,4\n3,z,5\n", { categorical: ["a"], ignore: ["b"] });
    expect(preprocessing.columns).toMatchObject([
      { kind: "numeric", name: "c" },
      { kind: "categorical", name: "a", categories: ["1", "2", "3"] },
    ]);
    expect(() => fitted("a\n1\n2\n3\n", { ignore: ["z"] })).toThrow(
      new UsageError(`ignore: ${CSV} has no column "z"; found "a".`),
    );
  });

  test.each([
    [
      "x\n1\n2\n3,\n".replace("3,", "3o"),
      ', line 4, column "x": expected a number, as in 2 other cells of the column; found "3o". Correct the cell or leave ' +
        'it blank, or declare the column categorical or ignored (`categorical: ["x"]`, `ignore: ["x"]`).',
    ],
    [
      "a,b\n1,\n1,\n",
      ': no column is left to learn from, of "a", "b". PATH: column "a" is left out: every value is "1". PATH: column ' +
        '"b" is left out: every cell is missing.',
    ],
    ["a,b\n", ': expected rows, found only the header "a", "b".'],
    [
      "a,b,a\n1,2,3\n",
      ': expected columns with different names; found "a" twice, as columns 1 and 3. Rename one of them, or, if these are values, set `header: false`.',
    ],
    [
      "a,b\n1,2\n3\n",
      ', line 3: expected 2 cells, as on the first line; found 1, with nothing for column "b".',
    ],
    [
      "a\n1\n2\n1e999\n",
      ', line 4, column "a": expected a finite number, found "1e999". Correct the cell, or leave it blank: it then counts ' +
        "as missing.",
    ],
  ])("tables are refused: %j", (text, message) => {
    const path = csv(text);
    expect(() => fitTable(readTextTable(path))).toThrow(
      new DataError(path + message.replaceAll("PATH", path)),
    );
  });

  test("a label column that is a quantity asks", () => {
    const text = `x,y\n${Array.from({ length: 200 }, (_, i) => `${i / 2},${i % 100}`).join("\n")}\n`;
    const path = csv(text);
    expect(() => fitted(text, { labelColumn: "y" })).toThrow(
      new DataError(
        `${path}, column "y": the labels look like a quantity, not like classes: 100 different numbers from 0 to 99. If they are ` +
          'classes, declare the column categorical (`categorical: ["y"]`).',
      ),
    );
    const { preprocessing } = fitted(text, { labelColumn: "y", categorical: ["y"] });
    expect(preprocessing.labels?.classes.length).toBe(100);
    expect(() => fitted("x,y\n1,0.5\n2,1.5\n3,\n", { labelColumn: "y" })).toThrow(
      /look like a quantity.*: 2 different/,
    );
  });

  test("digits are classes, and 3.0 is 3", () => {
    const { preprocessing } = fitted("x,y\n1,10\n2,9.0\n3,9\n4,\n", { labelColumn: "y" });
    expect(preprocessing.labels?.classes).toEqual(["9", "10"]);
  });

  test("a label column that does not exist is refused", () => {
    expect(() => fitted("x,y\n1,2\n", { labelColumn: "z" })).toThrow(
      new DataError(`${CSV}: expected a column "z" with the labels; found "x", "y".`),
    );
  });

  test("for any table, every observed value can be read back", () => {
    const cell = fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { nil: undefined });
    const word = fc.option(fc.constantFrom("red", "green", "blue"), { nil: undefined });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, word), { minLength: 1, maxLength: 30 }), (rows) => {
        const all = [[-3.5, "red"], [7, "green"], [2.25, "blue"], ...rows] as const;
        const text = all.map(([number, colour]) => `${number ?? ""},${colour ?? ""}`).join("\n");
        const table = readTextTable(csv(`n,c\n${text}\n`));
        const { preprocessing } = fitTable(table);
        const { dataset } = encodeTable(table, preprocessing);
        const [n, c] = preprocessing.columns;
        if (n.kind !== "numeric" || c.kind !== "categorical")
          throw new Error("expected a number and a category");
        all.forEach(([number, colour], row) => {
          const features = dataset.x.subarray(4 * row, 4 * row + 4);
          const seen = dataset.observed?.subarray(4 * row, 4 * row + 4) ?? [];
          expect([...seen]).toEqual(
            [number, colour, colour, colour].map((value) => (value === undefined ? 0 : 1)),
          );
          if (number !== undefined) {
            // float32 of (value - mean) / sd: half a unit in the last place of it, in the column's units.
            const back = features[0] * n.sd + n.mean;
            expect(Math.abs(back - number)).toBeLessThanOrEqual(1e-6 * (Math.abs(features[0] * n.sd) + n.sd));
          }
          expect([...features.subarray(1)]).toEqual(c.categories.map((name) => (name === colour ? 1 : 0)));
        });
      }),
      { numRuns: 50, seed: 4 },
    );
  });
});

describe("loadTable on the penguins", () => {
  const columns = { labelColumn: "species", ignore: ["year"] } as const;
  const options = { ...columns, testFraction: 0.25, seed: 2 } as const;

  test("encodes them", () => {
    const table = readTextTable(PENGUINS);
    const { preprocessing } = fitTable(table, columns);
    const { dataset } = encodeTable(table, preprocessing);
    expect(dataset.rows).toBe(344);
    expect(dataset.columns).toEqual([
      "bill_length_mm",
      "bill_depth_mm",
      "flipper_length_mm",
      "body_mass_g",
      "island=Biscoe",
      "island=Dream",
      "island=Torgersen",
      "sex=female",
      "sex=male",
    ]);
    // Python's statistics.fmean and pstdev over the 342 values that are there.
    const [length] = preprocessing.columns;
    if (length.kind !== "numeric") throw new Error("expected numbers");
    expect(length.mean).toBeCloseTo(43.9219298245614, 10);
    expect(length.sd).toBeCloseTo(5.4515960231618195, 10);
    expect(checkSupervision(dataset)).toEqual({
      supervision: "supervised",
      labelled: 344,
      unlabelled: 0,
      perClass: [152, 68, 124],
    });
    // Row 4 of the file has neither measurements nor sex.
    expect([...(dataset.observed?.subarray(27, 36) ?? [])]).toEqual([0, 0, 0, 0, 1, 1, 1, 0, 0]);
  });

  test("holds rows out; means and standard deviations are the training rows'", () => {
    const { train, test: held, preprocessing } = loadTextTable(PENGUINS, options);
    expect([train.rows, held.rows]).toEqual([258, 86]);
    for (let feature = 0; feature < 4; feature++) {
      const values: number[] = [];
      for (let row = 0; row < train.rows; row++) {
        if (train.observed?.[9 * row + feature] === 1) values.push(train.x[9 * row + feature]);
      }
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      expect(mean).toBeCloseTo(0, 5);
      expect(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length).toBeCloseTo(1, 5);
    }
    expect(preprocessing).not.toEqual(fitTable(readTextTable(PENGUINS), columns).preprocessing);
    expect(loadTextTable(PENGUINS, options).test.x).toEqual(held.x);
    expect(loadTextTable(PENGUINS, { ...options, seed: 3 }).test.x).not.toEqual(held.x);
  });

  test("test rows are labelled ones", () => {
    const rows = Array.from(
      { length: 40 },
      (_, i) => `${i % 7},${i % 4 === 0 ? ["a", "b"][(i / 4) % 2] : ""}`,
    );
    const path = csv(`x,y\n${rows.join("\n")}\n`);
    const { train, test: held } = loadTextTable(path, { labelColumn: "y", testFraction: 0.3 });
    expect(held.rows).toBe(3);
    expect([...(held.labels ?? [])].every((label) => label >= 0)).toBe(true);
    expect(checkSupervision(train)).toMatchObject({ labelled: 7, unlabelled: 30 });
    const pairs = csv("x,y\n1,a\n2,b\n3,a\n4,b\n5,b\n");
    for (const seed of [0, 1, 2, 3]) {
      // Three of five rows to test on: a row of each class stays.
      const { train: kept } = loadTextTable(pairs, { labelColumn: "y", testFraction: 0.6, seed });
      expect([...(kept.labels ?? [])].sort()).toEqual([0, 1]);
    }
    expect(() => loadTextTable(csv("x,y\n1,a\n2,b\n3,\n"), { labelColumn: "y" })).toThrow(
      new DataError(
        `${path}: no class has a second labelled row to test on. Label more rows, or hold none out (\`testFraction: 0\`).`,
      ),
    );
    expect(() => loadTextTable(csv("x,y\n1,a\n2,\n3,\n"), { labelColumn: "y" })).toThrow(
      new DataError(
        `${path}: expected at least 2 labelled rows, one to train on and one to test on; found 1.`,
      ),
    );
    expect(() => loadTextTable(path, { testFraction: 1 })).toThrow(
      new UsageError("testFraction: expected a number between 0 and 1, found 1."),
    );
  });
});
