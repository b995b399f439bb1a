import { describe, expect, test } from "vitest";
import { HalfCauchy, MultivariateNormal, Normal } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { nuts, summary, summaryText } from "../../src/inference/index.ts";
import { nextDiagonal, type PathStep, pathNormal, tells } from "../../src/inference/path-normal.ts";
import { pathfinder } from "../../src/inference/pathfinder.ts";
import { model } from "../../src/program/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { matmul, tensor } from "../../src/tensor/index.ts";
import { coin, eightSchools } from "./programs.ts";

const normals = (n: number, name: string): Float64Array => {
  const out = new Float64Array(n);
  fillNormal(out, stream(11, name));
  return out;
};

type Matrix = number[][];
const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0].map((_, j) => row.reduce((s, v, k) => s + v * b[k][j], 0)));
const eye = (n: number): Matrix =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Number(i === j)));

/** One BFGS update of an inverse Hessian, as the textbook has it: (I − ρ s yᵀ) H (I − ρ y sᵀ) + ρ s sᵀ. */
function bfgs(h: Matrix, { step: s, change: y }: PathStep): Matrix {
  const rho = 1 / s.reduce((sum, v, i) => sum + v * y[i], 0);
  const left = eye(s.length).map((row, i) => row.map((v, j) => v - rho * s[i] * y[j]));
  const right = left[0].map((_, j) => left.map((row) => row[j]));
  return product(product(left, h), right).map((row, i) => row.map((v, j) => v + rho * s[i] * s[j]));
}

describe.each([
  [5, 3],
  [30, 6],
  [2, 6],
  [1, 2],
])("%d dimensions, %d steps", (n, count) => {
  // Steps on a quadratic whose Hessian is diag(a) + b bᵀ: curvature is positive along each.
  const [a, b] = [normals(n, "a").map((v) => Math.exp(2 * v)), normals(n, "b")];
  const steps = Array.from({ length: count }, (_, k): PathStep => {
    const step = normals(n, `step ${k}`);
    const along = step.reduce((s, v, i) => s + v * b[i], 0);
    return { step, change: step.map((v, i) => a[i] * v + b[i] * along) };
  });
  const diagonal = normals(n, "diagonal").map(Math.exp);
  const point = normals(n, "point");
  const gradient = normals(n, "gradient");
  const found = pathNormal(point, gradient, diagonal, steps);
  const start = eye(n).map((row, i) => row.map((v) => v * diagonal[i]));
  const covariance = steps.reduce(bfgs, start);

  test("the covariance is BFGS's inverse Hessian, its root and its determinant", () => {
    if (found === undefined) throw new Error("expected a normal");
    const unit = eye(n).map((row) => found.at(Float64Array.from(row)).map((v, i) => v - found.mean[i]));
    const largest = Math.max(...covariance.flat().map(Math.abs));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const square = unit.reduce((s, column) => s + column[i] * column[j], 0);
        expect(Math.abs(square - covariance[i][j])).toBeLessThan(1e-8 * largest);
      }
    }
    // ln |H| by elimination.
    const m = covariance.map((row) => [...row]);
    let logDeterminant = 0;
    for (let k = 0; k < n; k++) {
      logDeterminant += Math.log(m[k][k]);
      for (let i = k + 1; i < n; i++)
        for (let j = n - 1; j >= k; j--) m[i][j] -= (m[i][k] / m[k][k]) * m[k][j];
    }
    expect(found.logDeterminant).toBeCloseTo(logDeterminant, 6);
  });

  test("the mean is a Newton step away", () => {
    const step = covariance.map((row) => row.reduce((s, v, j) => s + v * gradient[j], 0));
    const size = Math.max(...step.map(Math.abs));
    step.forEach((v, i) => {
      expect(Math.abs((found?.mean[i] ?? Number.NaN) - point[i] - v)).toBeLessThan(1e-8 * size);
    });
  });

  test("the diagonal stays positive, and has the curvature along an axis after a step there", () => {
    const after = steps.reduce<Float64Array>(
      (d, step) => (tells(step) ? nextDiagonal(d, step) : d),
      Float64Array.from(diagonal),
    );
    expect(Math.min(...after)).toBeGreaterThan(0);
    for (let i = 0; i < n; i++) {
      const step = new Float64Array(n);
      step[i] = 0.7;
      const along = nextDiagonal(after, { step, change: step.map((v, j) => a[j] * v) });
      expect(along[i] * a[i]).toBeCloseTo(1, 10);
    }
  });
});

