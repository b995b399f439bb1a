/** Log densities over unconstrained coordinates far out, where the values themselves have rounded to an end of their support. */
import { describe, expect, test } from "vitest";
import {
  Bernoulli,
  Beta,
  Binomial,
  Dirichlet,
  Gamma,
  LogitNormal,
  Normal,
  Transformed,
  transforms,
  Uniform,
} from "../../src/distributions/index.ts";
import { nuts, summary, unconstrainedDensity } from "../../src/inference/index.ts";
import { model, type Program } from "../../src/program/index.ts";

const sigma = (u: number): number => (u >= 0 ? 1 / (1 + Math.exp(-u)) : Math.exp(u) / (1 + Math.exp(u)));

/** The slope of the log density along the first coordinate, on an executor. */
async function slopes(program: Program<[]>, at: readonly number[], executor: "host" | "native") {
  const density = await unconstrainedDensity(program, [], { executor, threads: 1 });
  const gradient = new Float64Array(density.dimension);
  const found: number[] = [];
  for (const u of at) {
    const q = new Float64Array(density.dimension);
    q[0] = u;
    const value = await density.logDensityAndGradient(q, gradient);
    expect(Number.isFinite(value)).toBe(true);
    found.push(gradient[0]);
  }
  return found;
}

const far = [-700, -100, -40, -3, 0, 3, 36, 37, 40, 100, 700];

const cases: readonly (readonly [string, () => Program<[]>, (u: number) => number])[] = [
  [
    "Beta(.01, .01): .01 σ(−u) − .01 σ(u)",
    () => model(({ sample }) => void sample("p", Beta(0.01, 0.01))),
    (u) => 0.01 * sigma(-u) - 0.01 * sigma(u),
  ],
  [
    "30 successes of 30 under Beta(.01, .01)",
    () =>
      model(({ sample, observe }) => {
        const probs = sample("p", Beta(0.01, 0.01));
        observe("y", Binomial(30, { probs }), 30);
      }),
    (u) => 30.01 * sigma(-u) - 0.01 * sigma(u),
  ],
  [
    "10⁷ successes of 10⁷ under a uniform",
    () =>
      model(({ sample, observe }) => {
        const probs = sample("p", Uniform(0, 1));
        observe("y", Binomial(1e7, { probs }), 1e7);
      }),
    (u) => (1e7 + 1) * sigma(-u) - sigma(u),
  ],
  [
    "a failure under Beta(1, 1)",
    () =>
      model(({ sample, observe }) => {
        const probs = sample("p", Beta(1, 1));
        observe("y", Bernoulli({ probs }), 0);
      }),
    (u) => sigma(-u) - 2 * sigma(u),
  ],
  [
    "1 − 2 Beta(.05, .05)",
    () => model(({ sample }) => void sample("x", Transformed(Beta(0.05, 0.05), transforms.affine(1, -2)))),
    (u) => 0.05 * sigma(-u) - 0.05 * sigma(u),
  ],
  [
    "3 + Gamma(.01, 1): .01 − eᵘ",
    () => model(({ sample }) => void sample("x", Transformed(Gamma(0.01, 1), transforms.affine(3, 1)))),
    (u) => (u > 40 ? Number.NaN : 0.01 - Math.exp(u)),
  ],
  [
    "a stick of two parts, Dirichlet(.1, .1)",
    () => model(({ sample }) => void sample("x", Dirichlet([0.1, 0.1]))),
    (u) => 0.1 * sigma(-u) - 0.1 * sigma(u),
  ],
  [
    "LogitNormal(0, 10): −u/100",
    () => model(({ sample }) => void sample("x", LogitNormal(0, 10))),
    (u) => -u / 100,
  ],
  [
    "tanh of a normal: −u",
    () => model(({ sample }) => void sample("x", Transformed(Normal(0, 1), transforms.tanh))),
    (u) => -u,
  ],
];

describe.each(["host", "native"] as const)("%s", (executor) => {
  test.each(cases)("%s", async (_, program, right) => {
    const at = far.filter((u) => Number.isFinite(right(u)));
    const found = await slopes(program(), at, executor);
    at.forEach((u, i) => {
      const expected = right(u);
      // Parameters of float32 such as .01 are kept as the doubles that they were written as.
      expect(Math.abs(found[i] - expected), `at ${u}: ${found[i]}`).toBeLessThan(
        1e-9 * Math.max(1, Math.abs(expected)),
      );
    });
  });
});

test("NUTS on Beta(.05, .05) finds both ends", async () => {
  const program = model(({ sample }) => void sample("p", Beta(0.05, 0.05)));
  const run = await nuts(program).run([], { chains: 4, draws: 2000, seed: 3 });
  const [row] = summary(run).rows;
  // The mean is ½, with four standard errors: a false alarm in 16,000 seeds.
  expect(Math.abs(row.mean - 0.5)).toBeLessThan(4 * row.mcseMean);
  const values = Array.from(run.values.get("p")?.data ?? [], Number);
  const above = values.filter((p) => p > 0.5).length / values.length;
  expect(Math.abs(above - 0.5)).toBeLessThan(0.06);
});
