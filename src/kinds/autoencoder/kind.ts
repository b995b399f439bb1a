/** What a deterministic autoencoder does. */
import { Autoencoder, type DeterministicAutoencoder } from "../../models/index.ts";
import type { Kind } from "../kind.ts";
import { checkObservation } from "../observation.ts";
import type { RunSettings } from "../run-settings.ts";
import { measureVae } from "../vae/measure.ts";
import { reportData } from "../vae/report.ts";
import type { TrainSettings, VaeModelSettings } from "../vae/settings.ts";
import { Trained } from "../vae/trained.ts";
import { epochFigures, trainingOf } from "../vae/training.ts";
import { autoencodingVerbs } from "../vae/verbs.ts";
import { autoencoder } from "./settings.ts";

type AutoencoderRunSettings = RunSettings & {
  readonly model: VaeModelSettings;
  readonly train: Omit<
    TrainSettings,
    "bound" | "estimator" | "form" | "samples" | "beta" | "warmup" | "freeBits"
  >;
};

const build = ({ model: _, ...options }: VaeModelSettings & { readonly model?: unknown }) =>
  Autoencoder(options);

const { reconstruct, encode, export: exported } = autoencodingVerbs<Trained>((trained) => trained);

export const kind: Kind<AutoencoderRunSettings, DeterministicAutoencoder, Trained> = {
  declaration: autoencoder,
  describe: ({ settings }) => ({ model: { ...settings } }),
  checkRows: ({ model, train }, rows) =>
    checkObservation(rows, { likelihood: model.likelihood, binarize: train.binarize }),
  build: ({ model }) => build(model),
  training: trainingOf,
  figures: (trained, data, _, progress) => epochFigures(trained, data, progress),
  open({ run: { settings }, valuesOf }) {
    const model = build(settings.model);
    return new Trained(model, valuesOf(model.parameters), settings.train);
  },
  measure: measureVae,
  async report({ run, trained }, { rows, part, measured }) {
    const data = await reportData(
      run,
      trained,
      { rows, part, measured: measured ?? (await measureVae(trained, rows)) },
      {
        title: autoencoder.title,
        introduction: "A deterministic autoencoder",
        curves:
          "The training objective and the log-likelihood of the reconstruction after each epoch. Trust the test curve: if it gets worse while the train curve still improves, the model is overfitting.",
        blind: "the autoencoder",
      },
    );
    return {
      ...data,
      omissions: [
        "A deterministic autoencoder has neither a prior nor a posterior, so there is no ELBO, no KL divergence and nothing to sample from.",
      ],
    };
  },
  reconstruct,
  encode,
  export: exported,
};
