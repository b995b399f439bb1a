/** Trains in memory. */
import type { z } from "zod";
import { type Dataset, fingerprint, withClasses } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import type { Checkpoint } from "../files/index.ts";
import {
  binarizationOf,
  type ClassifyingModel,
  checkObservation,
  declarationOf,
  defaultsOf,
  type EpochFigures,
  IN_MEMORY,
  type Kind,
  kindOf,
  type Model,
  merge,
  parseSettings,
  type RunSettings,
  remember,
  type SemiSupervisedTrainSettings,
  schemaOf,
  type Trained,
  type TrainedClassifier,
  type TrainedModel,
  type Training,
  type TrainSettings,
  traitsOf,
} from "../kinds/index.ts";
import type { DeterministicAutoencoder, LikelihoodName, Vae } from "../models/index.ts";
import { alone, fromFirst, type Ranks } from "../mpi/index.ts";
import { checkOptions, rulesOf } from "../options.ts";
import { bestEpoch, isOver, type Progress, type TrainHooks } from "../train/index.ts";
import { version } from "../version.ts";
import { factsOf } from "./new-run.ts";
import { describePixels } from "./pixel-scale.ts";

/** Training options of a VAE or an autoencoder. Options left out get the defaults of the kind for the data. */
export type TrainInput = Partial<TrainSettings>;
/** Training options of M2 or M1+M2. */
export type SemiSupervisedTrainInput = Partial<SemiSupervisedTrainSettings>;

/** Callbacks during training, and the rows to measure on. */
export interface FitHooks<T> extends Omit<TrainHooks, "onEpoch"> {
  /** Validation rows, measured after each epoch. `patience` uses them. */
  readonly validation?: Dataset;
  /** Ranks that train together, each with the same data; see {@link connectRanks}. Default one process. */
  readonly ranks?: Ranks;
  /** Called and awaited after each epoch, with the current model and, if there are validation rows, their figures. */
  readonly onEpoch?: (
    progress: Progress,
    epoch: { readonly trained: T; readonly figures?: EpochFigures },
  ) => Promise<void> | void;
}

/** A model that can be trained in memory. */
type Trainable = Model & { readonly likelihood: string | { readonly name: string } };

const likelihoodOf = ({ likelihood }: Trainable): LikelihoodName =>
  (typeof likelihood === "string" ? likelihood : likelihood.name) as LikelihoodName;

/** The settings of a model's training: checked, with the defaults of its kind for the data. */
function settingsOf(
  model: Trainable,
  data: Dataset,
  given: TrainInput | SemiSupervisedTrainInput,
): RunSettings["train"] {
  const { settings, constraint } = declarationOf(model.kind);
  checkOptions("train", given, rulesOf(settings.train));
  const likelihood = likelihoodOf(model);
  const labels = data.labels?.filter((label) => label >= 0).length ?? 0;
  const facts = factsOf(data, likelihood === "table", labels);
  const defaults = {
    ...defaultsOf(settings.train, facts),
    binarize: binarizationOf(traitsOf(data), likelihood),
  };
  const schema = schemaOf(settings.train) as unknown as z.ZodType<TrainSettings>;
  const train = parseSettings(schema, merge(defaults, given));
  checkObservation(data, { likelihood, binarize: train.binarize });
  const broken = constraint?.({ train });
  if (broken !== undefined) throw new UsageError(`train: ${broken.replace(/^train\./, "")}.`);
  return train;
}

/** @throws UsageError, the same on every rank, when a rank has another model, other rows or settings. */
async function checkOnRanks(
  ranks: Ranks | undefined,
  model: Trainable,
  data: Dataset,
  settings: RunSettings["train"],
  kind: Kind,
): Promise<void> {
  if (ranks === undefined || ranks.size === 1) return;
  (await import("./ranks.ts")).checkRanks(ranks, inMemory(model, data, settings, kind));
}

/** Settings of a run on data in memory. */
function inMemory(model: Trainable, data: Dataset, train: RunSettings["train"], kind: Kind): RunSettings {
  const { labels, classes } = kind.declaration.settings.labels ? withClasses(data) : {};
  const described = merge(kind.describe?.(model) ?? {}, {
    model: { model: model.kind, shape: [...data.shape] },
  });
  return {
    version: version(),
    createdAt: new Date().toISOString(),
    command: "train(), in a program",
    data: {
      spec: IN_MEMORY,
      name: data.name,
      ...describePixels(data),
      ...(data.columns && { columns: [...data.columns] }),
      trainRows: data.rows,
      testRows: 0,
      fingerprint: fingerprint(data),
    },
    ...(described as Pick<RunSettings, "model">),
    ...(classes && {
      labels: {
        seed: 0,
        shown: labels?.filter((label) => label >= 0).length ?? 0,
        classes: [...classes],
      },
    }),
    train,
  };
}

