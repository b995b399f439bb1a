/** Sites without a density: what samples them, and what refuses them. */
import { describe, expect, test } from "vitest";
import { constraints, FlatDistribution, flat, Normal, transforms } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import {
  annealedImportanceSampling,
  autoNormal,
  bidirectionalMonteCarlo,
  importance,
  laplace,
  nuts,
  predictive,
  summary,
  svi,
  unconstrainedDensity,
} from "../../src/inference/index.ts";
import { model } from "../../src/program/index.ts";
import { grad, reshape, slice, sum, type Tensor, tensor } from "../../src/tensor/index.ts";
import { logAbsDet, numbersOf } from "./transforms/cases.ts";

const y = [1.2, 0.4, 2.2, 1.9, 0.9, 1.4, 2.6, 0.2];
const n = y.length;
const mean = y.reduce((a, b) => a + b) / n;
const line = model(({ sample, observe, plate }) => {
  const mu = sample("mu", flat(constraints.real));
  plate("row", n, () => observe("y", Normal(mu, 1), tensor(y)));
});

describe("a flat prior of a mean", () => {
  // The posterior of a mean of n observations with sd 1 is N(ȳ, 1/n).
  test("laplace is exact, and has no evidence", async () => {
    const fit = await laplace(line).run([]);
    expect(fit.coordinates[0]).toBeCloseTo(mean, 6);
    expect(fit.covariance[0]).toBeCloseTo(1 / n, 6);
    expect(fit.logEvidence).toBeNaN();
  });

  test("nuts, and svi by an automatic guide", async () => {
    const chains = await nuts(line).run([], { chains: 2, draws: 1000, warmUp: 300, seed: 1 });
    const [row] = summary(chains).rows;
    // Five standard errors of a mean of some 700 effective draws or more: false alarms below 1e-6.
    expect(Math.abs(row.mean - mean)).toBeLessThan((5 * 0.354) / Math.sqrt(700));
    const fit = await svi(line, autoNormal(line)).run([], { steps: 2000, seed: 0, particles: 4 });
    expect(Math.abs((fit.parameters.get([...fit.parameters.keys()][0])?.[0] as number) - mean)).toBeLessThan(
      0.15,
    );
  });

  test.each([
    ["prior predictive draws", () => predictive(line, [], { draws: 10 })],
    ["importance", () => importance(line, autoNormal(line), [], { draws: 50 })],
    ["annealing", () => annealedImportanceSampling(line, [], { temperatures: 5 })],
    [
      "annealing from a guide",
      () => annealedImportanceSampling(line, [], { temperatures: 5, guide: autoNormal(line) }),
    ],
    ["bidirectional Monte Carlo", () => bidirectionalMonteCarlo(line, [], { temperatures: 5 })],
  ])("%s: refused with site, reason and way out", async (_, run) => {
    const error = await Promise.resolve()
      .then(async () => {
        await run();
      })
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toMatch(/site '(simulated\/)?mu'.*flat.*proper prior/s);
  });
});

test("values of every set, and values outside it", async () => {
  const row = [0.2, 0.3, 0.5];
  const cases = [
    [flat(constraints.real), 3, Number.POSITIVE_INFINITY],
    [flat(constraints.positive), 3, -1],
    [flat(constraints.interval(-1, 3)), 3, 4],
    [flat(constraints.real, [3]), [1, 2, 3], [1, Number.POSITIVE_INFINITY, 3]],
    [flat(constraints.simplex, [3]), row, [0.2, 0.3, 0.6]],
    [flat(constraints.simplex, [2, 3]), [row, row], [row, [1, 1, 1]]],
    [flat(constraints.orderedVector, [3]), [-1, 2, 3], [1, 3, 2]],
    [flat(constraints.positiveOrderedVector, [3]), [1, 2, 3], [-1, 2, 3]],
    [flat(constraints.unitVector, [2]), [0.6, -0.8], [0.6, 0.6]],
    [
      flat(constraints.correlation, [2, 2]),
      [
        [1, 0.5],
        [0.5, 1],
      ],
      [
        [1, 1.5],
        [1.5, 1],
      ],
    ],
    [
      flat(constraints.positiveDefinite, [2, 2]),
      [
        [2, 0.5],
        [0.5, 1],
      ],
      [
        [1, 2],
        [2, 1],
      ],
    ],
    [
      flat(constraints.correlationCholesky, [2, 2]),
      [
        [1, 0],
        [0.6, 0.8],
      ],
      [
        [1, 0],
        [0.6, 0.6],
      ],
    ],
  ] as const;
  for (const [d, inside, outside] of cases) {
    expect(d).toBeInstanceOf(FlatDistribution);
    expect(await numbersOf(() => d.logProb(inside)), d.support.name).toEqual([0]);
    expect(await numbersOf(() => d.logProb(outside)), d.support.name).toEqual([Number.NEGATIVE_INFINITY]);
    expect(d.reparameterised).toBe(false);
  }
  expect(await numbersOf(() => flat(constraints.real).logProb([0, Number.NaN]))).toEqual([0, Number.NaN]);
  expect(
    flat(constraints.real)
      .expand([4])
      .logProb(tensor([1, 2, 3, 4])).shape,
  ).toEqual([4]);
});

