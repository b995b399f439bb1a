/** The example in small: the same program, guides and data, fewer steps. */
import { describe, expect, test } from "vitest";
import {
  asCsv,
  asTable,
  errorsOf,
  loadReference,
  loadTumours,
  logisticRegression,
} from "../../examples/logistic-regression.ts";

const reference = loadReference();
const small = { particles: 10, draws: 2000, seed: 0 };

test("the data: 569 rows of 30 standardised columns, 212 of them malignant", () => {
  const { columns, measurements, malignant } = loadTumours();
  expect([measurements.length, columns.length, malignant.length]).toEqual([569, 30, 569]);
  expect(malignant.reduce((a, b) => a + b)).toBe(212);
  // The first row of the file: radius 17.99, where the column's mean is 14.1273 and its deviation 3.5209 (NumPy).
  expect(measurements[0][0]).toBeCloseTo(1.09706, 4);
  columns.forEach((_, c) => {
    const column = measurements.map((row) => row[c]);
    expect(column.reduce((a, b) => a + b, 0) / 569).toBeCloseTo(0, 6);
    expect(column.reduce((a, b) => a + b * b, 0) / 569).toBeCloseTo(1, 6);
  });
});

describe("against the posterior of an independent Hamiltonian Monte Carlo", () => {
  test("the full-rank guide is right, and k-hat trusts it; mean-field is sure of too much, and k-hat says so", async () => {
    const rows = await logisticRegression({ ...small, guides: ["full-rank", "mean-field"], steps: 4000 });
    const [full, field] = rows;
    for (const { bound, error } of rows) expect(bound).toBeLessThan(reference.logEvidence + 4 * error);

    const right = errorsOf(full, reference);
    expect(full.paretoK).toBeLessThan(0.7);
    // The best normal is about 0.26 nats from this slightly skewed posterior.
    expect(full.bound).toBeGreaterThan(reference.logEvidence - 0.4);
    // Sampling error alone is 0.02 for each mean of 2000 draws, so about 0.06 for the largest of 31; 1.6 % for each deviation.
    expect(right.mean).toBeLessThan(0.12);
    expect(right.smallest).toBeGreaterThan(0.9);
    expect(right.largest).toBeLessThan(1.1);

    const wrong = errorsOf(field, reference);
    expect(field.paretoK).toBeGreaterThan(0.7);
    expect(wrong.largest).toBeLessThan(0.8);
    expect(wrong.smallest).toBeLessThan(0.5);
    // Between two normals with the posterior's covariance Σ: ½ Σ ln Σ⁻¹ᵢᵢ + ½ ln |Σ| = 11.7.
    expect(full.bound - field.bound).toBeGreaterThan(10);
  });

  test("every guide stays below the log evidence, and a correlated one passes the mean-field guide early", async () => {
    const rows = await logisticRegression({
      ...small,
      draws: 500,
      guides: ["mean-field", "low-rank", "flow"],
      steps: 1500,
    });
    const [field, low, flow] = rows;
    for (const { bound, error } of rows) expect(bound).toBeLessThan(reference.logEvidence + 4 * error);
    expect(low.bound - field.bound).toBeGreaterThan(4 * Math.hypot(low.error, field.error));
    expect(flow.bound - low.bound).toBeGreaterThan(4 * Math.hypot(flow.error, low.error));
  });
});

test("the table has a row for each guide and one for the posterior; the CSV has every weight", () => {
  const weights = new Map([...reference.weights].map(([c, { mean, sd }]) => [c, { mean: mean + sd, sd }]));
  const row = { guide: "flow", bound: -56, error: 0.01, paretoK: 0.5, seconds: 2, weights } as const;
  const [header, , first, last] = asTable([row], reference).split("\n");
  expect(header).toMatch(/^guide +bound, nats .* texture_worst/);
  expect(first).toMatch(/^flow +-56\.000 ± 0\.010 +0\.50 +2\.0 +1\.00 +1\.00 to 1\.00 /);
  expect(last).toMatch(/^posterior +-55\.22/);
  const lines = asCsv([row], reference).trimEnd().split("\n");
  expect(lines[0]).toBe("guide,column,mean,sd");
  expect(lines).toHaveLength(1 + 2 * 31);
});
