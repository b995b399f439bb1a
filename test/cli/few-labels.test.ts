/** Learning from few labels, from the command line. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decode, encode } from "fast-png";
import { beforeAll, describe, expect, test } from "vitest";
import { readCsv } from "../../src/data/index.ts";
import { idxBytes } from "../data/temp.ts";
import { cli, ok, temporary, writeDigits } from "./harness.ts";

const folder = temporary();
const digits = join(folder, "digits");
const path = (name: string) => join(folder, name);
const small = ["--hidden", "16", "--latent", "3", "--batch", "50", "--threads", "1"];
const figures = {
  labels: 20,
  labelSeed: 0,
  rows: 60,
  testError: expect.any(Number),
  elbo: expect.any(Number),
  classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
};

beforeAll(() => {
  mkdirSync(digits);
  writeDigits(digits, { train: 400, test: 60 });
});

describe("m2", () => {
  const run = path("m2");
  let out = "";
  beforeAll(async () => {
    ({ out } = await ok(
      ...["train", "m2", "--data", digits, "--labels", "20", "--validation", "50", ...small],
      ...["--epochs", "2", "--out", run],
    ));
  });

  test("trains, and says of what, and how it does", () => {
    const lines = out.trimEnd().split("\n");
    expect(lines.slice(0, 3)).toEqual([
      "digits: 350 images to train on, 50 to validate, 60 to test on.",
      "Grey pixels in [0, 1], so: --likelihood bernoulli --binarize dynamic (drawn anew at every step).",
      "20 labels of 10 classes, 2 of each class, drawn by seed 0; 330 rows without.",
    ]);
    expect(lines[3]).toMatch(/^[\d,]+ parameters\. The run is in .+m2\.$/);
    expect(lines[4]).toMatch(
      /^epoch +ELBO +labelled ELBO +log q\(y\|x\) +validation error +test error +images\/s +time$/,
    );
    expect(lines[5]).toMatch(/^ +1\/2( +-\d+\.\d\d){3}( +\d+\.\d\d %){2} +[\d,–]+ +\d+\.\d s$/);
    // After two epochs the decoder does not heed the class yet.
    expect(lines[8]).toMatch(/^The class says little of x: /);
    expect(lines).toHaveLength(9);
    const config = JSON.parse(readFileSync(join(run, "config.json"), "utf8"));
    expect(config).toMatchObject({
      model: { model: "m2", hidden: [16], latent: 3, likelihood: "bernoulli", activation: "relu" },
      labels: { count: 20, shown: 20, seed: 0 },
      train: { batch: 50, labelledBatch: 100, alpha: 1, binarize: "dynamic", schedule: "cosine" },
      data: { validation: { count: 50, seed: 0 }, trainRows: 350 },
    });
  });

  test("evaluate tells errors, calibration and the bound", async () => {
    const found = (await ok("evaluate", run, "--bayes-samples", "3", "--bayes-rows", "40", "--json")).json();
    expect(found).toMatchObject({
      ...figures,
      model: "m2",
      validationError: expect.any(Number),
      calibrationError: expect.any(Number),
      testErrorBayes: expect.any(Number),
      bayesSamples: 3,
      bayesRows: 40,
    });
    const { out: told } = await ok("evaluate", run, "--bayes-samples", "3");
    expect(told).toMatch(
      /Error, q\(y\|x\) +\d+\.\d\d % {2}validation \d+\.\d\d %, calibration error \d+\.\d\d %/,
    );
    expect(told).toMatch(/Error, Bayes' rule +\d+\.\d\d % {2}3 importance samples, calibration error/);
    // Other data have no rows to validate.
    const other = (await ok("evaluate", run, "--data", digits, "--bayes-samples", "0", "--json")).json();
    expect(other).toMatchObject({ validationError: null, testErrorBayes: null, rows: 60 });
    expect(other.testError).toBe(found.testError);
  });

  test("classify writes a class and its probabilities for each row, needing no training data", async () => {
    const told = (await ok("classify", run, "--json")).json();
    const file = join(run, "predictions.csv");
    expect(told).toMatchObject({ rows: 60, file, error: expect.any(Number) });
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(lines[0]).toBe(`row,class,${figures.classes.map((c) => `p(${c})`).join(",")}`);
    expect(lines).toHaveLength(61);
    const { x, rows, columns = [] } = readCsv(file);
    expect(rows).toBe(60);
    for (let row = 0; row < rows; row++) {
      const [index, label, ...p] = x.subarray(row * columns.length, (row + 1) * columns.length);
      expect(index).toBe(row);
      expect(p.indexOf(Math.max(...p))).toBe(label);
      expect(p.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
    const out = path("all.csv");
    const { out: text } = await ok("classify", run, "--data", digits, "--part", "all", "--out", out);
    expect(text).toContain(`460 rows of digits classified, written to ${out}`);
    expect((await cli("classify", run, "--out", path("x.png"))).err).toBe(
      `--out ${path("x.png")}: predictions go to a file that ends in .csv; found ".png".\n`,
    );
  });

  test("sample draws every class under the same styles", async () => {
    const told = (await ok("sample", run, "--count", "3", "--seed", "2", "--json")).json();
    expect(told).toMatchObject({ count: 3, classes: figures.classes, file: join(run, "samples.png") });
    const { width, height } = decode(readFileSync(join(run, "samples.png")));
    // Three columns and ten rows of squares.
    expect(height / width).toBeGreaterThan(3);
    await ok("sample", run, "--count", "3", "--seed", "2", "--out", path("drawn.csv"));
    const lines = readFileSync(path("drawn.csv"), "utf8").trimEnd().split("\n");
    expect(lines.map((line) => line.split(",")[0])).toEqual([
      "class",
      ...figures.classes.flatMap((name) => [name, name, name]),
    ]);
  });

  test("goes on where it was, and refuses what is not its own", async () => {
    const { out } = await ok("train", "--resume", run);
    expect(out).toContain("All 2 epochs are done.");
    expect((await cli("train", "--resume", run, "--labels", "30")).err).toBe(
      `--labels 30 contradicts the run in ${run}, which has 20. A resumed run keeps its settings: leave the flag out, ` +
        "or start a new run.\n",
    );
    expect((await cli("train", "--resume", run, "--epochs", "9")).err).toContain("follows a cosine schedule");
    expect((await cli("traverse", run)).err).toEqual(
      expect.stringMatching(
        /: expected the run of a kind that can traverse, .* or vae; found one of m2\.\n$/,
      ),
    );
    expect((await cli("classify", run, "--classifier", "svm")).err).toBe(
      "--classifier does not apply: m1 has it; m2 does not. Leave it out.\n",
    );
  });
});

describe("m1 and m1m2", () => {
  const m1 = path("m1");
  const vae = [...small, "--epochs", "2", "--validation", "50"];
  beforeAll(async () => {
    await ok("train", "m1", "--data", digits, "--labels", "20", ...vae, "--out", m1, "--quiet");
  });

  test("m1 is a vae with classifiers", async () => {
    const found = (await ok("evaluate", m1, "--json")).json();
    expect(found).toMatchObject({ ...figures, model: "m1", testErrorBayes: null });
    const each = { testError: expect.any(Number), validationError: expect.any(Number) };
    expect(found.classifiers).toMatchObject({
      knn: each,
      "linear-svm": each,
      svm: each,
      "transductive-svm": each,
      logistic: each,
    });
    await ok("classify", m1, "--classifier", "logistic");
    expect(readFileSync(join(m1, "predictions.csv"), "utf8")).toMatch(/^row,class,p\(0\),/);
    for (const votes of [[], ["--classifier", "transductive-svm"]]) {
      await ok("classify", m1, ...votes);
      expect(readFileSync(join(m1, "predictions.csv"), "utf8")).toMatch(/^row,class\n0,\d\n/);
    }
    await ok("sample", m1, "--out", path("m1.png"));
    expect(existsSync(path("m1.png"))).toBe(true);
  });

  test("m1m2 on a vae that was trained before, and on one of its own", async () => {
    const own = "--m1-epochs 2 --m1-hidden 16 --m1-latent 3 --m1-batch 50 --m1-beta 0.5 --dropout 0.2".split(
      " ",
    );
    const shared = ["train", "m1m2", "--data", digits, "--labels", "20", "--validation", "50", ...small];
    const { out, err } = await ok(...shared, "--epochs", "2", "--out", path("taken"), "--m1", m1);
    expect(err).toBe("");
    expect(out).not.toContain("M1, which comes first");
    const whole = await ok(...shared, "--epochs", "2", "--out", path("own"), ...own);
    expect(whole.out).toContain(`M1, which comes first, is in ${path("own/m1")}.`);
    const settings = JSON.parse(readFileSync(path("own/config.json"), "utf8"));
    expect(settings).toMatchObject({ model: { dropout: 0.2 }, m1: { train: { beta: 0.5 } } });
    for (const name of ["taken", "own"]) {
      const found = (await ok("evaluate", path(name), "--bayes-samples", "2", "--json")).json();
      expect(found).toMatchObject({ ...figures, model: "m1m2", active: expect.any(Number) });
      // M1's folder is a run.
      const beneath = name === "own" ? path("own/m1") : m1;
      expect((await ok("evaluate", beneath, "--samples", "2", "--json")).json()).toHaveProperty("elbo");
    }
    expect((await cli("traverse", path("own"))).err).toContain(`Its M1 is one: give ${path("own/m1")}.`);
  });

  test("an M1 of other rows is refused: those held out for validation must stay out", async () => {
    const { code, err } = await cli(
      ...["train", "m1m2", "--data", digits, "--labels", "20", "--m1", m1, "--out", path("refused")],
    );
    expect(code).toBe(2);
    expect(err).toContain(
      `--m1 ${m1}: it was trained on other rows (350 rows of digits, 50 held out for validation) than these (400 rows of digits).`,
    );
    expect(existsSync(path("refused"))).toBe(false);
    const flags = await cli(
      ...["train", "m1m2", "--data", digits, "--m1", m1, "--m1-epochs", "3", "--out", path("refused")],
    );
    expect(flags.err).toBe(`--m1-epochs does not apply: M1 comes trained from ${m1}. Leave it out.\n`);
  });
});

describe("what cannot be", () => {
  const train = (model: string, ...rest: readonly string[]) =>
    cli("train", model, ...rest, "--out", path("never"), "--epochs", "1");

  test.each([
    [
      ["vae", "--data", "mnist", "--labels", "100"],
      "--labels does not apply: vae learns without labels. To learn from a few, train m1, m2 or m1m2. Leave it out.\n",
    ],
    [
      ["m1", "--data", "mnist", "--labels", "100", "--alpha", "1"],
      "--alpha does not apply: m1 fits its classifiers after its VAE is trained, so there is no such setting during training. Leave it out.\n",
    ],
    [
      ["m2", "--data", "mnist", "--m1", "x"],
      "--m1 does not apply: m1 and m1m2 have it; m2 does not. Leave it out.\n",
    ],
    [
      ["m2", "--data", "mnist", "--free-bits", "2"],
      "--free-bits does not apply: the bound of m2 always has its KL in closed form and one sample. Leave it out.\n",
    ],
    [
      ["m2", "--data", "mnist", "--validation-seed", "2"],
      "--validation-seed does not apply: there is no --validation. Leave it out.\n",
    ],
  ])("%o", async ([model, ...rest], message) => {
    expect(await train(model, ...rest)).toMatchObject({ code: 2, err: message });
  });

  test("more labels than there are, fewer than classes, more rows to validate than there are", async () => {
    expect((await train("m2", "--data", digits, "--labels", "390")).err).toMatch(
      /^labels: 390 labels divided equally over 10 classes need 39 of class "\d", which has \d+ labelled rows in digits\/train\. Ask for at most \d+ labels, or use all of them\.\n$/,
    );
    expect((await train("m2", "--data", digits, "--labels", "9")).err).toBe(
      "labels: expected a whole number of at least 10, one for each class of digits/train; found 9.\n",
    );
    expect((await train("m2", "--data", digits, "--validation", "400")).err).toBe(
      "validation: expected a whole number from 0 to 399, fewer than the 400 labelled rows of digits/train; found 400.\n",
    );
  });

  /** Eight 2 × 2 images, and labels in a file beside them. */
  const withLabels = (name: string, labels: readonly number[]): string[] => {
    const images = path(`${name}-images.idx`);
    const file = path(`${name}-labels.npy`);
    writeFileSync(
      images,
      idxBytes(
        8,
        [labels.length, 2, 2],
        Uint8Array.from({ length: 4 * labels.length }, (_, i) => (i * 37) % 256),
      ),
    );
    const head = `{'descr': '<i4', 'fortran_order': False, 'shape': (${labels.length},), }`;
    const text = `${head.padEnd(Math.ceil((head.length + 11) / 64) * 64 - 11)}\n`;
    writeFileSync(
      file,
      Buffer.concat([
        Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8]),
        Buffer.from(text, "latin1"),
        Buffer.from(Int32Array.from(labels).buffer),
      ]),
    );
    return ["--data", images, "--label-file", file];
  };

  test("a class without a labelled row is named", async () => {
    const { code, err } = await train("m2", ...withLabels("gap", [0, 2, 0, 2, -1, 0, 2, -1, 0, 2]));
    expect([code, err]).toEqual([
      1,
      'gap-images.idx: expected at least one labelled row of every class; class "1" has none. Label one, or leave the ' +
        "class out.\n",
    ]);
  });

  test("labels outside the classes", async () => {
    const given = withLabels("outside", [0, 1, -7, 1, 0, 1, 0, 1]);
    expect(await train("m2", ...given)).toMatchObject({
      code: 1,
      err: `${given[3]}: expected class indices from 0 to 65535, or -1 for unlabelled; found -7 at row 2, counted from 0.\n`,
    });
  });

  test("no row labelled, no labels at all", async () => {
    const unlabelled = withLabels("none", [-1, -1, -1, -1, -1, -1]);
    expect(await train("m2", ...unlabelled)).toMatchObject({
      code: 1,
      err:
        "none-images.idx: expected at least one labelled row per class; none of the 6 rows is labelled. Label a few, or train a " +
        "model that needs no labels (a VAE).\n",
    });
    // Which is trained on such data.
    await ok("train", "vae", ...unlabelled, "--hidden", "4", "--epochs", "1", "--out", path("vae"));
    const { "0": flag, "1": images } = withLabels("bare", [0, 1, 0, 1, 0, 1]);
    expect((await train("m2", flag, images)).err).toMatch(/^bare-images\.idx: expected labels, found none\./);
  });

  test("every row labelled: it says what it becomes, and works", async () => {
    const given = withLabels("all", [0, 1, 0, 1, 0, 1, 0, 1]);
    const { out } = await ok(
      ...["train", "m2", ...given, "--hidden", "4", "--latent", "2", "--epochs", "1", "--threads", "1"],
      ...["--out", path("supervised")],
    );
    expect(out).toContain("All 8 rows are labelled: this is supervised learning.");
  });

  test("images: an unlabelled/ beside the classes, or a number of labels to keep", async () => {
    const images = path("images");
    const write = (sub: string, count: number) => {
      mkdirSync(join(images, sub), { recursive: true });
      for (let i = 0; i < count; i++) {
        const data = Uint8Array.from(
          { length: 16 },
          (_, j) => (sub === "cat" ? j * 16 : 255 - j * 16) ^ (i * 3),
        );
        writeFileSync(
          join(images, sub, `${i}.png`),
          encode({ width: 4, height: 4, channels: 1, depth: 8, data }),
        );
      }
    };
    write("cat", 6);
    write("dog", 6);
    const small = ["--hidden", "4", "--latent", "2", "--threads", "1"];
    expect((await train("m2", "--data", images)).err).toBe(
      `${images}: semi-supervised learning needs images without a class: expected images in ${join(images, "unlabelled")}, beside ` +
        "the classes cat, dog; found none. Put images there, or give the number of labels to keep, such as --labels 100: the others are then hidden.\n",
    );
    const kept = await ok(
      ...["train", "m2", "--data", images, "--labels", "4", ...small, "--epochs", "1", "--out", path("kept")],
    );
    expect(kept.out).toContain("4 labels of 2 classes, 2 of each class, drawn by seed 0; 8 rows without.");
    write("unlabelled", 9);
    const run = path("animals");
    const { out } = await ok("train", "m2", "--data", images, ...small, "--epochs", "3", "--out", run);
    expect(out).toContain("images: 21 images to train on, none to test on.");
    expect(out).toContain("12 labels of 2 classes; 9 rows without.");
    // New images, none of them of a known class.
    await ok("classify", run, "--data", join(images, "unlabelled"), "--out", path("animals.csv"));
    const rows = readFileSync(path("animals.csv"), "utf8").trimEnd().split("\n");
    expect(rows[0]).toBe("file,class,p(cat),p(dog)");
    expect(rows).toHaveLength(10);
    rows.slice(1).forEach((row, i) => {
      expect(row).toMatch(new RegExp(`^${i}\\.png,(cat|dog),0\\.\\d+,0\\.\\d+$`));
    });
    // A test part of its own without a label: there is no error to tell, and nothing to fail by.
    const parts = path("parts");
    for (const [part, of] of [
      ["train", images],
      ["test", join(images, "unlabelled")],
    ]) {
      cpSync(of, join(parts, part, part === "test" ? "unlabelled" : ""), { recursive: true });
    }
    const untold = await ok(
      ...["train", "m2", "--data", parts, ...small, "--epochs", "1", "--out", path("untold")],
    );
    expect(untold.out).toContain("21 images to train on, 9 to test on.");
    // All that the run has seen, by its folders.
    await ok("classify", run);
    const seen = readFileSync(join(run, "predictions.csv"), "utf8").trimEnd().split("\n");
    expect(seen.slice(1).map((row) => row.split(",")[0])).toEqual(
      ["cat", "dog", "unlabelled"].flatMap((sub) =>
        Array.from({ length: sub === "unlabelled" ? 9 : 6 }, (_, i) => `${sub}/${i}.png`),
      ),
    );
  });
});
