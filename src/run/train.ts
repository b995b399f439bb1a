/** Training as a library call, and training into a run's folder. */
import { existsSync, readFileSync } from "node:fs";
import { preloadNative } from "../compile/index.ts";
import { binarize, type Dataset, fingerprint } from "../data/index.ts";
import { CheckpointError, NonFiniteError, UsageError } from "../errors.ts";
import { countParameters } from "../nn/index.ts";
import { checkFinite } from "../optim/clip.ts";
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from "../train/checkpoint.ts";
import { writeDurably } from "../train/durable-write.ts";
import { type Json, toJson } from "../train/json.ts";
import { type Progress, Trainer, type TrainHooks } from "../train/loop.ts";
import { type EpochMetrics, openMetricsLog } from "../train/metrics-log.ts";
import { createRun, lockRun, openRun, type RunFolder } from "../train/run-folder.ts";
import { type TrainInput, type TrainSettings, trainSettings } from "../train/settings.ts";
import { type AnyModel, buildModel, checkData, objectiveOf } from "./model.ts";
import { type RunSettings, runSettings } from "./settings.ts";
import { type Evaluation, Trained } from "./trained.ts";

/** Checks settings as a caller wrote them and fills in the defaults. @throws UsageError naming the field. */
export function parseTrainSettings(input: TrainInput): TrainSettings {
  const { success, data, error } = trainSettings.safeParse(input);
  if (success) return data;
  const problems = error.issues.map((issue) => `${issue.path.join(".") || "settings"}: ${issue.message}`);
  throw new UsageError(`train: ${problems.join("; ")}.`);
}

async function createTrainer(model: AnyModel, data: Dataset, settings: TrainSettings): Promise<Trainer> {
  const rows = settings.binarize === "fixed" ? binarize(data, settings.seed) : data;
  return Trainer.create(model, objectiveOf(model, settings), rows, settings);
}

/**
 * Trains a model in memory.
 *
 * @example
 * const { train: digits, test } = await loadData("mnist");
 * const vae = VAE({ shape: digits.shape, latent: 20, hidden: [400] });
 * const trained = await train(vae, digits, { epochs: 10, batch: 128, lr: 1e-3, seed: 0 });
 * console.log(await trained.evaluate(test));
 *
 * @throws UsageError when settings are out of range or the data do not fit the likelihood.
 * @throws NonFiniteError naming the epoch, the step and what stopped being finite.
 */
export async function train(
  model: AnyModel,
  data: Dataset,
  settings: TrainInput = {},
  hooks: TrainHooks = {},
): Promise<Trained> {
  const checked = parseTrainSettings(settings);
  checkData(data, { likelihood: model.likelihood.name }, checked);
  const trainer = await createTrainer(model, data, checked);
  await trainer.run(hooks);
  return new Trained(model, trainer.values(), checked);
}

/** One line of `metrics.jsonl`. */
export interface EpochLine extends EpochMetrics {
  readonly step: number;
  /** Wall time of training so far, pauses left out. */
  readonly seconds: number;
  readonly train: { readonly [name: string]: number };
  readonly test: { readonly [name: string]: number };
  readonly activeUnits: number;
  readonly learningRate: number;
  readonly beta: number;
}

export interface RunHooks extends TrainHooks {
  /** Called once the step is compiled. */
  readonly onStart?: (info: {
    readonly parameters: number;
    readonly nodes: number;
    readonly resumedAt: number;
  }) => void;
  /** Called after an epoch was evaluated, logged and saved. */
  readonly onEpochLogged?: (line: EpochLine) => void;
}

export interface RunResult {
  readonly folder: RunFolder;
  readonly settings: RunSettings;
  readonly trained: Trained;
  /** False when a signal stopped it before its last epoch. */
  readonly completed: boolean;
  /** Updates made, those before resuming among them. */
  readonly steps: number;
  readonly history: readonly EpochLine[];
  readonly seconds: number;
}

/** The terms of an epoch's line: means over steps as the ELBO and its parts. */
function trainTerms(means: Progress["means"]): Record<string, number> {
  const { loss, reconstruction, kl, ...rest } = means;
  if (reconstruction === undefined) return { loss, ...rest };
  if (kl === undefined) return { loss, reconstruction };
  return { loss, elbo: reconstruction - kl, reconstruction, kl };
}

