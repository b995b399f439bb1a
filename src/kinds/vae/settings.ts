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
  rateByData,
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

/** Rows of a table in a minibatch: few, so that an epoch of a small table has several updates. */
const tableBatch = batchOf(100);

export const vaeModel = {
  ...rowSettings,
  /** Dimensions of z. Default: 20; 10 for a table of 300 rows. */
  latent: latent({ default: byData(20, 10) }),
  /** Hidden layers from the data inwards, such as 400,200, or none. Default: 400; 50 for a table of 300 rows. */
  hidden: hidden({ default: byData([400], [50]) }),
  /** Activation of the hidden layers. Default: relu. */
  activation: activation({ default: "relu" }),
  /** What the data are draws from. Default: chosen from the data. */
  likelihood,
  ...networkSettings,
};

export const autoencoderTrain = {
  /** Passes over the data. Default: 10; 100 for a table of 300 rows. */
  epochs: epochs({ default: byData(10, 100) }),
  /** Rows in a minibatch. Default: 128; 15 for a table of 300 rows. */
  batch: batch({ default: (facts: DataFacts) => (facts.table ? tableBatch(facts) : 128) }),
  /** Learning rate. Default: 0.001; 0.003 for a table of 300 rows. */
  lr: lr({ default: rateByData(1e-3) }),
  /** How the learning rate goes over training. Default: constant; cosine for a table of 300 rows. */
  schedule: schedule({ default: byData<"constant" | "cosine">("constant", "cosine") }),
  /** Grey pixels: drawn anew at each step, drawn once, or used as they are. Default: chosen from the data. */
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
  verbs: { sample: {}, reconstruct: {}, traverse: {}, encode: {}, impute: {}, export: {} },
  load: async () => (await import("./kind.ts")).kind,
};
