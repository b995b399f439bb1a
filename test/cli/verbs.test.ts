/** Every verb once, on a small run, and what it wrote read back. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decode } from "fast-png";
import { beforeAll, describe, expect, test } from "vitest";
import { readCsv, readNpy, rowsOf } from "../../src/data/index.ts";
import { reloadData, testPart } from "../../src/runs/index.ts";
import { openTrained } from "../runs/opened.ts";
import { cli, type Outcome, ok, temporary, writeDigits } from "./harness.ts";

const folder = temporary();
const digits = join(folder, "digits");
const run = join(folder, "vae");
const path = (name: string) => join(folder, name);
const size = (file: string) => {
  const { width, height } = decode(readFileSync(file));
  return [width, height];
};
let trained: Outcome;

beforeAll(async () => {
  mkdirSync(digits);
  writeDigits(digits, { train: 300, test: 60 });
  trained = await ok(
    ...[
      "train",
      "vae",
      "--data",
      digits,
      "--hidden",
      "32,16",
      "--latent",
      "4",
      "--batch",
      "30",
      "--lr",
      "0.003",
    ],
    ...["--epochs", "3", "--out", run, "--report", "--json"],
  );
});

describe("train", () => {
  test("prints one object and writes the whole folder", () => {
    // 784·32+32 + 32·16+16 + 2·(16·4+4) + 4·16+16 + 16·32+32 + 32·784+784 parameters.
    expect(trained.json()).toMatchObject({
      run,
      completed: true,
      epochs: 3,
      steps: 30,
      parameters: 25_120 + 528 + 136 + 80 + 544 + 25_872,
      train: { elbo: expect.any(Number), reconstruction: expect.any(Number), kl: expect.any(Number) },
      test: { elbo: expect.any(Number), reconstruction: expect.any(Number), kl: expect.any(Number) },
      evaluation: { logLikelihood: expect.any(Number), importanceSamples: 500, logLikelihoodRows: 60 },
    });
    expect(readdirSync(run).sort()).toEqual([
      "checkpoint.safetensors",
      "config.json",
      "metrics.jsonl",
      "reconstructions.png",
      "report.html",
      "samples.png",
      "traversals.png",
    ]);
    expect(readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n")).toHaveLength(3);
    const config = JSON.parse(readFileSync(join(run, "config.json"), "utf8"));
    // Grey digits: a Bernoulli likelihood and dynamic binarisation are chosen.
    expect(config).toMatchObject({
      model: { model: "vae", likelihood: "bernoulli", hidden: [32, 16], shape: [28, 28] },
      train: { binarize: "dynamic", lr: 0.003 },
      data: { spec: digits, name: "digits", trainRows: 300, testRows: 60 },
      command: expect.stringMatching(/^tightbound train vae --data .+ --hidden 32,16 /),
    });
    const html = readFileSync(join(run, "report.html"), "utf8");
    for (const heading of ["Learning", "Reconstructions", "Samples", "Latent traversals", "Latent space"]) {
      expect(html).toContain(`<h2>${heading}</h2>`);
    }
    // What is printed with --json is told elsewhere.
    expect(trained.err).toContain("Grey pixels in [0, 1], so: --likelihood bernoulli --binarize dynamic");
  });

  test("learns: the training bound rises from the first epoch to the last", () => {
    const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n");
    const bounds = lines.map((line) => (JSON.parse(line) as { train: { elbo: number } }).train.elbo);
    // −544 nats is the entropy of 784 fair coins; a net that learnt nothing stays there.
    expect(bounds[2]).toBeGreaterThan(bounds[0] + 50);
  });

  test("without a terminal: a line for each epoch under one of heads, and no control characters", async () => {
    const { out, err } = await ok(
      ...["train", "vae", "--data", digits, "--hidden", "8", "--latent", "2", "--epochs", "2"],
      ...["--out", path("plain")],
    );
    const lines = out.trimEnd().split("\n");
    expect(lines.slice(0, 3)).toEqual([
      "digits: 300 images to train on, 60 to test on.",
      "Grey pixels in [0, 1], so: --likelihood bernoulli --binarize dynamic (drawn anew at every step).",
      // 784·8+8 + 2·(8·2+2) + 2·8+8 + 8·784+784.
      `13,396 parameters. The run is in ${path("plain")}.`,
    ]);
    expect(lines[3]).toMatch(/^epoch +train ELBO +test ELBO +reconstruction +KL +active +images\/s +time$/);
    expect(lines[4]).toMatch(/^ +1\/2( +-\d+\.\d\d){3} +\d+\.\d\d +[012]\/2 +[\d,–]+ +\d+\.\d s$/);
    expect(lines[5]).toMatch(/^ +2\/2 /);
    expect(lines[6]).toMatch(/^Trained in \d+\.\d s\.$/);
    expect(lines).toHaveLength(7);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
    expect(out).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
    expect(err).toBe("");
  });

  test("--quiet prints nothing", async () => {
    expect(
      await ok(
        "train",
        "vae",
        "--data",
        digits,
        "--hidden",
        "8",
        "--epochs",
        "1",
        "--out",
        path("q"),
        "--quiet",
      ),
    ).toMatchObject({ out: "", err: "" });
  });

  test("--overwrite replaces a run, and the same command gives the same numbers", async () => {
    const again = async () =>
      (
        await ok(
          ...["train", "vae", "--data", digits, "--hidden", "8", "--epochs", "2", "--seed", "5"],
          ...["--out", path("again"), "--overwrite", "--json"],
        )
      ).json();
    const first = await again();
    const second = await again();
    expect(second.test).toEqual(first.test);
    expect(second.train).toEqual(first.train);
  });

  test("--resume of a finished run says so, and --epochs asks for more", async () => {
    const { out } = await ok("train", "--resume", path("again"));
    expect(out).toContain("All 2 epochs are done. --epochs 12 would add 10.");
    const more = await ok("train", "--resume", path("again"), "--epochs", "3", "--json");
    expect(more.json()).toMatchObject({ completed: true, epochs: 3 });
    const straight = await ok(
      ...["train", "vae", "--data", digits, "--hidden", "8", "--epochs", "3", "--seed", "5"],
      ...["--out", path("straight"), "--json"],
    );
    expect(more.json().test).toEqual(straight.json().test);
    // The folder says what was asked for last.
    expect(JSON.parse(readFileSync(join(path("again"), "config.json"), "utf8")).train.epochs).toBe(3);
  });

  test("a convolutional network, an importance-weighted bound, and other likelihoods run", async () => {
    for (const [name, ...flags] of [
      ["conv", "--network", "convolutional", "--channels", "4,8", "--hidden", "16", "--batch-norm"],
      ["iwae", "--bound", "iwae", "--samples", "3", "--schedule", "cosine", "--optimizer", "adamw"],
      ["cb", "--likelihood", "continuous-bernoulli", "--warmup", "2", "--free-bits", "0.1", "--clip", "10"],
      ["fixed", "--binarize", "fixed", "--form", "monteCarlo", "--beta", "2", "--dropout", "0.1"],
    ]) {
      const { json } = await ok(
        ...[
          "train",
          "vae",
          "--data",
          digits,
          "--latent",
          "2",
          "--batch",
          "50",
          "--epochs",
          "1",
          "--hidden",
          "8",
        ],
        ...[...flags, "--out", path(name), "--json"],
      );
      expect(json(), name).toMatchObject({ completed: true, steps: 6 });
    }
    const { out } = await ok("report", path("iwae"), "--samples", "10", "--rows", "20", "--json");
    expect(JSON.parse(out)).toMatchObject({ logLikelihoodRows: 20, rows: 60 });
  });
});

describe("evaluate", () => {
  test("prints one object whose bounds are in order", async () => {
    const f = (await ok("evaluate", run, "--json")).json() as Record<string, number>;
    expect(f).toMatchObject({
      run,
      model: "vae",
      data: "digits/test",
      epoch: 3,
      latent: 4,
      rows: 60,
      logLikelihoodRows: 60,
      importanceSamples: 500,
    });
    expect(f.elbo).toBeCloseTo(f.reconstruction - f.kl, 3);
    // Burda et al. (2015), theorem 1. In expectation; seed 0 is fixed, and the gaps are many standard errors.
    const order = [f.elboOfLogLikelihoodRows, f.iwae5, f.iwae50, f.logLikelihood];
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(f.standardError).toBeGreaterThan(0);
    expect(f.activeUnits).toBeLessThanOrEqual(4);
  });

  test("--samples and --rows are heeded, and a bound that does not divide them is null", async () => {
    const { json } = await ok("evaluate", run, "--samples", "10", "--rows", "20", "--json");
    expect(json()).toMatchObject({ importanceSamples: 10, logLikelihoodRows: 20, rows: 60, iwae50: null });
    expect(json().iwae5).toEqual(expect.any(Number));
  });

  test("--part chooses the rows, --data other ones", async () => {
    const json = async (...argv: string[]) =>
      (await ok("evaluate", run, "--samples", "1", "--json", ...argv)).json();
    expect(await json("--part", "train")).toMatchObject({ data: "digits/train", rows: 300 });
    expect(await json("--part", "all")).toMatchObject({ data: "digits", rows: 360 });
    expect(await json("--data", digits)).toMatchObject({ data: "digits/test", rows: 60 });
    // A file alone has no test part: all of its rows are looked at.
    expect(await json("--data", join(digits, "t10k-images-idx3-ubyte"))).toMatchObject({ rows: 60 });
  });

  test("for people: aligned lines", async () => {
    const { out } = await ok("evaluate", run, "--samples", "5");
    expect(out.split("\n")[0]).toBe(`${run}, after epoch 3, on digits/test:`);
    expect(out).toMatch(/^ELBO {16} +-\d+\.\d\d {2}nats, mean of 60 rows$/m);
    expect(out).toMatch(/^Log-likelihood +-\d+\.\d\d {2}± \d+\.\d\d, 5 importance samples, the same rows$/m);
    expect(out).toMatch(/^Active units +\d of 4$/m);
  });
});

describe("pictures", () => {
  // A scale of round(1200 / (columns · 28)) and gaps of twice that between images.
  const grid = (columns: number, rows: number) => {
    const scale = Math.round(1200 / (columns * 28));
    const side = (n: number) => n * 28 * scale + (n - 1) * 2 * scale;
    return [side(columns), side(rows)];
  };

  test("sample", async () => {
    const file = path("pictures/s.png");
    const { json } = await ok("sample", run, "--count", "20", "--seed", "3", "--out", file, "--json");
    expect(json()).toEqual({ run, count: 20, seed: 3, file });
    expect(size(file)).toEqual(grid(5, 4));
    const before = readFileSync(file);
    await ok("sample", run, "--count", "20", "--seed", "4", "--out", file);
    expect(readFileSync(file).equals(before)).toBe(false);
    await ok("sample", run, "--count", "20", "--seed", "3", "--out", file);
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  test("reconstruct", async () => {
    const file = path("r.png");
    await ok("reconstruct", run, "--count", "10", "--out", file);
    expect(size(file)).toEqual(grid(10, 2));
    // A picture holds forty pairs, and what is said is what is written.
    expect((await ok("reconstruct", run, "--count", "60", "--out", file, "--json")).json().count).toBe(40);
    expect(size(file)).toEqual(grid(10, 8));
    const table = path("r.csv");
    await ok("reconstruct", run, "--count", "2", "--out", table);
    const lines = readFileSync(table, "utf8").trim().split("\n");
    expect(lines.map((line) => line.split(",").slice(0, 2).join())).toEqual([
      "row,is",
      "0,original",
      "0,reconstruction",
      "1,original",
      "1,reconstruction",
    ]);
    expect(
      lines[1]
        .split(",")
        .slice(2)
        .every((cell) => cell === "0" || cell === "1"),
    ).toBe(true);
  });

  test("traverse", async () => {
    const file = path("t.png");
    const { json } = await ok("traverse", run, "--dimensions", "0,3", "--out", file, "--json");
    expect(json()).toMatchObject({ dimensions: [0, 3], file });
    expect(size(file)).toEqual(grid(9, 2));
    const all = await ok("traverse", run, "--json", "--out", file);
    expect([...(all.json().dimensions as number[])].sort()).toEqual([0, 1, 2, 3]);
  });
});

describe("encode", () => {
  test("CSV and .npy hold the posterior means of the test set, in its order", async () => {
    const { trained: model, run: opened } = await openTrained(run);
    const data = testPart(await reloadData(opened.settings));
    const rows = Array.from({ length: 60 }, (_, i) => i);
    const expected = await model.encode(rowsOf(model.prepare(data), rows, new Float32Array(60 * 784)));
    const npy = path("z.npy");
    await ok("encode", run, "--out", npy);
    expect(readNpy(npy)).toMatchObject({ shape: [60, 4], descr: "<f4", data: expected });
    expect([...readNpy(path("z.labels.npy")).data]).toEqual([...(data.labels ?? [])]);
    await ok("encode", run);
    const csv = readCsv(join(run, "latents.csv"), { labelColumn: "label" });
    expect(csv.columns).toEqual(["z0", "z1", "z2", "z3"]);
    // Nine digits name a float32.
    expect(csv.x).toEqual(expected);
    expect([...(csv.labels ?? [])].map((label) => csv.classes?.[label])).toEqual(
      [...(data.labels ?? [])].map(String),
    );
  });
});

describe("export", () => {
  test("writes models that ONNX Runtime runs to the same numbers", async () => {
    const out = path("onnx");
    const { json } = await ok("export", run, "--out", out, "--batch", "3", "--json");
    expect(json()).toMatchObject({
      batch: 3,
      encoder: { file: join(out, "encoder.onnx"), inputs: [{ name: "x", shape: [3, 784] }] },
      decoder: { file: join(out, "decoder.onnx"), outputs: [{ name: "mean", shape: [3, 784] }] },
    });
    expect(json().maxDifference).toBeLessThan(1e-5);
    const said = await ok("export", run);
    expect(said.out).toMatch(/largest difference \d\.\de[-+]\d+\.\n$/);
    expect(existsSync(join(run, "decoder.onnx"))).toBe(true);
  });
});

describe("an autoencoder", () => {
  test("has codes and reconstructions, and nulls or a refusal for what it has not", async () => {
    const ae = path("ae");
    await ok(
      ...["train", "autoencoder", "--data", digits, "--hidden", "16", "--latent", "2", "--epochs", "1"],
      ...["--batch", "30", "--out", ae, "--report", "--quiet"],
    );
    expect((await ok("evaluate", ae, "--json")).json()).toMatchObject({
      elbo: null,
      kl: null,
      logLikelihood: null,
      importanceSamples: null,
      reconstruction: expect.any(Number),
      activeUnits: expect.any(Number),
    });
    expect(existsSync(join(ae, "report.html"))).toBe(true);
    await ok("encode", ae);
    await ok("reconstruct", ae);
    await ok("export", ae);
    expect(await cli("sample", ae)).toMatchObject({
      code: 2,
      err: "an autoencoder is deterministic: it has no prior to sample from. Train a vae instead.\n",
    });
    expect(await cli("traverse", ae)).toMatchObject({
      code: 2,
      err: "an autoencoder is deterministic: it has no prior to traverse. Train a vae instead.\n",
    });
  });
});
