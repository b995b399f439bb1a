/** Trains in a run's folder: a new run, or one that stopped. */
import { existsSync, mkdirSync, readFileSync } from "#platform/files";
import { join } from "#platform/paths";
import { type Device, deviceRule, preloadNative } from "../compile/index.ts";
import { checkSupervision, type Dataset } from "../data/index.ts";
import { InternalError, UsageError } from "../errors.ts";
import {
  createRun,
  type Json,
  loadCheckpoint,
  lockRun,
  type RunFolder,
  readMetricsLog,
  runFolder,
  toJson,
  writeDurably,
} from "../files/index.ts";
import {
  at,
  type BaseDeclaration,
  declarationOf,
  type Kind,
  kindOf,
  labelledPart,
  learnsFromLabels,
  listed,
  ownedByKinds,
  type RunData,
  type RunSettings,
  type TrainedModel,
} from "../kinds/index.ts";
import { alone, fromFirst, type Ranks } from "../mpi/index.ts";
import { anything, callback, checkOptions, flag, type OptionRules, whole } from "../options.ts";
import { checkFingerprint } from "./data.ts";
import { openRun, readOnFirst, readRun, storedOf } from "./open.ts";
import { checkRanks, readOnRanks } from "./ranks.ts";
import { type EpochLine, type RunHooks, type RunResult, trainIn } from "./train-in.ts";

type Run = RunFolder & { readonly settings: RunSettings };

/** The path of the reused run, if there is one. */
const reusedFrom = (settings: RunSettings, { from }: BaseDeclaration): string | undefined => {
  const found = at(settings, from);
  return typeof found === "string" ? found : undefined;
};

/** Copies files of a run, so that the folder is complete by itself. The checkpoint comes last: it marks the copy as complete. */
function copyRun(from: string, to: string, files: readonly string[] = []): void {
  mkdirSync(to, { recursive: true });
  for (const file of [...files, "metrics.jsonl", "best.safetensors", "checkpoint.safetensors"]) {
    const source = join(from, file);
    if (existsSync(source)) writeDurably(join(to, file), readFileSync(source));
  }
}

/** The result of a training whose files were copied from another run. */
async function asTrained(run: Run, kind: Kind, from: string, ranks: Ranks = alone): Promise<RunResult> {
  if (ranks.rank === 0 && !existsSync(run.checkpoint)) copyRun(from, run.path);
  ranks.barrier();
  const history = readMetricsLog(run.metrics) as readonly EpochLine[];
  if (kind.adopt === undefined) throw new InternalError(`${run.path}: its kind cannot reuse another run`);
  return {
    folder: run,
    settings: run.settings,
    trained: kind.adopt(storedOf(run).stored),
    completed: true,
    stage: { path: run.path, settings: run.settings },
    steps: loadCheckpoint(run.checkpoint).step,
    history,
    seconds: history.at(-1)?.seconds ?? 0,
  };
}

/** Prepares the run that another is built on, in its own folder: opens, copies, trains or continues it. */
async function prepareBase(
  path: string,
  base: BaseDeclaration,
  own: RunSettings,
  below: RunSettings,
  data: RunData,
  hooks: RunHooks,
): Promise<{ readonly trained: TrainedModel } | { readonly stopped: RunResult }> {
  const from = reusedFrom(own, base);
  const { checkpoint, config } = runFolder(path);
  const { ranks = alone } = hooks;
  const writes = ranks.rank === 0;
  if (writes && from !== undefined && !existsSync(checkpoint))
    copyRun(from, path, ["config.json", ...ownedByKinds.files]);
  const done = fromFirst(
    ranks,
    writes &&
      existsSync(checkpoint) &&
      (from !== undefined || loadCheckpoint(checkpoint).epoch >= below.train.epochs),
  );
  if (done) return { trained: (await readOnRanks(ranks, path, () => openRun(path))).trained };
  const result = fromFirst(ranks, existsSync(config))
    ? await resumeRun(path, data, hooks)
    : await startRun(path, below, data, hooks);
  return result.completed && result.trained ? { trained: result.trained } : { stopped: result };
}

