/** Rows keep their names from file to output, and rows that a run was trained on are told. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { cli, ok, temporary } from "./harness.ts";

const folder = temporary();
const path = (name: string) => join(folder, name);
const fruit = (i: number) =>
  `f${i},${(3 - 2 * (i % 2) + Math.sin(5 * i)).toFixed(3)},${(Math.cos(3 * i) + (i % 2)).toFixed(3)},${["plum", "pear"][i % 2]}`;
const table = (rows: readonly number[]) => `who,size,sweet,kind\n${rows.map(fruit).join("\n")}\n`;
const first = (file: string) =>
  readFileSync(path(file), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(",").slice(0, 2));

const run = path("m2");
beforeAll(async () => {
  writeFileSync(path("train.csv"), table(Array.from({ length: 60 }, (_, i) => i)));
  writeFileSync(path("new.csv"), table([70, 3, 71]));
  writeFileSync(path("fresh.csv"), table([80, 81]));
  const small = ["--epochs", "3", "--threads", "1", "--test-fraction", "0.2"];
  await ok(
    "train",
    "m2",
    "--data",
    path("train.csv"),
    "--label-column",
    "kind",
    "--id",
    "who",
    ...small,
    "--out",
    run,
  );
  await ok(
    "train",
    "vae",
    "--data",
    path("train.csv"),
    "--ignore",
    "who",
    ...small.slice(0, 4),
    "--test-fraction",
    "0.1",
    "--out",
    path("vae"),
  );
});

test("the id is the first column of predictions, the class stays in its column", async () => {
  await ok("classify", run, "--data", path("new.csv"), "--out", path("predictions.csv"));
  const [head, ...lines] = first("predictions.csv");
  expect(head).toEqual(["who", "class"]);
  expect(lines.map(([name]) => name)).toEqual(["f70", "f3", "f71"]);
  for (const [, kind] of lines) expect(["plum", "pear"]).toContain(kind);
});

test("codes, reconstructions and a report name the rows that were held out as the file does", async () => {
  await ok("encode", run, "--out", path("codes.csv"));
  const [head, ...lines] = first("codes.csv");
  expect(head[0]).toBe("who");
  expect(lines.every(([name]) => /^f\d+$/.test(name))).toBe(true);
  await ok("report", run);
  const page = readFileSync(join(run, "report.html"), "utf8");
  expect(page).toContain('<th scope="col">who</th>');
  expect(page).toContain(`<td>${lines[0][0]}</td>`);
  // Without an id rows are named by their lines: the header is line 1, f0 line 2.
  await ok("reconstruct", path("vae"), "--data", path("new.csv"), "--out", path("pairs.csv"));
  expect(first("pairs.csv")).toEqual([
    ["line", "is"],
    ...["2", "3", "4"].flatMap((line) => [
      [line, "original"],
      [line, "reconstruction"],
    ]),
  ]);
});

test("a message names the row", async () => {
  writeFileSync(path("bad.csv"), table([90]).replace(/f90,[^,]*/, "f90,big"));
  const { err } = await cli("classify", run, "--data", path("bad.csv"));
  expect(err).toContain(`bad.csv, line 2, column "size": expected a finite number, found "big"`);
});

test("figures on rows that a run was trained on are said to be so", async () => {
  const whole = await ok("evaluate", run, "--data", path("train.csv"));
  expect(whole.out).toContain(
    "48 of the 60 rows have the same values as rows whose class the run was given: figures on them show how well it remembers",
  );
  expect((await ok("evaluate", run, "--data", path("fresh.csv"))).out).not.toContain(
    "the same values as rows",
  );
  expect((await ok("evaluate", path("vae"), "--data", path("train.csv"))).out).toContain(
    "54 of the 60 rows have the same values as rows that the run was trained on",
  );
  expect(
    (await ok("evaluate", run, "--data", path("new.csv"), "--json")).json().trainingRows,
  ).toBeLessThanOrEqual(1);
  expect((await ok("classify", run, "--data", path("train.csv"), "--json")).json().trainingRows).toBe(48);
  expect((await ok("evaluate", run)).out).not.toContain("the same values as rows");
});

test("impute fills the blank cells of the file, keeps the others, and says how accurate it is", async () => {
  writeFileSync(
    path("gaps.csv"),
    table([90, 91, 92])
      .replace(/f90,[^,]*/, "f90,")
      .replace(/,plum\n$/, ",\n"),
  );
  const { out } = await ok(
    "impute",
    path("vae"),
    "--data",
    path("gaps.csv"),
    "--out",
    path("full.csv"),
    "--check",
    "0.5",
  );
  expect(out).toContain("2 missing cells of 3 rows of gaps.csv filled by posterior means");
  expect(out).toMatch(
    /known cells were hidden at random and filled too:\n {2}posterior .*\n {2}mean .*\n {2}5 nearest rows/,
  );
  const lines = readFileSync(path("full.csv"), "utf8").trimEnd().split("\n");
  const before = readFileSync(path("gaps.csv"), "utf8").trimEnd().split("\n");
  expect(lines[0]).toBe("line,who,size,sweet,kind");
  expect(lines[1]).toMatch(/^2,f90,-?\d+(\.\d+)?,/);
  expect(lines[2]).toBe(`3,${before[2]}`);
  expect(lines[3]).toMatch(/,(plum|pear)$/);
  await ok(
    "impute",
    path("vae"),
    "--data",
    path("gaps.csv"),
    "--draws",
    "3",
    "--no-check",
    "--out",
    path("draws.csv"),
  );
  expect(first("draws.csv").map((cells) => cells.join())).toEqual([
    "line,draw",
    ...[1, 2, 3].flatMap((d) => ["2", "3", "4"].map((line) => `${line},${d}`)),
  ]);
  expect((await cli("impute", run)).err).toMatch(
    /expected the run of a kind that can impute, m1 or vae; found one of m2/,
  );
});
