/** M1 of Kingma et al. (2014): what it is called, and its settings. */

import { ceilings } from "../../limits.ts";
import type { Declaration } from "../kind.ts";
import { classShares, labelSettings } from "../settings/labels.ts";
import { activation, byData, hidden, latent, rateByData } from "../settings/networks.ts";
import { type DataFacts, optional, type SettingsOf, setting } from "../settings/setting.ts";
import { batch, batchOf, epochs, lr, schedule } from "../settings/training.ts";
import { oneOf, positive, text, whole } from "../settings/value.ts";
import { vaeModel, vaeTrain } from "../vae/settings.ts";

/** The classifiers over M1's features. */
export const classifierNames = ["knn", "linear-svm", "svm", "transductive-svm", "logistic"] as const;
/** A classifier over M1's features, by its name. */
export type ClassifierName = (typeof classifierNames)[number];

const [imageBatch, tableBatch] = [batchOf(250), batchOf(100)];

/** The VAE whose posterior gives M1 its features. By default it is larger than a plain VAE, and trained for longer. */
export const m1Vae = {
  model: {
    ...vaeModel,
    latent: latent({ default: byData(50, 10) }),
    hidden: hidden({ default: byData([500, 500], [50]) }),
    activation: activation({ default: "softplus" }),
  },
  train: {
    ...vaeTrain,
    epochs: epochs({ default: byData(200, 100) }),
    batch: batch({ default: (facts: DataFacts) => (facts.table ? tableBatch(facts) : imageBatch(facts)) }),
    lr: lr({ default: rateByData(1e-3) }),
    schedule: schedule({ default: "cosine" }),
  },
};

const classifiers = {
  /** The classifier that classifies; all are evaluated. Default: svm. */
  chosen: setting(oneOf(classifierNames), {
    help: "classifier used by classify; all are evaluated",
    flag: "--classifier",
    default: "svm",
  }),
  // Many draws for few rows; the mean for many rows, because draws would make a support vector machine slow.
  /** Draws of z for each labelled row that classifiers are fitted on; 0: its mean. Default: 20. */
  draws: setting(whole(0, ceilings.labelledDraws), {
    help: "draws of z per labelled row to fit the classifiers on; 0 uses the mean",
    placeholder: "<k>",
    default: ({ labels }: DataFacts) => (labels <= 200 ? 20 : labels <= 1000 ? 4 : 0),
  }),
  /** Neighbours of knn. Default: 5. */
  neighbours: setting(whole(1), { help: "number of neighbours of knn", placeholder: "<k>", default: 5 }),
  /** Cost of a row on the wrong side of a support vector machine's margin. Default: 1. */
  cost: setting(positive, {
    help: "cost C of a support vector machine for rows inside the margin or on the wrong side",
    flag: "--svm-cost",
    placeholder: "<c>",
    default: 1,
  }),
  /** Cost of an unlabelled row on the wrong side of the transductive machine's margin. Default: 0.3 of `cost`. */
  unlabelledCost: optional(positive, {
    help: "the same cost for unlabelled rows, in transductive-svm",
    placeholder: "<c>",
    otherwise: "0.3 of --svm-cost",
  }),
  /** Unlabelled rows that transductive-svm sees at most; with none it is svm. Default: 2,000. */
  unlabelled: setting(whole(0), {
    help: "largest number of unlabelled rows for transductive-svm; with 0 it is svm",
    default: 2000,
  }),
  /** Factor γ of the support vector machine's kernel exp(−γ ‖a − b‖²). Default: 1 / (features × variance). */
  gamma: optional(positive, {
    help: "γ of the support vector machine's kernel exp(−γ ‖a − b‖²)",
    flag: "--svm-gamma",
    placeholder: "<g>",
    otherwise: "1 / (features × variance)",
  }),
  /** Standard deviation of the prior on the weights of logistic. Default: 1. */
  priorScale: setting(positive, {
    help: "standard deviation of the prior on the weights of logistic regression regression",
    placeholder: "<s>",
    default: 1,
  }),
};

/** The classifiers of M1. */
export type ClassifierSettings = SettingsOf<typeof classifiers>;

/** The flag that reuses the VAE of another run. */
export const reusedFrom = optional(text("<run>"), {
  help: "run whose VAE to use as M1's, trained before on the same rows",
  flag: "--m1",
  otherwise: "one is trained first",
});

export const m1: Declaration = {
  name: "m1",
  title: "M1",
  summary: "M1: classifiers on a VAE's posterior (Kingma et al., 2014)",
  settings: {
    model: { model: setting(oneOf(["m1"]), { default: "m1", flag: false }), ...m1Vae.model },
    labels: labelSettings,
    classifiers,
    train: m1Vae.train,
    m1: { from: reusedFrom },
  },
  lacks: {
    "--labelled-batch":
      "m1 fits its classifiers after its VAE is trained, so there is no such setting during training.",
    "--alpha":
      "m1 fits its classifiers after its VAE is trained, so there is no such setting during training.",
  },
  base: {
    title: "M1",
    from: "m1.from",
    kinds: ["vae", "m1"],
    decides: ["model.", "train."],
    settingsFrom: ({ model, train }) => ({ model: { ...model, model: "m1" }, train: { ...train } }),
  },
  files: ["labelled.safetensors"],
  verbs: {
    sample: {},
    reconstruct: {},
    traverse: {},
    encode: {},
    impute: {},
    export: {},
    classify: {
      classifier: optional(oneOf(classifierNames), {
        help: "classifier to use",
        otherwise: "the run's",
      }),
      classShares,
    },
  },
  load: async () => (await import("./kind.ts")).kind,
};
