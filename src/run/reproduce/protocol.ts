/** How the models of the paper are trained here: fixed lengths, and widths that were chosen on the 10,000 validation images alone. */
import type { GivenSettings } from "../new-run.ts";

/** M1 alone with each of its classifiers, M2 alone, and M2 over M1. */
export const methods = ["m1", "m2", "m1m2"] as const;
/** A column of the paper's table. */
export type Method = (typeof methods)[number];

/** Name of the folder of one run. */
export const folderOf = (method: Method, labels: number, seed: number): string =>
  `${method}-${labels}-${seed}`;

/** Training rows kept out of training, by a draw of their own: 50,000 of MNIST's 60,000 are left, as in the paper. */
export const VALIDATION = { count: 10_000, seed: 0 } as const;

/** Labels from which on classes are told apart by what M1 keeps of x rather than by which labels there are. */
const MANY_LABELS = 1000;

/** A VAE beneath M1 and M1+M2: trained once, for all draws of labels. */
export interface SharedM1 {
  /** Name of its folder. */
  readonly folder: string;
  readonly settings: GivenSettings;
}

const m1Model = { latent: 50, hidden: [500, 500], likelihood: "bernoulli" } as const;
const m1Train = { batch: 250, lr: 1e-3, schedule: "cosine", binarize: "dynamic" } as const;
const FEW: SharedM1 = {
  folder: "m1",
  settings: { model: { ...m1Model, activation: "softplus" }, train: { ...m1Train, epochs: 200 } },
};
/** β below 1 keeps more dimensions: worse for 100 labels, for 3000 better. */
const MANY: SharedM1 = {
  folder: "m1-many",
  settings: { model: { ...m1Model, activation: "relu" }, train: { ...m1Train, epochs: 120, beta: 0.5 } },
};

/** The VAE beneath M1 and M1+M2 at a number of labels. */
export const m1Of = (labels: number): SharedM1 => (labels < MANY_LABELS ? FEW : MANY);

/** What a method is at a number of labels. */
export function settingsOf(method: Method, labels: number): GivenSettings {
  switch (method) {
    case "m1":
      return {};
    case "m2":
      return {
        model: {
          latent: 50,
          hidden: [500],
          activation: "relu",
          likelihood: "bernoulli",
          dropout: 0.5,
          inputDropout: 0.3,
        },
        train: {
          epochs: 80,
          lr: 3e-3,
          schedule: "cosine",
          binarize: "dynamic",
          alpha: 1,
          beta: 4,
          warmup: 8,
          warmupEntropy: 0.3,
        },
      };
    case "m1m2": {
      const train = { lr: 3e-3, schedule: "cosine", alpha: 1, warmup: 3 } as const;
      return labels < MANY_LABELS
        ? { model: { latent: 14, hidden: [500], activation: "relu" }, train: { ...train, epochs: 80 } }
        : {
            model: { latent: 14, hidden: [1000], activation: "relu", dropout: 0.5 },
            train: { ...train, epochs: 50 },
          };
    }
  }
}
