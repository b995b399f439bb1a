import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { binarize, createDataset } from "../../src/data/index.ts";
import { CheckpointError, NonFiniteError, UsageError } from "../../src/errors.ts";
import { loadCheckpoint } from "../../src/files/checkpoint.ts";
import { Autoencoder, VAE } from "../../src/models/index.ts";
import { type EpochLine, readRun, resumeRun, startRun, train } from "../../src/runs/index.ts";
import { openTrained } from "./opened.ts";
import { bars, data, newPath, settingsOf } from "./toys.ts";

describe("train", () => {
  test("ten lines: a model, data, a number to believe", async () => {
    const vae = VAE({ shape: data.train.shape, latent: 2, hidden: [8] });
    const trained = await train(vae, data.train, { epochs: 60, batch: 35, lr: 0.02, seed: 0, threads: 1 });
    const { elbo, reconstruction, kl } = await trained.evaluate(data.test);
    expect(elbo).toBeCloseTo((reconstruction ?? Number.NaN) - (kl ?? Number.NaN), 6);
    // Independent pixels of probability ¼ would cost 12 (¼ ln 4 + ¾ ln 4/3) = 6.75 nats a datum.
    expect(elbo).toBeGreaterThan(-6.75);
    expect(elbo).toBeLessThan(0);
  });

  test("is a function of its settings", async () => {
    const values = async (seed: number) => {
      const vae = VAE({ shape: [4, 3], latent: 2, hidden: [8] });
      const trained = await train(vae, data.train, { epochs: 2, batch: 16, seed, threads: 1 });
      return [...trained.parameters.values()].map((v) => Array.from(v));
    };
    expect(await values(1)).toEqual(await values(1));
    expect(await values(1)).not.toEqual(await values(2));
  });

  test("hooks: steps, epochs and a signal", async () => {
    const stop = new AbortController();
    const steps: number[] = [];
    await train(
      Autoencoder({ shape: [4, 3], latent: 2, hidden: [8] }),
      data.train,
      { epochs: 5, batch: 16, threads: 1 },
      {
        signal: stop.signal,
        onStep: ({ step }) => void steps.push(step),
        onEpoch: ({ epoch }) => {
          if (epoch === 2) stop.abort();
        },
      },
    );
    expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("binarize fixed draws the pixels once, from the seed; none feeds them as they are", async () => {
    const seen = async (given: Parameters<typeof train>[2], likelihood: "bernoulli" | "gaussian") => {
      const drawn = binarize(data.train, 5);
      const vae = () => VAE({ shape: [4, 3], latent: 2, hidden: [8], likelihood });
      const shared = { epochs: 2, batch: 16, seed: 5, threads: 1 };
      const a = await train(vae(), data.train, { ...shared, ...given });
      const b = await train(vae(), given?.binarize === "fixed" ? drawn : data.train, {
        ...shared,
        binarize: "none",
      });
      const values = (t: typeof a) => [...t.parameters.values()].map((v) => Array.from(v));
      return [values(a), values(b)];
    };
    const [fixed, drawnBefore] = await seen({ binarize: "fixed" }, "bernoulli");
    expect(fixed).toEqual(drawnBefore);
    const [dynamic, grey] = await seen({ binarize: "dynamic" }, "gaussian");
    expect(dynamic).not.toEqual(grey);
  });

  test.each([
    [{ epochs: 0 }, /^train: epochs: .*1/],
    [{ lr: -1, batch: 0.5 }, /^train: batch: .*; lr: /],
    [{ binarize: "sometimes" as "none" }, /^train: binarize: .*dynamic/],
    [{ epoch: 5 } as object, /^train: there is no option 'epoch'\. Did you mean 'epochs'\?$/],
  ])("settings out of range are named, and those that are none: %o", async (given, message) => {
    const vae = VAE({ shape: [4, 3], latent: 2, hidden: [8] });
    await expect(train(vae, data.train, given)).rejects.toThrow(UsageError);
    await expect(train(vae, data.train, given)).rejects.toThrow(message);
  });

  test("a warm-up of β needs a bound that has one", async () => {
    const vae = VAE({ shape: [4, 3], latent: 2, hidden: [8] });
    await expect(train(vae, data.train, { bound: "iwae", warmup: 1 })).rejects.toThrow(
      new UsageError(
        "train: the importance-weighted bound has no KL term; leave out warmup, beta and freeBits, or use bound elbo.",
      ),
    );
    const autoencoder = Autoencoder({ shape: [4, 3], latent: 2, hidden: [8] });
    await expect(train(autoencoder, data.train, { warmup: 1 })).rejects.toThrow(
      /^train: there is no option 'warmup'\. The options are epochs, batch, lr, /,
    );
  });

  test("data that the likelihood does not fit", async () => {
    const vae = VAE({ shape: [4, 3], latent: 2, hidden: [8] });
    await expect(train(vae, data.train, { binarize: "none" })).rejects.toThrow(
      "bars: a Bernoulli likelihood on grey pixels does not bound any density.",
    );
  });
});

const tensors = (path: string) => {
  const { tensors: t, buffers, step, epoch } = loadCheckpoint(path);
  return { tensors: t, buffers, step, epoch };
};
const lines = (path: string): Omit<EpochLine, "seconds">[] =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const { seconds, ...rest } = JSON.parse(line) as EpochLine;
      expect(seconds).toBeGreaterThan(0);
      return rest;
    });

