/** Training in memory. */
import type { z } from "zod";
import type { Dataset } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import {
  type ClassifyingModel,
  declarationOf,
  kindOf,
  type Model,
  type SemiSupervisedTrainSettings,
  type Trained,
  type TrainedClassifier,
  type TrainedModel,
  type Training,
  type TrainSettings,
  traitsOf,
} from "../kinds/index.ts";
import { binarizationOf, checkObservation } from "../kinds/observation.ts";
import type { RunSettings } from "../kinds/run-settings.ts";
import { defaultsOf, merge, parseSettings, schemaOf } from "../kinds/settings/setting.ts";
import type { DeterministicAutoencoder, LikelihoodName, Vae } from "../models/index.ts";
import type { TrainHooks } from "../train/loop.ts";
import { factsOf } from "./new-run.ts";

/** How a VAE or an autoencoder is trained, as a caller writes it: what is left out has the default of its kind for the data. */
export type TrainInput = Partial<TrainSettings>;
/** How M2 or M1+M2 is trained, as a caller writes it. */
export type SemiSupervisedTrainInput = Partial<SemiSupervisedTrainSettings>;

/** A model that can be trained in memory. */
type Trainable = Model & { readonly likelihood: string | { readonly name: string } };

const likelihoodOf = ({ likelihood }: Trainable): LikelihoodName =>
  (typeof likelihood === "string" ? likelihood : likelihood.name) as LikelihoodName;

/** Settings of a model's training, checked, with the defaults of its kind for the data. */
function settingsOf(
  model: Trainable,
  data: Dataset,
  given: TrainInput | SemiSupervisedTrainInput,
): RunSettings["train"] {
  const { settings, constraint } = declarationOf(model.kind);
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

/**
 * Compiles the training of a model, for a loop of one's own: the trainer, and the model as it trains.
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
): Promise<Training<Trained>>;
export function compileTraining(
  model: ClassifyingModel,
  data: Dataset,
  settings?: SemiSupervisedTrainInput,
): Promise<Training<TrainedClassifier>>;
export async function compileTraining(
  model: Trainable,
  data: Dataset,
  given: TrainInput | SemiSupervisedTrainInput = {},
): Promise<Training<TrainedModel>> {
  const settings = settingsOf(model, data, given);
  return (await kindOf(model.kind)).training(model, data, settings);
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
 * @throws NonFiniteError naming the epoch, the step and what stopped being finite.
 */
export function train(
  model: Vae | DeterministicAutoencoder,
  data: Dataset,
  settings?: TrainInput,
  hooks?: TrainHooks,
): Promise<Trained>;
export function train(
  model: ClassifyingModel,
  data: Dataset,
  settings?: SemiSupervisedTrainInput,
  hooks?: TrainHooks,
): Promise<TrainedClassifier>;
export async function train(
  model: (Vae | DeterministicAutoencoder) | ClassifyingModel,
  data: Dataset,
  settings: TrainInput | SemiSupervisedTrainInput = {},
  hooks: TrainHooks = {},
): Promise<TrainedModel> {
  const { trainer, trained } = await compileTraining(model as Vae, data, settings as TrainInput);
  await trainer.run(hooks);
  return trained;
}
