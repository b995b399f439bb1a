import { describe, expect, test } from "vitest";
import { Categorical, Dirichlet, MultivariateNormal, Normal } from "../../src/distributions/index.ts";
import { ConvergenceError, UsageError } from "../../src/errors.ts";
import { laplace } from "../../src/inference/laplace.ts";
import { unconstrainedDensity } from "../../src/inference/unconstrained-density.ts";
import { model } from "../../src/program/index.ts";
import { gather, tensor } from "../../src/tensor/index.ts";
import { coin, eightSchools } from "./programs.ts";

test("a normal posterior: mean, covariance and evidence are exact", async () => {
  // Two observations of a + b t at t = 0, 1 with a ~ N(0, 4), b ~ N(0, 1), noise variance ½.
  const program = model(({ sample, observe, plate }) => {
    const a = sample("a", Normal(0, 2));
    const b = sample("b", Normal(0, 1));
    plate("row", 2, () => observe("y", Normal(a.add(b.mul(tensor([0, 1]))), Math.SQRT1_2), tensor([1, 2.5])));
  });
  const { mode, covariance, logEvidence, values, paretoK, trusted } = await laplace(program).run([], {
    draws: 4000,
  });
  // Precision of (a, b): diag(1/4, 1) + 2 [[2, 1], [1, 1]]; the mean solves it against 2 (3.5, 2.5).
  const [p, q, r] = [4.25, 2, 3];
  const det = p * r - q * q;
  expect(mode.get("a")?.item()).toBeCloseTo((r * 7 - q * 5) / det, 6);
  expect(mode.get("b")?.item()).toBeCloseTo((p * 5 - q * 7) / det, 6);
  [r / det, -q / det, -q / det, p / det].forEach((v, i) => {
    expect(covariance[i]).toBeCloseTo(v, 12);
  });
  // y ~ N(0, S) with S = 4 · 11ᵀ + ttᵀ + ½ I = [[4.5, 4], [4, 5.5]].
  const [s00, s01, s11] = [4.5, 4, 5.5];
  const d = s00 * s11 - s01 * s01;
  const square = (s11 * 1 - 2 * s01 * 2.5 + s00 * 6.25) / d;
  expect(logEvidence).toBeCloseTo(-Math.log(2 * Math.PI) - 0.5 * Math.log(d) - 0.5 * square, 6);
  // The weights of the draws are all equal.
  expect(trusted).toBe(true);
  expect(paretoK).toBeLessThan(0.5);
  const a = values.get("a")?.data as Float64Array;
  const mean = a.reduce((s, v) => s + v, 0) / a.length;
  // Five standard errors of 4000 draws.
  expect(Math.abs(mean - (r * 7 - q * 5) / det)).toBeLessThan((5 * Math.sqrt(r / det)) / Math.sqrt(4000));
});

test("Beta(16, 14), in its logit: precision 30 p (1 − p) at 16/30, evidence by Laplace's formula", async () => {
  const { mode, covariance, logEvidence, trusted } = await laplace(coin()).run([], { draws: 4000 });
  const p = 16 / 30;
  expect(mode.get("p")?.item()).toBeCloseTo(p, 8);
  expect(covariance[0]).toBeCloseTo(1 / (30 * p * (1 - p)), 8);
  const expected =
    16 * Math.log(p) + 14 * Math.log(1 - p) + 13.736229 + 0.5 * Math.log((2 * Math.PI) / (30 * p * (1 - p)));
  expect(logEvidence).toBeCloseTo(expected, 5);
  // The exact evidence is −7.06937: Laplace's is off by about 0.01.
  expect(Math.abs(logEvidence + 7.06937)).toBeLessThan(0.02);
  expect(trusted).toBe(true);
});

test("eight schools, which no normal fits: k-hat says so", async () => {
  const { paretoK, trusted } = await laplace(eightSchools()).run([]);
  expect(paretoK).toBeGreaterThan(0.7);
  expect(trusted).toBe(false);
});

test("the Hessian through a simplex, a factor and a sum over a finite site, against differences", async () => {
  const program = model(({ sample, observe, plate }) => {
    const weights = sample("weights", Dirichlet(tensor([3, 4, 5])));
    const loc = sample(
      "loc",
      MultivariateNormal(tensor([-1, 0, 2]), {
        covariance: tensor([
          [1, 0.3, 0],
          [0.3, 1, 0.2],
          [0, 0.2, 1],
        ]),
      }),
    );
    plate("row", 4, () => {
      const k = sample("k", Categorical({ probs: weights }));
      observe("y", Normal(gather(loc, k), 1), tensor([-1.5, 0.2, 1.8, 2.6]));
    });
  });
  const { covariance, coordinates } = await laplace(program).run([]);
  const density = await unconstrainedDensity(program, []);
  const n = density.dimension;
  const at = (j: number, h: number): Float64Array => {
    const gradient = new Float64Array(n);
    density.logDensityAndGradient(
      coordinates.map((v, i) => (i === j ? v + h : v)),
      gradient,
    );
    return gradient;
  };
  // covariance · (−H) = I, row by row.
  for (let j = 0; j < n; j++) {
    const [up, down] = [at(j, 1e-5), at(j, -1e-5)];
    const column = up.map((v, i) => -(v - down[i]) / 2e-5);
    for (let i = 0; i < n; i++) {
      const product = column.reduce((s, v, k) => s + covariance[i * n + k] * v, 0);
      expect(product).toBeCloseTo(i === j ? 1 : 0, 6);
    }
  }
});

describe("what is refused", () => {
  test("a saddle: the direction is named", async () => {
    const program = model(
      ({ sample, observe }) => {
        const a = sample("a", Normal(0, 1));
        const b = sample("b", Normal(0, 1).expand([2]).toEvent(1));
        observe("y", Normal(b.square().sum(-1), 0.1), 4);
        observe("z", Normal(a, 1), 1);
      },
      { name: "ring" },
    );
    const initial = new Map([
      ["a", [0.5]],
      ["b", [0, 0]],
    ]);
    const failed = await laplace(program)
      .run([], { initial })
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ConvergenceError);
    // −H in b is (1 − 2 · 4/0.01) I = −799 I at 0.
    expect(String(failed)).toMatch(
      /^ConvergenceError: ring: the density is not concave at the mode found: along the direction of b\[0\] \(1\.00\) its second derivative is 799, not below 0, so no normal fits there\. It is a saddle or a ridge: start elsewhere \(seed, initial\), give the sites priors that identify them, or use nuts\.$/,
    );
  });

  test("a ridge, of sites that only their sum determines", async () => {
    const program = model(
      ({ sample, observe, factor }) => {
        const a = sample("a", Normal(0, 1));
        const b = sample("b", Normal(0, 1));
        // Takes the priors away again: what is left is flat along a = −b.
        factor("flat", a.square().add(b.square()).mul(0.5));
        observe("y", Normal(a.add(b), 1), 2);
      },
      { name: "ridge" },
    );
    await expect(laplace(program).run([])).rejects.toThrow(
      /along the direction of (a|b) \((-0\.71|0\.71)\), (a|b) \((-0\.71|0\.71)\)/,
    );
  });

  test("too few draws", async () => {
    await expect(laplace(coin()).run([], { draws: 10 })).rejects.toThrow(
      new UsageError("laplace: draws must be a whole number of at least 25, found 10."),
    );
  });
});
