import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { CheckpointError, InternalError, NonFiniteError, ShapeError } from "../../src/errors.ts";
import {
  batchNorm,
  dense,
  dropout,
  initializers,
  parametersOf,
  trainingContext,
} from "../../src/nn/index.ts";
import { adam, compileStep, type Objective, type StepOptions, sgd } from "../../src/optim/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import {
  add,
  cast,
  input,
  log,
  matmul,
  mean,
  mul,
  neg,
  noise,
  parameter,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import { largestDifference } from "../nn/evaluate.ts";

const ROWS = 8;
const DATA = (() => {
  const out = new Float32Array(ROWS * 2);
  fillNormal(out, stream(0, "data"));
  return out;
})();
const TARGETS = Float32Array.from({ length: ROWS }, (_, i) => i / 4 - 1);
const START = [0.5, -1.5];
const RATE = 0.1;

const start = { name: "start", values: () => START };

/** Least squares: r = X w − y. */
function regression() {
  const w = parameter([2], start);
  const residual = sub(matmul(input("x", [ROWS, 2]), w), input("y", [ROWS]));
  return { w, squares: sum(square(residual)) };
}

/** Xᵀ (X w − y) · 2 in float64: the gradient of the sum of squares at the start. */
const gradient = [0, 1].map((j) => {
  let total = 0;
  for (let i = 0; i < ROWS; i++) {
    const r = DATA[2 * i] * START[0] + DATA[2 * i + 1] * START[1] - TARGETS[i];
    total += 2 * r * DATA[2 * i + j];
  }
  return total;
});
const squaresAtStart = Array.from({ length: ROWS }, (_, i) => {
  const r = DATA[2 * i] * START[0] + DATA[2 * i + 1] * START[1] - TARGETS[i];
  return r * r;
}).reduce((a, b) => a + b, 0);
const norm = Math.hypot(...gradient);

async function oneStep(loss: (squares: Tensor) => Tensor, options: Partial<StepOptions> = {}) {
  const { w, squares } = regression();
  const step = await compileStep(
    { loss: loss(squares), metrics: { squares } },
    [{ name: "w", tensor: w }],
    sgd({ learningRate: RATE }),
    { seed: 0, threads: 1, ...options },
  );
  step.input("x").set(DATA);
  step.input("y").set(TARGETS);
  const report = await step.run(0);
  return { step, report, w: Array.from(step.value("w")) };
}

/** w − η s g, with s the factor of the sum of squares. */
const moved = (factor: number) => START.map((v, i) => v - RATE * factor * gradient[i]);

/** Roundings of 8-term sums of values below 20, in float32. */
const TOLERANCE = 8 * 20 * 2 ** -24;

describe("one step", () => {
  test.each(["native", "host"] as const)("is the one computed by hand (%s)", async (executor) => {
    const { step, report, w } = await oneStep((s) => mul(s, 1 / ROWS), { executor });
    expect(largestDifference(w, moved(1 / ROWS))).toBeLessThan(TOLERANCE);
    expect(report.loss).toBeCloseTo(squaresAtStart / ROWS, 4);
    expect(report.squares).toBeCloseTo(squaresAtStart, 3);
    expect(step.nodes).toBeGreaterThan(0);
  });

  const factors: readonly (readonly [string, (s: Tensor) => Tensor, number])[] = [
    ["mean", (s) => mul(s, 1 / 128), 1 / 128],
    ["factor on the left", (s) => mul(1 / 128, s), 1 / 128],
    ["negated twice, two factors", (s) => neg(mul(neg(mul(s, 0.5)), 0.25)), 0.125],
    ["a factor of shape [1]", (s) => mul(s, tensor([0.25])), 0.25],
    ["the difference of two of one factor", (s) => sub(mul(mul(s, 3), 0.5), mul(s, 0.5)), 1],
    ["the sum of two of one factor", (s) => add(mul(s, 0.25), mul(s, 0.25)), 0.5],
    ["the sum of two of different factors", (s) => add(mul(s, 0.25), mul(s, 0.5)), 0.75],
    ["ascent, written as a negative loss", (s) => neg(mul(s, 0.25)), -0.25],
    ["a loss of 0", (s) => mul(s, 0), 0],
  ];
  test.each(factors)("a constant factor is taken out of the graph: %s", async (_, loss, factor) => {
    const { w, report } = await oneStep(loss);
    expect(largestDifference(w, moved(factor))).toBeLessThan(TOLERANCE);
    expect(report.loss).toBeCloseTo(factor * squaresAtStart, 3);
  });

  test.each(factors)("and clipping goes by the norm of the true gradient: %s", async (_, loss, factor) => {
    for (const share of [0.5, 2]) {
      const maxGradientNorm = Math.max(share * Math.abs(factor) * norm, 1e-3);
      const scale = Math.min(1, maxGradientNorm / (Math.abs(factor) * norm || 1e-9));
      const { w } = await oneStep(loss, { maxGradientNorm });
      expect(largestDifference(w, moved(factor * scale))).toBeLessThan(TOLERANCE);
    }
  });

  test("repeats itself: a function of parameters, data, seed and step", async () => {
    const w = parameter([4], initializers.normal());
    const build = (seed: number) =>
      compileStep(
        { loss: sum(square(sub(w, noise("normal", "z", [4])))), metrics: {} },
        [{ name: "w", tensor: w }],
        adam({ learningRate: 0.1 }),
        { seed, threads: 1 },
      );
    const values = async (seed: number, ...steps: readonly number[]) => {
      const step = await build(seed);
      for (const s of steps) await step.run(s);
      return Array.from(step.value("w"));
    };
    expect(await values(3, 0, 1)).toEqual(await values(3, 0, 1));
    expect(await values(3, 0, 1)).not.toEqual(await values(3, 0, 2));
    expect(await values(4, 0, 1)).not.toEqual(await values(3, 0, 1));
  });
});

