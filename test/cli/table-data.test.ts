/** A run on a table of numbers that are taken as they are: no pictures, but CSV files under the columns' names. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type Outcome, ok, temporary } from "./harness.ts";

const folder = temporary();
const csv = join(folder, "flowers.csv");
const run = join(folder, "run");
let trained: Outcome;

beforeAll(async () => {
  const lines = Array.from({ length: 80 }, (_, i) => {
    const t = Math.sin(i);
    return [t, 2 * t + 0.1 * Math.cos(7 * i), -t, i % 2 ? '"iris, blue"' : "rose"].join(",");
  });
  writeFileSync(csv, ["height,width,depth,species", ...lines].join("\n"));
  trained = await ok(
    ...["train", "vae", "--data", csv, "--label-column", "species", "--latent", "1", "--hidden", "none"],
    ...["--likelihood", "gaussian"],
    ...["--epochs", "2", "--batch", "8", "--test-fraction", "0.25", "--out", run, "--report"],
  );
});

const rowsOfFile = (name: string) =>
  readFileSync(join(run, name), "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(","));

test("the likelihood is the one asked for, and pixels there are none", () => {
  expect(trained.out).toContain("flowers.csv: 60 rows to train on, 20 to test on.\n");
  expect(trained.out).toContain("A table of real numbers, so: --binarize none.\n");
  // 3+1 for the mean, 3+1 for the log variance, 3+3 for the decoder, 1 for ln σ.
  expect(trained.out).toContain("15 parameters.");
  expect(trained.out).not.toContain(".png");
  expect(readFileSync(join(run, "report.html"), "utf8")).toContain("The data are not images");
});

test("samples, reconstructions and traversals are CSV files", async () => {
  await ok("sample", run, "--count", "5");
  expect(rowsOfFile("samples.csv")[0]).toEqual(["height", "width", "depth"]);
  expect(rowsOfFile("samples.csv")).toHaveLength(6);
  await ok("reconstruct", run, "--count", "3");
  expect(rowsOfFile("reconstructions.csv")[0]).toEqual(["line", "is", "height", "width", "depth"]);
  expect(rowsOfFile("reconstructions.csv")).toHaveLength(7);
  await ok("traverse", run);
  const traversals = rowsOfFile("traversals.csv");
  expect(traversals[0]).toEqual(["dimension", "z", "height", "width", "depth"]);
  expect(traversals.slice(1).map(([d, z]) => `${d} ${z}`)).toEqual(
    ["-3", "-2.25", "-1.5", "-0.75", "0", "0.75", "1.5", "2.25", "3"].map((z) => `0 ${z}`),
  );
});

test("codes of all rows come in the file's order, with their labels", async () => {
  await ok("encode", run, "--data", csv);
  const text = readFileSync(join(run, "latents.csv"), "utf8").trim().split("\n");
  expect(text[0]).toBe("line,z0,label");
  expect(text).toHaveLength(81);
  expect(text.slice(1, 4).map((line) => line.replace(/^[^,]+,[^,]+,/, ""))).toEqual([
    "rose",
    '"iris, blue"',
    "rose",
  ]);
});
