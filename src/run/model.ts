import { type Dataset, describe, isBinary } from "../data/index.ts";
import {
  Autoencoder,
  checkLikelihood,
  type DeterministicAutoencoder,
  VAE,
  type Vae,
} from "../models/index.ts";
import type { Objective } from "../optim/step.ts";
import type { TrainSettings } from "../train/settings.ts";
import type { ModelSettings } from "./settings.ts";

export type AnyModel = Vae | DeterministicAutoencoder;

/** The model that settings describe, with fresh parameters. */
export function buildModel({ model, ...options }: ModelSettings): AnyModel {
  return model === "vae" ? VAE(options) : Autoencoder(options);
}

/** Its objective at a minibatch size, with what the settings ask of it. */
export function objectiveOf(model: AnyModel, settings: TrainSettings): (batch: number) => Objective {
  const { bound, form, samples, beta, warmup, freeBits } = settings;
  if (model.kind === "autoencoder") return (batch) => model.objective({ batch });
  return (batch) =>
    model.objective({
      batch,
      bound,
      form,
      samples,
      freeBits,
      beta: warmup > 0 ? "input" : beta,
    });
}

/** Refuses data that the likelihood or the binarisation do not fit. @throws UsageError */
export function checkData(
  dataset: Dataset,
  model: Pick<ModelSettings, "likelihood">,
  train: TrainSettings,
): void {
  const { range } = describe(dataset);
  checkLikelihood(model.likelihood, train.binarize, {
    name: dataset.name,
    isBinary: isBinary(dataset),
    range,
  });
}
