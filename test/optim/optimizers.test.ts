import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { MemoryPlan } from "../../src/kernels/index.ts";
import {
  type AdamOptions,
  adam,
  adamw,
  type Optimizer,
  type RmspropOptions,
  rmsprop,
  type SgdOptions,
  sgd,
} from "../../src/optim/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";

/** One parameter after the gradients g(0), g(1), … in float64, from the published update. */
type Reference = (parameter: number, gradients: readonly number[]) => number;

const adamReference =
  (
    { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 }: AdamOptions,
    decoupled = false,
  ) =>
  (parameter: number, gradients: readonly number[]): number => {
    let [p, m, v] = [parameter, 0, 0];
    const eta = Number(learningRate);
    for (const [i, gradient] of gradients.entries()) {
      const g = decoupled ? gradient : gradient + weightDecay * p;
      if (decoupled) p -= eta * weightDecay * p;
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      const mHat = m / (1 - beta1 ** (i + 1));
      const vHat = v / (1 - beta2 ** (i + 1));
      p -= (eta * mHat) / (Math.sqrt(vHat) + epsilon);
    }
    return p;
  };

const sgdReference =
  ({ learningRate, momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions): Reference =>
  (parameter, gradients) => {
    let [p, b] = [parameter, 0];
    for (const gradient of gradients) {
      const g = gradient + weightDecay * p;
      b = momentum * b + g;
      p -= Number(learningRate) * (nesterov ? g + momentum * b : b);
    }
    return p;
  };

const rmspropReference =
  ({
    learningRate,
    alpha = 0.99,
    epsilon = 1e-8,
    momentum = 0,
    weightDecay = 0,
  }: RmspropOptions): Reference =>
  (parameter, gradients) => {
    let [p, s, b] = [parameter, 0, 0];
    for (const gradient of gradients) {
      const g = gradient + weightDecay * p;
      s = alpha * s + (1 - alpha) * g * g;
      b = momentum * b + g / (Math.sqrt(s) + epsilon);
      p -= Number(learningRate) * b;
    }
    return p;
  };

interface Case {
  readonly title: string;
  readonly optimizer: Optimizer;
  readonly reference: Reference;
  /**
   * PyTorch 1.13: parameters tensor([0.5, -1, 2, 0.25, -0.125, 3, -2.5]) after three steps of the optimiser in
   * `title`, gradients tensor([0.1, -0.2, 0.3, -0.4, 0.5, 1e-3, -2]) · (1 + t) at t = 0, 1, 2.
   */
  readonly torch: readonly number[];
}

const adamCase = (title: string, options: AdamOptions, torch: readonly number[]): Case => ({
  title,
  optimizer: adam(options),
  reference: adamReference(options),
  torch,
});
const sgdCase = (title: string, options: SgdOptions, torch: readonly number[]): Case => ({
  title,
  optimizer: sgd(options),
  reference: sgdReference(options),
  torch,
});
const rmspropCase = (title: string, options: RmspropOptions, torch: readonly number[]): Case => ({
  title,
  optimizer: rmsprop(options),
  reference: rmspropReference(options),
  torch,
});

const learningRate = 0.1;

/** Every optimiser, in every variant that takes a path of its own. A new one is tested by being listed. */
const CASES: readonly Case[] = [
  adamCase(
    "torch.optim.Adam(lr=0.1)",
    { learningRate },
    [0.207681701, -0.707681656, 1.70768166, 0.542318344, -0.417318285, 2.7076838, -2.20768166],
  ),
  adamCase(
    "torch.optim.Adam(lr=0.1, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.1)",
    { learningRate, beta1: 0.8, beta2: 0.95, epsilon: 1e-4, weightDecay: 0.1 },
    [0.201031208, -0.701233029, 1.70075619, 0.545214474, -0.420529425, 2.70062304, -2.20337486],
  ),
  {
    title: "torch.optim.AdamW(lr=0.1, weight_decay=0.1)",
    optimizer: adamw({ learningRate, weightDecay: 0.1 }),
    reference: adamReference({ learningRate, weightDecay: 0.1 }, true),
    torch: [0.195786402, -0.68093586, 1.65123487, 0.531937897, -0.410650492, 2.62153625, -2.13638425],
  },
  sgdCase(
    "torch.optim.SGD(lr=0.1)",
    { learningRate },
    [0.439999998, -0.879999995, 1.81999993, 0.49000001, -0.425000012, 2.99940014, -1.29999995],
  ),
  sgdCase(
    "torch.optim.SGD(lr=0.1, weight_decay=0.1)",
    { learningRate, weightDecay: 0.1 },
    [0.425548464, -0.851096928, 1.76179504, 0.480978757, -0.419292361, 2.91030097, -1.23372757],
  ),
  sgdCase(
    "torch.optim.SGD(lr=0.1, momentum=0.9)",
    { learningRate, momentum: 0.9 },
    [0.404899985, -0.809799969, 1.71469998, 0.630400002, -0.600499988, 2.99904919, -0.597999871],
  ),
  sgdCase(
    "torch.optim.SGD(lr=0.1, momentum=0.9, nesterov=True)",
    { learningRate, momentum: 0.9, nesterov: true },
    [0.354410022, -0.708820045, 1.56322992, 0.83235997, -0.852950037, 2.99854398, 0.411800146],
  ),
  rmspropCase(
    "torch.optim.RMSprop(lr=0.1)",
    { learningRate },
    [-2.19882584, 1.69882679, -0.698827028, 2.94882727, -2.82382727, 0.301333964, 0.198827446],
  ),
  rmspropCase(
    "torch.optim.RMSprop(lr=0.1, alpha=0.9, momentum=0.5, weight_decay=0.1)",
    { learningRate, alpha: 0.9, momentum: 0.5, weightDecay: 0.1 },
    [-0.686364233, 0.20195964, 0.800268531, 1.48894691, -1.3627907, 1.95253026, -1.2675091],
  ),
];

/** Buffers of `count` elements and the update of the stretch first … first + n - 1 of them. */
const bench = (optimizer: Optimizer, count: number) => {
  const plan = new MemoryPlan();
  const names = ["parameters", "gradients", ...optimizer.moments];
  const slots = names.map((name) => plan.reserve(name, count, "float32"));
  const memory = plan.allocate();
  const [p = new Float32Array(), g = new Float32Array(), ...moments] = slots.map((slot) => memory.view(slot));
  const settings = optimizer.groups.at(-1);
  const update = (step: number, gradientScale = 1, first = 0, n = count - first) =>
    optimizer.update(
      memory.kernels,
      {
        parameters: p.byteOffset + 4 * first,
        gradients: g.byteOffset + 4 * first,
        moments: moments.map((moment) => moment.byteOffset + 4 * first),
        count: n,
      },
      {
        step,
        learningRate: settings?.learningRate(step) ?? 0,
        weightDecay: settings?.weightDecay ?? 0,
        gradientScale,
      },
    );
  return { p, g, moments, update };
};

const START = [0.5, -1, 2, 0.25, -0.125, 3, -2.5];
const GRADIENT = [0.1, -0.2, 0.3, -0.4, 0.5, 1e-3, -2];

describe.each(CASES)("$title", ({ optimizer, reference, torch }) => {
  test("three steps as in PyTorch", () => {
    const { p, g, update } = bench(optimizer, START.length);
    p.set(START);
    for (let step = 0; step < 3; step++) {
      g.set(GRADIENT.map((x) => x * (1 + step)));
      update(step);
    }
    // Float32 on both sides, a handful of roundings a step: 16 units of 2^-24 at magnitude 3.
    for (const [i, expected] of torch.entries()) {
      expect(Math.abs((p[i] ?? Number.NaN) - expected)).toBeLessThan(3 * 16 * 2 ** -24);
    }
  });

  test.each([1, 3, 4, 37])("fifty steps of %s parameters as in float64", (n) => {
    const { p, g, update } = bench(optimizer, n);
    fillNormal(p, stream(1, "parameters"));
    const start = [...p];
    const history = start.map((): number[] => []);
    for (let step = 0; step < 50; step++) {
      fillNormal(g, stream(1, "gradients"), { step });
      for (const [i, x] of g.entries()) history[i]?.push(x);
      update(step);
    }
    let largest = 1;
    for (const x of p) largest = Math.max(largest, Math.abs(x));
    for (const [i, x] of start.entries()) {
      // Each step rounds the parameter once (half a unit) and the increment, no larger than the parameter, about
      // eight times: 50 · 8 · 2^-24 of the largest magnitude is the worst that could add up.
      expect(Math.abs((p[i] ?? Number.NaN) - reference(x, history[i] ?? []))).toBeLessThan(
        400 * 2 ** -24 * largest,
      );
    }
  });

  test.each([1, 2, 18, 33])("a range split at %s is the same, bit for bit", (at) => {
    const n = 37;
    const [whole, halves] = [bench(optimizer, n), bench(optimizer, n)];
    for (const { p } of [whole, halves]) fillNormal(p, stream(2, "parameters"));
    for (let step = 0; step < 5; step++) {
      for (const { g } of [whole, halves]) fillNormal(g, stream(2, "gradients"), { step });
      whole.update(step);
      halves.update(step, 1, 0, at);
      halves.update(step, 1, at);
    }
    expect(halves.p).toEqual(whole.p);
    expect(halves.moments).toEqual(whole.moments);
  });

  test("nothing outside the range is touched", () => {
    const { p, g, moments, update } = bench(optimizer, 12);
    for (const buffer of [p, g, ...moments]) buffer.fill(1);
    update(0, 1, 3, 6);
    for (const buffer of [p, ...moments]) {
      expect([...buffer.subarray(0, 3), ...buffer.subarray(9)]).toEqual([1, 1, 1, 1, 1, 1]);
    }
    expect(p[3]).not.toBe(1);
    expect(p[8]).toBe(p[3]);
  });

  test("the gradient scale is as good as scaled gradients", () => {
    const [scaled, plain] = [bench(optimizer, 9), bench(optimizer, 9)];
    for (const { p } of [scaled, plain]) fillNormal(p, stream(3, "parameters"));
    for (let step = 0; step < 3; step++) {
      for (const { g } of [scaled, plain]) fillNormal(g, stream(3, "gradients"), { step });
      for (const [i, x] of plain.g.entries()) plain.g[i] = x / 4;
      scaled.update(step, 0.25);
      plain.update(step);
    }
    expect(scaled.p).toEqual(plain.p);
  });

  test("zeros stay zeros: padding is harmless", () => {
    const { p, moments, update } = bench(optimizer, 16);
    for (let step = 0; step < 3; step++) update(step);
    for (const buffer of [p, ...moments]) expect(buffer.every((x) => Object.is(x, 0))).toBe(true);
  });

  test("moments sink to zero, not into the denormals, and NaN is not swallowed", () => {
    const { p, g, moments, update } = bench(optimizer, 8);
    p.fill(1);
    for (const moment of moments) moment.fill(1e-39);
    update(0, 1, 0, 4);
    const decayed = optimizer.groups.at(-1)?.weightDecay === 0 || optimizer.name === "adamw";
    if (decayed) for (const moment of moments) expect([...moment.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
    g.fill(Number.NaN);
    update(0, 1, 4, 4);
    for (const buffer of [p, ...moments])
      expect([...buffer.subarray(4)]).toEqual(new Array(4).fill(Number.NaN));
  });
});

test.each([
  [() => adam({ learningRate: -1 }), "adam: expected learningRate to be finite and not negative, found -1"],
  [() => adam({ learningRate: 1, beta1: 1 }), "adam: expected beta1 to be in [0, 1), found 1"],
  [() => adam({ learningRate: 1, beta2: -0.1 }), "adam: expected beta2 to be in [0, 1), found -0.1"],
  [() => adam({ learningRate: 1, epsilon: 0 }), "adam: expected epsilon to be positive, found 0"],
  [
    () => adamw({ learningRate: 1, weightDecay: Number.NaN }),
    "adamw: expected weightDecay to be finite and not negative, found NaN",
  ],
  [() => sgd({ learningRate: 1, momentum: 1 }), "sgd: expected momentum to be in [0, 1), found 1"],
  [
    () => sgd({ learningRate: 1, nesterov: true }),
    "sgd: nesterov needs momentum, found momentum 0; set momentum, for example to 0.9",
  ],
  [() => rmsprop({ learningRate: 1, alpha: 2 }), "rmsprop: expected alpha to be in [0, 1), found 2"],
  [() => rmsprop({ learningRate: 1, epsilon: -1 }), "rmsprop: expected epsilon to be positive, found -1"],
  [() => rmsprop({ learningRate: 1, momentum: 1 }), "rmsprop: expected momentum to be in [0, 1), found 1"],
  [
    () => sgd({ learningRate: 1, groups: [{ match: /b/, learningRate: Number.POSITIVE_INFINITY }] }),
    "sgd groups[0]: expected learningRate to be finite and not negative, found Infinity",
  ],
])("options out of range are refused (%#)", (make, message) => {
  expect(make).toThrow(new UsageError(message));
});
