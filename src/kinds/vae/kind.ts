/** What a variational autoencoder does. */
import { VAE, type Vae } from "../../models/index.ts";
import type { Kind } from "../kind.ts";
import { checkObservation } from "../observation.ts";
import type { RunSettings } from "../run-settings.ts";
import { measureVae } from "./measure.ts";
import { reportData } from "./report.ts";
import { type TrainSettings, type VaeModelSettings, vae } from "./settings.ts";
import { Trained } from "./trained.ts";
import { epochFigures, trainingOf } from "./training.ts";
import { autoencodingVerbs } from "./verbs.ts";

/** Settings of a run of a VAE. */
export type VaeRunSettings = RunSettings & {
  readonly model: VaeModelSettings;
  readonly train: TrainSettings;
};

/** The VAE that settings describe, with fresh parameters. */
export const buildVae = ({ model: _, ...options }: VaeModelSettings & { readonly model?: unknown }): Vae =>
  VAE(options);

/** Caption of the curves of a bound with two terms. */
export const boundCurves =
  "The evidence lower bound (higher is better) is the reconstruction term minus the KL term. Trust the test curve: if it falls while the train curve still rises, the model is overfitting. The KL term is the information in the code, in nats; if it falls to zero, the decoder ignores the code, which is called posterior collapse.";

export const kind: Kind<VaeRunSettings, Vae, Trained> = {
  declaration: vae,
  describe: ({ settings }) => ({ model: { ...settings } }),
  checkRows: ({ model, train }, rows) =>
    checkObservation(rows, { likelihood: model.likelihood, binarize: train.binarize }),
  build: ({ model }) => buildVae(model),
  training: trainingOf,
  figures: (trained, data, _, progress) => epochFigures(trained, data, progress),
  open({ run: { settings }, valuesOf }) {
    const model = buildVae(settings.model);
    return new Trained(model, valuesOf(model.parameters), settings.train);
  },
  measure: measureVae,
  async report({ run, trained }, { rows, part, measured }) {
    return reportData(
      run,
      trained,
      { rows, part, measured: measured ?? (await measureVae(trained, rows)) },
      {
        title: vae.title,
        introduction: "A variational autoencoder",
        curves: boundCurves,
        blind: "the model",
      },
    );
  },
  ...autoencodingVerbs<Trained>((trained) => trained),
};
