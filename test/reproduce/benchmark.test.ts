/** The page's data of a reproduction, from runs that were never trained: settings and metrics alone. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { RunSettings } from "../../src/kinds/index.ts";
import { benchmarkMarkdown } from "../../src/report/index.ts";
import {
  benchmarkOf,
  type DrawFigures,
  type Kingma2014Options,
  type Kingma2014Results,
} from "../../src/reproduce/index.ts";
import { temporary } from "../cli/harness.ts";
import { m1Run, stackedRun } from "../runs/labelled-toys.ts";
import { settingsOf } from "../runs/toys.ts";

const out = temporary();

/** A run's folder with the lines of its metrics. */
const folder = (name: string, settings: RunSettings, lines: readonly object[] = []): void => {
  const path = join(out, name);
  mkdirSync(path);
  writeFileSync(join(path, "config.json"), JSON.stringify({ format: "tightbound run", ...settings }));
  const metrics = lines.map((line, i) => `${JSON.stringify({ epoch: i + 1, ...line })}\n`);
  writeFileSync(join(path, "metrics.jsonl"), metrics.join(""));
};

beforeAll(() => {
  folder("m1", settingsOf({ latent: 3 }, { epochs: 60 }));
  folder("m1-100-0", m1Run({ classifiers: { neighbours: 7 } }));
  folder("m1m2-100-0", stackedRun(), [
    { step: 10, seconds: 1, train: {}, test: { error: 0.3 }, validation: { error: 0.2 } },
    { step: 20, seconds: 2, train: {} },
    { step: 30, seconds: 3, train: {}, test: { error: 0.03 }, validation: { error: 0.02 } },
  ]);
  folder("m1m2-100-1", stackedRun(), [{ step: 10, seconds: 1, train: {}, validation: { error: 0.2 } }]);
});

const draw = (labelSeed: number, more: Partial<DrawFigures> = {}): DrawFigures => ({
  method: "m1m2",
  labels: 100,
  labelSeed,
  testErrors: { "q(y|x)": 0.03 + 0.02 * labelSeed, Bayes: 0.025 },
  validationErrors: { "q(y|x)": 0.02 },
  calibrationError: null,
  elbo: -90,
  seconds: 60,
  steps: 30,
  ...more,
});
const ofM1 = draw(0, {
  method: "m1",
  testErrors: { svm: 0.15, "transductive-svm": 0.08 },
  validationErrors: { svm: 0.16, "transductive-svm": 0.09 },
  seconds: 0,
});

const results: Kingma2014Results = {
  benchmark: "kingma2014",
  version: "0.0.0",
  command: "tightbound reproduce kingma2014 --draws 3",
  data: { name: "mnist", trainRows: 50_000, testRows: 10_000 },
  m1: [{ folder: "m1", elbo: -90, activeUnits: 14, seconds: 900 }],
  settings: {},
  draws: [ofM1, draw(0), draw(1)],
  table: [],
  missing: [],
};
const options: Kingma2014Options & { readonly createdAt: string } = {
  out,
  labels: [100, 3000],
  draws: 3,
  version: "0.0.0",
  command: results.command,
  createdAt: "2026-01-01T00:00:00Z",
};

test("each way to classify is a row; what was published stands beside the way of the paper alone", () => {
  const { cells } = benchmarkOf(results, options);
  const rows = cells.map(({ method, labels, published, draws }) => [
    method,
    labels,
    published?.error,
    draws?.map(({ error }) => error),
  ]);
  expect(rows).toEqual([
    ["M1 by svm", 100, undefined, [0.15]],
    ["M1 by transductive-svm", 100, 0.1182, [0.08]],
    ["M1 by transductive-svm", 3000, 0.0349, []],
    ["M2 by q(y|x)", 100, expect.closeTo(0.1197, 12), []],
    ["M2 in the M2 example of Pyro", 100, expect.closeTo(0.0681, 12), undefined],
    ["M2 by q(y|x)", 3000, expect.closeTo(0.0392, 12), []],
    ["M1+M2 by q(y|x)", 100, expect.closeTo(0.0333, 12), [0.03, 0.05]],
    ["M1+M2 by Bayes’ rule", 100, undefined, [0.025, 0.025]],
    ["M1+M2 by q(y|x)", 3000, expect.closeTo(0.0218, 12), []],
  ]);
});

test("time and curve belong to the training; a curve says which rows its errors are of", () => {
  const cells = benchmarkOf(results, options).cells.filter(({ draws = [] }) => draws.length > 0);
  expect(cells.map(({ draws }) => draws?.map(({ seconds }) => seconds))).toEqual([
    [undefined],
    [undefined],
    [60, 60],
    [undefined, undefined],
  ]);
  expect(cells.map(({ draws }) => draws?.map(({ curve }) => curve))).toEqual([
    [undefined],
    [undefined],
    [
      { part: "test", updates: [10, 20, 30], errors: [0.3, undefined, 0.03] },
      { part: "validation", updates: [10], errors: [0.2] },
    ],
    [undefined, undefined],
  ]);
});

test("settings are told once a training: of M1's draws its classifiers, since its VAE is shared", () => {
  const { cells, shared } = benchmarkOf(results, options);
  const told = cells.flatMap(({ training, settings }) => (settings ? [[training, settings]] : []));
  expect(told).toEqual([
    ["classifiers of M1", expect.objectContaining({ neighbours: 7, unlabelled: 2000 })],
    ["M1+M2", expect.objectContaining({ model: "m1m2", latent: 2, epochs: 3 })],
  ]);
  expect(shared).toEqual([
    { name: "the VAE of M1", seconds: 900, settings: expect.objectContaining({ latent: 3, epochs: 60 }) },
  ]);
  folder("m1-many", settingsOf({ latent: 4 }, { epochs: 50 }));
  const m1 = [...results.m1, { folder: "m1-many", elbo: -95, activeUnits: 25, seconds: 500 }];
  expect(benchmarkOf({ ...results, m1 }, options).shared).toEqual([
    { ...shared?.[0], name: "the VAE of M1 (m1)" },
    { name: "the VAE of M1 (m1-many)", seconds: 500, settings: expect.objectContaining({ latent: 4 }) },
  ]);
});

test("what was done is said: methods, rows, draws that are missing, and that a trial is one", () => {
  const { subtitle, protocol } = benchmarkOf(results, { ...options, length: 0.1 });
  expect(subtitle).toBe("M1, M2 and M1+M2 on mnist with 100 and 3,000 labels");
  expect(protocol).toContain(
    "10,000 others to validate on and 10,000 to test on. M1 has one VAE for all draws",
  );
  expect(protocol).toContain("This is a trial at 0.1 of the protocol’s epochs");
  const alone = benchmarkOf(
    { ...results, draws: [] },
    { ...options, methods: ["m2"], labels: [20], source: { spec: "digits" } },
  );
  expect(alone.protocol).not.toMatch(/trial|M1|validate/);
  expect(alone.source).toBe("Kingma et al. (2014), table 1, as quoted by others");
  expect(alone.cells).toEqual([{ method: "M2 by q(y|x)", labels: 20, planned: 3, draws: [] }]);
  expect(benchmarkMarkdown(benchmarkOf(results, options))).toContain("| 4.00 ± 1.00 (2 of 3 draws) |");
});
