import { expect, test } from "vitest";
import { configRows, counted, dateTime, decimal, duration, whole } from "../../src/report/format.ts";

test("numbers have a true minus sign and a dash for what is missing", () => {
  expect(decimal(-102.345)).toBe("\u2212102.3");
  expect(decimal(0.125, 2)).toBe("0.13");
  expect([decimal(undefined), decimal(Number.NaN), whole(Number.POSITIVE_INFINITY)]).toEqual(["–", "–", "–"]);
  expect(whole(652824)).toBe("652,824");
  expect([counted(1, "epoch"), counted(2000, "epoch")]).toEqual(["1 epoch", "2,000 epochs"]);
});

test("durations never say 60 seconds", () => {
  // 59.96 s would round to "60.0 s".
  expect([0.04, 59.9, 59.96, 91.4, 3599.7, 7384].map(duration)).toEqual([
    "0.0 s",
    "59.9 s",
    "1 min 0 s",
    "1 min 31 s",
    "1 h 0 min",
    "2 h 3 min",
  ]);
});

test("dates are in UTC; what is no date stays as it is", () => {
  expect(dateTime("2026-03-02T23:59:11+00:00")).toBe("2 March 2026, 23:59 UTC");
  expect(dateTime("yesterday")).toBe("yesterday");
});

test("configurations are flattened by path", () => {
  expect(
    configRows({ a: { b: { c: 1 }, d: [1, null, 2], e: [] }, f: null, g: undefined, h: false, i: {} }),
  ).toEqual([
    ["a.b.c", "1"],
    ["a.d", "1, none, 2"],
    ["a.e", "none"],
    ["f", "none"],
    ["h", "false"],
    ["i", "{}"],
  ]);
});

test("of a list of objects each has a row: a table's columns, by their names", () => {
  const columns = [
    { kind: "numeric", name: "length", mean: 43.92532467532469, sd: -0.0001234567 },
    { kind: "categorical", name: "island", categories: ["Biscoe", "Dream"] },
    { kind: "other", of: { rows: 1234567 } },
    3,
  ];
  expect(configRows({ table: { columns } })).toEqual([
    ["table.columns.length", "kind numeric; mean 43.925; sd -0.00012346"],
    ["table.columns.island", "kind categorical; categories Biscoe, Dream"],
    ["table.columns.2", "kind other; of.rows 1234567"],
    ["table.columns.3", "3"],
  ]);
});