/** The training of a run by its kind. */
async function trainingOf(
  kind: Kind,
  settings: RunSettings,
  data: RunData,
  base: TrainedModel | undefined,
  ranks: Ranks | undefined,
) {
  const model = await kind.build(settings, data, base);
  const rows = learnsFromLabels(settings) ? labelledPart(data.train, settings.labels) : data.train;
  const training = await kind.training(model, rows, settings.train, ranks);
  return {
    ...training,
    ...(kind.built && { built: kind.built(model) }),
    figures: (progress: Parameters<Kind["figures"]>[3]) =>
      kind.figures(training.trained, data, settings, progress),
  };
}

/** All trainings of a run. Its folder must be locked. */
async function trainStages(run: Run, data: RunData, hooks: RunHooks): Promise<RunResult> {
  const { settings, ...folder } = run;
  const { name, base } = declarationOf(settings.model.model);
  const kind = await kindOf(name);
  const begin = () => hooks.onStage?.({ path: run.path, settings });
  let below: TrainedModel | undefined;
  if (base?.folder !== undefined && kind.baseRun !== undefined) {
    const path = join(run.path, base.folder);
    const prepared = await prepareBase(path, base, settings, kind.baseRun(settings), data, hooks);
    if ("stopped" in prepared) {
      const { trained: _, ...stopped } = prepared.stopped;
      return { ...stopped, folder, settings };
    }
    below = prepared.trained;
  }
  begin();
  const from = base !== undefined && base.folder === undefined ? reusedFrom(settings, base) : undefined;
  const result =
    from === undefined
      ? await trainIn(folder, settings, await trainingOf(kind, settings, data, below, hooks.ranks), hooks)
      : await asTrained(run, kind, from, hooks.ranks);
  if (result.completed && result.trained && (hooks.ranks?.rank ?? 0) === 0)
    await kind.finish?.(result.trained, data, run);
  return result;
}

/** Checks that the data and the base run fit the settings, before anything is written. */
async function checkSettings(settings: RunSettings, { train, validation }: RunData): Promise<void> {
  const { name, base } = declarationOf(settings.model.model);
  (await kindOf(name)).checkRows(settings, train);
  const from = base && reusedFrom(settings, base);
  if (base && from !== undefined) checkBase(from, base, settings, train);
  if (settings.train.patience !== undefined && validation === undefined) {
    throw new UsageError(
      `\`patience: ${settings.train.patience}\`: expected rows held out to validate, by which training stops; found none. Add \`validation: 1000\`, say.`,
    );
  }
  if (learnsFromLabels(settings)) checkSupervision(labelledPart(train, settings.labels));
}

/** The base run must have been trained on the training rows and on no held-out rows. @throws UsageError when it was not. */
function checkBase(from: string, base: BaseDeclaration, settings: RunSettings, train: Dataset): void {
  const found = readRun(from).settings;
  const shape = (of: RunSettings) => `[${of.model.shape.join(", ")}]`;
  const option = `\`${base.from}: "${from}"\``;
  if (!base.kinds.includes(found.model.model)) {
    throw new UsageError(
      `${option}: expected a run of ${listed(base.kinds, "or")} to build on; found one of ${found.model.model}.`,
    );
  }
  if (shape(found) !== shape(settings)) {
    throw new UsageError(
      `${option}: expected a run on rows of shape ${shape(settings)}, like those of ${train.name}; found ${shape(found)}.`,
    );
  }
  if (found.data.fingerprint !== settings.data.fingerprint) {
    const rows = ({ data }: RunSettings) =>
      `${data.trainRows} rows of ${data.name}${data.validation ? `, ${data.validation.count} held out for validation` : ""}`;
    // If labels are few, a model without labels tests on rows that one with labels trains on.
    const { testFraction } = settings.data;
    const held = testFraction === found.data.testFraction ? "" : ` and \`testFraction: ${testFraction}\``;
    throw new UsageError(
      `${option}: it was trained on other rows (${rows(found)}) than these (${rows(settings)}). It must have been trained ` +
        `on the training rows and on no held-out rows: train it with the same \`data\` and \`validation\`${held}, or leave it out.`,
    );
  }
}

const hookRules: OptionRules<RunHooks> = {
  onStep: callback,
  onEpoch: callback,
  onStage: callback,
  onStart: callback,
  onEpochLogged: callback,
  signal: anything,
  ranks: anything,
};

/**
 * Trains a new run in a folder: writes `config.json` first, then a line of metrics and a checkpoint for each epoch. Its base run has a
 * folder inside.
 * @throws UsageError when the folder holds another run (unless `overwrite`), or the data do not fit.
 */
