/** The variational autoencoder: what it is called, and its settings. */
import type { Declaration } from "../kind.ts";
import { unlabelled } from "../settings/labels.ts";
import {
  activation,
  byData,
  hidden,
  latent,
  likelihood,
  networkSettings,
  rowSettings,
} from "../settings/networks.ts";
import { type DataFacts, type SettingsOf, setting } from "../settings/setting.ts";
import {
  batch,
  batchOf,
  binarize,
  boundSettings,
  epochs,
  lr,
  optimisation,
  schedule,
} from "../settings/training.ts";
import { oneOf } from "../settings/value.ts";

/** Rows of a table in a minibatch: few, so that an epoch of few rows is some updates. */
const tableBatch = batchOf(100);

export const vaeModel = {
  ...rowSettings,
  latent: latent({ default: byData(20, 10) }),
  hidden: hidden({ default: byData([400], [50]) }),
  activation: activation({ default: "relu" }),
  likelihood,
  ...networkSettings,
};

export const autoencoderTrain = {
  epochs: epochs({ default: byData(10, 100) }),
  batch: batch({ default: (facts: DataFacts) => (facts.table ? tableBatch(facts) : 128) }),
  lr: lr({ default: byData(1e-3, 3e-3) }),
  schedule: schedule({ default: byData<"constant" | "cosine">("constant", "cosine") }),
  binarize,
  ...optimisation,
};

export const vaeTrain = { ...autoencoderTrain, ...boundSettings };

const settings = {
  model: { model: setting(oneOf(["vae"]), { default: "vae", flag: false }), ...vaeModel },
  train: vaeTrain,
};

/** What a VAE is. */
export type VaeModelSettings = SettingsOf<typeof vaeModel>;
/** How a VAE is trained, every default filled in. */
export type TrainSettings = SettingsOf<typeof vaeTrain>;

export const vae: Declaration = {
  name: "vae",
  title: "Variational autoencoder",
  summary: "variational autoencoder",
  settings,
  lacks: unlabelled("vae"),
  verbs: { sample: {}, reconstruct: {}, traverse: {}, encode: {}, export: {} },
  load: async () => (await import("./kind.ts")).kind,
};