test("refused: sets that are discrete or of another shape", () => {
  expect(() => flat(constraints.simplex)).toThrow(/flat\(constraints.simplex, \[3\]\)/);
  expect(() => flat(constraints.correlation, [2, 3])).toThrow(/n, n/);
  expect(() => flat(constraints.boolean)).toThrow(/discrete/);
  expect(() => flat(undefined as never)).toThrow(UsageError);
  expect(() => flat(constraints.positiveDefinite, [2, 3])).toThrow(/n, n/);
  expect(() => flat({ ...constraints.real, name: "a set of one's own" })).toThrow(/no transform/);
});

/** ln of a midpoint sum of exp over a box of coordinates. */
async function logTotal(
  program: Parameters<typeof unconstrainedDensity>[0],
  range: number,
  steps: number,
): Promise<number> {
  const density = await unconstrainedDensity(program, []);
  const d = density.dimension;
  const gradient = new Float64Array(d);
  const width = (2 * range) / steps;
  let total = 0;
  for (let i = 0; i < steps ** d; i++) {
    const q = Float64Array.from(
      { length: d },
      (_, k) => -range + width * ((Math.floor(i / steps ** k) % steps) + 0.5),
    );
    total += Math.exp(await density.logDensityAndGradient(q, gradient));
  }
  return Math.log(total * width ** d);
}

// The total of a flat density over a bounded set is the set's volume, in the numbers that its transform documents.
test.each([
  ["an interval", flat(constraints.interval(-1, 3)), Math.log(4), 40, 400],
  ["a simplex of 3, area ½", flat(constraints.simplex, [3]), Math.log(0.5), 30, 300],
  ["a circle, 2π", flat(constraints.unitVector, [2]), Math.log(2 * Math.PI), 8, 200],
  ["a sphere, 4π", flat(constraints.unitVector, [3]), Math.log(4 * Math.PI), 6, 60],
  ["a correlation, from −1 to 1", flat(constraints.correlation, [2, 2]), Math.log(2), 20, 400],
  // π²/2: Joe (2006), "Generating random correlation matrices based on partial correlations".
  ["correlations of 3", flat(constraints.correlation, [3, 3]), Math.log(Math.PI ** 2 / 2), 8, 48],
  // A row of 2 and a half disc of radius 1 … the rows' free numbers: 2 · π.
  [
    "factors of correlations of 3",
    flat(constraints.correlationCholesky, [3, 3]),
    Math.log(2 * Math.PI),
    9,
    54,
  ],
] as const)("%s", async (_, d, expected, range, steps) => {
  const program = model(({ sample }) => {
    sample("x", d);
  });
  expect(await logTotal(program, range, steps)).toBeCloseTo(expected, 3);
});

describe.each([
  ["positiveOrdered", transforms.positiveOrdered, [0.3, -1, 2], [0, 1, 2]],
  [
    "correlationCholesky",
    transforms.correlationCholesky,
    [0.3, -1, 2, 0.1, 0.5, -0.7],
    [4, 8, 9, 12, 13, 14],
  ],
  ["correlation", transforms.correlation, [0.3, -1, 2, 0.1, 0.5, -0.7], [4, 8, 9, 12, 13, 14]],
] as const)("%s", (_, t, x, free) => {
  test("round trip, and the log determinant by automatic differentiation", async () => {
    const at = tensor([...x], { dtype: "float64" });
    const y = await numbersOf(() => t.forward(at));
    const shape = t.forwardShape([x.length]);
    const again = await numbersOf(() => t.inverse(reshape(tensor(y, { dtype: "float64" }), shape)));
    again.forEach((v, i) => {
      expect(v).toBeCloseTo(x[i], 9);
    });
    const rows = await Promise.all(
      free.map((k) =>
        numbersOf(
          () => grad(sum(slice(reshape(t.forward(at), [-1]), { axis: 0, start: k, end: k + 1 })), [at])[0],
        ),
      ),
    );
    const [found] = await numbersOf(() => t.forwardAndLogDet(at).logDet);
    expect(found).toBeCloseTo(logAbsDet(rows.flat(), x.length), 9);
  });

  test("far out, the Jacobian stays finite", async () => {
    const far = (s: Tensor): Tensor => t.forwardAndLogDet(s.mul(15)).logDet;
    expect((await numbersOf(() => far(tensor([...x])))).every(Number.isFinite)).toBe(true);
  });
});
