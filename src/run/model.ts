import { type Dataset, describe, isBinary } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import {
  Autoencoder,
  checkLikelihood,
  type DeterministicAutoencoder,
  VAE,
  type Vae,
} from "../models/index.ts";
import type { Objective } from "../optim/step.ts";
import type { TrainSettings } from "../train/settings.ts";
import type { VaeModelSettings } from "./settings.ts";

/** A model of rows without labels. */
export type AnyModel = Vae | DeterministicAutoencoder;

/** The model that settings describe, with fresh parameters. */
export function buildModel({ model, ...options }: VaeModelSettings): AnyModel {
  return model === "autoencoder" ? Autoencoder(options) : VAE(options);
}

/** Refuses weights of a KL term where the loss has none: they would be left out in silence. */
function checkWeights({ kind }: AnyModel, { bound }: TrainSettings): void {
  const unweighted =
    kind === "autoencoder"
      ? (["an autoencoder's loss", "train a vae"] as const)
      : (["the importance-weighted bound", "use bound elbo"] as const);
  if (kind === "vae" && bound === "elbo") return;
  throw new UsageError(
    `train: ${unweighted[0]} has no KL term to weigh; leave warmup, beta and freeBits as they are, or ${unweighted[1]}.`,
  );
}

/** Its objective at a minibatch size, with what the settings ask of it. @throws UsageError */
export function objectiveOf(model: AnyModel, settings: TrainSettings): (batch: number) => Objective {
  const { bound, form, samples, beta, warmup, freeBits } = settings;
  if (beta !== 1 || warmup > 0 || freeBits > 0) checkWeights(model, settings);
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
  model: Pick<VaeModelSettings, "likelihood">,
  train: Pick<TrainSettings, "binarize">,
): void {
  const { range } = describe(dataset);
  checkLikelihood(model.likelihood, train.binarize, {
    name: dataset.name,
    isBinary: isBinary(dataset),
    hasMissing: dataset.observed?.includes(0) ?? false,
    range,
  });
}
