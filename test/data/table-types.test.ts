/** What the columns of a table are taken for: types, dates, decimal commas, ids; and that all problems come at once. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeRows,
  encodeTable,
  featureLayout,
  fitTable,
  loadParts,
  rowsOf,
  type TableOptions,
  tablePreprocessing,
} from "../../src/data/index.ts";
import { readTextTable } from "../../src/data/table.ts";
import { daysOf, guessDates } from "../../src/data/table-dates.ts";
import { guessDecimal, numberIn } from "../../src/data/table-numbers.ts";
import { DataError, UsageError } from "../../src/errors.ts";
import { fillNormal, fillUniform, stream } from "../../src/random/index.ts";
import { tempFolder } from "./temp.ts";

const { write } = tempFolder();
const N = 300;
const [uniforms, normals] = [new Float32Array(N), new Float32Array(N)];
fillUniform(uniforms, stream(1, "uniforms"));
fillNormal(normals, stream(1, "normals"));
const each = <T>(of: (i: number) => T): readonly T[] => Array.from({ length: N }, (_, i) => of(i));

/** Columns side by side as a CSV file, each cell quoted. */
const table = (columns: Readonly<Record<string, readonly (string | number)[]>>, delimiter = ",") => {
  const names = Object.keys(columns);
  const rows = columns[names[0]].map((_, i) => names.map((name) => `"${columns[name][i]}"`).join(delimiter));
  return readTextTable(write("t.csv", [names.join(delimiter), ...rows].join("\n")));
};
const real = each((i) => normals[i].toFixed(3));
const kindOf = (values: readonly (string | number)[], name = "v", options: TableOptions = {}) => {
  const { preprocessing, notes } = fitTable(table({ [name]: values, real }), options);
  return { column: preprocessing.columns.find((column) => column.name === name), notes, preprocessing };
};

