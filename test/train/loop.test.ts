import { describe, expect, test } from "vitest";
import { createDataset, type Dataset } from "../../src/data/index.ts";
import { CheckpointError, ConvergenceError, NonFiniteError, UsageError } from "../../src/errors.ts";
import { batchNorm, dense, dropout, parametersOf, sequential, trainingContext } from "../../src/nn/index.ts";
import type { NamedLeaf, Objective } from "../../src/optim/index.ts";
import { fillUniform, permutation, stream } from "../../src/random/index.ts";
import { input, log, mean, mul, square, sum } from "../../src/tensor/index.ts";
import { betaAt, datasetBatches } from "../../src/train/batches.ts";
import { Trainer } from "../../src/train/loop.ts";
import type { BatchSettings, OptimisationSettings } from "../../src/train/settings.ts";

const FEATURES = 3;
const ROWS = 23;

const bytes = createDataset({
  name: "toys",
  shape: [FEATURES],
  x: Uint8Array.from({ length: ROWS * FEATURES }, (_, i) => (i * 37) % 256),
});

/** A linear layer that predicts its input, with what the settings may ask of a model. */
function model({ warm = false, noisy = false } = {}) {
  const network = sequential(
    dense(FEATURES, 4),
    ...(noisy ? [batchNorm(4), dropout(0.3, { site: "drop" })] : []),
    dense(4, FEATURES),
  );
  const objective = (batch: number): Objective => {
    const context = trainingContext();
    const x = input("x", [batch, FEATURES]);
    const error = mean(square(network.apply(x, context).sub(x)));
    const loss = warm ? mul(error, input("beta", [])) : error;
    return { loss, metrics: { first: mul(sum(x), 1 / (batch * FEATURES)) }, updates: context.updates };
  };
  return { trainable: { features: FEATURES, parameters: parametersOf({ network }) }, objective };
}

type TrainSettings = OptimisationSettings & BatchSettings;
type TrainInput = Partial<TrainSettings>;

const settings = (given: TrainInput): TrainSettings => ({
  binarize: "none",
  batch: 5,
  epochs: 2,
  threads: 1,
  optimizer: "adam",
  lr: 1e-3,
  schedule: "constant",
  seed: 0,
  beta: 1,
  warmup: 0,
  ...given,
});

async function trainerOf(given: TrainInput, options: Parameters<typeof model>[0] = {}) {
  const { trainable, objective } = model(options);
  return create(trainable, objective, bytes, settings(given));
}

/** A trainer over the rows of a dataset. */
async function create(
  model: { readonly features: number; readonly parameters: readonly NamedLeaf[] },
  objective: (batch: number) => Objective,
  data: Dataset,
  checked: TrainSettings,
) {
  const batches = datasetBatches(model, data, checked);
  return Trainer.create(model.parameters, objective(batches.batch), batches, checked);
}

describe("minibatches", () => {
  test("each epoch visits the rows in its own order, whole minibatches of it, in model units", async () => {
    const trainer = await trainerOf({ seed: 4 });
    const seen: number[][] = [];
    await trainer.run({ onStep: () => seen.push(Array.from(trainer.trainStep.input("x"))) });
    expect(trainer.stepsPerEpoch).toBe(4);
    expect(seen.length).toBe(8);
    for (const epoch of [0, 1]) {
      const order = permutation(ROWS, 4, epoch);
      for (let s = 0; s < 4; s++) {
        const expected = Array.from(order.subarray(5 * s, 5 * s + 5)).flatMap((row) =>
          Array.from(bytes.x.subarray(row * FEATURES, (row + 1) * FEATURES), (v) =>
            Math.fround(v * (1 / 255)),
          ),
        );
        seen[4 * epoch + s].forEach((v, i) => {
          // One rounding of the scale in float32 or in float64.
          expect(Math.abs(v - expected[i])).toBeLessThan(2 ** -23);
        });
      }
    }
    expect(seen[0]).not.toEqual(seen[4]);
  });

  test("dynamic binarisation draws pixels anew at each step, by (seed, step)", async () => {
    const trainer = await trainerOf({ seed: 4, binarize: "dynamic" });
    const u = new Float32Array(5 * FEATURES);
    let step = 0;
    await trainer.run({
      onStep() {
        const [epoch, position] = [Math.floor(step / 4), step % 4];
        const rows = permutation(ROWS, 4, epoch).subarray(5 * position, 5 * position + 5);
        fillUniform(u, stream(4, "binarize"), { step });
        const expected = Array.from(u, (v, i) => {
          const p = bytes.x[rows[Math.floor(i / FEATURES)] * FEATURES + (i % FEATURES)] / 255;
          return v < p ? 1 : 0;
        });
        expect(Array.from(trainer.trainStep.input("x"))).toEqual(expected);
        step++;
      },
    });
    expect(step).toBe(8);
  });

  test("a dataset smaller than the minibatch is one", async () => {
    const trainer = await trainerOf({ batch: 1000, epochs: 3 });
    expect(trainer.stepsPerEpoch).toBe(1);
    expect(await trainer.run()).toBe(true);
    expect(trainer.progress).toMatchObject({ step: 3, epoch: 3 });
  });
});

