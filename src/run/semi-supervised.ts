/** Training M2 and M1+M2 on rows of which few are labelled. */
import {
  binarize,
  checkSupervision,
  type Dataset,
  gaussianMinibatches,
  type Minibatches,
  minibatches,
  type RowOrderOptions,
  rowSize,
  withClasses,
} from "../data/index.ts";
import { UsageError } from "../errors.ts";
import {
  activeDimensions,
  posteriorOf,
  Stacked,
  type StackedOptions,
  selectFeatures,
} from "../models/index.ts";
import { semiSupervisedBatches } from "../train/batches.ts";
import { Trainer, type TrainHooks } from "../train/loop.ts";
import {
  type SemiSupervisedTrainInput,
  type SemiSupervisedTrainSettings,
  semiSupervisedTrainSettings,
} from "../train/settings.ts";
import { parseSettings } from "./settings.ts";
import type { Trained } from "./trained.ts";
import { type ClassifyingModel, TrainedClassifier } from "./trained-classifier.ts";

/** A trainer, and the model as it trains: its parameters are live. */
export interface SemiSupervisedTraining {
  readonly trainer: Trainer;
  readonly trained: TrainedClassifier;
}

const rowsWhere = (labels: Int32Array, keep: (label: number) => boolean): Uint32Array =>
  Uint32Array.from(labels.keys()).filter((row) => keep(labels[row]));

/** Minibatches of what M2 sees: the rows themselves, or draws from M1's posterior, made anew each time. */
async function minibatcher(
  model: ClassifyingModel,
  data: Dataset,
  settings: SemiSupervisedTrainSettings,
): Promise<(options: Omit<RowOrderOptions, "seed">) => Minibatches> {
  const { seed, binarize: how, threads } = settings;
  if (model.kind === "m1m2") {
    const posterior = await posteriorOf(
      model.m1,
      model.frozen,
      data,
      threads === undefined ? {} : { threads },
    );
    const seen = selectFeatures(posterior, model.active);
    return (options) => gaussianMinibatches(seen, { ...options, seed });
  }
  const rows = how === "fixed" ? binarize(data, seed) : data;
  return (options) => minibatches(rows, { ...options, seed, binarize: how });
}

/**
 * Compiles the training of a model on data whose unlabelled rows have label -1.
 * @throws DataError when the labels do not allow it, UsageError when rows or classes and model do not fit.
 */
export async function semiSupervisedTraining(
  model: ClassifyingModel,
  data: Dataset,
  settings: SemiSupervisedTrainSettings,
): Promise<SemiSupervisedTraining> {
  checkSupervision(data);
  const { labels, classes } = withClasses(data);
  if (classes.length !== model.classes) {
    throw new UsageError(`${data.name}: has ${classes.length} classes, the model ${model.classes}.`);
  }
  if (rowSize(data.shape) !== model.features) {
    throw new UsageError(
      `${data.name}: rows of shape [${data.shape.join(", ")}] hold ${rowSize(data.shape)} values, the model takes ${model.features}.`,
    );
  }
  const batches = await minibatcher(model, data, settings);
  const rows = {
    labelled: rowsWhere(labels, (label) => label >= 0),
    unlabelled: rowsWhere(labels, (label) => label < 0),
  };
  const labelled = batches({ batch: settings.labelledBatch, site: "labelled/", subset: rows.labelled });
  const unlabelled =
    rows.unlabelled.length === 0 ? undefined : batches({ batch: settings.batch, subset: rows.unlabelled });
  const objective = model.objective({
    labelled: { size: rows.labelled.length, rows: labelled.batch },
    unlabelled: { size: rows.unlabelled.length, rows: unlabelled?.batch ?? 0 },
    alpha: settings.alpha,
    beta: settings.beta,
    ...(settings.warmup > 0 && { warmup: "input" }),
    warmupEntropy: settings.warmupEntropy,
  });
  const trainer = await Trainer.create(
    model.parameters,
    objective,
    semiSupervisedBatches({
      labelled,
      labels,
      classes: classes.length,
      warmup: settings.warmup,
      ...(unlabelled && { unlabelled }),
    }),
    settings,
  );
  return { trainer, trained: new TrainedClassifier(model, trainer.values(), settings, classes) };
}

/**
 * Trains M2 or M1+M2 in memory on data whose unlabelled rows have label -1 (see `hideLabels`).
 *
 * @example
 * const { train: digits, test } = await loadData("mnist");
 * const few = hideLabels(digits, drawLabels(digits, { labels: 100 }).labelled);
 * const trained = await trainSemiSupervised(M2({ features: 784, classes: 10 }), few, { epochs: 50, schedule: "cosine" });
 * console.log(await trained.error(test));
 *
 * @throws UsageError for settings out of range, DataError when the labels do not allow it.
 * @throws NonFiniteError naming the epoch, the step and what stopped being finite.
 */
export async function trainSemiSupervised(
  model: ClassifyingModel,
  data: Dataset,
  settings: SemiSupervisedTrainInput = {},
  hooks: TrainHooks = {},
): Promise<TrainedClassifier> {
  const checked = parseSettings(semiSupervisedTrainSettings, settings);
  const { trainer, trained } = await semiSupervisedTraining(model, data, checked);
  await trainer.run(hooks);
  return trained;
}

/**
 * M1+M2 over a trained VAE: its encoder is run once over the data to see which of its dimensions are active.
 *
 * @example
 * const m1 = await train(VAE({ shape: [28, 28], latent: 50, hidden: [500, 500] }), digits, { epochs: 100 });
 * const trained = await trainSemiSupervised(await stackOn(m1, digits, { classes: 10 }), few, { epochs: 200, lr: 3e-3 });
 *
 * @throws UsageError when M1 is no VAE, or none of its dimensions is active.
 */
export async function stackOn(
  m1: Trained,
  data: Dataset,
  options: Omit<StackedOptions, "m1" | "frozen" | "active"> & { readonly keepInactive?: boolean },
): Promise<Stacked> {
  const { model, parameters, settings } = m1;
  if (model.kind !== "vae") throw new UsageError(`m1m2: expected M1 to be a vae, found an ${model.kind}.`);
  const { keepInactive = false, ...rest } = options;
  const { threads } = settings;
  const posterior = await posteriorOf(model, parameters, data, threads === undefined ? {} : { threads });
  return Stacked({
    ...rest,
    m1: model,
    frozen: parameters,
    ...(!keepInactive && { active: activeDimensions(posterior) }),
  });
}
