/** The conditional variational autoencoder: what it is called, and its settings. */
import type { Declaration } from "../kind.ts";
import { labelSettings } from "../settings/labels.ts";
import {
  activation,
  byData,
  hidden,
  latent,
  likelihood,
  rateByData,
  rowSettings,
} from "../settings/networks.ts";
import { at, optional, type SettingsOf, setting } from "../settings/setting.ts";
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
import { columnNames, oneOf, text } from "../settings/value.ts";

const model = {
  ...rowSettings,
  condition: optional(columnNames, {
    help: "numeric columns of a table to condition on, separated by commas",
    otherwise: "the class",
  }),
  latent: latent({ default: byData(20, 10) }),
  hidden: hidden({ default: byData([400], [50]) }),
  activation: activation({ default: "relu" }),
  likelihood,
};

const { beta, warmup, freeBits } = boundSettings;
const tableBatch = batchOf(100);

const train = {
  epochs: epochs({ default: byData(10, 100) }),
  batch: batch({ default: (facts) => (facts.table ? tableBatch(facts) : 128) }),
  lr: lr({ default: rateByData(1e-3) }),
  schedule: schedule({ default: byData<"constant" | "cosine">("constant", "cosine") }),
  binarize,
  ...optimisation,
  beta,
  warmup,
  freeBits,
};

/** What a conditional VAE is. */
export type CvaeModelSettings = SettingsOf<typeof model>;
/** How it is trained, every default filled in. */
export type CvaeTrainSettings = SettingsOf<typeof train>;

export const cvae: Declaration = {
  name: "cvae",
  title: "Conditional VAE",
  summary: "conditional variational autoencoder: models rows given their class or other columns",
  settings: {
    model: { model: setting(oneOf(["cvae"]), { default: "cvae", flag: false }), ...model },
    labels: labelSettings,
    train,
  },
  learnsFromLabels: (given) => at(given, "model.condition") === undefined,
  verbs: {
    sample: {
      class: optional(text("<name>"), { help: "the class to draw", otherwise: "every class" }),
      given: optional(text("<values>"), {
        help: "values of the columns to condition on, such as length=40,width=12",
        otherwise: "their means",
      }),
    },
    reconstruct: {},
    encode: {},
    export: {},
  },
  load: async () => (await import("./kind.ts")).kind,
};