describe("memory", () => {
  test("parameters, gradients and inputs are views of one buffer, read and written in place", async () => {
    const { step } = await oneStep((s) => s);
    const { buffer } = step.input("x");
    expect(step.value("w").buffer).toBe(buffer);
    expect(step.arena.gradient("w").buffer).toBe(buffer);
    expect(largestDifference(Array.from(step.arena.gradient("w")), gradient)).toBeLessThan(50 * TOLERANCE);
    // A value written through the view is what the next run computes with: at w = 0 the residual is −y.
    step.value("w").fill(0);
    const { squares } = (await step.run(1)) as { squares: number };
    expect(squares).toBeCloseTo(
      TARGETS.reduce((t, y) => t + y * y, 0),
      5,
    );
    // And so is the gradient that the runtime left: the update went against it.
    const left = step.arena.gradient("w");
    expect(
      largestDifference(
        Array.from(step.value("w")),
        Array.from(left, (g) => -RATE * g),
      ),
    ).toBeLessThan(1e-6);
  });

  test("stays flat over 2,000 steps", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const [batch, features] = [64, 64];
    const network = { a: dense(features, 32), b: dense(32, features) };
    const x = input("x", [batch, features]);
    const y = network.b.apply(network.a.apply(mul(x, noise("uniform", "drop", [batch, features]))).relu());
    const step = await compileStep(
      { loss: mean(square(sub(y, x))), metrics: {} },
      parametersOf(network),
      adam({ learningRate: 1e-3 }),
      { seed: 0, threads: 1 },
    );
    fillNormal(step.input("x"), stream(0, "x"));
    const run = async (from: number, count: number) => {
      for (let i = from; i < from + count; i++) {
        await step.run(i);
        // The runtime's binding leaves a copy of its outputs behind at each call; without this, what is measured is how
        // often the collector comes by.
        if (i % 100 === 0) collect();
      }
      // Array buffers are freed after the collection that found them dead.
      for (let i = 0; i < 2; i++) {
        collect();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
      return { rss, heapUsed, arrayBuffers };
    };
    const before = await run(0, 500);
    const after = await run(500, 2000);
    // One copy of the data (16 kB) kept at each step would be 33 MB; 8 MB and 2 MB leave room for allocators' pools.
    expect(after.rss - before.rss).toBeLessThan(8e6);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(2e6);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1e5);
  });
});

test("a parameter in other coordinates starts where they lead, and a step is one of theirs", async () => {
  // ½ (w − 7)² at w = 100 + 1000 v: the slope in v is 1000 (w − 7) = 93,000, and v goes from 0 to −1e-6 · 93,000 = −0.093.
  const [w, v] = [parameter([1], initializers.zeros), parameter([1], initializers.zeros)];
  for (const executor of ["host", "native"] as const) {
    const step = await compileStep(
      { loss: mul(sum(square(sub(w, 7))), 0.5), metrics: { at: sum(w) } },
      [{ name: "w", tensor: w }],
      sgd({ learningRate: 1e-6 }),
      {
        seed: 0,
        executor,
        threads: 1,
        coordinates: new Map([[w, { moved: v, value: add(mul(v, 1000), 100) }]]),
      },
    );
    expect(step.value("w")[0]).toBe(100);
    expect((await step.run(0)).at).toBe(100);
    expect(step.gradient("w")[0]).toBeCloseTo(93_000, 0);
    expect(step.arena.parameter("w")[0]).toBeCloseTo(-0.093, 7);
    expect(step.value("w")[0]).toBeCloseTo(7, 3);
    expect(step.leafValues([w], 1)[0][0]).toBeCloseTo(7, 3);
  }
});

