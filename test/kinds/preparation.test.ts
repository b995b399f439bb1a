/** The readers that the page on export shows make of raw rows what the library makes of them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { encodeTable, fitTable, readTable, rowsOf } from "../../src/data/index.ts";
import { preparationOf } from "../../src/kinds/index.ts";
import { describeData, newRun } from "../../src/runs/index.ts";
import { blocksOf } from "../docs/pages.ts";
import { writePrograms } from "../docs/snippets.ts";

const folder = mkdtempSync(join(tmpdir(), "tightbound-preparation-"));
afterAll(() => rmSync(folder, { recursive: true }));

const cells = [
  ["46.1", "Biscoe", "5250", "2021-01-31 07:30", "31.1.2021", "Gentoo"],
  ["", "Dream", "3775", "2023-11-02T23:59:30Z", "2.11.1969", "Chinstrap"],
  ["39.5", "", "3800", "", "29.2.2024", "Adelie"],
  ["40.25", "Torgersen", "", "2024-02-29 00:00", "", "Adelie"],
  ["1e2", "Dream", "3775.5", "1969-06-20 12:00", "1.12.2023", "Chinstrap"],
];
const names = ["length", "island", "mass", "seen", "entered", "species"];
const csv = join(folder, "t.csv");
writeFileSync(csv, [names, ...cells].map((row) => row.join(",")).join("\n"));
const read = await readTable(csv);
const { preprocessing } = fitTable(read, { labelColumn: "species" });
const train = encodeTable(read, preprocessing).dataset;
const data = describeData({ spec: csv }, { train, preprocessing });
const { columns = [], ...rest } = preparationOf(newRun("m2", {}, train, data, { version: "0", command: "" }));
const raw = cells.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])));
const width = train.shape[0];
const expected = [...rowsOf(train, [0, 1, 2, 3, 4], new Float32Array(5 * width))];

const block = (language: string): string => {
  const found = blocksOf("docs/how-to/export-onnx.md").filter((one) => one.language === language);
  const [reader, dates] = found.map(({ code }) => code);
  // A reader of 20 lines or so is what a file of plain data promises.
  expect(reader.trimEnd().split("\n").length).toBeLessThanOrEqual(23);
  return `${reader}\n${dates}`;
};

test("what is written says shape, classes and features", () => {
  expect(rest).toEqual({
    format: "tightbound input",
    version: 1,
    shape: [width],
    features: [
      ...["length", "mass"],
      ...["seen", "entered"].flatMap((name) => [
        name,
        ...["year", "week", ...(name === "seen" ? ["day"] : [])].flatMap((cycle) => [
          `${name}:sin(${cycle})`,
          `${name}:cos(${cycle})`,
        ]),
      ]),
      ...["island=Biscoe", "island=Dream", "island=Torgersen"],
    ],
    classes: ["Adelie", "Chinstrap", "Gentoo"],
  });
});

test("the reader in TypeScript", async () => {
  const name = "reader";
  const path = writePrograms("tightbound-reader", [
    { page: "", name, code: `${block("ts")}\nexport { prepare };` },
  ]);
  const { prepare } = (await import(/* @vite-ignore */ join(path, `${name}.ts`))) as {
    prepare: (row: unknown, of: unknown) => number[];
  };
  expect(raw.flatMap((row) => prepare(row, columns)).map(Math.fround)).toEqual(expected);
  expect(() => prepare({ ...raw[0], island: "Elba" }, columns)).toThrow('island: "Elba" is none of');
  for (const entered of ["30.2.2024", "2024-02-28", "soon"])
    expect(() => prepare({ ...raw[0], entered }, columns)).toThrow(`entered: "${entered}" is nothing that`);
  rmSync(path, { recursive: true });
});

const hasPython = (() => {
  try {
    execFileSync("python3", ["-c", ""], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

test.skipIf(!hasPython)(`the reader in Python${hasPython ? "" : " (skipped: there is no python3)"}`, () => {
  const program = `${block("python")}
import json, sys
rows, columns = json.load(sys.stdin)
print(json.dumps([x for row in rows for x in prepare(row, columns)]))
`;
  const out = execFileSync("python3", ["-c", program], { input: JSON.stringify([raw, columns]) });
  const found = JSON.parse(String(out).replaceAll("NaN", "null")) as (number | null)[];
  expect(found.map((value) => (value === null ? Number.NaN : Math.fround(value)))).toEqual(expected);
});
