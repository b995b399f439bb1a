import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ArrayValue, compile } from "../../src/compile/index.ts";
import { type Dataset, rowsOf } from "../../src/data/index.ts";
import { CheckpointError, UsageError } from "../../src/errors.ts";
import { loadCheckpoint } from "../../src/files/checkpoint.ts";
import { importanceWeighted } from "../../src/inference/index.ts";
import type { MeasureOptions, RunSettings } from "../../src/kinds/index.ts";
import { type LabelledByM1, loadLabelled, saveLabelled } from "../../src/kinds/m1/labelled-rows.ts";
import {
  M2,
  posteriorOf,
  predictedClasses,
  selectFeatures,
  transductiveSvm,
} from "../../src/models/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import {
  type GivenSettings,
  openRun,
  type RunHooks,
  readRun,
  resumeRun,
  startRun,
  train,
} from "../../src/runs/index.ts";
import { data, few, labelledBars, m1Run, m2Run, stackedRun } from "./labelled-toys.ts";
import { openClassifier, openM1, openTrained } from "./opened.ts";
import { newPath } from "./toys.ts";

/** What is measured of a run on rows. */
async function measuredAt(path: string, rows: Dataset, options: MeasureOptions = {}) {
  const { kind, trained } = await openRun(path);
  return kind.measure(trained, rows, options);
}

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
  const trained = await train(m2, few, { epochs: 60, batch: 16, lr: 0.01, threads: 1 });
  expect(await trained.error(data.test)).toBeLessThan(0.1);
  const { probabilities, predicted } = await trained.classify(data.test);
  expect(probabilities.length).toBe(40 * 4);
  predicted.forEach((label, row) => {
    const of = probabilities.subarray(4 * row, 4 * row + 4);
    expect(of.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    expect(of[label]).toBe(Math.max(...of));
  });
  await expect(train(m2, few, { warmup: 0, warmupEntropy: 0.3 })).rejects.toThrow(
    "train: warmupEntropy: only applies during the warm-up; expected a warmup above 0, found 0.",
  );
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
    expect([epoch, trained.kind, run.settings.labels?.count]).toEqual([3, kind, 8]);
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
    const { labels, ...settings } = settingsOf();
    await startRun(path, { ...settings, labels: { seed: 0, classes: labels?.classes ?? [] } }, data);
    const [line] = lines(path);
    // 120 rows are 15 minibatches of 8.
    expect(line.step).toBe(15);
    expect(Object.keys(line.train as object)).toEqual(["loss", "labelledElbo", "classification"]);
  });
});

/** A file of rows as it was before there was a transductive machine. */
const omitTransductive = ({ active, known }: LabelledByM1): LabelledByM1 => ({ active, known });