const testTerms = ({ elbo, reconstruction, kl }: Evaluation): Record<string, number> =>
  elbo === undefined || kl === undefined ? { reconstruction } : { elbo, reconstruction, kl };

/** @throws CheckpointError naming the file, the tensor, what was expected and what was found. */
function restoreFrom(path: string, trainer: Trainer, checkpoint: Checkpoint): void {
  try {
    trainer.restore(checkpoint);
  } catch (error) {
    throw error instanceof CheckpointError ? new CheckpointError(`${path}: ${error.message}`) : error;
  }
}

/** An update may overflow what it updates; the step after would say so, but by then it would be the checkpoint. */
function checkHealth({ trainStep, progress }: Trainer): void {
  try {
    if (progress.step > 0) checkFinite(trainStep.arena, progress.step - 1);
  } catch (error) {
    if (error instanceof NonFiniteError) {
      throw new NonFiniteError(
        `epoch ${Math.ceil(progress.step / progress.stepsPerEpoch)}, ${error.message}`,
      );
    }
    throw error;
  }
}

/** Trains in a folder that is already locked, from its checkpoint if it has one. */
async function trainIn(
  folder: RunFolder,
  settings: RunSettings,
  data: { readonly train: Dataset; readonly test: Dataset },
  hooks: RunHooks,
): Promise<RunResult> {
  const model = buildModel(settings.model);
  const trainer = await createTrainer(model, data.train, settings.train);
  const resumed = existsSync(folder.checkpoint) ? loadCheckpoint(folder.checkpoint) : undefined;
  if (resumed !== undefined) restoreFrom(folder.checkpoint, trainer, resumed);
  const before = Number(resumed?.metadata.seconds ?? 0);
  const started = performance.now();
  const seconds = (): number => before + (performance.now() - started) / 1000;
  const log = openMetricsLog(folder.metrics, { completedEpochs: trainer.progress.epoch });
  const trained = new Trained(model, trainer.values(), settings.train);
  const save = (): void =>
    saveCheckpoint(
      folder.checkpoint,
      trainer.checkpoint({ seconds: seconds(), version: settings.version, seed: settings.train.seed }),
    );
  hooks.onStart?.({
    parameters: countParameters(model.parameters.map(({ tensor }) => tensor)),
    nodes: trainer.trainStep.nodes,
    resumedAt: trainer.progress.step,
  });
  const completed = await trainer.run({
    ...(hooks.onStep && { onStep: hooks.onStep }),
    ...(hooks.signal && { signal: hooks.signal }),
    async onEpoch(progress) {
      checkHealth(trainer);
      const evaluation = await trained.evaluate(data.test);
      if (!Number.isFinite(evaluation.reconstruction)) {
        throw new NonFiniteError(
          `epoch ${progress.epoch}, step ${progress.step - 1}: expected a finite log likelihood of the test data, found ` +
            `${evaluation.reconstruction}; try a lower learning rate or gradient clipping`,
        );
      }
      const line: EpochLine = {
        epoch: progress.epoch,
        step: progress.step,
        seconds: seconds(),
        train: trainTerms(progress.means),
        test: testTerms(evaluation),
        activeUnits: evaluation.activeUnits,
        learningRate: trainer.trainStep.arena.optimizer.groups[0].learningRate(progress.step - 1),
        beta: trainer.beta(progress.step - 1),
      };
      // The line goes first: a kill between the two leaves an epoch to be done again, never one without its line.
      log.append(line);
      save();
      hooks.onEpochLogged?.(line);
      await hooks.onEpoch?.(progress);
    },
  });
  if (!completed) {
    checkHealth(trainer);
    save();
  }
  return {
    folder,
    settings,
    trained,
    completed,
    steps: trainer.progress.step,
    history: log.lines as readonly EpochLine[],
    seconds: seconds(),
  };
}

/**
 * Trains a new run in a folder: `config.json` first, then a line of metrics and a checkpoint for each epoch.
 * @throws UsageError when the folder holds another run (unless `overwrite`), or the data do not fit.
 */
