/** The example in small: the same program, methods and data, fewer steps. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  asCsv,
  asTable,
  errorsOf,
  guides,
  loadReference,
  loadTumours,
  logisticRegression,
  type Method,
  type Row,
} from "../../examples/logistic-regression.ts";

const reference = loadReference();

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
  const fits = new Map<Method, Row>();
  const fitted = (method: Method): Required<Row> => {
    const row = fits.get(method);
    if (row === undefined) throw new Error(`no fit of ${method}`);
    return { evidence: Number.NaN, error: Number.NaN, paretoK: Number.NaN, ...row };
  };

  beforeAll(async () => {
    const small = { particles: 5, seed: 0 };
    const settings = [
      { ...small, methods: ["map", "laplace", "full-rank"], steps: 4000, draws: 2000 },
      { ...small, methods: ["mean-field", "low-rank", "flow", "nuts"], steps: 1500, draws: 1000 },
    ] as const;
    for (const s of settings) for (const row of await logisticRegression(s)) fits.set(row.method, row);
  }, 240_000);

  test.each(guides)("%s: its bound is below the log evidence", (guide) => {
    const { evidence, error } = fitted(guide);
    expect(evidence).toBeLessThan(reference.logEvidence + 4 * error);
  });

  test("the full-rank guide is right, and k-hat trusts it", () => {
    const full = fitted("full-rank");
    const { mean, smallest, largest } = errorsOf(full, reference);
    expect(full.paretoK).toBeLessThan(0.7);
    // Fully trained, it ends 0.26 nats below: the posterior is slightly skewed.
    expect(full.evidence).toBeGreaterThan(reference.logEvidence - 0.4);
    // Sampling error alone: 0.02 in each mean of 2000 draws, about 0.06 in the largest of 31; 1.6 % in each standard deviation.
    expect(mean).toBeLessThan(0.12);
    expect(smallest).toBeGreaterThan(0.9);
    expect(largest).toBeLessThan(1.1);
  });

  test("the mean-field guide is far too sure of every weight, and k-hat says so", () => {
    const field = fitted("mean-field");
    const { smallest, largest } = errorsOf(field, reference);
    expect(field.paretoK).toBeGreaterThan(0.7);
    expect(smallest).toBeLessThan(0.5);
    expect(largest).toBeLessThan(0.8);
    // Fully trained, it ends 12.3 nats below; were the posterior normal, it would be ½ Σ ln Σ⁻¹ᵢᵢ + ½ ln |Σ| = 11.7.
    expect(fitted("full-rank").evidence - field.evidence).toBeGreaterThan(10);
  });

  test("the mode is the mean's neighbour, and a normal there is nearly right", () => {
    const mode = fitted("map");
    // By the reference's own Newton steps, the mode of texture_worst is 1.31; its mean is 1.49.
    expect(mode.weights.get("texture_worst")?.mean).toBeCloseTo(1.31, 2);
    expect(errorsOf(mode, reference).mean).toBeLessThan(0.4);
    const normal = fitted("laplace");
    expect(Math.abs(normal.evidence - reference.logEvidence)).toBeLessThan(0.6);
    // The posterior is slightly skewed: the normal is centred a third of a standard deviation aside.
    const { mean, smallest, largest } = errorsOf(normal, reference);
    expect(mean).toBeGreaterThan(0.2);
    expect(mean).toBeLessThan(0.45);
    expect(smallest).toBeGreaterThan(0.88);
    expect(largest).toBeLessThan(1.12);
  });

  test("NUTS draws from the posterior itself", () => {
    const { mean, smallest, largest } = errorsOf(fitted("nuts"), reference);
    // 1000 draws, half as good as independent ones: errors of 0.045 in each mean, 3 % in each standard deviation; the largest of 31.
    expect(mean).toBeLessThan(0.17);
    expect(smallest).toBeGreaterThan(0.88);
    expect(largest).toBeLessThan(1.12);
  });

  test("the more correlation a guide can express, the higher its bound", () => {
    const [field, low, flow] = (["mean-field", "low-rank", "flow"] as const).map(fitted);
    expect(low.evidence - field.evidence).toBeGreaterThan(4 * Math.hypot(low.error, field.error));
    expect(flow.evidence - low.evidence).toBeGreaterThan(4 * Math.hypot(flow.error, low.error));
  });
});

test("the table has a row for each method and one for the posterior; the CSV has every weight", () => {
  const weights = new Map([...reference.weights].map(([c, { mean, sd }]) => [c, { mean: mean + sd, sd }]));
  const row = { method: "flow", evidence: -56, error: 0.01, paretoK: 0.5, seconds: 2, weights } as const;
  const [header, , first, last] = asTable([row], reference).split("\n");
  expect(header).toMatch(/^method +evidence, nats .* texture_worst/);
  expect(first).toMatch(/^flow +-56\.000 ± 0\.010 +0\.50 +2\.0 +1\.00 +1\.00 to 1\.00 /);
  expect(last).toMatch(/^posterior +-55\.22/);
  const lines = asCsv([row], reference).trimEnd().split("\n");
  expect(lines[0]).toBe("method,column,mean,sd");
  expect(lines).toHaveLength(1 + 2 * 31);
});
