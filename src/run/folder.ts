/** Training in the folder of a run: new, or from where it stopped. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { preloadNative } from "../compile/index.ts";
import { checkSupervision, type Dataset } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import { loadCheckpoint } from "../train/checkpoint.ts";
import { writeDurably } from "../train/durable-write.ts";
import { type Json, toJson } from "../train/json.ts";
import { readMetricsLog } from "../train/metrics-log.ts";
import { createRun, lockRun, type RunFolder, runFolder } from "../train/run-folder.ts";
import { checkFingerprint, type RunData } from "./data.ts";
import { labelledByM1, saveLabelled } from "./labelled-rows.ts";
import { checkData } from "./model.ts";
import { openTrained, readRun } from "./open.ts";
import {
  isLabelled,
  isM1,
  isStacked,
  type M1RunSettings,
  type RunSettings,
  type StackedRunSettings,
  type VaeRunSettings,
} from "./settings.ts";
import { labelledPart } from "./supervision.ts";
import { type RunHooks, type RunResult, trainIn } from "./train-in.ts";
import type { Trained } from "./trained.ts";
import { type EpochLine, m2Training, stackedTraining, vaeTraining } from "./training.ts";

/** M1's own run, made from the settings of the run that is built on it. */
const m1Run = ({ version, createdAt, command, data, m1 }: StackedRunSettings): VaeRunSettings => ({
  version,
  createdAt,
  command,
  data,
  model: m1.model,
  train: m1.train,
});

/** Copies files of a run, so that the folder stands alone. The checkpoint comes last: with it the copy is whole. */
function copyRun(
  from: string,
  to: string,
  files: readonly ("config" | "metrics" | "labelled" | "checkpoint")[],
): void {
  const [source, copy] = [runFolder(from), runFolder(to)];
  mkdirSync(to, { recursive: true });
  for (const file of files) {
    // A vae alone has no labelled rows.
    if (existsSync(source[file])) writeDurably(copy[file], readFileSync(source[file]));
  }
}

/** M1 in its own folder: the VAE, trained or copied, and then the labelled rows as it sees them. */
async function trainM1(
  folder: RunFolder,
  settings: M1RunSettings,
  data: RunData,
  hooks: RunHooks,
): Promise<RunResult<M1RunSettings>> {
  if (settings.m1.from !== undefined && !existsSync(folder.checkpoint)) {
    copyRun(settings.m1.from, folder.path, ["metrics", "checkpoint"]);
  }
  const result =
    settings.m1.from === undefined
      ? await trainIn(folder, settings, await vaeTraining(settings, data), hooks)
      : await asTrained(folder, settings);
  if (result.completed) {
    const { classifiers, labels } = settings;
    const known = labelledPart(data.train, labels);
    const options = { ...classifiers, classes: labels.classes.length };
    saveLabelled(folder.labelled, await labelledByM1(result.trained, known, options));
  }
  return result;
}

/** The result of a training that was done elsewhere. */
async function asTrained(folder: RunFolder, settings: M1RunSettings): Promise<RunResult<M1RunSettings>> {
  const history = readMetricsLog(folder.metrics) as readonly EpochLine[];
  return {
    folder,
    settings,
    trained: (await openTrained(folder.path)).trained,
    completed: true,
    stage: { path: folder.path, settings },
    steps: loadCheckpoint(folder.checkpoint).step,
    history,
    seconds: history.at(-1)?.seconds ?? 0,
  };
}

/** M1 in the folder `m1` of a run: opened, copied, trained or trained further; undefined where a signal stopped it. */
async function prepareM1(
  folder: RunFolder,
  settings: StackedRunSettings,
  data: RunData,
  hooks: RunHooks,
): Promise<{ readonly m1: Trained } | { readonly stopped: RunResult<VaeRunSettings> }> {
  const path = folder.m1;
  const { from } = settings.m1;
  const { checkpoint, config } = runFolder(path);
  if (from !== undefined && !existsSync(checkpoint))
    copyRun(from, path, ["config", "metrics", "labelled", "checkpoint"]);
  const done =
    existsSync(checkpoint) &&
    (from !== undefined || loadCheckpoint(checkpoint).epoch >= settings.m1.train.epochs);
  if (done) return { m1: (await openTrained(path)).trained };
  const result = existsSync(config)
    ? ((await resumeRun(path, data, hooks)) as RunResult<VaeRunSettings>)
    : await startRun(path, m1Run(settings), data, hooks);
  return result.completed ? { m1: result.trained } : { stopped: result };
}

