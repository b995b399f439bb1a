/**
 * Regressions without priors have posteriors in closed form. With n rows, k columns, S the least sum of squares and ν = n − k − 1,
 * β has mean β̂ and covariance (XᵀX)⁻¹ S / (ν − 2), and σ² is inverse gamma with shape ν / 2 and scale S / 2. Modes and Laplace's normal
 * follow from the derivatives at β̂. The reference moments are held to the same forms.
 */
import { laplace, map } from "tightbound";
import { describe, expect, test } from "vitest";
import { lgamma } from "../../src/tensor/special/index.ts";
import { readReference } from "./posterior.ts";
import { posteriors } from "./posteriors.ts";
import { linearRegressions } from "./programs/regressions.ts";

type Matrix = readonly (readonly number[])[];

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, v, i) => sum + v * b[i], 0);

interface LeastSquares {
  readonly beta: readonly number[];
  /** (XᵀX)⁻¹. */
  readonly inverse: Matrix;
  readonly logDeterminant: number;
  readonly squares: number;
}

/** By modified Gram-Schmidt, twice, on the columns: X = Q R. */
function leastSquares(x: Matrix, y: readonly number[]): LeastSquares {
  const k = x[0].length;
  const q = x[0].map((_, j) => x.map((row) => row[j]));
  const r = q.map(() => new Array<number>(k).fill(0));
  for (let j = 0; j < k; j++) {
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < j; i++) {
        const along = dot(q[i], q[j]);
        r[i][j] += along;
        q[j] = q[j].map((v, row) => v - along * q[i][row]);
      }
    }
    r[j][j] = Math.sqrt(dot(q[j], q[j]));
    q[j] = q[j].map((v) => v / r[j][j]);
  }
  const solve = (right: readonly number[]): number[] => {
    const out = new Array<number>(k).fill(0);
    for (let i = k - 1; i >= 0; i--) out[i] = (right[i] - dot(r[i], out)) / r[i][i];
    return out;
  };
  const beta = solve(q.map((column) => dot(column, y)));
  // Columns of R⁻¹; (XᵀX)⁻¹ = R⁻¹ R⁻ᵀ.
  const columns = r.map((_, j) => solve(r.map((_, i) => (i === j ? 1 : 0))));
  return {
    beta,
    inverse: r.map((_, i) => r.map((_, j) => columns.reduce((sum, c) => sum + c[i] * c[j], 0))),
    logDeterminant: 2 * r.reduce((sum, row, i) => sum + Math.log(row[i]), 0),
    squares: x.reduce((sum, row, i) => sum + (y[i] - dot(row, beta)) ** 2, 0),
  };
}

const cases = linearRegressions
  .map(({ name, design }) => ({ name, ...design() }))
  .filter(({ beta, sigma }) => beta === undefined && sigma === undefined)
  .map(({ name, x, y }) => ({ name, rows: y.length, ...leastSquares(x, y) }));

const programOf = (wanted: string) => {
  const found = posteriors.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`no posterior ${wanted}`);
  return found.program();
};

test("there are regressions without priors", () => {
  expect(cases.length).toBe(25);
});

/** Moments of the draws within 4.5 of their standard errors: 246 comparisons, a false alarm for 0.17 % of draws. */
describe("the reference moments are those of the closed form", () => {
  const reference = readReference();
  test.each(cases)("$name", ({ name, rows, beta, inverse, squares }) => {
    const moments = reference.get(name);
    const freedom = rows - beta.length - 1;
    const near = (parameter: string, mean: number, sd: number): void => {
      const found = moments?.get(parameter);
      if (found === undefined) throw new Error(`no ${parameter}`);
      expect(Math.abs(found.mean - mean) / found.meanError, `mean of ${parameter}`).toBeLessThan(4.5);
      expect(Math.abs(found.sd - sd) / found.sdError, `sd of ${parameter}`).toBeLessThan(4.5);
    };
    beta.forEach((mean, j) => {
      near(`beta[${j + 1}]`, mean, Math.sqrt((inverse[j][j] * squares) / (freedom - 2)));
    });
    const meanOfSigma = Math.sqrt(squares / 2) * Math.exp(lgamma((freedom - 1) / 2) - lgamma(freedom / 2));
    near("sigma", meanOfSigma, Math.sqrt(squares / (freedom - 2) - meanOfSigma ** 2));
  });
});

/** In standard deviations of the posterior; `map` promises 1e-6. */
const TOLERANCE = 1e-5;

describe("map finds the mode in either space", () => {
  test.each(cases)("$name", async ({ name, rows, beta, inverse, squares }) => {
    for (const [space, count] of [
      ["constrained", rows],
      ["unconstrained", rows - 1],
    ] as const) {
      const { values } = await map(programOf(name)).run([], { space, threads: 1 });
      const sigma = Math.sqrt(squares / count);
      const found = values.get("beta");
      beta.forEach((mean, j) => {
        expect(Math.abs(Number(found?.data[j]) - mean) / sigma / Math.sqrt(inverse[j][j])).toBeLessThan(
          TOLERANCE,
        );
      });
      // One standard deviation of ln σ is 1 / √2n.
      expect(Math.abs(Math.log((values.get("sigma")?.item() ?? 0) / sigma))).toBeLessThan(
        TOLERANCE / Math.sqrt(rows),
      );
    }
  });
});

describe("laplace has the curvature there", () => {
  test.each(cases)("$name", async ({ name, rows, beta, inverse, squares }) => {
    const found = await laplace(programOf(name)).run([], { draws: 25, threads: 1 });
    const k = beta.length;
    const variance = squares / (rows - 1);
    inverse.forEach((row, i) => {
      row.forEach((v, j) => {
        const scale = variance * Math.sqrt(inverse[i][i] * inverse[j][j]);
        expect(Math.abs(found.covariance[i * (k + 1) + j] - variance * v) / scale).toBeLessThan(TOLERANCE);
      });
    });
    expect(found.covariance[(k + 1) ** 2 - 1] * 2 * (rows - 1)).toBeCloseTo(1, 6);
    // Without priors there is none.
    expect(found.logEvidence).toBeNaN();
  });
});
