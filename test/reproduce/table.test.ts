import { expect, test } from "vitest";
import type { DrawFigures } from "../../src/reproduce/index.ts";
import { rowsOf } from "../../src/reproduce/table.ts";

const draw = (labelSeed: number, error: number): DrawFigures => ({
  method: "m1m2",
  labels: 100,
  labelSeed,
  testErrors: { "q(y|x)": error, Bayes: 0.5 },
  validationErrors: { "q(y|x)": error / 2 },
  calibrationError: null,
  elbo: -90,
  seconds: 10 * (labelSeed + 1),
  steps: 5,
});

test("a row for each way to classify, in shares of rows, beside what is published of the model at that number of labels", () => {
  const [q, bayes] = rowsOf([draw(0, 0.02), draw(1, 0.04), draw(2, 0.06)]);
  expect(q.mean).toBeCloseTo(0.04, 12);
  expect(q).toMatchObject({ method: "M1+M2", by: "q(y|x)", labels: 100, seconds: 20 });
  expect(q.validation).toBeCloseTo(0.02, 12);
  // sd of 0.02, 0.04, 0.06 is 0.02.
  expect(q.standardError).toBeCloseTo(0.02 / Math.sqrt(3), 12);
  expect(q.published.map(({ error }) => error)).toEqual([0.0333]);
  expect(bayes).toMatchObject({ by: "Bayes", mean: 0.5, standardError: 0 });
  expect(bayes.validation).toBeUndefined();
  // The paper classifies by q(y|x).
  expect(bayes.published).toEqual([]);
});

test("M1 of the paper is its transductive support vector machine: the plain ones stand beside nothing", () => {
  const m1 = {
    ...draw(0, 0),
    method: "m1" as const,
    testErrors: { "linear-svm": 0.3, svm: 0.2, "transductive-svm": 0.1 },
  };
  expect(rowsOf([m1]).map(({ by, published }) => [by, published.map(({ error }) => error)])).toEqual([
    ["linear-svm", []],
    ["svm", []],
    ["transductive-svm", [0.1182]],
  ]);
});

test("numbers of labels are not mixed", () => {
  const rows = rowsOf([draw(0, 0.02), { ...draw(0, 0.01), labels: 3000 }]);
  expect(rows.map(({ labels, by }) => `${labels} ${by}`)).toEqual([
    "100 q(y|x)",
    "100 Bayes",
    "3000 q(y|x)",
    "3000 Bayes",
  ]);
});
