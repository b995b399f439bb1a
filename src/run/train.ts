/** Training a VAE or an autoencoder. */
import { binarize, type Dataset } from "../data/index.ts";
import { datasetBatches } from "../train/batches.ts";
import { Trainer, type TrainHooks } from "../train/loop.ts";
import { type TrainInput, type TrainSettings, trainSettings } from "../train/settings.ts";
import { type AnyModel, checkData, objectiveOf } from "./model.ts";
import { parseSettings } from "./settings.ts";
import { Trained } from "./trained.ts";

/** Checks settings as a caller wrote them and fills in the defaults. @throws UsageError naming the field. */
export const parseTrainSettings = (input: TrainInput): TrainSettings => parseSettings(trainSettings, input);

/** Compiles the training of a model. @throws UsageError when the data do not fit it. */
export async function trainerOf(model: AnyModel, data: Dataset, settings: TrainSettings): Promise<Trainer> {
  const rows = settings.binarize === "fixed" ? binarize(data, settings.seed) : data;
  const batches = datasetBatches(model, rows, settings);
  return Trainer.create(model.parameters, objectiveOf(model, settings)(batches.batch), batches, settings);
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
  const trainer = await trainerOf(model, data, checked);
  await trainer.run(hooks);
  return new Trained(model, trainer.values(), checked);
}
