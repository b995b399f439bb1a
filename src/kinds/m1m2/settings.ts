/** M1+M2 of Kingma et al. (2014): what it is called, and its settings. */
import type { Declaration } from "../kind.ts";
import { m1Vae, takenFrom } from "../m1/settings.ts";
import { alphaOf, classPrior, labelsAndWarmup, lacksOfM2, semiSupervisedTrain } from "../m2/settings.ts";
import { classShares, labelSettings } from "../settings/labels.ts";
import { activation, byData, hidden, latent, rowSettings } from "../settings/networks.ts";
import { at, put, Setting, type SettingsOf, setting, type Table } from "../settings/setting.ts";
import { oneOf, share, toggle } from "../settings/value.ts";

// Widths, α and warm-up by the error on MNIST's validation rows (see reproduce/kingma2014/protocol.ts): a wider z2 takes over what y is for.
const model = {
  shape: rowSettings.shape,
  latent: latent({ help: "dimensions of z2", default: byData(14, 10) }),
  activation: activation({ default: byData<"relu" | "softplus">("relu", "softplus") }),
  hidden: hidden({ default: byData([500], [50]) }, false),
  keepInactive: setting(toggle, {
    help: "give M2 all dimensions of M1, also those that carry nothing",
    default: false,
  }),
  dropout: setting(share, { help: "share of q(y|z1)'s hidden units dropped in training", default: 0 }),
  classPrior,
};

const semiSupervised = semiSupervisedTrain({
  epochs: { default: byData(80, 100) },
  lr: { default: 3e-3 },
  alpha: { default: (facts) => (facts.table ? alphaOf(facts) : 1) },
  warmup: { default: byData(3, 0) },
});
/** What M2 sees are draws of M1's posterior: M1 says what becomes of pixels. */
const train = { ...semiSupervised, binarize: semiSupervised.binarize.with({ flag: false }) };

/** The same settings with flags of their own, `--m1-latent`, and the others without a flag. */
function underM1<T extends Table>(table: T, flags: Readonly<Record<string, string>>): T {
  return Object.fromEntries(
    Object.entries(table).map(([key, entry]) => [
      key,
      entry instanceof Setting
        ? entry.with(flags[key] === undefined ? { flag: false } : { flag: flags[key] })
        : entry,
    ]),
  ) as T;
}

const m1 = {
  model: {
    model: setting(oneOf(["vae"]), { default: "vae", flag: false }),
    ...underM1(m1Vae.model, {
      latent: "--m1-latent",
      hidden: "--m1-hidden",
      activation: "--m1-activation",
      likelihood: "--likelihood",
    }),
  },
  train: underM1(m1Vae.train, {
    epochs: "--m1-epochs",
    batch: "--m1-batch",
    beta: "--m1-beta",
    lr: "--m1-lr",
    schedule: "--m1-schedule",
    binarize: "--binarize",
  }),
  from: takenFrom,
};

/** What the upper half of M1+M2 is. */
export type StackedModelSettings = SettingsOf<typeof model>;

export const m1m2: Declaration = {
  name: "m1m2",
  title: "M1+M2",
  summary: "M1+M2: M2 over the latent variable of a VAE that is trained first (Kingma et al., 2014)",
  settings: {
    model: { model: setting(oneOf(["m1m2"]), { default: "m1m2", flag: false }), ...model },
    labels: labelSettings,
    m1,
    train,
  },
  constraint: labelsAndWarmup,
  lacks: {
    ...lacksOfM2("m1m2"),
    "--input-dropout": "it is an option of q(y|x) of m2 alone.",
  },
  base: {
    title: "M1",
    from: "m1.from",
    folder: "m1",
    kinds: ["vae", "m1"],
    decides: ["m1."],
    taken: ({ model: found, train: how }) => ({
      m1: { model: { ...found, model: "vae" }, train: { ...how } },
    }),
  },
  // What M1+M2 is evaluated on is binarised as M1's data are.
  settle(given) {
    put(given, "train.binarize", at(given, "m1.train.binarize"));
  },
  verbs: { sample: {}, reconstruct: {}, encode: {}, classify: { classShares }, export: {} },
  load: async () => (await import("./kind.ts")).kind,
};
