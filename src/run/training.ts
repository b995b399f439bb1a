/** What each kind of model brings to training in a run's folder: a trainer, and the figures of an epoch. */
import { type Dataset, hasLabels } from "../data/index.ts";
import { NonFiniteError } from "../errors.ts";
import { M2, type Stacked } from "../models/index.ts";
import type { NamedParameter } from "../nn/index.ts";
import { betaAt } from "../train/batches.ts";
import type { Json } from "../train/json.ts";
import type { Progress, Trainer } from "../train/loop.ts";
import type { EpochMetrics } from "../train/metrics-log.ts";
import type { RunData } from "./data.ts";
import { buildModel } from "./model.ts";
import { semiSupervisedTraining, stackOn } from "./semi-supervised.ts";
import type {
  M1RunSettings,
  M2ModelSettings,
  M2RunSettings,
  StackedRunSettings,
  VaeRunSettings,
} from "./settings.ts";
import { labelledPart } from "./supervision.ts";
import { trainerOf } from "./train.ts";
import { type Evaluation, Trained } from "./trained.ts";
import type { TrainedClassifier } from "./trained-classifier.ts";

/** Named figures. */
export type Terms = { readonly [name: string]: number };

/** One line of `metrics.jsonl`. */
export interface EpochLine extends EpochMetrics {
  readonly step: number;
  /** Wall time of training so far, pauses left out. */
  readonly seconds: number;
  readonly train: Terms;
  readonly test: Terms;
  /** Where rows are held out to validate. */
  readonly validation?: Terms;
  readonly learningRate: number;
  readonly activeUnits?: number;
  readonly beta?: number;
}

/** What is measured after an epoch. */
export type EpochFigures = Pick<EpochLine, "train" | "test" | "validation" | "activeUnits" | "beta">;

export interface Training<T> {
  readonly trainer: Trainer;
  /** The model as it trains. */
  readonly trained: T;
  readonly parameters: readonly NamedParameter[];
  /** What a checkpoint must say for the model to be built again, beside the run's settings. */
  readonly built?: { readonly [key: string]: Json };
  figures(progress: Progress): Promise<EpochFigures>;
}

/** The terms of a VAE's epoch: means over steps as the ELBO and its parts. */
function vaeTerms(means: Progress["means"]): Terms {
  const { loss, reconstruction, kl, ...rest } = means;
  if (reconstruction === undefined) return { loss, ...rest };
  if (kl === undefined) return { loss, reconstruction };
  return { loss, elbo: reconstruction - kl, reconstruction, kl };
}

const testTerms = ({ elbo, reconstruction, kl }: Evaluation): Terms =>
  elbo === undefined || kl === undefined ? { reconstruction } : { elbo, reconstruction, kl };

export async function vaeTraining(
  settings: VaeRunSettings | M1RunSettings,
  data: RunData,
): Promise<Training<Trained>> {
  const model = buildModel(settings.model);
  const trainer = await trainerOf(model, data.train, settings.train);
  const trained = new Trained(model, trainer.values(), settings.train);
  return {
    trainer,
    trained,
    parameters: model.parameters,
    async figures({ epoch, step, stepsPerEpoch, means }) {
      const evaluation = await trained.evaluate(data.test ?? data.train);
      if (!Number.isFinite(evaluation.reconstruction)) {
        throw new NonFiniteError(
          `epoch ${epoch}, step ${step - 1}: expected a finite log likelihood of ${data.test ? "the test data" : "the data"}, found ` +
            `${evaluation.reconstruction}; try a lower learning rate or gradient clipping`,
        );
      }
      return {
        train: vaeTerms(means),
        test: data.test ? testTerms(evaluation) : {},
        activeUnits: evaluation.activeUnits,
        beta: betaAt(step - 1, settings.train, stepsPerEpoch),
      };
    },
  };
}

/** M2 as its settings describe it, with fresh parameters. */
export function buildM2({ model: _, shape, ...options }: M2ModelSettings, classes: number): M2 {
  return M2({ ...options, features: shape.reduce((a, b) => a * b, 1), classes });
}

export const m2Training = (settings: M2RunSettings, data: RunData): Promise<Training<TrainedClassifier>> =>
  classifierTraining(buildM2(settings.model, settings.labels.classes.length), settings, data);

/** M2 over `m1`, which was trained before. */
export async function stackedTraining(
  settings: StackedRunSettings,
  data: RunData,
  m1: Trained,
): Promise<Training<TrainedClassifier>> {
  const { model: _, shape: __, ...options } = settings.model;
  const model = await stackOn(m1, data.train, { ...options, classes: settings.labels.classes.length });
  return { ...(await classifierTraining(model, settings, data)), built: { active: [...model.active] } };
}

async function classifierTraining(
  model: M2 | Stacked,
  settings: M2RunSettings | StackedRunSettings,
  data: RunData,
): Promise<Training<TrainedClassifier>> {
  const { epochs, evaluateEvery } = settings.train;
  const { trainer, trained } = await semiSupervisedTraining(
    model,
    labelledPart(data.train, settings.labels),
    settings.train,
  );
  const errorOf = async (part: Dataset | undefined): Promise<Terms | undefined> =>
    part && hasLabels(part) ? { error: await trained.error(part) } : undefined;
  return {
    trainer,
    trained,
    parameters: model.parameters,
    async figures({ epoch, means }) {
      const due = epoch % evaluateEvery === 0 || epoch === epochs;
      const validation = due ? await errorOf(data.validation) : undefined;
      return {
        train: means,
        test: (due ? await errorOf(data.test) : undefined) ?? {},
        ...(validation && { validation }),
      };
    },
  };
}
