/** A person's own table: columns of numbers and words, gaps, and few labels. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { readRun } from "../../src/runs/index.ts";
import { openClassifier } from "../runs/opened.ts";
import { cli, ok, temporary } from "./harness.ts";

const folder = temporary();
const path = (name: string) => join(folder, name);
const write = (name: string, lines: readonly string[]): string => {
  writeFileSync(path(name), `${lines.join("\n")}\n`);
  return path(name);
};

/** Rows of three kinds of fruit, which weight and colour tell apart; a cell in nine is missing. */
const HEADER = "id,weight,sweetness,colour,box,kind";
const kinds = ["apple", "cherry", "plum"];
const fruit = (i: number, kind = kinds[i % 3]): string => {
  const k = i % 3;
  const cells = [
    (150 - 70 * k + 12 * Math.sin(5 * i)).toFixed(1),
    (Math.cos(3 * i) + k / 2).toFixed(3),
    (i * i) % 11 === 0 ? "green" : ["red", "black", "blue"][k],
    i % 2 === 0 ? "yes" : "no",
  ];
  return [i, ...cells.map((cell, c) => ((i + 2 * c) % 9 === 4 ? ["", "NA"][i % 2] : cell)), kind].join(",");
};
const rows = Array.from({ length: 90 }, (_, i) => i);
const few = write("fruit.csv", [HEADER, ...rows.map((i) => fruit(i, i < 9 ? kinds[i % 3] : ""))]);
const whole = write("labelled.csv", [HEADER, ...rows.map((i) => fruit(i))]);
const fresh = write("new.csv", ["colour,kind,box,weight,sweetness", "red,,yes,151.5,", ",plum,no,9.5,1.2"]);

const table = ["--label-column", "kind", "--ignore", "id"];
const small = ["--epochs", "30", "--threads", "1"];

