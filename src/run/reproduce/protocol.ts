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

/** The VAE beneath M1 and M1+M2: trained once, for all draws of labels. */
export const m1Settings: GivenSettings = {
  model: { latent: 50, hidden: [500, 500], activation: "softplus", likelihood: "bernoulli" },
  train: { epochs: 200, batch: 250, lr: 1e-3, schedule: "cosine", binarize: "dynamic" },
};

/** What a method is, whatever the number of labels. */
export function settingsOf(method: Method): GivenSettings {
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
        train: { epochs: 40, lr: 3e-3, schedule: "cosine", binarize: "dynamic", alpha: 1, warmup: 10 },
      };
    case "m1m2":
      return {
        model: { latent: 14, hidden: [500], activation: "relu" },
        train: { epochs: 80, lr: 3e-3, schedule: "cosine", alpha: 1, warmup: 3 },
      };
  }
}