describe("M1 and its classifiers", () => {
  test("a VAE's run, and labelled rows by which new ones are classified without the data", async () => {
    const path = newPath();
    await startRun(path, m1Run(), data);
    const { trained: vae } = await openTrained(path);
    expect(readRun(path).settings).toEqual(m1Run());
    expect(lines(path)).toHaveLength(60);
    expect((await openTrained(path)).trained.model.kind).toBe("vae");
    const { trained } = await openM1(path);
    const errors = await trained.errors(data.test);
    expect(Object.keys(errors)).toEqual(["knn", "linear-svm", "svm", "transductive-svm", "logistic"]);
    // Chance is 0.75; two labels a class and a VAE of bars.
    for (const error of Object.values(errors)) expect(error).toBeLessThan(0.3);
    expect(await trained.error(data.test)).toBe(errors.svm);
    expect((await trained.classify(data.test)).probabilities).toBeUndefined();
    const { probabilities = new Float32Array() } = await trained.classify(data.test, "logistic");
    expect(probabilities.length).toBe(160);
    // Twenty draws of each of eight rows.
    expect(trained.labelled.known.labels.length).toBe(160);
    expect(await trained.bound(data.test)).toBe((await vae.evaluate(data.test)).elbo);
  });

  test("stopped and resumed it ends as if it had never stopped; before its end it classifies nothing", async () => {
    const settings = m1Run({ train: { epochs: 3 } });
    const [whole, path] = [newPath(), newPath()];
    await startRun(whole, settings, data);
    await startRun(path, settings, data, stopAt(9, path));
    await expect(openM1(path)).rejects.toThrow(
      new CheckpointError(
        `${path}/labelled.safetensors: expected the labelled rows of M1: no such file. M1 writes it when training is complete: continue it with train --resume`,
      ),
    );
    await resumeRun(path, data);
    expect(tensors(path)).toEqual(tensors(whole));
    expect(readFileSync(`${path}/labelled.safetensors`)).toEqual(
      readFileSync(`${whole}/labelled.safetensors`),
    );
  });

  test("on the VAE of another run, with other labels: nothing is trained again", async () => {
    const from = newPath();
    await startRun(from, m1Run(), data);
    const { model, train } = readRun(from).settings;
    const path = newPath();
    const settings = m1Run({ m1: { model, train, from }, labels: { seed: 4 }, classifiers: { draws: 0 } });
    await startRun(path, settings, data, { onStep: () => expect.unreachable() });
    expect(tensors(path).tensors).toEqual(tensors(from).tensors);
    rmSync(from, { recursive: true });
    await resumeRun(path, data, { onStep: () => expect.unreachable() });
    const { trained } = await openM1(path);
    expect(trained.labelled.known.labels.length).toBe(8);
    expect(await trained.error(data.test, "knn")).toBeLessThan(0.3);
  });

  test("the transductive machine is fitted on means, of unlabelled rows too; the others never see those", async () => {
    const path = newPath();
    const settings = m1Run({ classifiers: { unlabelled: 50, cost: 2, unlabelledCost: 0.5, gamma: 0.7 } });
    await startRun(path, settings, data);
    const { trained } = await openM1(path);
    if (trained.vae.model.kind !== "vae") return expect.unreachable();
    const { model, parameters } = trained.vae;
    const { known, transductive, active } = trained.labelled;
    expect(known.labels).not.toContain(-1);
    expect(transductive?.labels.filter((label) => label === -1)).toHaveLength(50);
    // By hand, over all training rows: the machine draws the same ones.
    const means = async (rows: Dataset) =>
      selectFeatures(await posteriorOf(model, parameters, rows, { threads: 1 }), active).means;
    const fitted = await transductiveSvm({ C: 2, unlabelledC: 0.5, gamma: 0.7, unlabelled: 50, seed: 5 }).fit(
      {
        x: await means(data.train),
        features: active.length,
        labels: few.labels ?? new Int32Array(0),
        classes: 4,
      },
    );
    const expected = predictedClasses(await fitted.scores(await means(data.test)), 4);
    expect((await trained.classify(data.test, "transductive-svm")).predicted).toEqual(expected);
  });

  test("where every row is labelled, or no unlabelled ones are wanted, the transductive machine is the plain one", async () => {
    const path = newPath();
    await startRun(path, m1Run({ labels: { count: 120 }, train: { epochs: 5 } }), data);
    const { model, train } = readRun(path).settings;
    const none = newPath();
    const taken = { m1: { model, train, from: path }, classifiers: { unlabelled: 0 } };
    await startRun(none, m1Run(taken), data);
    for (const run of [path, none]) {
      const { trained } = await openM1(run);
      expect(trained.labelled.transductive?.labels).toHaveLength(0);
      const [plain, transductive] = [
        await trained.classify(data.test, "svm"),
        await trained.classify(data.test, "transductive-svm"),
      ];
      expect(transductive).toEqual(plain);
    }
  });

  test("a run without unlabelled rows, of before there was that machine, opens; to go on with it adds them", async () => {
    const path = newPath();
    const file = `${path}/labelled.safetensors`;
    await startRun(path, m1Run({ train: { epochs: 3 } }), data);
    const whole = readFileSync(file);
    saveLabelled(file, omitTransductive(loadLabelled(file, 4)));
    const { trained } = await openM1(path);
    expect((await measuredAt(path, data.test)).choices).toEqual(["knn", "linear-svm", "svm", "logistic"]);
    await expect(trained.classify(data.test, "transductive-svm")).rejects.toThrow(
      new UsageError(
        "m1: this run was made before the transductive support vector machine was added, so it keeps no unlabelled rows for it. " +
          "train --resume on its folder adds them; or choose another classifier.",
      ),
    );
    await resumeRun(path, data, { onStep: () => expect.unreachable() });
    expect(readFileSync(file)).toEqual(whole);
  });

  test("a damaged file of labelled rows is said to be one", async () => {
    const path = newPath();
    await startRun(path, m1Run({ train: { epochs: 1 } }), data);
    writeFileSync(`${path}/labelled.safetensors`, readFileSync(`${path}/checkpoint.safetensors`));
    await expect(openM1(path)).rejects.toThrow(
      `${path}/labelled.safetensors: expected the tensors "features" (F32), "labels" and "active" (I32) of M1`,
    );
  });
});

