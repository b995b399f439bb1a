/** How the models of the paper are trained here: fixed lengths, and widths that were chosen on the 10,000 validation images alone. */
import { declarationOf } from "../kinds/index.ts";
import type { GivenSettings } from "../runs/index.ts";

/** A column of the paper's table: M1 alone with each of its classifiers, M2 alone, and M2 over M1. */
export type Method = "m1" | "m2" | "m1m2";

/** Name of the folder of one run. */
export const folderOf = (method: Method, labels: number, seed: number): string =>
  `${method}-${labels}-${seed}`;

/** Training rows kept out of training, by a draw of their own: 50,000 of MNIST's 60,000 are left, as in the paper. */
export const VALIDATION = { count: 10_000, seed: 0 } as const;

/** Labels from which on classes are told apart by what M1 keeps of x rather than by which labels there are. */
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
/** β below 1 keeps more dimensions: worse for 100 labels, for 3000 better. */
const MANY: SharedM1 = {
  kind: "vae",
  folder: "m1-many",
  settings: { model: { ...m1Model, activation: "relu" }, train: { ...m1Train, epochs: 120, beta: 0.5 } },
};

/** The VAE that M1 and M1+M2 are built on at a number of labels. */
export const m1Of = (labels: number): SharedM1 => (labels < MANY_LABELS ? FEW : MANY);

/** A column of the paper's table, and how it is made here. */
export interface MethodProtocol {
  /** The kind of model. */
  readonly kind: string;
  /** As the paper writes it. */
  readonly name: string;
  /** As a message names a part of the work. */
  readonly part: string;
  /** How the paper classifies, and what its table calls the method then. Other ways stand beside nothing. */
  readonly paper: { readonly by: string; readonly method: string };
  /** What it is at a number of labels. */
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

/** Whether a method's training is that of the shared VAE, so that it takes no time of its own. */
export const takesTraining = (method: Method): boolean => {
  const { base } = declarationOf(protocols[method].kind);
  return base !== undefined && base.folder === undefined;
};