describe("buffers", () => {
  const objective = () => {
    const layer = batchNorm(2);
    const context = trainingContext();
    const y = layer.apply(input("x", [ROWS, 2]), context);
    return {
      objective: { loss: sum(square(y)), metrics: {}, updates: context.updates } satisfies Objective,
      named: parametersOf({ norm: layer }),
    };
  };
  const compiled = async () => {
    const { objective: o, named } = objective();
    const step = await compileStep(o, named, sgd({ learningRate: 0.01 }), { seed: 0, threads: 1 });
    step.input("x").set(DATA);
    return step;
  };
  const column = (j: number) => Array.from({ length: ROWS }, (_, i) => DATA[2 * i + j]);
  const average = (v: readonly number[]) => v.reduce((a, b) => a + b, 0) / v.length;

  test("running statistics take a tenth of the batch's at each step, and do not train", async () => {
    const step = await compiled();
    expect(step.arena.tensors.map(({ name }) => name)).toEqual(["norm.scale", "norm.bias"]);
    for (const share of [0.1, 0.19]) {
      await step.run(0);
      // running ← 0.9 running + 0.1 batch, from 0 and 1: after two steps of one batch 1 − 0.9² of it.
      const means = [0, 1].map((j) => share * average(column(j)));
      const variances = [0, 1].map((j) => {
        const m = average(column(j));
        const unbiased = column(j).reduce((t, v) => t + (v - m) ** 2, 0) / (ROWS - 1);
        return 1 - share + share * unbiased;
      });
      expect(largestDifference(Array.from(step.value("norm.runningMean")), means)).toBeLessThan(1e-6);
      expect(largestDifference(Array.from(step.value("norm.runningVariance")), variances)).toBeLessThan(1e-6);
    }
  });

  test("are saved as copies and loaded", async () => {
    const step = await compiled();
    await step.run(0);
    const saved = step.buffers();
    expect(saved.map(({ name, shape }) => [name, shape])).toEqual([
      ["norm.runningMean", [2]],
      ["norm.runningVariance", [2]],
    ]);
    const at = saved.map(({ data }) => Array.from(data));
    await step.run(1);
    expect(saved.map(({ data }) => Array.from(data))).toEqual(at);
    const other = await compiled();
    other.loadBuffers([...saved].reverse());
    expect(other.buffers()).toEqual(saved);
  });

  test("of another architecture are refused, and nothing is changed", async () => {
    const step = await compiled();
    await step.run(0);
    const [mean, variance] = step.buffers();
    const other = await compiled();
    const before = other.buffers();
    expect(() => other.loadBuffers([mean])).toThrow(
      new CheckpointError(
        'buffer "norm.runningVariance": expected shape [2], found no such buffer; the checkpoint belongs to another architecture',
      ),
    );
    expect(() => other.loadBuffers([mean, { ...variance, shape: [1, 2] }])).toThrow(
      new CheckpointError(
        'buffer "norm.runningVariance": expected shape [2], found [1, 2]; the checkpoint belongs to another architecture',
      ),
    );
    expect(() => other.loadBuffers([mean, variance, { ...mean, name: "more" }])).toThrow(
      new CheckpointError(
        "the checkpoint has buffers that nothing here expects: more; it belongs to another architecture",
      ),
    );
    expect(other.buffers()).toEqual(before);
  });
});

describe("what is not finite stops training", () => {
  test("NaN in the data: the step and the parameter are named, parameters and moments are as before", async () => {
    const layer = dense(2, 1);
    const step = await compileStep(
      { loss: mean(square(layer.apply(input("x", [4, 2])))), metrics: {} },
      parametersOf({ layer }),
      adam({ learningRate: 0.1 }),
      { seed: 0, threads: 1 },
    );
    step.input("x").fill(1);
    await step.run(0);
    const before = step.arena.state();
    step.input("x")[3] = Number.NaN;
    await expect(step.run(1)).rejects.toThrow(NonFiniteError);
    await expect(step.run(1)).rejects.toThrow(
      'step 1: expected a finite gradient of parameter "layer.weight", found NaN at element 0; ' +
        "try a lower learning rate or gradient clipping",
    );
    expect(step.arena.state()).toEqual(before);
    step.input("x")[3] = 1;
    await expect(step.run(1)).resolves.toBeDefined();
  });

  test("a loss that is infinite while all gradients are finite is named", async () => {
    const w = parameter([1], initializers.ones);
    const step = await compileStep(
      { loss: add(sum(w), log(input("x", []))), metrics: { w: sum(w) } },
      [{ name: "w", tensor: w }],
      sgd({ learningRate: 1 }),
      { seed: 0, threads: 1 },
    );
    await expect(step.run(7)).rejects.toThrow(
      new NonFiniteError(
        "step 7: 'loss' became -Infinity, while every parameter and gradient is finite; " +
          "look for infinite values in the data, or for a density of zero (log 0).",
      ),
    );
    expect(Array.from(step.value("w"))).toEqual([1]);
  });

  test.each([{}, { maxGradientNorm: 1 }])(
    "a gradient that is not, of a finite loss, with %j",
    async (options) => {
      // √(w²) at 0: the value is 0, the derivative 0 / 0.
      const w = parameter([1], initializers.zeros);
      const step = await compileStep(
        { loss: sum(sqrt(square(w))), metrics: {} },
        [{ name: "w", tensor: w }],
        sgd({ learningRate: 1 }),
        { seed: 0, threads: 1, ...options },
      );
      await expect(step.run(0)).rejects.toThrow(
        'step 0: expected a finite gradient of parameter "w", found NaN',
      );
    },
  );
});

