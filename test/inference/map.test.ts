import { describe, expect, test } from "vitest";
import { Exponential, Gamma, HalfNormal, MultivariateNormal, Normal } from "../../src/distributions/index.ts";
import { ConvergenceError, UsageError } from "../../src/errors.ts";
import { startLbfgs, stepLbfgs } from "../../src/inference/lbfgs.ts";
import { map } from "../../src/inference/map.ts";
import { model } from "../../src/program/index.ts";
import { tensor } from "../../src/tensor/index.ts";
import { centredSchools, coin } from "./programs.ts";

describe("L-BFGS", () => {
  test("Rosenbrock's valley: to the optimum in tens of steps, never downhill", async () => {
    const f = (q: Float64Array, g: Float64Array): number => {
      const [x, y] = q;
      g[0] = 2 * (1 - x) + 400 * x * (y - x * x);
      g[1] = -200 * (y - x * x);
      return -((1 - x) ** 2) - 100 * (y - x * x) ** 2;
    };
    const gradient = new Float64Array(2);
    const q = Float64Array.of(-1.2, 1);
    let state = startLbfgs(q, f(q, gradient), gradient);
    while (Math.hypot(...state.gradient) > 1e-10) {
      const next = await stepLbfgs(f, state);
      if (next === undefined) break;
      expect(next.value).toBeGreaterThanOrEqual(state.value - 1e-12);
      state = next;
    }
    expect(state.q[0]).toBeCloseTo(1, 9);
    expect(state.q[1]).toBeCloseTo(1, 9);
    // SciPy's L-BFGS-B takes about 37 iterations from there.
    expect(state.iteration).toBeLessThan(60);
  });

  test("a value that is not finite is a step too far, not an answer", async () => {
    // ln x − x has its maximum at 1; a first step from 0.01 leaps to the far side of 0 or beyond.
    const f = (q: Float64Array, g: Float64Array): number => {
      g[0] = 1 / q[0] - 1;
      return Math.log(q[0]) - q[0];
    };
    const gradient = new Float64Array(1);
    const q = Float64Array.of(0.01);
    let state = startLbfgs(q, f(q, gradient), gradient);
    for (let i = 0; i < 40 && Math.abs(state.gradient[0]) > 1e-9; i++)
      state = (await stepLbfgs(f, state)) ?? state;
    expect(state.q[0]).toBeCloseTo(1, 9);
  });
});

describe("the mode", () => {
  test("Beta(16, 14): 15/28 of the site's own density, 16/30 of its logit's", async () => {
    const own = await map(coin()).run([]);
    expect(own.values.get("p")?.item()).toBeCloseTo(15 / 28, 8);
    // ln Beta(10, 10)(p) + 6 ln p + 4 ln(1 − p), with ln B(10, 10) = −13.736229.
    expect(own.logDensity).toBeCloseTo(15 * Math.log(15 / 28) + 13 * Math.log(13 / 28) + 13.736229, 5);
    expect(own.gradient).toBeLessThan(1e-6);
    const free = await map(coin()).run([], { space: "unconstrained" });
    expect(free.values.get("p")?.item()).toBeCloseTo(16 / 30, 8);
  });

  test("Gamma(3, rate 2): (3 − 1)/2 of x, 3/2 of ln x", async () => {
    const program = model(({ sample }) => sample("x", Gamma(3, 2)));
    expect((await map(program).run([])).values.get("x")?.item()).toBeCloseTo(1, 7);
    const free = await map(program).run([], { space: "unconstrained" });
    expect(free.values.get("x")?.item()).toBeCloseTo(1.5, 7);
  });

  test("an ill-conditioned normal: its mean, from any start, by either executor", async () => {
    const program = model(({ sample }) => {
      const covariance = tensor([
        [1e4, 99],
        [99, 1],
      ]);
      sample("x", MultivariateNormal(tensor([3, -7]), { covariance }));
    });
    const { values, steps } = await map(program).run([], { seed: 3 });
    // Curvature 1e-4 along the long axis: a gradient of 1e-6 is 0.01 there.
    expect(values.get("x")?.toArray()).toEqual([expect.closeTo(3, 1), expect.closeTo(-7, 3)]);
    expect(steps).toBeLessThan(50);
    const native = await map(coin()).run([], { executor: "native", threads: 1 });
    expect(native.values.get("p")?.item()).toBeCloseTo(15 / 28, 8);
  });

  test("at the edge of a support, where the density is finite: as near as the tolerance", async () => {
    const program = model(({ sample }) => sample("x", Exponential(1)));
    expect((await map(program).run([])).values.get("x")?.item()).toBeLessThan(2e-6);
  });

  test("progress, step by step, uphill", async () => {
    const seen: number[] = [];
    const { logDensity, steps } = await map(coin()).run([], { onStep: (info) => seen.push(info.logDensity) });
    expect(seen).toHaveLength(steps);
    expect(seen.at(-1)).toBe(logDensity);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });
});

describe("what is refused", () => {
  test("a density without a mode names the site that runs off", async () => {
    const failed = await map(centredSchools())
      .run([])
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ConvergenceError);
    expect(String(failed)).toMatch(
      /^ConvergenceError: eightSchools: no mode was found: after \d+ steps.* it is .* standard deviations away, in site '.*', above the tolerance 0\.000001\. Site 'tau' ran to the end of its support .* Integrate instead \(nuts\), write those sites as loc \+ scale · z, or give the scale a prior that excludes the end\.$/,
    );
  });

  test("too few steps are said", async () => {
    await expect(map(coin()).run([], { maxSteps: 1 })).rejects.toThrow(
      /^coin: no mode was found: after 1 steps it is .* standard deviations away, in site 'p', above the tolerance 0\.000001\. Raise maxSteps, /,
    );
  });

  test("options out of range", async () => {
    await expect(map(coin()).run([], { tolerance: 0 })).rejects.toThrow(
      new UsageError("map: tolerance must be a finite number above 0, found 0."),
    );
    await expect(map(coin()).run([], { maxSteps: 0 })).rejects.toThrow(
      new UsageError("map: maxSteps must be a whole number of at least 1, found 0."),
    );
  });

  test("a hierarchical scale with a half-normal prior on few data", async () => {
    const program = model(({ sample, plate }) => {
      const tau = sample("tau", HalfNormal(1));
      plate("row", 3, () => sample("x", Normal(0, tau)));
    });
    await expect(map(program).run([])).rejects.toThrow(/Site 'tau' ran to the end of its support/);
  });
});