test("a normal posterior: moments, evidence, and draws that can be trusted", async () => {
  // Two observations of a + b t at t = 0, 1 with a ~ N(0, 4), b ~ N(0, 1), noise variance ½ (exact values: laplace.test.ts).
  const program = model(({ sample, observe, plate }) => {
    const a = sample("a", Normal(0, 2));
    const b = sample("b", Normal(0, 1));
    plate("row", 2, () => observe("y", Normal(a.add(b.mul(tensor([0, 1]))), Math.SQRT1_2), tensor([1, 2.5])));
  });
  const fit = await pathfinder(program).run([], { draws: 4000, seed: 3 });
  const [p, q, r] = [4.25, 2, 3];
  const det = p * r - q * q;
  const d = 4.5 * 5.5 - 16;
  const square = (5.5 - 8 * 2.5 + 4.5 * 6.25) / d;
  expect(fit.logEvidence).toBeCloseTo(-Math.log(2 * Math.PI) - 0.5 * Math.log(d) - 0.5 * square, 2);
  expect(fit.trusted).toBe(true);
  expect(fit.paths).toHaveLength(4);
  const { rows } = summary(fit);
  // Of 4,000 resampled draws; six standard errors of as many independent ones, doubled for those that occur twice.
  [
    [(r * 7 - q * 5) / det, r / det],
    [(p * 5 - q * 7) / det, p / det],
  ].forEach(([mean, variance], i) => {
    const sd = Math.sqrt(variance);
    expect(Math.abs(rows[i].mean - mean)).toBeLessThan((12 * sd) / Math.sqrt(4000));
    expect(Math.abs(rows[i].sd / sd - 1)).toBeLessThan(12 / Math.sqrt(8000));
  });
  expect(summaryText(summary(fit))).toContain("its paretoK says how far to trust it");
});

test("a correlated normal of 40 dimensions: importance weights mend what six steps cannot say", async () => {
  const n = 40;
  const root = normals(n * n, "root");
  const rows = Array.from({ length: n }, (_, i) =>
    Array.from({ length: n }, (_, j) => (i === j ? 1 : 0) + 0.05 * root[i * n + j]),
  );
  const l = tensor(rows);
  const program = model(({ sample }) => {
    sample("x", MultivariateNormal(tensor(new Array(n).fill(0)), { covariance: matmul(l, l.transpose()) }));
  });
  const fit = await pathfinder(program).run([], { draws: 2000, elboDraws: 25 });
  // The evidence of a proper prior is 1.
  expect(Math.abs(fit.logEvidence)).toBeLessThan(0.5);
});

test("Beta(16, 14) within its Monte Carlo error, reproducibly, by seed", async () => {
  const run = (seed: number) => pathfinder(coin()).run([], { draws: 2000, seed });
  const [one, same, other] = [await run(1), await run(1), await run(2)];
  expect(same.values.get("p")?.data).toEqual(one.values.get("p")?.data);
  expect(other.values.get("p")?.data).not.toEqual(one.values.get("p")?.data);
  const { rows } = summary(one);
  expect(Math.abs(rows[0].mean - 16 / 30)).toBeLessThan(
    (10 * Math.sqrt((16 * 14) / (30 * 30 * 31))) / Math.sqrt(2000),
  );
  // The exact log evidence of 15 heads in 28 throws.
  expect(one.logEvidence).toBeCloseTo(-7.06937, 1);
});

