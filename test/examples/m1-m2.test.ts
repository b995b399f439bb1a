import { expect, test } from "vitest";
import { labelsGrow, methods } from "../../examples/m1-m2.ts";

test("with few labels unlabelled digits help, M1+M2 most; with more labels every method errs less", async () => {
  const [few, many] = await labelsGrow({
    rows: 3000,
    test: 1000,
    labels: [100, 1000],
    epochs: { m1: 10, m2: 5, stacked: 15 },
    batch: 30,
    seed: 0,
    threads: 1,
  });
  expect([few.labels, many.labels]).toEqual([100, 1000]);
  // Of 1000 test digits: two standard errors of a difference of errors are about 0.03. Found 0.30, 0.25 and 0.21.
  expect(few.errors.M1).toBeLessThan(few.errors["labelled digits alone"] - 0.02);
  expect(few.errors["M1+M2"]).toBeLessThan(few.errors["labelled digits alone"] - 0.06);
  expect(few.errors["M1+M2"]).toBeLessThan(few.errors.M2 - 0.03);
  for (const method of methods) {
    expect(many.errors[method], method).toBeLessThan(few.errors[method] - 0.05);
    expect(many.errors[method], method).toBeLessThan(0.16);
  }
}, 180_000);
