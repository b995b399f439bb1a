/** The deterministic autoencoder: what it is called, and its settings. */
import type { Declaration } from "../kind.ts";
import { unlabelled } from "../settings/labels.ts";
import { setting } from "../settings/setting.ts";
import { boundSettings } from "../settings/training.ts";
import { oneOf } from "../settings/value.ts";
import { autoencoderTrain, vaeModel } from "../vae/settings.ts";

const noBound = "an autoencoder has no bound, no samples and no KL.";
const noKl = "an autoencoder has no KL.";

export const autoencoder: Declaration = {
  name: "autoencoder",
  title: "Autoencoder",
  summary: "deterministic autoencoder: a VAE without the KL term",
  settings: {
    model: { model: setting(oneOf(["autoencoder"]), { default: "autoencoder", flag: false }), ...vaeModel },
    train: autoencoderTrain,
  },
  lacks: {
    ...unlabelled("autoencoder"),
    "--bound": noBound,
    "--estimator": noBound,
    "--form": noBound,
    "--samples": noBound,
    "--free-bits": noBound,
    "--beta": noKl,
    "--warmup": noKl,
    sample: "an autoencoder is deterministic: it has no prior to sample from. Train a vae instead.",
    impute: "an autoencoder is deterministic: it has no posterior to fill values by. Train a vae instead.",
    traverse: "an autoencoder is deterministic: it has no prior to traverse. Train a vae instead.",
  },
  // Version 0.1.0 wrote them, though nothing read them.
  retired: Object.keys(boundSettings).map((name) => `train.${name}`),
  verbs: { reconstruct: {}, encode: {}, export: {} },
  load: async () => (await import("./kind.ts")).kind,
};
