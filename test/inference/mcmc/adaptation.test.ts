import { describe, expect, test } from "vitest";
import { UsageError } from "../../../src/errors.ts";
import { averageStepSize, startDualAveraging } from "../../../src/inference/mcmc/dual-averaging.ts";
import {
  metricFrom,
  metricOf,
  noMoments,
  toMomentum,
  velocity,
  withDraw,
} from "../../../src/inference/mcmc/metric.ts";
import { schedule } from "../../../src/inference/mcmc/windows.ts";

describe("Stan's windows", () => {
  test("1000: 75 fast, 25, 50, 100, 200, 500 slow, 50 fast", () => {
    // As CmdStan prints for num_warmup = 1000 with its defaults: adaptation window ends.
    expect(schedule(1000)).toMatchObject({ start: 75, end: 950, ends: [99, 149, 249, 449, 949] });
  });

  test("shorter than 150: 15 %, 75 %, 10 %; below 20 none", () => {
    expect(schedule(100)).toMatchObject({ start: 15, end: 90, ends: [89] });
    expect(schedule(10).ends).toEqual([]);
  });

  test("the last window takes what is left", () => {
    for (const warmUp of [150, 200, 333, 700, 2000]) {
      const { start, end, ends } = schedule(warmUp);
      expect([start, end, ends.at(-1)]).toEqual([75, warmUp - 50, warmUp - 51]);
    }
  });
});

test("dual averaging finds the step size of an acceptance rate", () => {
  // Acceptance exp(−ε): 0.8 at ε = −ln 0.8.
  let state = startDualAveraging(1);
  for (let i = 0; i < 2000; i++) state = averageStepSize(state, Math.exp(-Math.exp(state.logStepSize)), 0.8);
  expect(Math.exp(state.logAverage)).toBeCloseTo(-Math.log(0.8), 2);
});

test("moments in one pass are those in two, shrunk as Stan shrinks them", () => {
  const draws = [
    [1, 2],
    [3, -1],
    [0, 5],
    [2, 2],
  ];
  const moments = draws.reduce(withDraw, noMoments("dense", 2));
  const mean = [1.5, 2];
  const covariance = (i: number, j: number): number =>
    draws.reduce((s, d) => s + (d[i] - mean[i]) * (d[j] - mean[j]), 0) / 3;
  const [n, shrink] = [4 / 9, (1e-3 * 5) / 9];
  const expected = [
    n * covariance(0, 0) + shrink,
    n * covariance(0, 1),
    n * covariance(1, 0),
    n * covariance(1, 1) + shrink,
  ];
  metricOf(moments).inverse.forEach((v, i) => {
    expect(v).toBeCloseTo(expected[i], 13);
  });
  const diagonal = metricOf(draws.reduce(withDraw, noMoments("diagonal", 2)));
  expect([...diagonal.inverse]).toEqual([expect.closeTo(expected[0], 13), expect.closeTo(expected[3], 13)]);
});

test("a dense momentum has covariance M: p = L⁻ᵀ z, so pᵀ M⁻¹ p = zᵀ z", () => {
  const metric = metricFrom("dense", Float64Array.of(2, 0.6, 0.3, 0.6, 1, -0.2, 0.3, -0.2, 0.5));
  const z = [0.7, -1.1, 2.3];
  const p = [...z];
  toMomentum(metric, p);
  const v = [0, 0, 0];
  velocity(metric, p, v);
  expect(p.reduce((s, x, i) => s + x * v[i], 0)).toBeCloseTo(
    z.reduce((s, x) => s + x * x, 0),
    12,
  );
});

test("a dense metric that is not positive definite is refused", () => {
  expect(() => metricFrom("dense", Float64Array.of(1, 2, 2, 1))).toThrow(
    new UsageError(
      'metric "dense": the covariance of the warm-up draws is not positive definite to double precision: coordinates differ too much in ' +
        'scale. Use metric "diagonal", or units in which the sites are of comparable size.',
    ),
  );
});
