/** M1+M2 of Kingma et al. (2014): what it is called, and its settings. */
import type { Declaration } from "../kind.ts";
import { m1Vae, reusedFrom } from "../m1/settings.ts";
import { alphaOf, classPrior, labelsAndWarmup, lacksOfM2, semiSupervisedTrain } from "../m2/settings.ts";
import { classShares, labelSettings } from "../settings/labels.ts";
import { activation, byData, hidden, latent, rowSettings } from "../settings/networks.ts";
import { at, put, Setting, type SettingsOf, setting, type Table } from "../settings/setting.ts";
import { oneOf, share, toggle } from "../settings/value.ts";

// Widths, α and warm-up were chosen by the error on MNIST's validation rows (see reproduce/kingma2014/protocol.ts). A wider z2 takes over
// the role of y.
const model = {
  shape: rowSettings.shape,
  latent: latent({ help: "dimensions of z2", default: byData(14, 10) }),
  activation: activation({ default: byData<"relu" | "softplus">("relu", "softplus") }),
  hidden: hidden({ default: byData([500], [50]) }, false),
  keepInactive: setting(toggle, {
    help: "give M2 all dimensions of M1, including inactive ones",
    default: false,
  }),
  dropout: setting(share, { help: "fraction of q(y|z1)'s hidden units dropped in training", default: 0 }),
  classPrior,
};

const semiSupervised = semiSupervisedTrain({
  epochs: { default: byData(80, 100) },
  lr: { default: 3e-3 },
  alpha: { default: (facts) => (facts.table ? alphaOf(facts) : 1) },
  beta: { default: 1 },
  warmup: { default: byData(3, 0) },
});
/** M2 sees draws from M1's posterior, so M1's settings decide how pixels are binarised. */
const train = { ...semiSupervised, binarize: semiSupervised.binarize.with({ flag: false }) };

/** The same settings with flags like `--m1-latent`; the others have no flag. */
function asM1Settings<T extends Table>(table: T, flags: Readonly<Record<string, string>>): T {
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
    ...asM1Settings(m1Vae.model, {
      latent: "--m1-latent",
      hidden: "--m1-hidden",
      activation: "--m1-activation",
      likelihood: "--likelihood",
      network: "--network",
      channels: "--channels",
    }),
  },
  train: asM1Settings(m1Vae.train, {
    epochs: "--m1-epochs",
    batch: "--m1-batch",
    beta: "--m1-beta",
    lr: "--m1-lr",
    schedule: "--m1-schedule",
    binarize: "--binarize",
  }),
  from: reusedFrom,
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
    "--input-dropout": "it only applies to q(y|x) of m2.",
  },
  base: {
    title: "M1",
    from: "m1.from",
    folder: "m1",
    kinds: ["vae", "m1"],
    decides: ["m1."],
    settingsFrom: ({ model: found, train: how }) => ({
      m1: { model: { ...found, model: "vae" }, train: { ...how } },
    }),
  },
  // Evaluation data are binarised as M1's data are.
  complete(given) {
    put(given, "train.binarize", at(given, "m1.train.binarize"));
  },
  verbs: { sample: {}, reconstruct: {}, encode: {}, classify: { classShares }, export: {} },
  load: async () => (await import("./kind.ts")).kind,
};