describe("types that the data choose", () => {
  test("a normal is a number, a log-normal positive, shares bounded, small whole numbers counts or levels", () => {
    expect(kindOf(each((i) => 20 + normals[i])).column?.kind).toBe("numeric");
    const { column, notes } = kindOf(each((i) => Math.exp(normals[i]).toPrecision(5)));
    expect(column?.kind).toBe("positive");
    expect(notes).toEqual([
      expect.stringMatching(/"v": positive \(above 0, and a log-normal fits better than a normal\)\.$/),
    ]);
    // A mean number of 3 with waiting times: Poisson by its definition.
    const poisson = each((i) => {
      let [k, left] = [0, Math.exp(-3)];
      for (let u = uniforms[i]; u > left; k++) [u, left] = [u - left, (left * 3) / (k + 1)];
      return k;
    });
    expect(kindOf(poisson).column?.kind).toBe("count");
    expect(kindOf(each((i) => 1 + Math.floor(5 * uniforms[i]))).column).toEqual({
      kind: "ordinal",
      name: "v",
      categories: ["1", "2", "3", "4", "5"],
    });
    const shares = each((i) => (1 / (1 + Math.exp(-2 * normals[i]))).toFixed(4));
    expect(kindOf(shares).column).toMatchObject({ kind: "bounded", low: 0, high: 1 });
    const percents = each((i) => (100 / (1 + Math.exp(-2 * normals[i]))).toFixed(2));
    expect(kindOf(percents, "fat percent").column).toMatchObject({ kind: "bounded", low: 0, high: 100 });
    expect(kindOf(percents).column?.kind).not.toBe("bounded");
  });

  test("few values, and large whole numbers, stay numbers", () => {
    const { preprocessing } = fitTable(table({ a: [1, 2, 3, 4, 5, 3], b: [0.1, 0.9, 0.3, 0.2, 0.8, 0.5] }));
    expect(preprocessing.columns.map(({ kind }) => kind)).toEqual(["numeric", "numeric"]);
    expect(kindOf(each((i) => 3000 + Math.round(400 * normals[i]))).column?.kind).toBe("numeric");
  });

  test("whole numbers of all sizes from 0 on, many of them 0, are a count; a normal of large whole numbers is not", () => {
    // As the population of a place in thousands: a quarter of 0, and a long tail.
    const population = each((i) => (uniforms[i] < 0.25 ? 0 : Math.floor(Math.exp(3 + 2 * normals[i]))));
    expect(population.reduce((a, b) => a + b, 0) / N).toBeGreaterThan(50);
    expect(kindOf(population)).toMatchObject({
      column: { kind: "count" },
      notes: [expect.stringMatching(/"v": count \(whole numbers from 0 to \d+, which a count fits better/)],
    });
    expect(kindOf(each((i) => Math.max(0, Math.round(300 + 100 * normals[i])))).column?.kind).toBe("numeric");
    expect(kindOf(each((i) => Math.floor(1000 * uniforms[i]))).column?.kind).toBe("numeric");
  });

  test("features: logarithms, logits, counts, blocks; in this order", () => {
    const { preprocessing } = fitTable(
      table({
        word: each((i) => "abc"[i % 3]),
        count: each((i) => i % 7),
        size: each((i) => Math.exp(normals[i])),
        real,
      }),
      { types: { count: "count", size: "positive", word: "ordinal:c<b<a" } },
    );
    expect(preprocessing.columns.map(({ name, kind }) => [name, kind])).toEqual([
      ["size", "positive"],
      ["real", "numeric"],
      ["count", "count"],
      ["word", "ordinal"],
    ]);
    expect(featureLayout(preprocessing)).toMatchObject({
      features: 6,
      numeric: 2,
      counts: 1,
      categories: [3],
      ordinal: [0],
    });
    expect(tablePreprocessing.parse(JSON.parse(JSON.stringify(preprocessing)))).toEqual(preprocessing);
    const { dataset } = encodeTable(
      table({ word: ["b"], count: [4], size: [Math.E], real: [0] }),
      preprocessing,
    );
    const [size] = preprocessing.columns;
    if (size.kind !== "positive") throw new Error("no positive");
    expect(dataset.x[0]).toBeCloseTo((1 - size.mean) / size.sd, 5);
    expect([...dataset.x.subarray(2)]).toEqual([4, 0, 1, 0]);
  });

  test("for any values of any type, cells can be read back", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.integer({ min: 1, max: 1e9 }).map((v) => v / 1000),
            fc.integer({ min: 0, max: 1000 }).map((v) => v / 1000),
            fc.nat(1000),
          ),
          {
            minLength: 3,
            maxLength: 30,
          },
        ),
        (rows) => {
          fc.pre(new Set(rows.map(([a]) => a)).size > 2 && new Set(rows.map(([, b]) => b)).size > 2);
          fc.pre(new Set(rows.map(([, , c]) => c)).size > 2);
          const text = table({
            a: rows.map(([a]) => a),
            b: rows.map(([, b]) => b),
            c: rows.map(([, , c]) => c),
          });
          const { preprocessing } = fitTable(text, { types: { a: "positive", b: "bounded", c: "count" } });
          const { dataset } = encodeTable(text, preprocessing);
          const x = rowsOf(dataset, [...rows.keys()], new Float32Array(dataset.x.length));
          decodeRows(x, preprocessing).forEach(([a, b, c], i) => {
            // A float32 of ln a, about 14 at most, times its standard deviation.
            expect(Number(a) / rows[i][0]).toBeCloseTo(1, 4);
            expect(Number(b)).toBeCloseTo(rows[i][1], 4);
            expect(c).toBe(rows[i][2]);
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  test.each<[TableOptions, RegExp]>([
    [
      { types: { v: "positive" } },
      /line 2, column "v": expected a number above 0 for the type positive|expected a number above 0/,
    ],
    [{ types: { v: "count" } }, /expected a count, a whole number from 0 to 16777215/],
    [{ types: { v: "bounded:0..1" } }, /expected a number from 0 to 1/],
    [{ types: { v: "date" } }, /expected a date such as 2020-01-31 for the type date/],
    [{ types: { w: "number" } }, /column "w": expected a finite number for the type number, found "a"/],
    [
      { types: { w: "ordinal" } },
      /the order of the words "a", "b", "c" is not known\. Give it: `types: {"w": "ordinal:a<b<c"}`\./,
    ],
    [
      { types: { w: "ordinal:a<b" } },
      /expected one of "a", "b", as in the training table for the type ordinal, found "c"/,
    ],
  ])("declared, and not so: %j", (options, message) => {
    const text = table({ v: each((i) => -1.5 - i), w: each((i) => "abc"[i % 3]) });
    expect(() => fitTable(text, options)).toThrow(message);
    expect(() => fitTable(text, options)).toThrow(DataError);
  });

  test.each<[TableOptions, RegExp]>([
    [{ types: { v: "cuont" } }, /types: column "v": expected one of number, positive, .*, found "cuont"/],
    [{ types: { v: "bounded:3..1" } }, /expected the ends, such as bounded:0\.\.10/],
    [{ types: { v: "date:ydm" } }, /expected date:ymd, date:dmy or date:mdy/],
    [{ types: { v: "ordinal:a<a" } }, /expected the levels from the lowest to the highest/],
    [
      { types: { v: "count" }, categorical: ["v"] },
      /is given the type count and is also declared categorical/,
    ],
    [{ types: { x: "count" }, ignore: ["y"], id: "z" }, /ignore: .*"y".*\ntypes: .*"x".*\nid: .*"z"/],
  ])("options that cannot be right: %j", (options, message) => {
    const text = table({ v: each((i) => i / 2), w: each((i) => "abc"[i % 3]) });
    expect(() => fitTable(text, options)).toThrow(message);
    expect(() => fitTable(text, options)).toThrow(UsageError);
  });
});

describe("decimal commas", () => {
  test.each([
    ["1,5", ",", 1.5],
    ["1.234,5", ",", 1234.5],
    ["-0,25", ",", -0.25],
    ["12", ",", 12],
    ["1,5e-3", ",", 0.0015],
    ["1.5", ",", Number.NaN],
    ["1,234.5", ".", 1234.5],
    ["1,5", ".", Number.NaN],
    ["1,234", undefined, Number.NaN],
  ] as const)("%s with decimal %s", (cell, decimal, expected) => {
    expect(numberIn(cell, decimal)).toBe(expected);
  });

  test.each([
    [["1,5", "2", "", "3,25"], { decimal: "," }],
    [["1.5", "2"], { decimal: undefined }],
    [["1,234", "2,345"], { ambiguous: "1,234" }],
    [["0,123", "0,234"], { decimal: "," }],
    [["1.234,5", "2"], { decimal: "," }],
    [["a,b", "c"], { decimal: undefined }],
  ] as const)("%j", (cells, guess) => {
    expect(guessDecimal(cells)).toEqual(guess);
  });

  test("are recognised, said, and asked of later rows", () => {
    const text = table({ v: each((i) => normals[i].toFixed(2).replace(".", ",")), real }, ";");
    const { preprocessing, notes } = fitTable(text);
    expect(notes).toEqual([expect.stringMatching(/"v": number \(decimal commas\)\.$/)]);
    const [v] = preprocessing.columns;
    expect(v).toMatchObject({ kind: "numeric", name: "v", decimal: "," });
    const later = table({ v: ["2,5"], real: [0] }, ";");
    expect(
      decodeRows(Float32Array.from(encodeTable(later, preprocessing).dataset.x), preprocessing)[0][0],
    ).toBeCloseTo(2.5, 4);
    expect(() => encodeTable(table({ v: ["2.5"], real: [0] }), preprocessing)).toThrow(
      /column "v": expected a finite number with a decimal comma, as in the training table, found "2\.5"/,
    );
  });

  test("few different ones are numbers too, and a comma that may group thousands asks", () => {
    const few = kindOf(each((i) => ["1,5", "2,5", "3,75"][i % 3])).column;
    expect(few).toMatchObject({ kind: "numeric", decimal: "," });
    expect(() => kindOf(each((i) => `${1 + (i % 9)},${100 + i}`))).toThrow(
      /the comma of "1,100" may be a decimal comma or may group thousands\. Give the decimal separator: `decimal: ","` or `decimal: "\."`\./,
    );
    expect(
      decodeRows(
        Float32Array.of(0, 0),
        kindOf(
          each((i) => `${1 + (i % 9)},${100 + i}`),
          "v",
          { decimal: "." },
        ).preprocessing,
      )[0][0],
    ).toBeGreaterThan(1000);
    expect(
      decodeRows(
        Float32Array.of(0, 0),
        kindOf(
          each((i) => `${1 + (i % 9)},${100 + i}`),
          "v",
          { decimal: "," },
        ).preprocessing,
      )[0][0],
    ).toBeLessThan(10);
  });

  test("in files without words, which are taken as they are", async () => {
    const path = write("n.csv", "a;b\n1,5;2\n-3,25;4\n");
    await expect(loadParts(path)).rejects.toThrow(/expected a finite number, found "1,5"/);
    const { train } = await loadParts(path, { decimal: "," });
    expect([...train.x]).toEqual([1.5, 2, -3.25, 4]);
  });
});

describe("dates", () => {
  test.each([
    ["2020-01-31", "ymd", 18_292],
    ["31.01.2020", "dmy", 18_292],
    ["1/31/2020", "mdy", 18_292],
    ["1969-12-31", "ymd", -1],
    ["2020-01-31T12:00", "ymd", 18_292.5],
    ["2020-01-31 12:00:00+06:00", "ymd", 18_292.25],
    ["2020-02-30", "ymd", Number.NaN],
    ["31.13.2020", "dmy", Number.NaN],
    ["2020", "ymd", Number.NaN],
  ] as const)("%s (%s)", (cell, order, days) => {
    // Days since 1970-01-01, as `date -d 2020-01-31 +%s` / 86400 says.
    expect(daysOf(cell, order)).toBe(days);
  });

  test.each([
    [["2020-01-31", "", "2021-01-01"], "ymd"],
    [["1.2.2020", "2.3.2021"], "dmy"],
    [["1/2/2020", "2/3/2021"], "ambiguous"],
    [["1/2/2020", "1/13/2020"], "mdy"],
    [["1/2/2020", "13/1/2020"], "dmy"],
    [["2020-01-31", "soon"], undefined],
  ] as const)("%j", (cells, order) => {
    expect(guessDates(cells)).toBe(order);
  });

  const days = each((i) => new Date(Date.UTC(2019, 0, 1 + 7 * i + (i % 5))).toISOString().slice(0, 10));

  test("become days, and sines and cosines of where in year and week they are", () => {
    const { column, notes, preprocessing } = kindOf(days);
    expect(column).toMatchObject({ kind: "date", order: "ymd", cycles: ["year", "week"] });
    expect(notes).toEqual([
      expect.stringMatching(/"v": date \(as days, and by position in the year, week\)\.$/),
    ]);
    expect(featureLayout(preprocessing).names).toEqual([
      "v",
      "v:sin(year)",
      "v:cos(year)",
      "v:sin(week)",
      "v:cos(week)",
      "real",
    ]);
    const text = table({ v: days.slice(0, 3), real: ["0", "0", "0"] });
    const { dataset } = encodeTable(text, preprocessing);
    expect(decodeRows(Float32Array.from(dataset.x), preprocessing).map(([date]) => date)).toEqual(
      days.slice(0, 3),
    );
    expect(dataset.x[1] ** 2 + dataset.x[2] ** 2).toBeCloseTo(1, 5);
    expect(() => encodeTable(table({ v: ["2020-02-30"], real: [0] }), preprocessing)).toThrow(
      /column "v": expected a date such as 2020-01-31, found "2020-02-30"/,
    );
  });

  test("whose day and month may be swapped ask", () => {
    const swapped = each((i) => `${1 + (i % 9)}/${1 + (i % 8)}/2020`);
    expect(() => kindOf(swapped)).toThrow(
      /may have the day or the month first\. Give the order: `types: {"v": "date:dmy"}` or `types: {"v": "date:mdy"}`\./,
    );
    expect(kindOf(swapped, "v", { types: { v: "date:mdy" } }).column).toMatchObject({ order: "mdy" });
  });
});

describe("columns that say which row it is", () => {
  test.each([
    ["nr", each((i) => i + 1), /it numbers the rows \(to use it anyway: `types: {"nr": "number"}`\)/],
    ["customer_id", each((i) => 5000 + ((i * 7919) % 10_007)), /its name and its values look like ids/],
    ["plz", each((i) => 10_000 + i * 7), /its numbers are codes, such as postcodes/],
    [
      "code",
      each((i) => String(1000 + 13 * i).padStart(5, "0")),
      /its numbers are codes, such as postcodes \("01000"\)/,
    ],
    [
      "name",
      each((i) => `person ${(i * 31) % 997}`),
      /its 300 values are all different, like ids or free text/,
    ],
    [
      "note",
      each((i) => `he said ${(i * 31) % 150} things`),
      /150 different words in 300 cells, .* are text, not categories/,
    ],
  ])("%s is left out with a sentence", (name, values, message) => {
    const { column, notes } = kindOf(values, name);
    expect(column).toBeUndefined();
    expect(notes).toEqual([expect.stringMatching(message)]);
  });

  test("years, measurements and few codes are kept", () => {
    expect(
      kindOf(
        each((i) => 1700 + i),
        "year",
      ).column?.kind,
    ).toBe("numeric");
    expect(
      kindOf(
        each((i) => Math.round(1e6 * uniforms[i])),
        "income",
      ).column?.kind,
    ).toBe("numeric");
    expect(
      kindOf(
        each((i) => `person ${(i * 31) % 997}`),
        "name",
        { types: { name: "categorical" } },
      ).column?.kind,
    ).toBe("categorical");
  });

  test("--id names the rows, and is no feature", () => {
    const ids = each((i) => (i === 3 ? "" : `row-${i}`));
    const text = table({ who: ids, real, v: each((i) => normals[i] * 2) });
    const { preprocessing, notes } = fitTable(text, { id: "who" });
    expect(preprocessing.id).toBe("who");
    expect(preprocessing.columns.map(({ name }) => name)).toEqual(["real", "v"]);
    expect(notes).toEqual([
      expect.stringMatching(/column "who" is blank in 1 rows, which are named by their lines\./),
    ]);
    const { dataset } = encodeTable(text, preprocessing);
    expect(dataset.rowNoun).toBe("who");
    expect(dataset.rowNames?.slice(2, 5)).toEqual(["row-2", "line 5", "row-4"]);
    const without = encodeTable(table({ real: [1], v: [2] }), preprocessing);
    expect(without.dataset).toMatchObject({ rowNoun: "line", rowNames: ["2"] });
    expect(without.notes).toEqual([
      expect.stringMatching(/has no column "who" with the ids; rows are named by their lines\./),
    ]);
  });
});

test("all problems of all columns come at once, in one error", () => {
  const text = table({
    a: each((i) => (i % 100 === 7 ? "1o" : i / 2)),
    b: each((i) => `${1 + (i % 9)}/${1 + (i % 8)}/2020`),
    c: each((i) => `${1 + (i % 9)},${100 + i}`),
    real,
  });
  expect(() => fitTable(text)).toThrow(
    /^.*: 3 columns have problems:\n {2}.*line 9, column "a": expected a number.*found "1o" \(3 such cells in all\).*\n {2}.*column "b": dates.*\n {2}.*column "c": the comma/,
  );
  const { preprocessing } = fitTable(table({ a: each((i) => i / 2), b: each((i) => "xyz"[i % 3]), real }));
  expect(() => encodeTable(table({ a: ["?o", "1"], b: ["w", "x"], real: [1, "r"] }), preprocessing)).toThrow(
    /3 columns have problems:\n.*column "a".*\n.*column "real".*\n.*column "b": expected one of "x", "y", "z"/,
  );
});