/** How many lines a CSV file has, and its first. */
const csvOf = (file: string) => {
  const [head, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  return { head, lines };
};

describe("m2 on a table with nine labels", () => {
  const run = path("m2");
  let out = "";
  beforeAll(async () => {
    ({ out } = await ok("train", "m2", "--data", few, ...table, ...small, "--out", run));
  });

  test("says what it reads, and holds no labelled row out where there are few", () => {
    expect(out).toContain("fruit.csv: 90 rows to train on, none to test on.\n");
    expect(out).toContain(
      "2 columns of numbers, standardised, and 2 of categories; 40 cells are missing, so: --likelihood table.\n",
    );
  });

  test("the run holds the preprocessing and the defaults of small tables", () => {
    const { settings } = readRun(run);
    expect(settings.data.table).toMatchObject({
      ignore: ["id"],
      categorical: [],
      preprocessing: {
        columns: [
          { kind: "numeric", name: "weight" },
          { kind: "numeric", name: "sweetness" },
          { kind: "categorical", name: "colour", categories: ["black", "blue", "green", "red"] },
          { kind: "categorical", name: "box", categories: ["no", "yes"] },
        ],
        labels: { column: "kind", classes: kinds },
      },
    });
    expect(settings.model).toMatchObject({
      likelihood: "table",
      layout: { numeric: 2, categories: [4, 2] },
      hidden: [50],
      latent: 10,
    });
    expect(settings.train).toMatchObject({ batch: 10, alpha: 1, lr: 3e-3, schedule: "cosine" });
  });

  test("learns the kinds of the rows that have none", async () => {
    const { json } = await ok("evaluate", run, "--data", whole, "--json");
    expect(json()).toMatchObject({ rows: 90, labels: 9, classes: kinds });
    // Of 90 rows two thirds would be wrong by chance.
    expect(json().testError).toBeLessThan(0.1);
    expect(json().testErrorBayes).toBeLessThan(0.1);
  });

  test("classifies its own rows, in the order of the file", async () => {
    const { out: said } = await ok("classify", run);
    expect(said).toBe(
      `90 rows of fruit.csv classified, written to ${run}/predictions.csv\n0.00 % of the labelled ones have another class.\n`,
    );
    const { head, lines } = csvOf(join(run, "predictions.csv"));
    expect(head).toBe("line,class,p(apple),p(cherry),p(plum)");
    // Line 1 has the names of the columns.
    expect(lines.map((line) => Number(line.split(",")[0]))).toEqual(rows.map((row) => row + 2));
    const wrong = lines.filter((line, i) => line.split(",")[1] !== kinds[i % 3]);
    expect(wrong.length).toBeLessThan(9);
  });

  test("classifies new rows, whatever the order of their columns, without labels and with others beside them", async () => {
    const file = write("more.csv", [
      "box,weight,colour,sweetness,farm",
      "no,8.5,blue,1.1,X",
      "yes,148,,-0.3,Y",
    ]);
    const predictions = path("predictions.csv");
    const { out: said } = await ok("classify", run, "--data", file, "--out", predictions);
    expect(said).toBe(
      `${file}: not used: "farm".\n2 rows of more.csv classified, written to ${predictions}\n`,
    );
    const { lines } = csvOf(predictions);
    expect(lines.map((line) => line.split(",").slice(0, 2))).toEqual([
      ["2", "plum"],
      ["3", "apple"],
    ]);
  });

  test("new rows that it cannot read are refused", async () => {
    const lacking = write("bad.csv", ["weight,colour,box", "1,red,no"]);
    expect(await cli("classify", run, "--data", lacking)).toMatchObject({
      code: 1,
      err: `${lacking}: expected a column "sweetness" as in the training table; found "weight", "colour", "box".\n`,
    });
    const misspelt = await cli("classify", run, "--data", lacking, "--label-column", "frut");
    expect(misspelt.code).toBe(1);
    expect(misspelt.err).toMatch(/expected a column "frut" with the labels; found "/);
    const pink = write("bad.csv", ["weight,sweetness,colour,box", "1,2,red,no", "1,2,pink,no"]);
    expect(await cli("classify", run, "--data", pink)).toMatchObject({
      code: 1,
      err:
        `${pink}, line 3, column "colour": expected one of "black", "blue", "green", "red", as in the training table; found "pink". ` +
        "Correct the cell, or leave it blank: it then counts as missing.\n",
    });
  });

  test("has no test of its own, and says so", async () => {
    expect(out).toContain(
      "Too few labels to hold any out for testing, so the error will not be known. --test-fraction 0.2 would hold out a fifth.\n",
    );
    expect(await cli("evaluate", run)).toMatchObject({
      code: 2,
      err:
        "fruit.csv: the run has no test rows, because too few rows are labelled. Use --part train, give other rows with " +
        "--data, or train with --test-fraction.\n",
    });
  });

  test("an interrupted run of a table goes on with the same rows", async () => {
    await expect(ok("train", "--resume", run, "--ignore", "id")).resolves.toMatchObject({ code: 0 });
    const { err, code } = await cli("train", "--resume", run, "--ignore", "id,box");
    expect([code, err]).toEqual([
      2,
      `--ignore id,box contradicts the run in ${run}, which has id. A resumed run keeps its settings: leave the flag out, or ` +
        "start a new run.\n",
    ]);
  });
});

describe("a vae of a table", () => {
  const run = path("vae");
  beforeAll(async () => {
    await ok("train", "vae", "--data", few, ...table, ...small, "--latent", "2", "--out", run, "--report");
  });

  test("draws whole rows, numbers in their units and categories by name", async () => {
    await ok("sample", run, "--count", "200");
    const { head, lines } = csvOf(join(run, "samples.csv"));
    expect(head).toBe("weight,sweetness,colour,box");
    expect(lines).toHaveLength(200);
    const cells = lines.map((line) => line.split(","));
    const weights = cells.map(([weight]) => Number(weight));
    // The file's mean is 80.4 and its standard deviation 58; 200 draws of the trained model are near both.
    const mean = weights.reduce((a, b) => a + b, 0) / 200;
    expect(Math.abs(mean - 80)).toBeLessThan(20);
    expect(Math.hypot(...weights.map((w) => w - mean)) / Math.sqrt(200)).toBeGreaterThan(30);
    expect(new Set(cells.map(([, , colour]) => colour))).toEqual(new Set(["black", "blue", "green", "red"]));
    expect(new Set(cells.map(([, , , box]) => box))).toEqual(new Set(["no", "yes"]));
  });

  test("reconstructs rows, what is missing in them too", async () => {
    await ok("reconstruct", run, "--data", few, "--count", "5");
    const { head, lines } = csvOf(join(run, "reconstructions.csv"));
    expect(head).toBe("line,is,weight,sweetness,colour,box");
    // The weight of the fifth row, line 6 of the file, is missing; its reconstruction is not.
    expect(lines[8]).toMatch(/^6,original,,1\.344,black,yes$/);
    expect(lines[9]).toMatch(/^6,reconstruction,[\d.]+,[-\d.]+,black,(yes|no)$/);
  });

  test("encodes new rows of other order, without labels for some", async () => {
    const { out } = await ok("encode", run, "--data", fresh);
    expect(out).toContain("2 rows of new.csv, 2 numbers each");
    const { head, lines } = csvOf(join(run, "latents.csv"));
    expect(head).toBe("line,z0,z1,label");
    expect(lines.map((line) => line.split(",")[3])).toEqual(["", "plum"]);
  });

  test.each([
    [
      "a category that the training table did not have",
      ["weight,sweetness,colour,box", "1,2,yellow,no"],
      ', line 2, column "colour": expected one of "black", "blue", "green", "red", as in the training table; found "yellow". ' +
        "Correct the cell, or leave it blank: it then counts as missing.\n",
    ],
    [
      "a column that is missing",
      ["weight,colour,box", "1,red,no"],
      ': expected a column "sweetness" as in the training table; found "weight", "colour", "box".\n',
    ],
    [
      "a class that the training table did not have",
      ["weight,sweetness,colour,box,kind", "1,2,red,no,pear"],
      ', line 2, column "kind": expected one of the classes "apple", "cherry", "plum", or a blank cell; found "pear".\n',
    ],
    [
      "a word among numbers",
      ["weight,sweetness,colour,box", "heavy,2,red,no"],
      ', line 2, column "weight": expected a finite number, found "heavy". Correct the cell, or leave it blank: it then counts ' +
        "as missing.\n",
    ],
  ])("new rows with %s are refused", async (_, lines, message) => {
    const file = write("bad.csv", lines);
    expect(await cli("encode", run, "--data", file)).toMatchObject({ code: 1, err: file + message });
  });

  test("other kinds of data, and options that are not a table's, are refused", async () => {
    const npy = path("x.npy");
    expect(await cli("encode", run, "--data", npy)).toMatchObject({
      code: 2,
      err: `${npy}: expected a .csv, .tsv, .jsonl, .json, .parquet or .xlsx file, with the columns of the table that the run was trained on.\n`,
    });
    expect(await cli("encode", run, "--data", fresh, "--part", "train")).toMatchObject({
      code: 2,
      err: `--part train does not apply: ${fresh} has only one part. Leave it out.\n`,
    });
  });
});

test("a vae tests on rows of any kind; to be M1 where labels are few it must see them all", async () => {
  const run = path("m1 of few");
  const given = ["--data", few, ...table, "--epochs", "1", "--latent", "2", "--threads", "1"];
  const { out } = await ok("train", "vae", ...given, "--out", run);
  expect(out).toContain("fruit.csv: 81 rows to train on, 9 to test on.\n");
  const stack = ["train", "m1m2", ...given, "--m1", run, "--out", path("stack"), "--keep-inactive"];
  expect(await cli(...stack)).toMatchObject({
    code: 2,
    err:
      `--m1 "${run}": it was trained on other rows (81 rows of fruit.csv) than these (90 rows of fruit.csv). It must have been trained on the ` +
      "training rows and on no held-out rows: train it with the same --data and --validation and --test-fraction 0, or " +
      "leave it out.\n",
  });
  await ok("train", "vae", ...given, "--test-fraction", "0", "--out", run, "--overwrite");
  await ok(...stack);
});

test("m1m2 on a table: its VAE has the table's likelihood", async () => {
  const run = path("m1m2");
  const short = ["--epochs", "2", "--m1-epochs", "2", "--threads", "1"];
  await ok("train", "m1m2", "--data", few, ...table, ...short, "--out", run, "--keep-inactive");
  const { settings } = readRun(join(run, "m1"));
  expect(settings.model).toMatchObject({ likelihood: "table", layout: { numeric: 2, categories: [4, 2] } });
  const { trained } = await openClassifier(run);
  expect(trained.kind).toBe("m1m2");
});

describe("tables that training refuses", () => {
  const out = path("refused");
  const train = (file: string, ...options: readonly string[]) =>
    cli("train", "m2", "--data", file, "--out", out, ...options);
  const numbered = (labels: (i: number) => number | string) =>
    write("numbered.csv", ["x,y", ...Array.from({ length: 200 }, (_, i) => `${i % 13},${labels(i)}`)]);

  test("a misspelt label column", async () => {
    expect(await train(few, "--label-column", "knid")).toMatchObject({
      code: 1,
      err: `${few}: expected a column "knid" with the labels; found "id", "weight", "sweetness", "colour", "box", "kind".\n`,
    });
  });

  test("no label column for a model that learns from labels", async () => {
    expect(await train(few, "--ignore", "id")).toMatchObject({
      code: 1,
      err:
        "fruit.csv: expected labels, found none. Tables have labels in a column (labelColumn), directories of images have one " +
        "subfolder per class, and IDX and .npy files have labels in another file (labels).\n",
    });
  });

  test("a class column with a hundred values that looks numeric asks", async () => {
    const file = numbered((i) => i % 100);
    expect(await train(file, "--label-column", "y")).toMatchObject({
      code: 1,
      err:
        `${file}, column "y": the labels look like a quantity, not like classes: 100 different numbers from 0 to 99. If they are ` +
        "classes, declare the column categorical (--categorical y).\n",
    });
    const declared = await train(file, "--label-column", "y", "--categorical", "y", "--epochs", "1");
    expect(declared).toMatchObject({ code: 0, err: "" });
  });

  test("no labelled row", async () => {
    const file = numbered(() => "");
    expect(await train(file, "--label-column", "y")).toMatchObject({
      code: 1,
      err:
        "numbered.csv: expected at least one labelled row per class; none of the 200 rows is labelled. Label a few, or train a model " +
        "that needs no labels (a VAE).\n",
    });
  });

  test("every row labelled is supervised learning", async () => {
    const { code, out: said } = await train(whole, ...table, "--epochs", "1", "--overwrite");
    expect(code).toBe(0);
    expect(said).toContain("labelled.csv: 90 rows to train on, none to test on.\n");
    expect(said).toContain("All 90 rows are labelled: this is supervised learning.");
  });

  test("columns that are not there, and flags that a table of numbers has no use for", async () => {
    expect(await train(few, ...table, "--categorical", "colour,hue")).toMatchObject({
      code: 2,
      err: `categorical: ${few} has no column "hue"; found "id", "weight", "sweetness", "colour", "box", "kind".\n`,
    });
    expect(await train(few, "--ignore", "id", "--likelihood", "gaussian")).toMatchObject({
      code: 2,
      err:
        "--ignore does not apply: only a .csv, .tsv, .jsonl, .json, .parquet or .xlsx file with --likelihood table (the default) has columns of its own. Leave it " +
        "out.\n",
    });
    expect((await train(few, "--ignore", "id,")).err).toContain(
      "Expected column names, separated by commas, such as id,year.",
    );
  });
});