export async function startRun(
  path: string,
  settings: RunSettings,
  data: { readonly train: Dataset; readonly test: Dataset },
  options: RunHooks & { readonly overwrite?: boolean } = {},
): Promise<RunResult> {
  preloadNative();
  checkData(data.train, settings.model, settings.train);
  const folder = createRun(path, settings, { overwrite: options.overwrite ?? false });
  try {
    return await trainIn(folder, settings, data, options);
  } finally {
    folder.lock.release();
  }
}

/** Reads a run's settings. @throws CheckpointError naming file and field when they are missing or damaged. */
export const readRun = (path: string): RunFolder & { readonly settings: RunSettings } =>
  openRun(path, runSettings);

/**
 * Goes on with a run from its last checkpoint to its last epoch, as if it had never stopped. `epochs` may ask for more of
 * them, which `config.json` then says (with a constant learning rate; a schedule would have been another from the start).
 * @throws CheckpointError when the data are not those it was trained on, or the checkpoint is damaged.
 * @throws UsageError for fewer epochs than the run's, or more with a schedule.
 */
export async function resumeRun(
  path: string,
  data: { readonly train: Dataset; readonly test: Dataset },
  { epochs, ...hooks }: RunHooks & { readonly epochs?: number } = {},
): Promise<RunResult> {
  preloadNative();
  const run = readRun(path);
  checkFingerprint(run.settings, data.train);
  const settings = withEpochs(run.settings, epochs);
  const lock = lockRun(run);
  try {
    if (settings !== run.settings) {
      const config = JSON.parse(readFileSync(run.config, "utf8")) as Record<string, Json>;
      writeDurably(run.config, `${toJson({ ...config, train: settings.train }, "config", 2)}\n`);
    }
    return await trainIn(run, settings, data, hooks);
  } finally {
    lock.release();
  }
}

function withEpochs(settings: RunSettings, epochs: number | undefined): RunSettings {
  const { train } = settings;
  if (epochs === undefined || epochs === train.epochs) return settings;
  if (epochs < train.epochs) {
    throw new UsageError(
      `--epochs ${epochs}: expected at least the ${train.epochs} epochs that the run was started with. ` +
        "To stop earlier, stop it; for a shorter run, start a new one.",
    );
  }
  if (train.schedule !== "constant") {
    throw new UsageError(
      `--epochs ${epochs}: the run's learning rate follows a ${train.schedule} schedule over its ${train.epochs} epochs, ` +
        "so more of them would have been another run from the start. Start a new run.",
    );
  }
  return { ...settings, train: { ...train, epochs } };
}

/** Refuses training data that are not those of the run. @throws CheckpointError */
export function checkFingerprint(settings: RunSettings, data: Dataset): void {
  const found = fingerprint(data);
  if (found !== settings.data.fingerprint) {
    throw new CheckpointError(
      `${data.name}: these are not the data that the run was trained on (fingerprint ${settings.data.fingerprint.slice(0, 12)}…, ` +
        `found ${found.slice(0, 12)}…). Give the same files, or start a new run.`,
    );
  }
}

/** Opens a trained run to use it. @throws CheckpointError when it has no checkpoint yet, or one of another architecture. */
export async function openTrained(
  path: string,
): Promise<{ readonly run: ReturnType<typeof readRun>; readonly trained: Trained; readonly epoch: number }> {
  const run = readRun(path);
  const checkpoint = loadCheckpoint(run.checkpoint);
  const model = buildModel(run.settings.model);
  const stored = new Map([...checkpoint.tensors, ...checkpoint.buffers].map((t) => [t.name, t]));
  const parameters = new Map(
    model.parameters.map(({ name, tensor }) => {
      const found = stored.get(name);
      const expected = `[${tensor.shape.join(", ")}]`;
      if (found === undefined || found.shape.join() !== tensor.shape.join()) {
        throw new CheckpointError(
          `${run.checkpoint}: tensor "${name}": expected shape ${expected}, found ` +
            `${found === undefined ? "no such tensor" : `[${found.shape.join(", ")}]`}; the checkpoint is of another architecture`,
        );
      }
      return [tensor, found.data] as const;
    }),
  );
  return { run, trained: new Trained(model, parameters, run.settings.train), epoch: checkpoint.epoch };
}
