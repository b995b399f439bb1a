import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CheckpointError, UsageError } from "../../src/errors.ts";
import { M2 } from "../../src/models/index.ts";
import {
  type GivenSettings,
  openClassifier,
  openTrained,
  type RunHooks,
  type RunSettings,
  readRun,
  resumeRun,
  startRun,
  trainSemiSupervised,
} from "../../src/run/index.ts";
import { loadCheckpoint } from "../../src/train/checkpoint.ts";
import { data, few, labelledBars, m2Run, stackedRun } from "./labelled-toys.ts";
import { newPath } from "./toys.ts";

const tensors = (path: string) => {
  const { tensors: t, buffers, step, epoch, metadata } = loadCheckpoint(`${path}/checkpoint.safetensors`);
  return { tensors: t, buffers, step, epoch, active: metadata.active };
};
const lines = (path: string): Record<string, unknown>[] =>
  readFileSync(`${path}/metrics.jsonl`, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const { seconds, ...rest } = JSON.parse(line) as Record<string, unknown>;
      expect(seconds).toBeGreaterThan(0);
      return rest;
    });
/** Hooks that stop the training in a folder after a step of it. */
const stopAt = (at: number, folder: string): RunHooks => {
  const stop = new AbortController();
  let stage = "";
  return {
    signal: stop.signal,
    onStage({ path }) {
      stage = path;
    },
    onStep: ({ step }) => void (stage === folder && step === at && stop.abort()),
  };
};

