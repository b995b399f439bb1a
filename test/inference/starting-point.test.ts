/** Where chains begin: at random points, but where differences of the log density are more than rounding. */
import { expect, test } from "vitest";
import { Normal } from "../../src/distributions/index.ts";
import { NonFiniteError } from "../../src/errors.ts";
import { map, nuts, unconstrainedDensity } from "../../src/inference/index.ts";
import { startingPoint } from "../../src/inference/starting-point.ts";
import { model } from "../../src/program/index.ts";
import { tensor } from "../../src/tensor/index.ts";
import { posteriors } from "../posteriors/posteriors.ts";

/** By how much the log density changes when each coordinate is rounded, and the value itself. */
const rounding = (q: Float64Array, gradient: Float64Array, value: number): number =>
  Number.EPSILON * gradient.reduce((sum, g, i) => sum + Math.abs(g * q[i]), Math.abs(value));

test("chains do not begin where a recursion explodes, on a ridge finer than the numbers", async () => {
  const arma = posteriors.find(({ name }) => name === "arma-arma11");
  if (arma === undefined) throw new Error("expected the program of arma11");
  const density = await unconstrainedDensity(arma.program(), []);
  const gradient = new Float64Array(density.dimension);
  let hopeless = 0;
  for (let seed = 0; seed < 40; seed++) {
    // With |θ| > 1 errors grow as |θ|^200: beyond 1.25 or so to where mu has not enough digits.
    const first = density.initial(seed);
    const value = await density.logDensityAndGradient(first, gradient);
    if (rounding(first, gradient, value) > 1e-3) hopeless++;
    const start = await startingPoint(density, { seed, compares: true });
    expect(rounding(start.q, start.gradient, start.logDensity)).toBeLessThanOrEqual(1e-3);
    const again = await density.logDensityAndGradient(start.q, gradient);
    expect([again, [...gradient]]).toEqual([start.logDensity, [...start.gradient]]);
  }
  expect(hopeless).toBeGreaterThan(5);
});

test("a chain from such a point agrees with the others", async () => {
  const arma = posteriors.find(({ name }) => name === "arma-arma11");
  if (arma === undefined) throw new Error("expected the program of arma11");
  // The third chain of this seed has its first point at θ = 1.43, with a log density of −6.5e56.
  const run = await nuts(arma.program()).run([], { chains: 3, warmUp: 500, draws: 200, seed: 1002 });
  const density = run.statistics.logDensity;
  for (let chain = 0; chain < 3; chain++) {
    const own = Array.from(density.subarray(200 * chain, 200 * (chain + 1)));
    expect(Math.min(...own)).toBeGreaterThan(40);
  }
});

test("a density that is rounding everywhere is refused by samplers, and its mode is found", async () => {
  const program = model(
    ({ sample, observe }) => {
      const loc = sample("loc", Normal(0, 1));
      observe("y", Normal(loc.expand([2]), 1e-12).toEvent(1), tensor([0, 1]));
    },
    { name: "tight" },
  );
  const run = nuts(program).run([], { seed: 0 });
  await expect(run).rejects.toThrow(NonFiniteError);
  await expect(nuts(program).run([], { seed: 0 })).rejects.toThrow(
    /^tight: expected a starting point where differences of the log density can be computed; the best that 10 random ones \(seed 0\) lead to has -2\.50e\+23, which double precision only knows to within .* nats\. Give starting values near the data \(`initial`\), look for a scale that is fixed and far too small for the data, or rescale the data\.$/,
  );
  expect((await map(program).run([])).values.get("loc")?.item()).toBeCloseTo(0.5, 9);
});
