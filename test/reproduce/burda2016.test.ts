/** The density benchmark: the paper's schedule, settings beside it, and a short run that is stopped and repeated. */
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { densitySettings, rateStages } from "../../src/reproduce/index.ts";
import { readRun } from "../../src/runs/index.ts";
import { cli, ok, temporary, writeDigits } from "../cli/harness.ts";

describe("the schedule", () => {
  test("is the paper's: 3^i epochs at 10^(−3 − i/7), 3,280 in all", () => {
    const { lr, lrSteps, epochs } = rateStages(1);
    expect([lr, epochs]).toEqual([1e-3, 3280]);
    expect(lrSteps.map(({ epoch }) => epoch)).toEqual([1, 4, 13, 40, 121, 364, 1093]);
    lrSteps.forEach((step, i) => {
      expect(step.lr / 10 ** (-3 - (i + 1) / 7)).toBeCloseTo(1, 5);
    });
    expect(lrSteps[6].lr).toBeCloseTo(1e-4, 9);
  });

  test.each([0.5, 0.1, 0.01, 0.003, 0.0003, 1e-6])(
    "a trial at %d ends at that share, with rates in order",
    (length) => {
      const { lrSteps, epochs } = rateStages(length);
      expect(epochs).toBe(Math.max(1, Math.round(3280 * length)));
      const ends = [0, ...lrSteps.map(({ epoch }) => epoch), epochs];
      ends.slice(1).forEach((end, i) => {
        expect(end).toBeGreaterThan(ends[i]);
      });
      const rates = lrSteps.map(({ lr }) => lr);
      expect(rates).toEqual([...rates].sort((a, b) => b - a));
    },
  );

  test("the gradient is doubly reparameterised where there is more than one sample, unless the paper's is asked for", () => {
    const estimator = (samples: number, doublyReparameterised: boolean) =>
      densitySettings({ bound: "iwae", samples, binarize: "dynamic" }, { doublyReparameterised }).train
        .estimator;
    expect([estimator(50, true), estimator(1, true), estimator(50, false)]).toEqual([
      "doubly-reparameterised",
      "pathwise",
      "pathwise",
    ]);
  });
});

const folder = temporary();
const digits = join(folder, "digits");
mkdirSync(digits);
writeDigits(digits, { train: 100, test: 30 });

describe("from the command line", () => {
  const out = join(folder, "burda");
  const words = [
    ...["reproduce", "burda2016", "--data", digits, "--length", "0.0006", "--threads", "1", "--out", out],
    ...["--samples", "1,5", "--binarize", "dynamic,fixed", "--importance-samples", "50", "--rows", "20"],
  ];

  test("a row for each k and way to binarise, the published figures beside those of their kind", async () => {
    const { out: printed } = await ok(...words, "--quiet");
    expect(printed).toMatch(/\| IWAE, k = 5, dynamic +\| +85\.54 \| +\d+\.\d\d ± \d+\.\d\d \| +22 \|/);
    expect(printed).toMatch(/\| IWAE, k = 5, fixed +\| +– \| +\d+\.\d\d/);
    const results = JSON.parse(readFileSync(join(out, "results.json"), "utf8")) as {
      table: { folder: string; found: Record<string, number> }[];
      missing: string[];
    };
    expect(results.missing).toEqual([]);
    expect(results.table.map((row) => row.folder)).toEqual([
      "iwae-1-dynamic",
      "iwae-5-dynamic",
      "iwae-1-fixed",
      "iwae-5-fixed",
    ]);
    for (const { found } of results.table) {
      expect(found).toMatchObject({ importanceSamples: 50, rows: 20, epochs: 2 });
      // An untrained model of 784 binary pixels has 784 ln 2 = 543 nats.
      expect(found.negativeLogLikelihood).toBeGreaterThan(100);
      expect(found.negativeLogLikelihood).toBeLessThan(543);
    }
    expect(readFileSync(join(out, "comparison.html"), "utf8")).toContain("iwae-5-dynamic");
    const { settings } = readRun(join(out, "iwae-5-dynamic"));
    expect(settings).toMatchObject({
      model: { hidden: [200, 200], latent: 50, activation: "tanh" },
      train: { batch: 20, bound: "iwae", samples: 5, estimator: "doubly-reparameterised" },
    });
  });

  test("repeated, it only reads what is done; other importance samples are measured anew", async () => {
    const checkpoint = join(out, "iwae-5-dynamic", "checkpoint.safetensors");
    const { mtimeMs } = statSync(checkpoint);
    const first = JSON.parse(readFileSync(join(out, "results.json"), "utf8")) as { table: unknown };
    const again = (await ok(...words, "--json")).json();
    expect(again.table).toEqual(first.table);
    expect(statSync(checkpoint).mtimeMs).toBe(mtimeMs);
    const more = [...words.slice(0, -4), "--importance-samples", "100", "--rows", "20", "--json"];
    expect((await ok(...more)).json().table).toMatchObject([
      { found: { importanceSamples: 100 } },
      {},
      {},
      {},
    ]);
  });

  test("a flag of the other paper is refused", async () => {
    const burda = await cli("reproduce", "burda2016", "--labels", "100");
    expect(burda).toMatchObject({ code: 2, err: expect.stringContaining("--labels") });
    const kingma = await cli("reproduce", "kingma2014", "--importance-samples", "100");
    expect(kingma).toMatchObject({ code: 2, err: expect.stringContaining("--importance-samples") });
  });

  test("train refuses the estimator where it has no effect", async () => {
    const { code, err } = await cli(
      "train",
      "vae",
      "--data",
      digits,
      "--estimator",
      "doubly-reparameterised",
    );
    expect(code).toBe(2);
    expect(err).toContain("--bound iwae");
  });
});
