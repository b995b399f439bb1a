/** Defaults of a run that are not those of the settings' schemas: they differ from model to model and with the data. */
import type { ModelName } from "./settings.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a model is and how it is trained; of M1+M2 also the VAE beneath. */
export interface Defaults {
  readonly model?: Fields;
  readonly train?: Fields;
  readonly m1?: { readonly model: Fields; readonly train: Fields };
}

/** Rows below which a minibatch of a usual size would leave an epoch with few updates. */
const FEW_ROWS = 2000;

/** A minibatch of at most `most` rows, of fewer where there are few: an epoch is then some twenty updates. */
const batchOf = (most: number, rows: number): number => Math.min(most, Math.max(Math.floor(rows / 20), 10));

/**
 * Weight α of the classification term. The paper's 0.1 is for the 50,000 rows of MNIST, where each of 100 labels then counts 50 times;
 * it is raised where there are fewer rows, so that a label counts as much, up to 1. At less, classes that M2 finds by itself may be
 * others than the labelled ones.
 */
const alphaOf = (rows: number): number => Math.min(1, Math.max(0.1, 5000 / rows));

function imageDefaults(name: ModelName, rows: number): Defaults {
  const train = { batch: batchOf(100, rows), alpha: alphaOf(rows), schedule: "cosine" };
  const m1 = {
    model: { latent: 50, hidden: [500, 500], activation: "softplus" },
    train: { epochs: 200, batch: batchOf(250, rows), lr: 1e-3, schedule: "cosine" },
  };
  switch (name) {
    case "vae":
    case "autoencoder":
      return {};
    case "m1":
      return m1;
    case "m2":
      return { train: { ...train, epochs: 100, lr: rows < FEW_ROWS ? 1e-3 : 5e-4 } };
    case "m1m2":
      // Widths, α and warm-up by the error on MNIST's validation rows (see run/reproduce/protocol.ts): a wider z2 takes over what y is for.
      return {
        model: { latent: 14, hidden: [500], activation: "relu" },
        train: { ...train, epochs: 80, lr: 3e-3, alpha: 1, warmup: 3 },
        m1,
      };
  }
}

/** Tables have few columns, for which small networks and a high learning rate do. */
function tableDefaults(name: ModelName, rows: number): Defaults {
  const model = { latent: 10, hidden: [50] };
  const train = { epochs: 100, batch: batchOf(100, rows), lr: 3e-3, schedule: "cosine", binarize: "none" };
  const m1 = { model: { ...model, activation: "softplus" }, train };
  switch (name) {
    case "vae":
    case "autoencoder":
      return { model, train };
    case "m1":
      return m1;
    case "m2":
      return { model, train: { ...train, alpha: alphaOf(rows) } };
    case "m1m2":
      return { model, train: { ...train, alpha: alphaOf(rows) }, m1 };
  }
}

/** The defaults of a model on so many training rows, of a table or of anything else. */
export const defaultsOf = (name: ModelName, rows: number, isTable: boolean): Defaults =>
  isTable ? tableDefaults(name, rows) : imageDefaults(name, rows);