describe("progress", () => {
  test("counts steps and epochs, and averages what steps report over the epoch so far", async () => {
    const trainer = await trainerOf({});
    const firsts: number[] = [];
    const steps: unknown[] = [];
    const epochs: unknown[] = [];
    await trainer.run({
      onStep({ step, epoch, stepOfEpoch, stepsPerEpoch, means }) {
        const x = trainer.trainStep.input("x");
        firsts.push(x.reduce((a, b) => a + b, 0) / x.length);
        steps.push([step, epoch, stepOfEpoch, stepsPerEpoch]);
        const soFar = firsts.slice(4 * Math.floor((step - 1) / 4));
        expect(means.first).toBeCloseTo(soFar.reduce((a, b) => a + b, 0) / soFar.length, 5);
        expect(Object.keys(means)).toEqual(["loss", "first"]);
      },
      onEpoch({ step, epoch, means }) {
        epochs.push([step, epoch]);
        expect(means.first).toBeCloseTo(firsts.slice(-4).reduce((a, b) => a + b, 0) / 4, 5);
      },
    });
    expect(steps).toEqual([
      [1, 0, 1, 4],
      [2, 0, 2, 4],
      [3, 0, 3, 4],
      [4, 1, 4, 4],
      [5, 1, 1, 4],
      [6, 1, 2, 4],
      [7, 1, 3, 4],
      [8, 2, 4, 4],
    ]);
    expect(epochs).toEqual([
      [4, 1],
      [8, 2],
    ]);
  });

  test("onEpoch is awaited", async () => {
    const trainer = await trainerOf({});
    const events: string[] = [];
    await trainer.run({
      onStep: ({ step }) => events.push(`step ${step}`),
      async onEpoch({ epoch }) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        events.push(`epoch ${epoch}`);
      },
    });
    expect(events.indexOf("epoch 1")).toBe(events.indexOf("step 5") - 1);
  });

  test("a signal stops it after the step under way; run goes on from there", async () => {
    const trainer = await trainerOf({});
    const stop = new AbortController();
    const completed = await trainer.run({
      signal: stop.signal,
      onStep: ({ step }) => step === 3 && stop.abort(),
    });
    expect([completed, trainer.progress.step]).toEqual([false, 3]);
    expect(await trainer.run({ signal: AbortSignal.abort() })).toBe(false);
    expect(trainer.progress.step).toBe(3);
    expect([await trainer.run(), trainer.progress.step]).toEqual([true, 8]);
  });
});

describe("settings", () => {
  test("β grows linearly from 0 over the warm-up epochs", async () => {
    const trainer = await trainerOf({ beta: 2, warmup: 1.5, epochs: 3 }, { warm: true });
    const fed: number[] = [];
    await trainer.run({ onStep: () => fed.push(trainer.trainStep.input("beta")[0]) });
    // 1.5 epochs are 6 steps.
    const expected = Array.from({ length: 12 }, (_, i) => 2 * Math.min(1, i / 6));
    fed.forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i], 6);
    });
    expect(betaAt(0, { beta: 3, warmup: 0 }, 4)).toBe(3);
  });

  test.each([
    ["constant", [0.1, 0.1, 0.1]],
    // ½ of the way at step 4 of 8; ½ (1 + cos(π step / 8)).
    ["linear", [0.1, 0.05, 0.0125]],
    ["cosine", [0.1, 0.05, 0.05 * (1 + Math.cos((7 * Math.PI) / 8))]],
  ] as const)("schedule %s", async (schedule, [first, middle, last]) => {
    const trainer = await trainerOf({ schedule, lr: 0.1 });
    const rate = trainer.trainStep.arena.optimizer.groups[0].learningRate;
    expect(rate(0)).toBeCloseTo(first, 12);
    expect(rate(4)).toBeCloseTo(middle, 12);
    expect(rate(7)).toBeCloseTo(last, 12);
  });

  test("schedule piecewise: each rate from the end of its epoch on", async () => {
    const lrSteps = [
      { epoch: 1, lr: 0.01 },
      { epoch: 3, lr: 0.001 },
    ];
    const trainer = await trainerOf({ schedule: "piecewise", lr: 0.1, lrSteps, epochs: 4 });
    const rate = trainer.trainStep.arena.optimizer.groups[0].learningRate;
    expect([0, 3, 4, 11, 12, 15].map(rate)).toEqual([0.1, 0.1, 0.01, 0.01, 0.001, 0.001]);
    await expect(trainerOf({ schedule: "piecewise" })).rejects.toThrow(
      /needs the later learning rates in `lrSteps`/,
    );
  });

  test.each(["adam", "adamw", "sgd", "rmsprop"] as const)("optimizer %s", async (optimizer) => {
    const trainer = await trainerOf({ optimizer, lr: 0.01 });
    expect(trainer.trainStep.arena.optimizer.name).toBe(optimizer);
    const losses: number[] = [];
    await trainer.run({ onEpoch: ({ means }) => void losses.push(means.loss) });
    expect(losses[1]).toBeLessThan(losses[0]);
  });

  test("clip bounds the gradient's norm", async () => {
    const trainer = await trainerOf({ optimizer: "sgd", lr: 1, clip: 1e-3 });
    const before = trainer.trainStep.arena.flat.parameters.slice();
    await trainer.next();
    const after = trainer.trainStep.arena.flat.parameters;
    const moved = Math.hypot(...after.map((v, i) => v - before[i]));
    // The first step of momentum is the clipped gradient.
    expect(moved / 1e-3).toBeCloseTo(1, 3);
  });
});