describe("what a step refuses", () => {
  const w = parameter([2], initializers.ones);
  const named = [{ name: "w", tensor: w }];
  const compileLoss = (loss: Tensor, metrics: Objective["metrics"] = {}, leaves = named) =>
    compileStep({ loss, metrics }, leaves, sgd({ learningRate: 1 }), { seed: 0, threads: 1 });

  test("an input it does not have", async () => {
    const step = await compileLoss(sum(mul(w, input("x", [2]))));
    expect(() => step.input("y")).toThrow(new ShapeError("step: no input 'y'; there are: x."));
    const none = await compileLoss(sum(w));
    expect(() => none.input("y")).toThrow("there are: none.");
  });

  test("a metric or loss that is no scalar", async () => {
    await expect(compileLoss(sum(w), { each: w })).rejects.toThrow(
      new ShapeError("step: 'each' must be a scalar, found shape [2]."),
    );
    await expect(compileLoss(w)).rejects.toThrow(ShapeError);
  });

  test("an input that is not float32", async () => {
    const wide = cast(input("wide", [2], "float64"), "float32");
    await expect(compileLoss(sum(mul(w, wide)))).rejects.toThrow(
      new ShapeError("step: input 'wide' is float64; a step feeds float32."),
    );
  });

  test("two inputs of one name: one of them could not be fed", async () => {
    await expect(compileLoss(sum(add(mul(w, input("x", [2])), input("x", [2]))))).rejects.toThrow(
      "step: two inputs are named 'x'",
    );
  });

  test("a parameter that was not named", async () => {
    const stray = parameter([2], initializers.ones);
    await expect(compileLoss(sum(add(w, stray)))).rejects.toThrow(InternalError);
  });
});

test("a parameter that the loss does not need has a gradient of 0 and stays", async () => {
  const [w, idle] = [parameter([2], initializers.ones), parameter([3], initializers.ones)];
  const step = await compileStep(
    { loss: sum(w), metrics: {} },
    [
      { name: "w", tensor: w },
      { name: "idle", tensor: idle },
    ],
    sgd({ learningRate: 1 }),
    { seed: 0, threads: 1 },
  );
  await step.run(0);
  expect([Array.from(step.value("w")), Array.from(step.value("idle"))]).toEqual([
    [0, 0],
    [1, 1, 1],
  ]);
});

test("dropout draws anew at each step, and the same at the same step", async () => {
  const w = parameter([100], initializers.ones);
  const context = trainingContext();
  const kept = sum(dropout(0.5, { site: "d" }).apply(w, context));
  const step = await compileStep(
    { loss: kept, metrics: {} },
    [{ name: "w", tensor: w }],
    sgd({ learningRate: 0 }),
    {
      seed: 1,
      threads: 1,
    },
  );
  const losses = [];
  for (const s of [0, 1, 2, 0]) losses.push((await step.run(s)).loss);
  expect(new Set(losses).size).toBeGreaterThan(1);
  expect(losses[3]).toBe(losses[0]);
});

test("a loss of many terms is a deep sum, and its constant factor is still found", async () => {
  const w = parameter([], initializers.constant(1));
  const half = w.square().mul(0.5);
  const loss = Array.from({ length: 4000 }, (_, i) => (i === 0 ? half : w.mul(i % 7).mul(0.5))).reduce(
    (a, b) => a.add(b),
  );
  const step = await compileStep(
    { loss, metrics: {} },
    [{ name: "w", tensor: w }],
    sgd({ learningRate: 0.1 }),
    {
      seed: 0,
      executor: "host",
    },
  );
  const slope = 1 + Array.from({ length: 3999 }, (_, i) => ((i + 1) % 7) / 2).reduce((a, b) => a + b);
  await step.run(0);
  expect(step.value("w")[0]).toBeCloseTo(1 - 0.1 * slope, 2);
});
