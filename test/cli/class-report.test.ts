import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ok, temporary, writeDigits } from "./harness.ts";

const folder = temporary();
const digits = writeDigits(folder, { train: 120, test: 40 });
const run = join(folder, "run");
const files = ["report.html", "analogies.png", "class-samples.png"].map((name) => join(run, name));

test("train --report and report of a model that learns from labels", async () => {
  const { json } = await ok(
    ...[
      "train",
      "m2",
      "--data",
      digits,
      "--labels",
      "20",
      "--label-seed",
      "4",
      "--latent",
      "2",
      "--hidden",
      "8",
    ],
    ...["--epochs", "1", "--batch", "20", "--threads", "1", "--out", run, "--report", "--json"],
  );
  const { evaluation, files: written } = json();
  expect(written).toEqual(files);
  const evaluated = (await ok("evaluate", run, "--json")).json();
  expect(evaluated).toMatchObject(evaluation as object);
  const page = readFileSync(join(run, "report.html"), "utf8");
  for (const text of [
    "M2 on ",
    "label seed 4",
    "by Bayes\u2019 rule with 20 samples",
    "Analogies",
    "Confusion matrix",
    "Rings mark 20 training images",
  ]) {
    expect(page).toContain(text);
  }

  const { out } = await ok("report", run, "--bayes-samples", "2", "--bayes-rows", "10");
  expect(out).toMatch(/^Error, q\(y\|x\) +\d+\.\d\d %/m);
  expect(out).toMatch(/^Error, Bayes' rule +\d+\.\d\d % {2}2 importance samples, the first 10 rows/m);
  for (const path of files) expect(out).toContain(`Written: ${path}`);
});

test("report of an M1 run", async () => {
  const m1 = join(folder, "m1");
  await ok(
    ...["train", "m1", "--data", digits, "--labels", "20", "--latent", "2", "--hidden", "8"],
    ...["--epochs", "1", "--batch", "20", "--threads", "1", "--out", m1],
  );
  const found = (await ok("report", m1, "--samples", "2", "--rows", "10", "--json")).json();
  expect(found).toMatchObject({ run: m1, rows: 40, classifiers: { svm: {}, knn: {} } });
  const names = ["report.html", "reconstructions.png", "samples.png", "traversals.png"];
  expect(found.files).toEqual(names.map((name) => join(m1, name)));
  const page = readFileSync(join(m1, "report.html"), "utf8");
  for (const text of [
    "M1 on ",
    "by a support vector machine",
    "2 importance samples, first 10 test images",
  ]) {
    expect(page).toContain(text);
  }
});