/** All trainings of a run whose folder is locked. */
async function trainStages(
  folder: RunFolder,
  settings: RunSettings,
  data: RunData,
  hooks: RunHooks,
): Promise<RunResult> {
  const begin = () => hooks.onStage?.({ path: folder.path, settings });
  if (isStacked(settings)) {
    const prepared = await prepareM1(folder, settings, data, hooks);
    if ("stopped" in prepared) return { ...prepared.stopped, folder, settings, trained: undefined };
    begin();
    return trainIn(folder, settings, await stackedTraining(settings, data, prepared.m1), hooks);
  }
  begin();
  if (isM1(settings)) return trainM1(folder, settings, data, hooks);
  return isLabelled(settings)
    ? trainIn(folder, settings, await m2Training(settings, data), hooks)
    : trainIn(folder, settings, await vaeTraining(settings, data), hooks);
}

/** Refuses data and M1 that do not fit the settings, before anything is written. */
function checkSettings(settings: RunSettings, { train }: RunData): void {
  if (isStacked(settings)) {
    const { model, train: how, from } = settings.m1;
    checkData(train, model, how);
    if (from !== undefined) checkM1(from, settings, train);
  } else checkData(train, settings.model, settings.train);
  if (isM1(settings) && settings.m1.from !== undefined) checkM1(settings.m1.from, settings, train);
  if (isLabelled(settings)) checkSupervision(labelledPart(train, settings.labels));
}

/** M1 must know the rows to learn from, and none that are held out. @throws UsageError */
function checkM1(from: string, settings: RunSettings, train: Dataset): void {
  const m1 = readRun(from).settings;
  const shape = (of: RunSettings) => `[${of.model.shape.join(", ")}]`;
  if (m1.model.model !== "vae" && m1.model.model !== "m1") {
    throw new UsageError(`--m1 ${from}: expected the run of a vae, found one of ${m1.model.model}.`);
  }
  if (shape(m1) !== shape(settings)) {
    throw new UsageError(
      `--m1 ${from}: expected a vae of rows of shape ${shape(settings)}, as those of ${train.name}; found one of ${shape(m1)}.`,
    );
  }
  if (m1.data.fingerprint !== settings.data.fingerprint) {
    const rows = ({ data }: RunSettings) =>
      `${data.trainRows} rows of ${data.name}${data.validation ? `, ${data.validation.count} held out to validate` : ""}`;
    // A vae tests on rows that a model which learns from labels keeps where labels are few.
    const { testFraction } = settings.data;
    const held = testFraction === m1.data.testFraction ? "" : ` and --test-fraction ${testFraction}`;
    throw new UsageError(
      `--m1 ${from}: it was trained on other rows (${rows(m1)}) than these (${rows(settings)}). M1 must have seen the rows to ` +
        `learn from and none that are held out: train it with the same --data and --validation${held}, or leave --m1 out.`,
    );
  }
}

/**
 * Trains a new run in a folder: `config.json` first, then a line of metrics and a checkpoint for each epoch. M1+M2 has M1 in the
 * folder `m1`, a run of its own.
 * @throws UsageError when the folder holds another run (unless `overwrite`), or the data do not fit.
 */
export async function startRun<S extends RunSettings>(
  path: string,
  settings: S,
  data: RunData,
  options: RunHooks & { readonly overwrite?: boolean } = {},
): Promise<RunResult<S>> {
  preloadNative();
  checkSettings(settings, data);
  const folder = createRun(path, settings, { overwrite: options.overwrite ?? false });
  try {
    return (await trainStages(folder, settings, data, options)) as RunResult<S>;
  } finally {
    folder.lock.release();
  }
}

/**
 * Goes on with a run from its last checkpoint to its last epoch, as if it had never stopped. `epochs` may ask for more of
 * them, which `config.json` then says (with a constant learning rate; a schedule would have been another from the start).
 * @throws CheckpointError when the data are not those it was trained on, or the checkpoint is damaged.
 * @throws UsageError for fewer epochs than the run's, or more with a schedule.
 */
export async function resumeRun(
  path: string,
  data: RunData,
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
    return await trainStages(run, settings, data, hooks);
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
  return { ...settings, train: { ...train, epochs } } as RunSettings;
}
