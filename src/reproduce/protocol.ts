/** How the paper's models are trained here: with fixed lengths, and widths that were chosen only on the 10,000 validation images. */
import { declarationOf } from "../kinds/index.ts";
import type { GivenSettings } from "../runs/index.ts";

/** A column of the paper's table: M1 alone with each of its classifiers, M2 alone, and M2 over M1. */
export type Method = "m1" | "m2" | "m1m2";

/** Name of the folder of one run. */
export const folderOf = (method: Method, labels: number, seed: number): string =>
  `${method}-${labels}-${seed}`;

/** Training rows held out for validation, by a seed of their own: 50,000 of MNIST's 60,000 are left, as in the paper. */
export const VALIDATION = { count: 10_000, seed: 0 } as const;

/** From this number of labels on, the error depends more on what M1 keeps of x than on the number of labels. */
const MANY_LABELS = 1000;

/** The VAE that M1 and M1+M2 are built on: trained once, for all draws of labels. */
export interface SharedM1 {
  readonly kind: string;
  /** Name of its folder. */
  readonly folder: string;
  readonly settings: GivenSettings;
}

const m1Model = { latent: 50, hidden: [500, 500], likelihood: "bernoulli" } as const;
const m1Train = { batch: 250, lr: 1e-3, schedule: "cosine", binarize: "dynamic" } as const;
const FEW: SharedM1 = {
  kind: "vae",
  folder: "m1",
  settings: { model: { ...m1Model, activation: "softplus" }, train: { ...m1Train, epochs: 200 } },
};
/** β below 1 keeps more dimensions, which is worse for 100 labels and better for 3000. */
const MANY: SharedM1 = {
  kind: "vae",
  folder: "m1-many",
  settings: { model: { ...m1Model, activation: "relu" }, train: { ...m1Train, epochs: 120, beta: 0.5 } },
};

/** The VAE that M1 and M1+M2 are built on, for a number of labels. */
export const m1Of = (labels: number): SharedM1 => (labels < MANY_LABELS ? FEW : MANY);

/** A column of the paper's table, and how it is reproduced here. */
export interface MethodProtocol {
  /** The kind of model. */
  readonly kind: string;
  /** The name in the paper. */
  readonly name: string;
  /** The name of the part in messages. */
  readonly part: string;
  /** How the paper classifies, and the name of the method in its table. Other ways to classify have no published figure. */
  readonly paper: { readonly by: string; readonly method: string };
  /** The settings for a number of labels. */
  settings(labels: number): GivenSettings;
}

const m2: GivenSettings = {
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

function stacked(labels: number): GivenSettings {
  const train = { lr: 3e-3, schedule: "cosine", alpha: 1, warmup: 3 } as const;
  return labels < MANY_LABELS
    ? { model: { latent: 14, hidden: [500], activation: "relu" }, train: { ...train, epochs: 80 } }
    : {
        model: { latent: 14, hidden: [1000], activation: "relu", dropout: 0.5 },
        train: { ...train, epochs: 50 },
      };
}

/** The columns, in the table's order. */
export const protocols: Readonly<Record<Method, MethodProtocol>> = {
  m1: {
    kind: "m1",
    name: "M1",
    part: "M1's classifiers",
    paper: { by: "transductive-svm", method: "M1+TSVM" },
    settings: () => ({}),
  },
  m2: {
    kind: "m2",
    name: "M2",
    part: "M2",
    paper: { by: "q(y|x)", method: "M2" },
    settings: () => m2,
  },
  m1m2: {
    kind: "m1m2",
    name: "M1+M2",
    part: "M1+M2",
    paper: { by: "q(y|x)", method: "M1+M2" },
    settings: stacked,
  },
};

/** The methods, in the table's order. */
export const methods = Object.keys(protocols) as readonly Method[];

/** Whether a method is built on the shared VAE. */
export const isBuiltOnShared = (method: Method): boolean =>
  declarationOf(protocols[method].kind).base !== undefined;

/** Whether a method only uses the shared VAE's training, so that it has no training time of its own. */
export const takesTraining = (method: Method): boolean => {
  const { base } = declarationOf(protocols[method].kind);
  return base !== undefined && base.folder === undefined;
};