/**
 * Compiles the training of a model, for your own loop. Returns the trainer, and the model that it trains.
 *
 * @example
 * const { trainer, trained } = await compileTraining(VAE({ shape: [28, 28] }), digits, { epochs: 10 });
 * for (let step = 0; step < 100; step++) console.log(await trainer.next());
 *
 * @throws UsageError when settings are out of range or the data do not fit the model.
 */
export function compileTraining(
  model: Vae | DeterministicAutoencoder,
  data: Dataset,
  settings?: TrainInput,
  options?: { readonly ranks?: Ranks },
): Promise<Training<Trained>>;
export function compileTraining(
  model: ClassifyingModel,
  data: Dataset,
  settings?: SemiSupervisedTrainInput,
  options?: { readonly ranks?: Ranks },
): Promise<Training<TrainedClassifier>>;
export async function compileTraining(
  model: Trainable,
  data: Dataset,
  given: TrainInput | SemiSupervisedTrainInput = {},
  { ranks }: { readonly ranks?: Ranks } = {},
): Promise<Training<TrainedModel>> {
  const settings = settingsOf(model, data, given);
  const kind = await kindOf(model.kind);
  await checkOnRanks(ranks, model, data, settings, kind);
  return kind.training(model, data, settings, ranks);
}

/**
 * Trains a model in memory. M2 and M1+M2 learn from data whose unlabelled rows have label -1 (see `hideLabels`).
 *
 * @example
 * const { train: digits, test } = await loadData("mnist");
 * const vae = VAE({ shape: digits.shape, latent: 20, hidden: [400] });
 * const trained = await train(vae, digits, { epochs: 10, batch: 128, lr: 1e-3, seed: 0 });
 * console.log(await trained.evaluate(test));
 *
 * @example
 * const few = hideLabels(digits, drawLabels(digits, { labels: 100 }).labelled);
 * const m2 = await train(M2({ features: 784, classes: 10 }), few, { epochs: 50 });
 * console.log(await m2.error(test));
 *
 * @throws UsageError when settings are out of range or the data do not fit the model.
 * @throws DataError when the labels do not allow it.
 * @throws NonFiniteError when a value stops being finite; the message names the epoch, the step and the value.
 */
export function train(
  model: Vae | DeterministicAutoencoder,
  data: Dataset,
  settings?: TrainInput,
  hooks?: FitHooks<Trained>,
): Promise<Trained>;
export function train(
  model: ClassifyingModel,
  data: Dataset,
  settings?: SemiSupervisedTrainInput,
  hooks?: FitHooks<TrainedClassifier>,
): Promise<TrainedClassifier>;
export async function train(
  model: Trainable,
  data: Dataset,
  given: TrainInput | SemiSupervisedTrainInput = {},
  hooks: FitHooks<never> = {},
): Promise<TrainedModel> {
  const { validation, onEpoch, signal, onStep, ranks } = hooks;
  const settings = settingsOf(model, data, given);
  const { patience } = settings;
  if (patience !== undefined && validation === undefined) {
    throw new UsageError(
      `train: patience ${patience}: expected validation rows to decide when to stop; found none. ` +
        "Pass them too: train(model, data, { patience }, { validation }).",
    );
  }
  const kind = await kindOf(model.kind);
  await checkOnRanks(ranks, model, data, settings, kind);
  const { trainer, trained } = await kind.training(model, data, settings, ranks);
  const held = validation && { train: data, test: validation, validation };
  const epochs: (EpochFigures & { readonly epoch: number })[] = [];
  const enough = new AbortController();
  let best: Checkpoint | undefined;
  await trainer.run({
    ...(onStep && { onStep }),
    signal: signal ? AbortSignal.any([signal, enough.signal]) : enough.signal,
    async onEpoch(progress) {
      // Measuring only needs the training settings.
      const own = held && (await kind.figures(trained, held, { train: settings } as RunSettings, progress));
      // Ranks may have other validation rows, and all must stop after the same epoch.
      const figures = own && fromFirst(ranks ?? alone, own);
      if (figures) epochs.push({ epoch: progress.epoch, ...figures });
      if (patience !== undefined && bestEpoch(epochs) === progress.epoch) {
        best = trainer.checkpoint();
      }
      await onEpoch?.(progress, { trained: trained as never, ...(figures && { figures }) });
      if (patience !== undefined && isOver(epochs, patience)) enough.abort();
    },
  });
  if (best) trainer.restore(best);
  const { epoch, step } = trainer.progress;
  remember(trained, { settings: inMemory(model, data, settings, kind), epoch, step });
  return trained;
}