describe("a run in a folder", () => {
  test("has settings, a line an epoch and a checkpoint", async () => {
    const path = newPath();
    const started: unknown[] = [];
    const logged: EpochLine[] = [];
    const result = await startRun(path, settingsOf(), data, {
      onStart: (info) => void started.push(info),
      onEpochLogged: (line) => void logged.push(line),
    });
    expect(result.completed).toBe(true);
    expect(result.steps).toBe(12);
    // 12·8 + 8 + 2 (8·2 + 2) + 2·8 + 8 + 8·12 + 12
    expect(started).toEqual([{ parameters: 272, nodes: expect.any(Number), resumedAt: 0 }]);
    const { folder } = result;
    expect(lines(folder.metrics).map(({ epoch, step }) => [epoch, step])).toEqual([
      [1, 4],
      [2, 8],
      [3, 12],
    ]);
    expect(logged).toEqual(result.history);
    for (const line of result.history) {
      expect(line.train.elbo).toBeCloseTo(line.train.reconstruction - line.train.kl, 6);
      expect(line.test.elbo).toBeCloseTo(line.test.reconstruction - line.test.kl, 6);
      expect([line.learningRate, line.beta]).toEqual([0.01, 1]);
    }
    expect(readRun(path).settings).toEqual(settingsOf());
    // The last line is what evaluating the trained model gives.
    const { trained, epoch } = await openTrained(path);
    expect(epoch).toBe(3);
    expect((await trained.evaluate(data.test)).elbo).toBe(result.history[2].test.elbo);
  });

  const demanding = settingsOf(
    { batchNorm: true, dropout: 0.2 },
    { warmup: 2, schedule: "linear", clip: 1, freeBits: 0.05, samples: 2, epochs: 4 },
  );

  test.each([1, 4, 6, 15])(
    "stopped after step %i and resumed, it ends as if it had never stopped",
    async (at) => {
      const whole = await startRun(newPath(), demanding, data);
      const path = newPath();
      const stop = new AbortController();
      const first = await startRun(path, demanding, data, {
        signal: stop.signal,
        onStep: ({ step }) => step === at && stop.abort(),
      });
      expect([first.completed, first.steps]).toEqual([false, at]);
      const starts: number[] = [];
      const second = await resumeRun(path, data, { onStart: ({ resumedAt }) => void starts.push(resumedAt) });
      expect([second.completed, starts]).toEqual([true, [at]]);
      expect(tensors(second.folder.checkpoint)).toEqual(tensors(whole.folder.checkpoint));
      expect(lines(second.folder.metrics)).toEqual(lines(whole.folder.metrics));
      expect(second.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
    },
  );

  test("stopped twice, and once more at its end", async () => {
    const whole = await startRun(newPath(), demanding, data);
    const path = newPath();
    const until = (at: number) => {
      const stop = new AbortController();
      return { signal: stop.signal, onStep: ({ step }: { step: number }) => step === at && stop.abort() };
    };
    await startRun(path, demanding, data, until(3));
    await resumeRun(path, data, until(9));
    await resumeRun(path, data);
    const last = await resumeRun(path, data);
    expect([last.completed, last.steps]).toEqual([true, 16]);
    expect(tensors(last.folder.checkpoint)).toEqual(tensors(whole.folder.checkpoint));
    expect(lines(last.folder.metrics)).toEqual(lines(whole.folder.metrics));
  });

  test("a line without its checkpoint is written again: killed in between, nothing is lost or doubled", async () => {
    const whole = await startRun(newPath(), demanding, data);
    const path = newPath();
    let atEpoch2 = "";
    const result = await startRun(path, demanding, data, {
      onEpochLogged: ({ epoch }) => {
        if (epoch === 2) atEpoch2 = readFileSync(`${path}/checkpoint.safetensors`, "latin1");
      },
    });
    // As a kill after the third line and before the third checkpoint leaves it.
    writeFileSync(result.folder.checkpoint, atEpoch2, "latin1");
    writeFileSync(
      result.folder.metrics,
      `${readFileSync(result.folder.metrics, "utf8").trim().split("\n").slice(0, 3).join("\n")}\n`,
    );
    const resumed = await resumeRun(path, data);
    expect(tensors(resumed.folder.checkpoint)).toEqual(tensors(whole.folder.checkpoint));
    expect(lines(resumed.folder.metrics)).toEqual(lines(whole.folder.metrics));
  });

  test("more epochs may be asked for", async () => {
    const path = newPath();
    await startRun(path, settingsOf({}, { epochs: 1 }), data);
    const more = await resumeRun(path, data, { epochs: 3 });
    const whole = await startRun(newPath(), settingsOf({}, { epochs: 3 }), data);
    expect(tensors(more.folder.checkpoint)).toEqual(tensors(whole.folder.checkpoint));
    expect(readRun(path).settings.train.epochs).toBe(3);
    await expect(resumeRun(path, data, { epochs: 2 })).rejects.toThrow(
      "`epochs: 2`: expected at least the 3 epochs that the run was started with.",
    );
  });

  test("other data are refused, and so is a folder that is in use or taken", async () => {
    const path = newPath();
    await startRun(path, settingsOf({}, { epochs: 1 }), data);
    await expect(resumeRun(path, { train: bars(70, 9), test: data.test })).rejects.toThrow(
      "bars: these are not the data that the run was trained on (fingerprint ",
    );
    await expect(startRun(path, settingsOf(), data)).rejects.toThrow(UsageError);
    const again = await startRun(path, settingsOf({}, { epochs: 2 }), data, { overwrite: true });
    expect(again.history.length).toBe(2);
    const busy = newPath();
    await startRun(busy, settingsOf({}, { epochs: 1 }), data, {
      async onEpoch() {
        await expect(resumeRun(busy, data)).rejects.toThrow(CheckpointError);
      },
    });
    await expect(resumeRun(busy, data)).resolves.toBeDefined();
  });

  test("a run that stops being finite keeps its last good checkpoint", async () => {
    const path = newPath();
    const wild = settingsOf(
      { likelihood: "gaussian" },
      { binarize: "none", optimizer: "sgd", lr: 1e-4, epochs: 4 },
    );
    const train = createDataset({
      name: "bars",
      shape: [4, 3],
      x: Float32Array.from(data.train.x, (v) => v / 255),
    });
    let saved: unknown;
    const fail = startRun(
      path,
      wild,
      { train, test: data.test },
      {
        onEpochLogged: ({ epoch }) => {
          if (epoch !== 2) return;
          saved = tensors(`${path}/checkpoint.safetensors`);
          train.x.fill(1e38);
        },
      },
    );
    await expect(fail).rejects.toThrow(NonFiniteError);
    await expect(fail).rejects.toThrow(/^epoch 3, step 8: /);
    expect(tensors(`${path}/checkpoint.safetensors`)).toEqual(saved);
    expect(lines(`${path}/metrics.jsonl`).length).toBe(2);
    // The lock was given back.
    expect(existsSync(`${path}/.lock`) || existsSync(`${path}/lock`)).toBe(false);
  });

  test.each([
    [{ binarize: "none" }, { likelihood: "gaussian" }],
    [{ binarize: "fixed" }, {}],
    [{ bound: "iwae", samples: 3 }, {}],
    [{ optimizer: "rmsprop" }, { model: "autoencoder" }],
    [{}, { network: "convolutional", channels: [2], hidden: [] }],
  ] as const)("resumes bit for bit with %o, %o", async (given, model) => {
    const settings = settingsOf({ ...model }, { ...given, epochs: 2 });
    const whole = await startRun(newPath(), settings, data);
    const path = newPath();
    const stop = new AbortController();
    await startRun(path, settings, data, {
      signal: stop.signal,
      onStep: ({ step }) => step === 5 && stop.abort(),
    });
    const resumed = await resumeRun(path, data);
    expect(tensors(resumed.folder.checkpoint)).toEqual(tensors(whole.folder.checkpoint));
    expect(lines(resumed.folder.metrics)).toEqual(lines(whole.folder.metrics));
  });
});

describe("opening a run", () => {
  test.each([
    ["model.latent", /"latent": 2/, '"latent": 3', "2", "3"],
    ["model.activation", /"activation": "relu"/, '"activation": "tanh"', '"relu"', '"tanh"'],
    ["model.hidden", /"hidden": \[\s*8\s*\]/, '"hidden": [8, 8]', "[8]", "[8,8]"],
    ["train.lr", /"lr": 0.01/, '"lr": 0.02', "0.01", "0.02"],
  ])("a setting that was edited by hand is refused: %s", async (field, from, to, before, now) => {
    const path = newPath();
    await startRun(path, settingsOf({}, { epochs: 1 }), data);
    const config = `${path}/config.json`;
    writeFileSync(config, readFileSync(config, "utf8").replace(from, to));
    const message =
      `${path}/checkpoint.safetensors: was trained with "${field}" ${before}, but the settings of the run (config.json) say ${now}. ` +
      "Put the setting back, or train a new run";
    await expect(openTrained(path)).rejects.toThrow(new CheckpointError(message));
    await expect(resumeRun(path, data)).rejects.toThrow(message);
  });

  test("a checkpoint of another architecture: the tensor, what was expected and what was found", async () => {
    const path = newPath();
    // Of version 0.1.0, which did not write the settings beside the parameters.
    cpSync(join(import.meta.dirname, "../fixtures/runs/vae"), path, { recursive: true });
    const config = `${path}/config.json`;
    const text = readFileSync(config, "utf8");
    writeFileSync(config, text.replace(/"latent": 2/, '"latent": 3'));
    await expect(openTrained(path)).rejects.toThrow(
      new CheckpointError(
        `${path}/checkpoint.safetensors: tensor "encoder.mean.weight": expected shape [8, 3], found [8, 2]; the checkpoint belongs to another architecture`,
      ),
    );
    writeFileSync(config, text.replace(/"hidden": \[\s*8\s*\]/, '"hidden": [8, 8]'));
    await expect(openTrained(path)).rejects.toThrow(
      'tensor "encoder.body.layers.2.weight": expected shape [8, 8], found no such tensor',
    );
  });

  test("what there is none of is said", async () => {
    const path = newPath();
    await startRun(path, settingsOf({}, { epochs: 1 }), data);
    await expect(openTrained(path)).resolves.toBeDefined();
  });

  test("no run, no checkpoint, a damaged one", async () => {
    await expect(openTrained(newPath())).rejects.toThrow(CheckpointError);
    const path = newPath();
    const { folder } = await startRun(path, settingsOf({}, { epochs: 1 }), data);
    const bytes = readFileSync(folder.checkpoint);
    writeFileSync(folder.checkpoint, bytes.subarray(0, bytes.length - 8));
    await expect(openTrained(path)).rejects.toThrow(CheckpointError);
    await expect(resumeRun(path, data)).rejects.toThrow(folder.checkpoint);
  });
});