test.each([
  ["m2", m2Run],
  ["m1m2", stackedRun],
] as const)("%s draws each class under the same styles", async (_, settingsOf) => {
  const path = newPath();
  await startRun(path, settingsOf({ train: { epochs: 1 } }), data);
  const { trained } = await openClassifier(path);
  const drawn = await trained.sample(3, 7);
  expect(drawn.length).toBe(4 * 3 * 12);
  // The second draw of the third class, by hand.
  const z = new Float32Array(6);
  fillNormal(z, stream(7, "prior/z"));
  const { model, parameters } = trained;
  const mean = compile((y, style) => model.decode(y, style).mean(), { parameters, threads: 1 });
  const { data: expected } = await mean([[0, 0, 1, 0]], [[...z.subarray(2, 4)]]);
  drawn.subarray((2 * 3 + 1) * 12, (2 * 3 + 2) * 12).forEach((value, i) => {
    expect(value).toBeCloseTo(Number(expected[i]), 5);
  });
  expect(await trained.sample(3, 7)).toEqual(drawn);
  expect(await trained.sample(3, 8)).not.toEqual(drawn);
});

describe("figures", () => {
  test.each([
    ["m2", m2Run],
    ["m1m2", stackedRun],
  ] as const)(
    "of %s: errors by both rules, calibration, the bound below the log-likelihood",
    async (_, settingsOf) => {
      const path = newPath();
      await startRun(path, settingsOf({ train: { epochs: 20 } }), data);
      const { trained } = await openClassifier(path);
      const options = { validation: data.validation, bayesSamples: 50 };
      const { bound, errors = [] } = await measuredAt(path, data.test, options);
      const [guide, bayes] = errors;
      expect(guide.error).toMatchObject({ value: await trained.error(data.test), rows: 40 });
      expect(guide.validation).toBe(await trained.error(data.validation));
      expect(guide.confusion.flat().reduce((a, b) => a + b, 0)).toBe(40);
      expect(guide.calibration?.bins).toHaveLength(15);
      expect(bayes).toMatchObject({ by: "Bayes", samples: 50, error: { rows: 40 } });
      // The same figures again: noise starts anew.
      const again = await measuredAt(path, data.test, { bayesSamples: 50 });
      expect(again).toMatchObject({ bound, errors: [{}, bayes] });
      expect((await measuredAt(path, data.test, { bayesSamples: 0 })).errors).toHaveLength(1);
      const { model } = trained;
      const weights = compile(
        (x) => importanceWeighted(model.model, model.guide, [x], { particles: 200 }).value,
        {
          parameters: trained.parameters,
          threads: 1,
        },
      );
      const x = rowsOf(trained.prepare(data.test), [...Array(40).keys()], new Float32Array(40 * 12));
      // A bound of 200 samples, a sum over the rows; the ELBO is one of a single sample, below it but for chance.
      const tighter = Number((await weights(new ArrayValue([40, 12], "float32", x))).data[0]) / 40;
      expect(bound.elbo?.value).toBeLessThan(tighter);
      expect(bound.elbo?.value).toBeGreaterThan(tighter - 3);
    },
  );

  test("of M1: each classifier", async () => {
    const path = newPath();
    await startRun(path, m1Run({ classifiers: { chosen: "logistic", draws: 0 } }), data);
    const { errors = [], choices } = await measuredAt(path, data.test);
    const by = (name: string) => errors.find((figures) => figures.by === name);
    expect(choices).toEqual(["knn", "linear-svm", "svm", "transductive-svm", "logistic"]);
    expect(errors).toHaveLength(5);
    expect(errors[0].by).toBe("logistic");
    expect(by("svm")?.calibration).toBeUndefined();
    expect(errors[0].calibration?.error).toBeGreaterThan(0);
    const { labels: _, ...unlabelled } = data.test;
    await expect(measuredAt(path, unlabelled)).rejects.toThrow(
      new UsageError("bars: expected labels to compare with, found none."),
    );
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
        `\`m1.from: "${from}/m1"\`: it was trained on other rows (90 rows of bars) than these (120 rows of bars). It must have been trained on the ` +
          "training rows and on no held-out rows: train it with the same `data` and `validation`, or leave it out.",
      ),
    );
    await expect(startRun(path, given(from), data)).rejects.toThrow(
      `\`m1.from: "${from}"\`: expected a run of vae or m1 to build on; found one of m1m2.`,
    );
    const wide = {
      ...stackedRun({ m1: { model: m1.model, train: m1.train, from: `${from}/m1` } }),
      model: { ...stackedRun().model, shape: [3, 4] },
    } as RunSettings;
    await expect(startRun(path, wide, data)).rejects.toThrow(
      `\`m1.from: "${from}/m1"\`: expected a run on rows of shape [3, 4], like those of bars; found [4, 3].`,
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