describe("resuming", () => {
  const given = {
    seed: 3,
    binarize: "dynamic",
    epochs: 3,
    warmup: 2,
    schedule: "cosine",
    lr: 0.01,
    clip: 0.5,
  } as const satisfies TrainInput;
  const trainer = () => trainerOf(given, { warm: true, noisy: true });

  test.each([1, 4, 6, 11])("from step %i gives what an uninterrupted run gives, bit for bit", async (at) => {
    const whole = await trainer();
    const means: unknown[] = [];
    await whole.run({ onEpoch: (p) => void means.push(p) });
    const first = await trainer();
    const again: unknown[] = [];
    const stop = new AbortController();
    await first.run({
      signal: stop.signal,
      onStep: ({ step }) => step === at && stop.abort(),
      onEpoch: (p) => void again.push(p),
    });
    const checkpoint = structuredClone(first.checkpoint({ note: 1 }));
    expect(checkpoint).toMatchObject({ step: at, epoch: Math.floor(at / 4), metadata: { note: 1 } });
    const second = await trainer();
    second.restore(checkpoint);
    await second.run({ onEpoch: (p) => void again.push(p) });
    expect(second.checkpoint()).toEqual(whole.checkpoint());
    expect(again).toEqual(means);
    expect(whole.checkpoint().buffers.map(({ name }) => name)).toEqual([
      "network.layers.1.runningMean",
      "network.layers.1.runningVariance",
    ]);
  });

  test("a checkpoint is a copy", async () => {
    const it = await trainer();
    await it.next();
    const checkpoint = it.checkpoint();
    const kept = structuredClone(checkpoint);
    await it.next();
    expect(checkpoint).toEqual(kept);
    expect(it.checkpoint()).not.toEqual(kept);
  });

  test("another model's is refused, and nothing is changed", async () => {
    const it = await trainer();
    const before = it.checkpoint();
    const plain = await trainerOf(given, { warm: true });
    await plain.next();
    expect(() => it.restore(plain.checkpoint())).toThrow(CheckpointError);
    expect(it.checkpoint()).toEqual(before);
    const { buffers, ...rest } = before;
    expect(() => it.restore({ ...rest, step: 5, buffers: buffers.slice(1) })).toThrow(CheckpointError);
    expect(it.progress.step).toBe(0);
  });
});

describe("what stops it", () => {
  test("data of another width", async () => {
    const { trainable, objective } = model();
    const wide = createDataset({ name: "wide", shape: [2, 2], x: new Float32Array(8) });
    await expect(create(trainable, objective, wide, settings({}))).rejects.toThrow(
      new UsageError("wide: rows of shape [2, 2] have 4 values, but the model takes 3."),
    );
  });

  test("a loss that is not finite: epoch and step are named", async () => {
    const { trainable } = model();
    const objective = (batch: number): Objective => {
      const x = input("x", [batch, FEATURES]);
      // Infinite as soon as a pixel is 0: row 0 has the first value.
      return { loss: sum(log(x)), metrics: {} };
    };
    const zero = createDataset({
      name: "z",
      shape: [FEATURES],
      x: new Float32Array(ROWS * FEATURES).fill(1),
    });
    const trainer = await create(trainable, objective, zero, settings({}));
    const fail = trainer.run({ onStep: ({ step }) => step === 5 && zero.x.fill(0) });
    await expect(fail).rejects.toThrow(NonFiniteError);
    expect(trainer.progress.step).toBe(5);
    await expect(trainer.next()).rejects.toThrow("epoch 2, step 5: 'loss' became -Infinity");
  });
});

describe("training that makes things worse", () => {
  test("ends in an error, also where every number is finite, and what was trained can be looked at", async () => {
    const trainer = await trainerOf({ optimizer: "adam", lr: 100 });
    let epochs = 0;
    await expect(trainer.run({ onEpoch: () => void epochs++ })).rejects.toThrow(ConvergenceError);
    expect(epochs).toBe(2);
    const checkpoint = trainer.checkpoint();
    const again = await trainerOf({ optimizer: "adam", lr: 100 });
    again.restore(checkpoint);
    await expect(again.run()).rejects.toThrow(
      /^training has diverged: the mean loss of the last epoch is \d/,
    );
  });

  test("does not, where it goes well", async () => {
    const trainer = await trainerOf({});
    expect(await trainer.run()).toBe(true);
  });
});

test("more threads than any machine uses well are refused, not started", async () => {
  await expect(trainerOf({ threads: 100_000 })).rejects.toThrow(
    new UsageError(
      "threads: expected a whole number from 1 to 256, found 100000. More threads than cores do not make it faster.",
    ),
  );
});
