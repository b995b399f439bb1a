/** Steps whose figures are read together are those whose figures are read one by one: same means, callbacks, checkpoints and errors. */
import { describe, expect, test } from "vitest";
import { NonFiniteError } from "../../src/errors.ts";
import { batchNorm, dense, parametersOf, sequential, trainingContext } from "../../src/nn/index.ts";
import type { Objective } from "../../src/optim/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { input, mean, square } from "../../src/tensor/index.ts";
import type { Batches } from "../../src/train/batches.ts";
import { type Progress, Trainer } from "../../src/train/loop.ts";
import { hasSoftwareGpu } from "../software-gpu.ts";

const PER_EPOCH = 21;

/** A trainer of a small network with running statistics; the minibatch of step `wrong` has a NaN. */
async function trainerOf(device: "cpu" | "webgpu", wrong?: number): Promise<Trainer> {
  const network = sequential(dense(3, 4), batchNorm(4), dense(4, 3));
  const context = trainingContext();
  const x = input("x", [5, 3]);
  const out = network.apply(x, context);
  const objective: Objective = {
    loss: mean(square(out.sub(x))),
    metrics: { size: mean(square(out)) },
    updates: context.updates,
  };
  const batches: Batches = {
    stepsPerEpoch: PER_EPOCH,
    fill(step, inputs) {
      fillNormal(inputs.input("x") as Float32Array, stream(0, "x"), { step });
      if (step === wrong) inputs.input("x")[4] = Number.NaN;
    },
  };
  const settings = { epochs: 2, optimizer: "adam", lr: 0.01, schedule: "cosine", seed: 1, device } as const;
  return Trainer.create(parametersOf({ network }), objective, batches, settings);
}

const pulled = async (trainer: Trainer) => {
  await trainer.pull();
  return trainer.checkpoint();
};

describe.each(["cpu", "webgpu"] as const)("on %s", (device) => {
  describe.skipIf(device === "webgpu" && !hasSoftwareGpu)("steps together", () => {
    test("are those that are taken one by one", async () => {
      const whole = await trainerOf(device);
      const made: Progress[] = [];
      const epochs: Progress[] = [];
      await whole.run({ onStep: (p) => made.push(p), onEpoch: (p) => void epochs.push(p) });

      const single = await trainerOf(device);
      const sums: Record<string, number> = {};
      for (let i = 0; i < 2 * PER_EPOCH; i++) {
        const report = await single.next();
        const of = i % PER_EPOCH;
        if (of === 0) for (const name of Object.keys(sums)) sums[name] = 0;
        for (const [name, value] of Object.entries(report)) sums[name] = (sums[name] ?? 0) + value;
        const means = Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / (of + 1)]));
        expect(made[i]).toMatchObject({ step: i + 1, stepOfEpoch: of + 1, means });
      }
      expect(epochs.map(({ epoch, means }) => [epoch, means])).toEqual([
        [1, made[PER_EPOCH - 1].means],
        [2, made[2 * PER_EPOCH - 1].means],
      ]);
      expect(await pulled(single)).toEqual(await pulled(whole));

      const groups = await trainerOf(device);
      const reports = [...(await groups.take(17)), ...(await groups.take(2 * PER_EPOCH - 17))];
      expect(reports).toHaveLength(2 * PER_EPOCH);
      expect(await pulled(groups)).toEqual(await pulled(whole));
    });

    test("resume bit for bit", async () => {
      const whole = await trainerOf(device);
      await whole.run();
      const first = await trainerOf(device);
      await first.take(24);
      const second = await trainerOf(device);
      second.restore(await pulled(first));
      await second.run();
      expect(await pulled(second)).toEqual(await pulled(whole));
    });

    test.each([0, 9, 20, 38])("stop at step %i, which fails, with the state before it", async (wrong) => {
      const it = await trainerOf(device, wrong);
      const made: number[] = [];
      const failed = it.run({ onStep: ({ step }) => made.push(step) });
      await expect(failed).rejects.toThrow(NonFiniteError);
      await expect(failed).rejects.toThrow(`epoch ${wrong < PER_EPOCH ? 1 : 2}, step ${wrong}: `);
      expect(made).toEqual(Array.from({ length: wrong }, (_, i) => i + 1));
      expect(it.progress.step).toBe(wrong);
      const before = await trainerOf(device);
      if (wrong > 0) await before.take(wrong);
      const checkpoint = await pulled(it);
      expect(checkpoint).toEqual(await pulled(before));
      // It can be continued with other data, where it was.
      const other = await trainerOf(device);
      other.restore(checkpoint);
      await other.next();
      await before.next();
      expect(await pulled(other)).toEqual(await pulled(before));
    });

    test("a callback that throws does not lose steps", async () => {
      const it = await trainerOf(device);
      const thrown = it.run({
        onStep({ step }) {
          if (step === 7) throw new Error("enough");
        },
      });
      await expect(thrown).rejects.toThrow("enough");
      const other = await trainerOf(device);
      await other.take(it.progress.step);
      expect(await pulled(it)).toEqual(await pulled(other));
    });

    test("a signal ends them between two steps", async () => {
      const it = await trainerOf(device);
      const stop = new AbortController();
      const ended = await it.run({ signal: stop.signal, onStep: ({ step }) => step === 3 && stop.abort() });
      expect(ended).toBe(false);
      expect(it.progress.step).toBe(device === "cpu" ? 3 : 16);
      const other = await trainerOf(device);
      await other.take(it.progress.step);
      expect(it.checkpoint()).toEqual(await pulled(other));
    });
  });
});