export async function startRun(
  path: string,
  settings: RunSettings,
  data: RunData,
  options: RunHooks & { readonly overwrite?: boolean } = {},
): Promise<RunResult> {
  checkOptions("startRun", options, { ...hookRules, overwrite: flag });
  preloadNative();
  await checkSettings(settings, data);
  const { overwrite = false, ...hooks } = options;
  const { ranks = alone } = hooks;
  checkRanks(ranks, settings);
  if (ranks.rank > 0) return trainStages({ ...runFolder(path), settings }, data, hooks);
  const folder = createRun(path, settings as unknown as { readonly [key: string]: Json }, {
    overwrite,
    ...ownedByKinds,
  });
  try {
    return await trainStages({ ...folder, settings }, data, hooks);
  } finally {
    folder.lock.release();
  }
}

/** What may change when a run continues, and callbacks. */
export interface ContinueOptions extends RunHooks {
  /** More epochs than before. They need a constant learning rate, because a schedule would have been different from the start. Default: the run's. */
  readonly epochs?: number;
  /** Threads within an operation. Default: the run's. */
  readonly threads?: number;
  /** Where steps run. Default: the run's. */
  readonly device?: Device;
}

const continueRules: OptionRules<ContinueOptions> = {
  ...hookRules,
  epochs: whole(1),
  threads: whole(1),
  device: deviceRule,
};

/**
 * Writes a run's settings into its new folder, to be trained later by {@link resumeRun}, by this process or another.
 * @throws UsageError when data and settings do not fit, or the folder has files.
 */
export async function prepareRun(path: string, settings: RunSettings, data: RunData): Promise<void> {
  await checkSettings(settings, data);
  const config = settings as unknown as { readonly [key: string]: Json };
  createRun(path, config, ownedByKinds).lock.release();
}

/**
 * Continues a run from its last checkpoint to its last epoch, as if it had never stopped. If an option changes its settings,
 * `config.json` is updated.
 * @throws CheckpointError when the data are not those it was trained on, or the checkpoint is damaged.
 * @throws UsageError when `epochs` is less than the run's, or more with a schedule.
 */
export async function resumeRun(
  path: string,
  data: RunData,
  options: ContinueOptions = {},
): Promise<RunResult> {
  checkOptions("resumeRun", options, continueRules);
  const { epochs, threads, device, ...hooks } = options;
  preloadNative();
  const { ranks = alone } = hooks;
  const run = readOnFirst(ranks, path);
  checkFingerprint(run.settings, data.train);
  const settings = placed(withEpochs(run.settings, epochs), { threads, device });
  checkRanks(ranks, settings);
  if (ranks.rank > 0) return trainStages({ ...run, settings }, data, hooks);
  const lock = lockRun(run);
  try {
    if (settings !== run.settings) {
      const config = JSON.parse(readFileSync(run.config, "utf8")) as Record<string, Json>;
      writeDurably(
        run.config,
        `${toJson({ ...config, train: settings.train as unknown as Json }, "config", 2)}\n`,
      );
    }
    return await trainStages({ ...run, settings }, data, hooks);
  } finally {
    lock.release();
  }
}

function placed(
  settings: RunSettings,
  { threads, device }: { readonly threads: number | undefined; readonly device: Device | undefined },
): RunSettings {
  const { train } = settings;
  if ((threads ?? train.threads) === train.threads && (device ?? train.device) === train.device)
    return settings;
  return {
    ...settings,
    train: { ...train, ...(threads !== undefined && { threads }), ...(device !== undefined && { device }) },
  };
}

function withEpochs(settings: RunSettings, epochs: number | undefined): RunSettings {
  const { train } = settings;
  if (epochs === undefined || epochs === train.epochs) return settings;
  if (epochs < train.epochs) {
    throw new UsageError(
      `\`epochs: ${epochs}\`: expected at least the ${train.epochs} epochs that the run was started with. ` +
        "To stop earlier, press Ctrl-C; for a shorter run, start a new one.",
    );
  }
  if (train.schedule !== "constant") {
    throw new UsageError(
      `\`epochs: ${epochs}\`: the run's learning rate follows a ${train.schedule} schedule over its ${train.epochs} epochs, ` +
        "so with more epochs it would have been different from the start. Start a new run.",
    );
  }
  return { ...settings, train: { ...train, epochs } };
}
