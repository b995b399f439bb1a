/** The conditional VAE: it draws what it is asked for, and its bound is that of p(x | c). */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toNpy } from "../../../src/cli/table.ts";
import { TrainedCvae } from "../../../src/kinds/cvae/trained.ts";
import { fillNormal, fillUniform, stream } from "../../../src/random/index.ts";
import { open } from "../../../src/runs/index.ts";
import { cli, ok } from "../../cli/harness.ts";
import { labelledBars } from "../../runs/labelled-toys.ts";

const folder = mkdtempSync(join(tmpdir(), "tightbound-cvae-"));
const path = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const csvOf = (file: string) => {
  const [head, ...lines] = readFileSync(file, "utf8").trim().split("\n");
  return { head, rows: lines.map((line) => line.split(",")) };
};

describe("given the class", () => {
  beforeAll(async () => {
    const { x, labels = new Int32Array(), rows } = labelledBars(240);
    writeFileSync(
      path("bars.npy"),
      toNpy(
        Float32Array.from(x, (v) => v / 255),
        [rows, 4, 3],
      ),
    );
    writeFileSync(path("labels.npy"), toNpy(labels, [rows]));
    await ok(
      ...[
        "train",
        "cvae",
        "--data",
        path("bars.npy"),
        "--label-file",
        path("labels.npy"),
        "--out",
        path("bars"),
      ],
      ...[
        "--latent",
        "2",
        "--hidden",
        "16",
        "--epochs",
        "60",
        "--batch",
        "24",
        "--lr",
        "0.01",
        "--threads",
        "1",
      ],
      "--report",
    );
  }, 120_000);

  test("every class that is asked for is drawn: its bar, and no other", async () => {
    const { json } = await ok(
      "sample",
      path("bars"),
      "--class",
      "2",
      "--count",
      "5",
      "--out",
      path("one.csv"),
      "--json",
    );
    expect(json()).toMatchObject({ count: 5, conditions: ["2"] });
    const { head, rows } = csvOf(path("one.csv"));
    expect(head.split(",")[0]).toBe("class");
    expect(rows).toHaveLength(5);
    for (const [name, ...pixels] of rows) {
      expect(name).toBe("2");
      const brightness = [0, 1, 2, 3].map((row) =>
        pixels.slice(3 * row, 3 * row + 3).reduce((sum, v) => sum + Number(v), 0),
      );
      expect(brightness.indexOf(Math.max(...brightness))).toBe(2);
    }
    await ok("sample", path("bars"), "--out", path("all.csv"));
    expect(csvOf(path("all.csv")).rows).toHaveLength(40);
  });

  test("its bound is above that of the same network without the class, which must say which bar it is", async () => {
    const { bound } = await figures("bars");
    await ok(
      ...[
        "train",
        "vae",
        "--data",
        path("bars.npy"),
        "--out",
        path("plain"),
        "--threads",
        "1",
        "--epochs",
        "60",
      ],
      ...["--latent", "2", "--hidden", "16", "--batch", "24", "--lr", "0.01"],
    );
    const plain = await figures("plain");
    // Which of four bars costs ln 4 = 1.39 nats.
    expect(bound - plain.bound).toBeGreaterThan(0.8);
    expect(bound - plain.bound).toBeLessThan(2.2);
  });

  test("other verbs, and what it has not", async () => {
    await ok("reconstruct", path("bars"), "--count", "8");
    await ok("encode", path("bars"));
    expect(csvOf(path("bars/latents.csv")).head).toBe("z0,z1,label");
    const trained = await open(path("bars"), TrainedCvae);
    expect(trained.model.conditions).toMatchObject({ by: "class", width: 4 });
    expect((await cli("sample", path("bars"), "--class", "7")).err).toBe(
      "--class 7: expected one of 0, 1, 2, 3.\n",
    );
    expect((await cli("sample", path("plain"), "--class", "7")).err).toBe(
      "--class does not apply: cvae has it; vae does not. Leave it out.\n",
    );
    expect((await cli("traverse", path("bars"))).code).toBe(2);
    expect(readFileSync(path("bars/report.html"), "utf8")).toContain(
      "A variational autoencoder conditioned on the class,",
    );
  });

  test("rows whose class is not known are left out of training", async () => {
    expect((await cli("train", "cvae", "--data", path("bars.npy"), "--out", path("none"))).err).toContain(
      "label",
    );
  });

  const figures = async (name: string) => {
    const { elbo, logLikelihood } = (await ok("evaluate", path(name), "--samples", "200", "--json")).json();
    return { bound: Number(elbo), logLikelihood: Number(logLikelihood) };
  };
});

describe("given columns of a table", () => {
  const SLOPE = 3;
  beforeAll(async () => {
    // y = 3 x + 1 + noise of 0.5, beside a column that has nothing to do with either.
    const [u, noise] = [new Float32Array(400), new Float32Array(400)];
    fillUniform(u, stream(0, "x"));
    fillNormal(noise, stream(0, "noise"));
    const lines = Array.from(
      u,
      (v, i) =>
        `${(4 * v).toFixed(4)},${(4 * SLOPE * v + 1 + 0.5 * noise[i]).toFixed(4)},${i % 2 ? "red" : "blue"}`,
    );
    writeFileSync(path("line.csv"), `x,y,colour\n${lines.join("\n")}\n`);
    await ok(
      ...["train", "cvae", "--data", path("line.csv"), "--condition", "x", "--out", path("line")],
      ...["--latent", "2", "--hidden", "16", "--threads", "1"],
    );
  }, 120_000);

  test("draws follow the regression: p(y | x)", async () => {
    for (const x of [1, 3]) {
      await ok("sample", path("line"), "--given", `x=${x}`, "--count", "400", "--out", path("drawn.csv"));
      const { head, rows } = csvOf(path("drawn.csv"));
      expect(head).toBe("x,y,colour");
      for (const [first] of rows) expect(Number(first)).toBeCloseTo(x, 3);
      const ys = rows.map(([, y]) => Number(y));
      const mean = ys.reduce((a, b) => a + b, 0) / ys.length;
      // The standard error of the mean of 400 draws of sd 0.5 is 0.025; what is left is the fit of 400 rows.
      expect(Math.abs(mean - (SLOPE * x + 1))).toBeLessThan(0.3);
      expect(new Set(rows.map(([, , colour]) => colour))).toEqual(new Set(["red", "blue"]));
    }
  });

  test("what cannot be is said", async () => {
    expect((await cli("sample", path("line"), "--given", "y=1")).err).toMatch(
      /^--given y=1: expected x, an equals sign and a number/,
    );
    expect((await cli("sample", path("line"), "--class", "red")).err).toMatch(
      /^--class does not apply: rows are conditioned on columns/,
    );
    expect(
      (await cli("train", "cvae", "--data", path("line.csv"), "--condition", "colour", "--out", path("none")))
        .err,
    ).toBe("--condition colour: expected a numeric column, one of x, y.\n");
  });
});
