import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConvergenceError, UsageError } from "../../../src/errors.ts";
import { solveSvm } from "../../../src/models/classifiers/svm-solver.ts";
import { predictedClasses, type SvmOptions, svm } from "../../../src/models/index.ts";
import { digits, errors, features } from "./digits.ts";

/** The machine of a kernel matrix, given whole. */
const solve = (K: readonly (readonly number[])[], y: readonly number[], C: number, start?: Float64Array) =>
  solveSvm({
    rows: [...y.keys()],
    y: Int8Array.from(y),
    C: new Float64Array(y.length).fill(C),
    ...(start && { start }),
    kernelRow: (row) => Float32Array.from(K[row]),
    diagonal: Float64Array.from(K, (row, i) => row[i]),
  });

describe("solveSvm", () => {
  const line = [0, 1, 2, 3].map((a) => [0, 1, 2, 3].map((b) => a * b));

  // Points 0 and 1 against 2 and 3 on a line. Hard margin: α = 2 for the inner two, boundary at 1.5. With C = 0.1 all four
  // sit at the bound; w = 0.4 and the boundary is still the middle.
  test.each([
    [100, [0, -2, 2, 0], 3],
    [1, [0, -1, 1, 0], 1.5],
    [0.1, [-0.1, -0.1, 0.1, 0.1], 0.6],
  ])("four points on a line, C = %d", (C, coefficients, rho) => {
    const solution = solve(line, [-1, -1, 1, 1], C);
    [...solution.coefficients].forEach((value, i) => {
      expect(value).toBeCloseTo(coefficients[i], 6);
    });
    expect(solution.rho).toBeCloseTo(rho, 6);
  });

  test.each([1e9, 1e30])("classes that overlap, at a cost of %d, are refused after a while", (C) => {
    // Alternating signs on a line: no line tells them apart.
    const xs = Array.from({ length: 12 }, (_, i) => i / 3);
    const K = xs.map((a) => xs.map((b) => Math.fround(a * b + 1)));
    const y = xs.map((_, i) => (i % 2 === 0 ? 1 : -1));
    expect(() => solve(K, y, C)).toThrow(
      expect.toSatisfy(
        (error) =>
          error instanceof ConvergenceError &&
          /too large for classes that overlap: use a smaller/.test(error.message),
      ),
    );
  });

  test("meets the optimality conditions on any data", () => {
    const point = fc.tuple(
      fc.double({ min: -3, max: 3, noNaN: true }),
      fc.double({ min: -3, max: 3, noNaN: true }),
    );
    const problem = fc.record({
      points: fc.array(fc.tuple(point, fc.boolean()), { minLength: 2, maxLength: 25 }),
      C: fc.constantFrom(0.05, 1, 50),
    });
    fc.assert(
      fc.property(problem, ({ points, C }) => {
        const y = [1, -1, ...points.map(([, positive]) => (positive ? 1 : -1))];
        const xs = [[0, 0], [1, 1], ...points.map(([xy]) => xy)];
        const K = xs.map((a) =>
          xs.map((b) => Math.fround(Math.exp(-((a[0] - b[0]) ** 2) - (a[1] - b[1]) ** 2))),
        );
        const { coefficients, rho } = solve(K, y, C);
        expect(coefficients.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 9);
        y.forEach((sign, i) => {
          const alpha = sign * coefficients[i];
          expect(alpha).toBeGreaterThanOrEqual(0);
          expect(alpha).toBeLessThanOrEqual(C);
          const margin = sign * (K[i].reduce((sum, value, j) => sum + value * coefficients[j], 0) - rho);
          // Margins end within the solver's tolerance of 1 on the side that α allows.
          if (alpha < C) expect(margin).toBeGreaterThan(1 - 2e-3);
          if (alpha > 0) expect(margin).toBeLessThan(1 + 2e-3);
        });
      }),
      { numRuns: 100, seed: 7 },
    );
  });
});

describe("svm", () => {
  // SVC(break_ties=True, **options) of scikit-learn 1.2.1 (LIBSVM) on the same rows of MNIST: errors of 200, and the decision
  // function of the fifth row, to 4 decimals.
  test.each<[SvmOptions, number, readonly number[]]>([
    [{}, 53, [-0.2846, 6.218, 2.8036, 6.1902, 8.2552, 4.0981, 0.7347, 6.1866, 1.8271, 9.2677]],
    [
      { C: 10, gamma: 0.02 },
      50,
      [-0.2784, 7.1924, 1.8304, 6.1568, 9.2542, 4.0704, 0.7402, 5.147, 2.9024, 8.2596],
    ],
    [
      { kernel: "linear" },
      48,
      [-0.2944, 6.2441, 1.7637, 7.2225, 9.2713, 5.1999, 0.7343, 2.916, 3.8749, 8.2698],
    ],
    [
      { kernel: "linear", C: 0.01 },
      58,
      [-0.2926, 8.2605, 2.7633, 5.2134, 7.2516, 4.1958, 0.7285, 6.1892, 1.782, 9.2754],
    ],
  ])("%j agrees with LIBSVM", async (options, wrong, fifth) => {
    const fitted = await svm(options).fit(digits(0, 200));
    const { x, labels } = digits(1000, 1200);
    const scores = await fitted.scores(x);
    expect(errors(predictedClasses(scores, 10), labels)).toBe(wrong);
    // Both solve to a tolerance of 1e-3 in the decision values, of which the scores keep at most a third.
    fifth.forEach((score, label) => {
      expect(Math.abs(scores[40 + label] - score)).toBeLessThan(1e-3);
    });
    expect(fitted.scoring).toBe("votes");
  });

  test("learns what no line can, and leaves unlabelled rows out", async () => {
    const ring = Array.from({ length: 40 }, (_, i) => {
      const radius = i % 2 === 0 ? 1 : 3;
      return [radius * Math.cos(i), radius * Math.sin(i)];
    });
    const labels = ring.map((_, i) => (i % 5 === 4 ? -1 : i % 2));
    const truth = Int32Array.from(ring, (_, i) => i % 2);
    const data = features(ring, labels);
    const rbf = await svm().fit(data);
    expect(errors(predictedClasses(await rbf.scores(data.x), 2), truth)).toBe(0);
    const linear = await svm({ kernel: "linear" }).fit(data);
    expect(errors(predictedClasses(await linear.scores(data.x), 2), truth)).toBeGreaterThan(10);
  });

  test("does not depend on the order of the rows", async () => {
    const data = digits(0, 60);
    const order = Array.from({ length: 60 }, (_, i) => (i * 37) % 60);
    const moved = {
      ...data,
      x: Float32Array.from(order.flatMap((row) => [...data.x.subarray(row * 784, (row + 1) * 784)])),
      labels: Int32Array.from(order, (row) => data.labels[row]),
    };
    const { x } = digits(2000, 2020);
    const [one, other] = await Promise.all(
      [data, moved].map(async (rows) => (await svm().fit(rows)).scores(x)),
    );
    one.forEach((score, i) => {
      expect(Math.abs(score - other[i])).toBeLessThan(2e-3);
    });
  });

  test("refuses what cannot be", async () => {
    expect(() => svm({ C: 0 })).toThrow(new UsageError("svm: C must be a number above 0, found 0."));
    expect(() => svm({ gamma: Number.NaN })).toThrow(
      new UsageError("svm: gamma must be a number above 0, found NaN."),
    );
    await expect(svm().fit(features([[2], [2]], [0, 1]))).rejects.toThrow(
      new UsageError("svm: every feature of every labelled row is 2: nothing distinguishes the classes."),
    );
  });
});
