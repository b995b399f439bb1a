import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { schedules } from "../../src/optim/index.ts";

const values = (schedule: schedules.Schedule, steps: readonly number[]) =>
  steps.map((step) => schedule(step));

describe("schedules", () => {
  test("constant", () => {
    expect(values(schedules.constant(0.5), [0, 1, 1e9])).toEqual([0.5, 0.5, 0.5]);
  });

  test("linear reaches its end and stays", () => {
    expect(values(schedules.linear({ from: 1, to: 0, steps: 4 }), [0, 1, 2, 4, 100])).toEqual([
      1, 0.75, 0.5, 0, 0,
    ]);
  });

  test("cosine as in PyTorch", () => {
    // torch 1.13: CosineAnnealingLR(SGD(lr=1.0), T_max=8, eta_min=0.1), the rates of steps 0 to 8.
    const expected = [
      1, 0.9657457896300791, 0.8681980515339464, 0.7222075445642905, 0.55, 0.3777924554357097,
      0.2318019484660537, 0.134254210369921, 0.1,
    ];
    const schedule = schedules.cosine({ peak: 1, floor: 0.1, steps: 8 });
    for (const [step, rate] of expected.entries()) expect(schedule(step)).toBeCloseTo(rate, 12);
    expect(schedule(1000)).toBe(0.1);
  });

  test("cosine warms up linearly, to the peak at step warmup - 1, and starts down from step warmup", () => {
    const schedule = schedules.cosine({ peak: 2, steps: 12, warmup: 4 });
    expect(values(schedule, [0, 1, 2, 3, 4])).toEqual([0.5, 1, 1.5, 2, 2]);
    // Halfway from 4 to 12 the cosine is at half its peak.
    expect(schedule(8)).toBeCloseTo(1, 12);
    expect(schedule(12)).toBe(0);
  });

  test("exponential, smooth and in stairs", () => {
    const options = { initial: 8, factor: 0.25, every: 2 };
    expect(values(schedules.exponential(options), [0, 1, 2, 4])).toEqual([8, 4, 2, 0.5]);
    expect(values(schedules.exponential({ ...options, staircase: true }), [0, 1, 2, 3])).toEqual([
      8, 8, 2, 2,
    ]);
  });

  test("piecewise changes at its boundaries", () => {
    const schedule = schedules.piecewise({
      initial: 3,
      boundaries: [
        { at: 2, value: 2 },
        { at: 5, value: 1 },
      ],
    });
    expect(values(schedule, [0, 1, 2, 4, 5, 6])).toEqual([3, 3, 2, 2, 1, 1]);
    expect(schedules.piecewise({ initial: 3, boundaries: [] })(9)).toBe(3);
  });

  test.each([
    [
      () => schedules.constant(-1),
      "constant schedule: expected value to be finite and not negative, found -1",
    ],
    [
      () => schedules.linear({ from: 1, to: 0, steps: 0 }),
      "linear schedule: expected steps to be an integer, 1 or more, found 0",
    ],
    [
      () => schedules.cosine({ peak: 1, steps: 10, warmup: 10 }),
      "cosine schedule: expected steps to be an integer, 11 or more, found 10",
    ],
    [
      () => schedules.exponential({ initial: 1, factor: Number.NaN }),
      "exponential schedule: expected factor to be finite and not negative, found NaN",
    ],
    [
      () =>
        schedules.piecewise({
          initial: 1,
          boundaries: [
            { at: 5, value: 1 },
            { at: 5, value: 2 },
          ],
        }),
      "piecewise schedule: expected at to be an integer, 6 or more, found 5",
    ],
  ])("impossible options are refused (%#)", (make, message) => {
    expect(make).toThrow(new UsageError(message));
  });
});
