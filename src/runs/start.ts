/** Training in the folder of a run: new, or from where it stopped. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { preloadNative } from "../compile/index.ts";
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
import { checkFingerprint } from "./data.ts";
import { openRun, readRun, storedOf } from "./open.ts";
import { type EpochLine, type RunHooks, type RunResult, trainIn } from "./train-in.ts";

type Run = RunFolder & { readonly settings: RunSettings };

/** The path of the reused run, if there is one. */
const reusedFrom = (settings: RunSettings, { from }: BaseDeclaration): string | undefined => {
  const found = at(settings, from);
  return typeof found === "string" ? found : undefined;
};

/** Copies files of a run, so that the folder stands alone. The checkpoint comes last: with it the copy is whole. */
function copyRun(from: string, to: string, files: readonly string[] = []): void {
  mkdirSync(to, { recursive: true });
  for (const file of [...files, "metrics.jsonl", "best.safetensors", "checkpoint.safetensors"]) {
    const source = join(from, file);
    if (existsSync(source)) writeDurably(join(to, file), readFileSync(source));
  }
}

/** The result of a training that was done elsewhere, whose files are copied. */
async function asTrained(run: Run, kind: Kind, from: string): Promise<RunResult> {
  if (!existsSync(run.checkpoint)) copyRun(from, run.path);
  const history = readMetricsLog(run.metrics) as readonly EpochLine[];
  if (kind.adopt === undefined) throw new InternalError(`${run.path}: its kind takes no run of another`);
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

/** The run that another is built on, in a folder of its own: opened, copied, trained or trained further. */
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
  if (from !== undefined && !existsSync(checkpoint))
    copyRun(from, path, ["config.json", ...ownedByKinds.files]);
  const done =
    existsSync(checkpoint) && (from !== undefined || loadCheckpoint(checkpoint).epoch >= below.train.epochs);
  if (done) return { trained: (await openRun(path)).trained };
  const result = existsSync(config)
    ? await resumeRun(path, data, hooks)
    : await startRun(path, below, data, hooks);
  return result.completed && result.trained ? { trained: result.trained } : { stopped: result };
}

/** A kind's training of a run. */
async function trainingOf(kind: Kind, settings: RunSettings, data: RunData, base?: TrainedModel) {
  const model = await kind.build(settings, data, base);
  const rows = learnsFromLabels(settings) ? labelledPart(data.train, settings.labels) : data.train;
  const training = await kind.training(model, rows, settings.train);
  return {
    ...training,
    ...(kind.built && { built: kind.built(model) }),
    figures: (progress: Parameters<Kind["figures"]>[3]) =>
      kind.figures(training.trained, data, settings, progress),
  };
}

/** All trainings of a run whose folder is locked. */
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
      ? await trainIn(folder, settings, await trainingOf(kind, settings, data, below), hooks)
      : await asTrained(run, kind, from);
  if (result.completed && result.trained) await kind.finish?.(result.trained, data, run);
  return result;
}

/** Refuses data, and a run to be built on, that do not fit the settings, before anything is written. */
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

/** A run that is built on must know the rows to learn from, and none that are held out. @throws UsageError */
function checkBase(from: string, base: BaseDeclaration, settings: RunSettings, train: Dataset): void {
  const found = readRun(from).settings;
  const shape = (of: RunSettings) => `[${of.model.shape.join(", ")}]`;
  const option = `\`${base.from}: "${from}"\``;
  if (!base.kinds.includes(found.model.model)) {
    throw new UsageError(
      `${option}: expected the run of a kind that can be built on, ${listed(base.kinds, "or")}; found one of ${found.model.model}.`,
    );
  }
  if (shape(found) !== shape(settings)) {
    throw new UsageError(
      `${option}: expected a run of rows of shape ${shape(settings)}, as those of ${train.name}; found one of ${shape(found)}.`,
    );
  }
  if (found.data.fingerprint !== settings.data.fingerprint) {
    const rows = ({ data }: RunSettings) =>
      `${data.trainRows} rows of ${data.name}${data.validation ? `, ${data.validation.count} held out to validate` : ""}`;
    // A model without labels tests on rows that one which learns from labels keeps where labels are few.
    const { testFraction } = settings.data;
    const held = testFraction === found.data.testFraction ? "" : ` and \`testFraction: ${testFraction}\``;
    throw new UsageError(
      `${option}: it was trained on other rows (${rows(found)}) than these (${rows(settings)}). It must have seen the rows to ` +
        `learn from and none that are held out: train it with the same \`data\` and \`validation\`${held}, or leave it out.`,
    );
  }
}

/**
 * Trains a new run in a folder: `config.json` first, then a line of metrics and a checkpoint for each epoch. A run that it is built on
 * has a folder of its own within.
 * @throws UsageError when the folder holds another run (unless `overwrite`), or the data do not fit.
 */
export async function startRun(
  path: string,
  settings: RunSettings,
  data: RunData,
  options: RunHooks & { readonly overwrite?: boolean } = {},
): Promise<RunResult> {
  preloadNative();
  await checkSettings(settings, data);
  const { overwrite = false, ...hooks } = options;
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

function withEpochs(settings: RunSettings, epochs: number | undefined): RunSettings {
  const { train } = settings;
  if (epochs === undefined || epochs === train.epochs) return settings;
  if (epochs < train.epochs) {
    throw new UsageError(
      `\`epochs: ${epochs}\`: expected at least the ${train.epochs} epochs that the run was started with. ` +
        "To stop earlier, stop it; for a shorter run, start a new one.",
    );
  }
  if (train.schedule !== "constant") {
    throw new UsageError(
      `\`epochs: ${epochs}\`: the run's learning rate follows a ${train.schedule} schedule over its ${train.epochs} epochs, ` +
        "so more of them would have been another run from the start. Start a new run.",
    );
  }
  return { ...settings, train: { ...train, epochs } };
}