test("in memory: eight labels of 120 rows tell the four bars apart", async () => {
  const m2 = M2({ features: 12, classes: 4, latent: 2, hidden: [16] });
  const trained = await trainSemiSupervised(m2, few, { epochs: 60, batch: 16, lr: 0.01, threads: 1 });
  expect(await trained.error(data.test)).toBeLessThan(0.1);
  const { probabilities, predicted } = await trained.classify(data.test);
  expect(probabilities.length).toBe(40 * 4);
  predicted.forEach((label, row) => {
    const of = probabilities.subarray(4 * row, 4 * row + 4);
    expect(of.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    expect(of[label]).toBe(Math.max(...of));
  });
});

describe.each([
  ["m2", m2Run],
  ["m1m2", stackedRun],
] as const)("a run of %s in a folder", (kind, settingsOf: (given?: GivenSettings) => RunSettings) => {
  test("has a line an epoch with the errors of held-out rows, and is opened again", async () => {
    const path = newPath();
    const result = await startRun(path, settingsOf(), data);
    // 112 unlabelled rows are 7 minibatches of 16.
    expect([result.completed, result.steps]).toEqual([true, 21]);
    const { trained, epoch, run } = await openClassifier(path);
    expect([epoch, trained.model.kind, run.settings.labels.count]).toEqual([3, kind, 8]);
    expect(lines(path)).toHaveLength(3);
    expect(lines(path)[2]).toEqual({
      epoch: 3,
      step: 21,
      train: {
        loss: expect.any(Number),
        labelledElbo: expect.any(Number),
        unlabelledElbo: expect.any(Number),
        classification: expect.any(Number),
      },
      test: { error: await trained.error(data.test) },
      validation: { error: await trained.error(data.validation ?? data.test) },
      learningRate: expect.any(Number),
    });
    expect(readRun(path).settings).toEqual(settingsOf());
    await expect(openTrained(path)).rejects.toThrow(
      `${path}: expected the run of a vae or an autoencoder, found one of ${kind}.`,
    );
  });

  test.each([1, 7, 12])(
    "stopped after step %i and resumed, it ends as if it had never stopped",
    async (at) => {
      const settings = settingsOf({ train: { schedule: "cosine", clip: 1 } });
      const whole = newPath();
      await startRun(whole, settings, data);
      const path = newPath();
      const first = await startRun(path, settings, data, stopAt(at, path));
      expect(first).toMatchObject({ completed: false, steps: at, stage: { path } });
      const second = await resumeRun(path, data);
      expect(second.completed).toBe(true);
      expect(tensors(path)).toEqual(tensors(whole));
      expect(lines(path)).toEqual(lines(whole));
      if (kind === "m1m2") expect(tensors(`${path}/m1`)).toEqual(tensors(`${whole}/m1`));
    },
  );

  test("errors are measured every few epochs, and after the last", async () => {
    const path = newPath();
    await startRun(path, settingsOf({ train: { evaluateEvery: 2 } }), data);
    expect(lines(path).map(({ test, validation }) => [test, validation])).toEqual([
      [{}, undefined],
      [{ error: expect.any(Number) }, { error: expect.any(Number) }],
      [{ error: expect.any(Number) }, { error: expect.any(Number) }],
    ]);
  });

  test("another draw of labels is another run; the same settings are the same", async () => {
    const parameters = async (seed: number) => {
      const path = newPath();
      await startRun(path, settingsOf({ labels: { seed }, train: { epochs: 1 } }), data);
      return tensors(path);
    };
    const [a, again, b] = [await parameters(1), await parameters(1), await parameters(2)];
    expect(a).toEqual(again);
    expect(a).not.toEqual(b);
  });

  test("every row labelled: an epoch is a pass over them, without a term for others", async () => {
    const path = newPath();
    const { labels, ...settings } = settingsOf() as Extract<RunSettings, { labels: unknown }>;
    await startRun(path, { ...settings, labels: { seed: 0, classes: labels.classes } } as RunSettings, data);
    const [line] = lines(path);
    // 120 rows are 15 minibatches of 8.
    expect(line.step).toBe(15);
    expect(Object.keys(line.train as object)).toEqual(["loss", "labelledElbo", "classification"]);
  });
});

describe("M1 beneath M2", () => {
  test("is a run of its own, trained first, which stops and goes on as one", async () => {
    const path = newPath();
    const stages: string[] = [];
    const onStage = (stage: { path: string }) => void stages.push(stage.path);
    // 120 rows are 7 minibatches of 16: the first step of its second epoch.
    const first = await startRun(path, stackedRun(), data, stopAt(8, `${path}/m1`));
    expect(first).toMatchObject({ completed: false, steps: 8, stage: { path: `${path}/m1` } });
    expect(first.trained).toBeUndefined();
    expect(existsSync(`${path}/checkpoint.safetensors`)).toBe(false);
    await resumeRun(path, data, { onStage });
    expect(stages).toEqual([`${path}/m1`, path]);
    const { run, trained } = await openTrained(`${path}/m1`);
    expect(run.settings.model).toMatchObject({ model: "vae", latent: 3, hidden: [8] });
    expect((await trained.evaluate(data.test)).elbo).toBeLessThan(0);
    // Going on with the whole once more trains nothing.
    await resumeRun(path, data, { onStep: () => expect.unreachable() });
  });

  test("may be another run's, copied, so that the folder stands alone", async () => {
    const from = newPath();
    await startRun(from, stackedRun(), data);
    const m1 = readRun(`${from}/m1`).settings;
    const settings = stackedRun({ m1: { model: m1.model, train: m1.train, from: `${from}/m1` } });
    const path = newPath();
    await startRun(path, settings, data, {
      onStage: (stage) => expect(stage.path).toBe(path),
    });
    expect(tensors(path)).toEqual(tensors(from));
    rmSync(from, { recursive: true });
    await resumeRun(path, data);
    const { trained } = await openClassifier(path);
    expect(await trained.error(data.test)).toBeLessThanOrEqual(1);
  });

  test("of other rows, of another shape or of another kind is refused before anything is written", async () => {
    const other = { train: labelledBars(90, 7), test: data.test };
    const from = newPath();
    await startRun(from, stackedRun({}, other), other);
    const m1 = readRun(`${from}/m1`).settings;
    const given = (path: string) => stackedRun({ m1: { model: m1.model, train: m1.train, from: path } });
    const path = newPath();
    await expect(startRun(path, given(`${from}/m1`), data)).rejects.toThrow(
      new UsageError(
        `--m1 ${from}/m1: it was trained on other rows (90 rows of bars) than these (120 rows of bars). M1 must have seen the ` +
          "rows that M2 learns from and none that are held out: train it with the same --data and --validation, or leave --m1 out.",
      ),
    );
    await expect(startRun(path, given(from), data)).rejects.toThrow(
      `--m1 ${from}: expected the run of a vae, found one of m1m2.`,
    );
    const wide = {
      ...stackedRun({ m1: { model: m1.model, train: m1.train, from: `${from}/m1` } }),
      model: { ...stackedRun().model, shape: [3, 4] },
    } as RunSettings;
    await expect(startRun(path, wide, data)).rejects.toThrow(
      `--m1 ${from}/m1: expected a vae of rows of shape [3, 4], as those of bars; found one of [4, 3].`,
    );
    await expect(startRun(path, given("/nowhere"), data)).rejects.toThrow(CheckpointError);
    expect(existsSync(path)).toBe(false);
  });

  test("is replaced with the run it belongs to", async () => {
    const path = newPath();
    await startRun(path, stackedRun(), data);
    await startRun(path, m2Run(), data, { overwrite: true });
    expect(readdirSync(path).sort()).toEqual(["checkpoint.safetensors", "config.json", "metrics.jsonl"]);
    await startRun(path, stackedRun({ labels: { seed: 3 } }), data, { overwrite: true });
    await startRun(path, stackedRun(), data, { overwrite: true });
    const whole = newPath();
    await startRun(whole, stackedRun(), data);
    expect(tensors(path)).toEqual(tensors(whole));
  });
});
