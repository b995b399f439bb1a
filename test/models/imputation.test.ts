/** Filling cells without a model, and how right they are: worked by hand, and against scikit-learn's rule. */
import { describe, expect, test } from "vitest";
import { createDataset, encodeTable, featureLayout, fitTable } from "../../src/data/index.ts";
import { readTextTable } from "../../src/data/table.ts";
import { hideCells, imputationError, imputeMeans, imputeNearest, VAE } from "../../src/models/index.ts";
import { train } from "../../src/runs/index.ts";
import { tempFolder } from "../data/temp.ts";

const { write } = tempFolder();
const nan = Number.NaN;
const dataset = (rows: readonly (readonly number[])[]) =>
  createDataset({
    name: "rows",
    shape: [rows[0].length],
    x: Float32Array.from(rows.flat(), (v) => (Number.isNaN(v) ? 0 : v)),
    observed: Uint8Array.from(rows.flat(), (v) => Number(!Number.isNaN(v))),
  });

test("means, and the nearest rows that have the value", () => {
  // The example of scikit-learn's KNNImputer: with two neighbours the gaps become 4, 5.5.
  const rows = dataset([
    [1, 2, nan],
    [3, 4, 3],
    [nan, 6, 5],
    [8, 8, 7],
  ]);
  expect([...imputeNearest(rows, rows, 2)]).toEqual([1, 2, 4, 3, 4, 3, 5.5, 6, 5, 8, 8, 7]);
  expect([...imputeMeans(rows, rows)]).toEqual([1, 2, 5, 3, 4, 3, 4, 6, 5, 8, 8, 7]);
});

const table = readTextTable(
  write(
    "t.csv",
    `a,b,c\n${Array.from({ length: 200 }, (_, i) => {
      const z = Math.sin(i * i);
      return `${(2 * z + 0.1 * Math.cos(7 * i)).toFixed(3)},${(1 - z + 0.1 * Math.sin(3 * i)).toFixed(3)},${z > 0.3 ? "high" : z > -0.3 ? "mid" : "low"}`;
    }).join("\n")}\n`,
  ),
);
const { preprocessing } = fitTable(table);
const layout = featureLayout(preprocessing);
const whole = encodeTable(table, preprocessing).dataset;

describe("cells that are hidden", () => {
  test("at random, whole columns of a row, a share of each column", () => {
    const { rows, hidden } = hideCells(whole, layout, { share: 0.3, seed: 1 });
    expect(hidden.length).toBe(180);
    expect(rows.observed?.reduce((a, b) => a + b, 0)).toBe(200 * 5 - 60 - 60 - 180);
    expect(hideCells(whole, layout, { share: 0.3, seed: 1 }).hidden).toEqual(hidden);
    expect(hideCells(whole, layout, { share: 0.3, seed: 2 }).hidden).not.toEqual(hidden);
    // Nothing was taken from the rows themselves.
    expect(whole.observed?.every((mark) => mark === 1)).toBe(true);
  });

  test("not at random, only from the upper half", () => {
    const { hidden } = hideCells(whole, layout, { share: 0.3, seed: 1, how: "high" });
    const values = [...Array(200).keys()].map((row) => whole.x[5 * row]).sort((a, b) => a - b);
    for (const { row, column } of hidden) {
      if (column === 0) expect(whole.x[5 * row]).toBeGreaterThanOrEqual(values[100]);
    }
  });

  test("errors are counted over them alone", () => {
    const hidden = [
      { row: 0, column: 0 },
      { row: 1, column: 0 },
      { row: 0, column: 2 },
      { row: 1, column: 2 },
    ];
    const filled = Float32Array.from(whole.x);
    filled[0] += 3;
    filled[5] += 4;
    filled.set(
      [0.4, 0.35, 0.25].map((v, i) => (whole.x[2 + i] === 1 ? v + 1 : v)),
      2,
    );
    filled.set(
      [9, 9, 9].map((v, i) => (whole.x[7 + i] === 1 ? 0 : v)),
      7,
    );
    const found = imputationError(whole, filled, hidden, layout);
    expect(found).toMatchObject({ numbers: 2, categories: 2, right: 0.5 });
    expect(found.rmse).toBeCloseTo(Math.sqrt((9 + 16) / 2), 5);
  });
});

test("a VAE fills by what the row says: nearer than the mean, and draws spread as the posterior does", async () => {
  const { rows, hidden } = hideCells(whole, layout, { share: 0.2, seed: 3 });
  const vae = VAE({ shape: whole.shape, latent: 2, hidden: [30], likelihood: "table", layout });
  const trained = await train(vae, rows, { epochs: 150, batch: 20, lr: 5e-3, seed: 0, threads: 1 });
  const means = await trained.impute(rows, { seed: 1 });
  const error = imputationError(whole, means, hidden, layout);
  const before = imputationError(whole, imputeMeans(rows, rows), hidden, layout);
  expect(error.rmse).toBeLessThan(0.7 * (before.rmse ?? 0));
  expect(error.right).toBeGreaterThan((before.right ?? 1) + 0.1);
  // What was there stays as it was.
  rows.observed?.forEach((mark, i) => {
    if (mark === 1) expect(means[i]).toBe(rows.x[i]);
  });
  const draws = await trained.impute(rows, { draws: 40, seed: 1 });
  expect(draws.length).toBe(40 * rows.x.length);
  for (const { row, column } of hidden.filter(({ column }) => column === 2).slice(0, 10)) {
    for (let d = 0; d < 40; d++) {
      const at = (d * rows.rows + row) * 5 + layout.columns[column].start;
      expect(draws.subarray(at, at + 3).reduce((a, b) => a + b, 0)).toBe(1);
    }
  }
  const numbers = hidden.filter(({ column }) => column === 0);
  const at = ({ row }: { readonly row: number }) => row * 5;
  // The mean of 40 draws is the posterior mean to its standard error, of which 6 are allowed: the draws are at most a few apart.
  for (const cell of numbers.slice(0, 20)) {
    const values = Array.from({ length: 40 }, (_, d) => draws[d * rows.x.length + at(cell)]);
    const mean = values.reduce((a, b) => a + b, 0) / 40;
    const sd = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / 39);
    expect(Math.abs(mean - means[at(cell)])).toBeLessThan(6 * (sd / Math.sqrt(40)) + 0.1);
  }
  await expect(trained.impute(rows, { draws: 0 })).rejects.toThrow(
    /impute: draws must be a whole number of at least 1, found 0/,
  );
});
