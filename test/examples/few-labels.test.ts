/** The example in small: the same tables, models and classifiers, fewer draws and epochs. */
import { beforeAll, expect, test } from "vitest";
import {
  asTable,
  cases,
  fewLabels,
  type methods,
  type Row,
  readWithGaps,
  summary,
} from "../../examples/few-labels.ts";

let rows: readonly Row[];
beforeAll(async () => {
  const small = cases.filter(({ path, labels }) => path.includes("penguins") && labels !== 30);
  rows = await fewLabels({ cases: small, draws: 2, epochs: 60, alpha: 1 });
}, 180_000);

test("unlabelled penguins help: M2 errs less than what learns from the labelled ones alone", () => {
  expect(rows).toHaveLength(3);
  for (const { errors } of rows) {
    const of = (method: (typeof methods)[number]) => summary(errors[method]).mean;
    expect(of("m2")).toBeLessThan(Math.min(of("logistic"), of("svm")));
  }
  // Fully trained 0.3 % (npm run example -- few-labels).
  expect(summary(rows[1].errors.m2).mean).toBeLessThan(0.03);
});

test("cells are taken out of columns, never of labels", async () => {
  const [whole, gappy] = await Promise.all([cases[1], cases[3]].map((c) => readWithGaps(c, 0)));
  const missing = ({ observed = new Uint8Array() }: typeof whole.data) =>
    observed.reduce((count, mark) => count + 1 - mark, 0) / observed.length;
  // Of 9 features in 6 columns; 19 cells are missing in the file.
  expect(missing(whole.data)).toBeLessThan(0.01);
  expect(missing(gappy.data)).toBeGreaterThan(0.27);
  expect(missing(gappy.data)).toBeLessThan(0.34);
  expect(gappy.data.labels).toEqual(whole.data.labels);
});

test("the table has a row for each case and a column for each method", () => {
  const both = [0.1, 0.3];
  const errors = { m2: both, m2Bayes: both, logistic: both, svm: both };
  const [header, , first] = asTable([{ ...cases[3], errors }]).split("\n");
  expect(header).toMatch(/^table +labels +cells missing +M2, q\(y\|x\) +M2, Bayes' rule/);
  expect(first).toMatch(/^penguins +15 +30\.0 % +20\.0 ± 10\.0 /);
});