test("eight schools, centred: no mode, and yet normals on the way; chains can start from their draws", async () => {
  const y = tensor([28, 8, -3, 7, -1, 1, 18, 12]);
  const sigma = tensor([15, 10, 16, 11, 9, 11, 10, 18]);
  const centred = model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 5));
    const tau = sample("tau", HalfCauchy(5));
    plate("school", 8, () => {
      const theta = sample("theta", Normal(mu, tau));
      observe("y", Normal(theta, sigma), y);
    });
  });
  const { values, starts, trusted, paths } = await pathfinder(centred).run([], { seed: 2 });
  expect(paths.every(({ elbo }) => Number.isFinite(elbo))).toBe(true);
  expect(trusted).toBe(false);
  expect(starts).toHaveLength(4);
  expect([...starts[0].keys()]).toEqual(["mu", "tau", "theta"]);
  const tau = values.get("tau")?.data as Float64Array;
  expect(Math.min(...tau)).toBeGreaterThan(0);
  const posterior = await nuts(eightSchools()).run([], {
    initial: (await pathfinder(eightSchools()).run([], { seed: 2 })).starts,
    chains: 4,
    warmUp: 300,
    draws: 300,
    seed: 0,
  });
  expect(posterior.values.get("mu")?.shape).toEqual([4, 300]);
  expect(summary(posterior).rows.every(({ rHat: r }) => r < 1.05)).toBe(true);
});

test("results do not depend on the units of the data", async () => {
  const at = async (unit: number) => {
    const y = tensor([...normals(40, "data")].map((v) => (v + 0.7) * unit));
    const program = model(({ sample, observe, plate }) => {
      const mu = sample("mu", Normal(0, 3 * unit));
      const scale = sample("scale", HalfCauchy(unit));
      plate("row", 40, () => observe("y", Normal(mu, scale), y));
    });
    // In every unit k-hat is beyond 0.7 for about one seed in twelve: for three of five with probability 0.5 %.
    const fits = [];
    for (let seed = 0; seed < 5; seed++) fits.push(await pathfinder(program).run([], { draws: 4000, seed }));
    const [, , fit] = fits.sort((a, b) => a.paretoK - b.paretoK);
    expect(fit.trusted, `unit ${unit}, k-hats ${fits.map(({ paretoK }) => paretoK)}`).toBe(true);
    const { rows } = summary(fit);
    return rows.map(({ mean, sd }) => [mean / unit, sd / unit]);
  };
  const [reference, ...others] = [await at(1), await at(1e-9), await at(1e9)];
  for (const found of others) {
    found.forEach(([mean, sd], i) => {
      // Twelve Monte Carlo errors of 4,000 draws, some of which are repeated.
      expect(Math.abs(mean - reference[i][0])).toBeLessThan((12 * reference[i][1]) / Math.sqrt(4000));
      expect(Math.abs(sd / reference[i][1] - 1)).toBeLessThan(0.3);
    });
  }
});

test("what it refuses", async () => {
  const refused = (options: object) => expect(pathfinder(coin()).run([], options)).rejects;
  await refused({ paths: 0 }).toThrow("pathfinder: paths must be a whole number of at least 1, found 0.");
  await refused({ draws: 10 }).toThrow(UsageError);
  await refused({ path: 3 }).toThrow("there is no option 'path'. Did you mean 'paths'?");
  const nothing = model(({ observe }) => observe("y", Normal(0, 1), tensor(1)));
  await expect(pathfinder(nothing).run([])).rejects.toThrow(UsageError);
  const improper = model(({ sample, factor }) => {
    const x = sample("x", Normal(0, 1));
    factor("away", x.square());
  });
  await expect(pathfinder(improper).run([], { maxSteps: 50 })).rejects.toThrow(
    /no normal was found along path 0/,
  );
});
