/** Opening trained runs. */
import { CheckpointError, UsageError } from "../errors.ts";
import { type ParameterValues, Stacked } from "../models/index.ts";
import type { NamedParameter } from "../nn/index.ts";
import { type Checkpoint, loadCheckpoint } from "../train/checkpoint.ts";
import { openRun, type RunFolder } from "../train/run-folder.ts";
import { loadLabelled } from "./labelled-rows.ts";
import { buildModel } from "./model.ts";
import {
  isLabelled,
  isM1,
  isStacked,
  type LabelledRunSettings,
  type M1RunSettings,
  type RunSettings,
  runSettings,
  type StackedModelSettings,
  type VaeRunSettings,
} from "./settings.ts";
import { Trained } from "./trained.ts";
import { TrainedClassifier } from "./trained-classifier.ts";
import { TrainedM1 } from "./trained-m1.ts";
import { buildM2 } from "./training.ts";

/** Reads a run's settings. @throws CheckpointError naming file and field when they are missing or damaged. */
export const readRun = (path: string): RunFolder & { readonly settings: RunSettings } =>
  openRun(path, runSettings);

/** A run that can be used. */
export interface OpenedRun<S extends RunSettings, T> {
  readonly run: RunFolder & { readonly settings: S };
  readonly trained: T;
  readonly epoch: number;
}

/** A checkpoint's values of a model's parameters. @throws CheckpointError when it is of another architecture. */
function valuesOf(
  path: string,
  checkpoint: Checkpoint,
  parameters: readonly NamedParameter[],
): ParameterValues {
  const stored = new Map([...checkpoint.tensors, ...checkpoint.buffers].map((t) => [t.name, t]));
  return new Map(
    parameters.map(({ name, tensor }) => {
      const found = stored.get(name);
      const expected = `[${tensor.shape.join(", ")}]`;
      if (found === undefined || found.shape.join() !== tensor.shape.join()) {
        throw new CheckpointError(
          `${path}: tensor "${name}": expected shape ${expected}, found ` +
            `${found === undefined ? "no such tensor" : `[${found.shape.join(", ")}]`}; the checkpoint is of another architecture`,
        );
      }
      return [tensor, found.data] as const;
    }),
  );
}

/**
 * Opens a trained VAE (that of M1 too) or autoencoder to use it.
 * @throws CheckpointError when the run has no checkpoint yet, or one of another architecture.
 * @throws UsageError when it is of a model that learns from labels.
 */
export async function openTrained(path: string): Promise<OpenedRun<VaeRunSettings | M1RunSettings, Trained>> {
  const { settings, ...folder } = readRun(path);
  if (isLabelled(settings) && !isM1(settings)) {
    const way =
      settings.model.model === "m1m2"
        ? `Its M1 is one: give ${folder.m1}.`
        : "It can be classified with, evaluated and sampled.";
    throw new UsageError(
      `${path}: expected the run of a vae or an autoencoder, found one of ${settings.model.model}. ${way}`,
    );
  }
  const checkpoint = loadCheckpoint(folder.checkpoint);
  const model = buildModel(settings.model);
  const parameters = valuesOf(folder.checkpoint, checkpoint, model.parameters);
  return {
    run: { ...folder, settings },
    trained: new Trained(model, parameters, settings.train),
    epoch: checkpoint.epoch,
  };
}

/**
 * Opens a run that learnt from labels, to classify with it.
 * @throws CheckpointError when the run has no checkpoint yet, or one of another architecture.
 * @throws UsageError when it is of a model that knows no classes.
 */
export async function openClassifier(
  path: string,
): Promise<OpenedRun<LabelledRunSettings, TrainedClassifier | TrainedM1>> {
  const { settings, ...folder } = readRun(path);
  if (!isLabelled(settings)) {
    throw new UsageError(
      `${path}: expected the run of a model that learns from labels, m1, m2 or m1m2; found one of ${settings.model.model}.`,
    );
  }
  const { classes } = settings.labels;
  if (isM1(settings)) {
    const { trained, epoch } = await openTrained(path);
    const labelled = loadLabelled(folder.labelled, classes.length);
    const m1 = new TrainedM1(trained, labelled, settings.classifiers, classes);
    return { run: { ...folder, settings }, trained: m1, epoch };
  }
  const checkpoint = loadCheckpoint(folder.checkpoint);
  const model = isStacked(settings)
    ? await stackedOf(folder, settings.model, checkpoint, classes.length)
    : buildM2(settings.model, classes.length);
  const parameters = valuesOf(folder.checkpoint, checkpoint, model.parameters);
  return {
    run: { ...folder, settings },
    trained: new TrainedClassifier(model, parameters, settings.train, classes),
    epoch: checkpoint.epoch,
  };
}

async function stackedOf(
  { m1: path }: RunFolder,
  { latent, hidden, activation }: StackedModelSettings,
  { metadata }: Checkpoint,
  classes: number,
): Promise<Stacked> {
  const { trained } = await openTrained(path);
  if (trained.model.kind !== "vae" || !Array.isArray(metadata.active)) {
    throw new CheckpointError(
      `${path}: expected M1 to be a vae, and a checkpoint that says which of its dimensions M2 sees; it is damaged`,
    );
  }
  const active = metadata.active.map(Number);
  const { model: m1, parameters: frozen } = trained;
  return Stacked({ m1, frozen, active, classes, latent, hidden, activation });
}
