/** What a conditional VAE does. */
import type { Dataset } from "../../data/index.ts";
import { InternalError } from "../../errors.ts";
import { alone } from "../../mpi/index.ts";
import { countParameters } from "../../nn/index.ts";
import { imageStack, type Measured } from "../../report/index.ts";
import { betaAt, datasetBatches, Trainer } from "../../train/index.ts";
import { readHistory } from "../history.ts";
import type { Kind, MeasureOptions } from "../kind.ts";
import { checkObservation } from "../observation.ts";
import type { RunSettings } from "../run-settings.ts";
import { asked, type Conditions, joined, modelledShape, onClasses, onColumns } from "./conditions.ts";
import { exportConditional } from "./export.ts";
import { Cvae } from "./model.ts";
import { type CvaeModelSettings, type CvaeTrainSettings, cvae } from "./settings.ts";
import { TrainedCvae } from "./trained.ts";

type CvaeRunSettings = RunSettings & {
  readonly model: CvaeModelSettings;
  readonly train: CvaeTrainSettings;
};

/** Numbers of test images shown with their reconstructions, of draws under each condition, and of conditions, at most. */
const [RECONSTRUCTIONS, DRAWS, MOST_CONDITIONS] = [20, 10, 20];

function conditionsOf({ model: { condition }, data, labels }: CvaeRunSettings): Conditions {
  if (condition !== undefined) return onColumns(condition, data.table?.preprocessing);
  if (labels === undefined)
    throw new InternalError("a conditional VAE has neither classes nor columns to condition on");
  return onClasses(labels.classes);
}

function build(settings: CvaeRunSettings): Cvae {
  const { shape, latent, hidden, activation, likelihood, layout } = settings.model;
  const conditions = conditionsOf(settings);
  const taken = conditions.by === "columns" ? conditions.width : 0;
  return Cvae({
    shape: modelledShape(shape, conditions),
    conditions,
    latent,
    hidden,
    activation,
    likelihood,
    ...(layout && { layout: { ...layout, numeric: layout.numeric - taken } }),
  });
}

async function measure(
  trained: TrainedCvae,
  rows: Dataset,
  { samples = 500, rows: first = 2000, onProgress }: MeasureOptions = {},
): Promise<Measured> {
  const known = trained.rows(rows).rows;
  const { elbo, reconstruction, kl, ...rest } = await trained.evaluate(rows);
  const mean = (value: number) => ({ value, rows: known });
  const found = await trained.logLikelihood(rows, {
    samples,
    rows: Math.min(first, known),
    bounds: [5, 50].filter((k) => samples % k === 0),
    ...(onProgress && {
      onRows: (done, of) => onProgress(`Log-likelihood: ${Math.floor((100 * done) / of)} %`),
    }),
  });
  return {
    rows: known,
    bound: { elbo: mean(elbo), reconstruction: mean(reconstruction), kl: mean(kl), ...rest },
    likelihood: {
      logLikelihood: { value: found.logLikelihood, rows: found.rows, standardError: found.standardError },
      importanceSamples: found.importanceSamples,
      bounds: found.bounds,
      elbo,
    },
  };
}

export const kind: Kind<CvaeRunSettings, Cvae, TrainedCvae> = {
  declaration: cvae,
  checkRows: ({ model, train }, rows) =>
    checkObservation(rows, { likelihood: model.likelihood, binarize: train.binarize }),
  build,
  async training(model, rows, settings, ranks = alone) {
    const { beta, warmup, freeBits } = settings;
    const batches = datasetBatches(model, joined(rows, model.conditions), settings, ranks);
    const objective = (batch: number, size = 1) =>
      model.objective({ batch, ranks: size, beta: warmup > 0 ? "input" : beta, freeBits });
    const own = objective(batches.batch, ranks.size);
    const trainer = await Trainer.create(model.parameters, own, batches, settings, {
      ranks,
      whole: () => objective(batches.batch * ranks.size),
    });
    return { trainer, trained: new TrainedCvae(model, trainer.values(), settings) };
  },
  async figures(trained, data, { train }, { step, stepsPerEpoch, means }) {
    const { elbo, reconstruction, kl, activeUnits } = await trained.evaluate(data.test ?? data.train);
    const held =
      train.patience !== undefined && data.validation ? await trained.evaluate(data.validation) : undefined;
    return {
      train: {
        loss: means.loss,
        elbo: means.reconstruction - means.kl,
        reconstruction: means.reconstruction,
        kl: means.kl,
      },
      test: data.test ? { elbo, reconstruction, kl } : {},
      ...(held && { validation: { elbo: held.elbo, reconstruction: held.reconstruction, kl: held.kl } }),
      activeUnits,
      beta: betaAt(step - 1, train, stepsPerEpoch),
    };
  },
  open({ run: { settings }, valuesOf }) {
    const model = build(settings);
    return new TrainedCvae(model, valuesOf(model.parameters), settings.train);
  },
  measure,
  async report({ run, trained }, { rows, part, measured: found }) {
    const { settings } = run;
    const { model } = trained;
    const measured = found ?? (await measure(trained, rows));
    const history = readHistory(run);
    const widths = [settings.model.shape.join("×"), ...settings.model.hidden, model.latent].join("–");
    const by =
      model.conditions.by === "class"
        ? "the class"
        : model.conditions.columns.map(({ name }) => name).join(", ");
    const pictured = imageStack(new Float32Array(0), settings.model.shape) !== undefined;
    const images = (pixels: Float32Array) => imageStack(pixels, settings.model.shape);
    const pairs = pictured ? await trained.reconstruct(rows, RECONSTRUCTIONS) : undefined;
    const { c } = asked(model.conditions, {});
    const drawn = pictured
      ? images(
          await trained.sample(
            c.subarray(0, MOST_CONDITIONS * model.conditions.width),
            DRAWS,
            settings.train.seed,
          ),
        )
      : undefined;
    const [originals, reconstructions] = [
      pairs && images(pairs.originals),
      pairs && images(pairs.reconstructions),
    ];
    const { means } = measured.bound;
    const points = Math.min(2000, trained.rows(rows).rows);
    const { labels, classes } = trained.rows(rows);
    return {
      title: `${cvae.title} on ${settings.data.name}`,
      subtitle: `${widths} given ${by}, ${settings.model.activation}, ${settings.model.likelihood} likelihood`,
      command: settings.command,
      createdAt: settings.createdAt,
      version: settings.version,
      introduction: `A variational autoencoder conditioned on ${by},`,
      curves:
        "The lower bound of log\u00a0p(x\u00a0|\u00a0c) (higher is better): the reconstruction term minus the KL term. Trust the test curve: if it falls while the train curve still rises, the model is overfitting.",
      part,
      config: {
        ...settings.model,
        ...settings.train,
        ...(settings.labels && { labels: settings.labels }),
        data: settings.data,
      },
      summary: {
        latent: model.latent,
        parameters: countParameters(model.parameters.map(({ tensor }) => tensor)),
        trainRows: settings.data.trainRows,
        testRows: part === "test" ? measured.rows : 0,
        trainings: [{ name: "Training time", seconds: history.at(-1)?.seconds ?? 0 }],
      },
      history,
      measured,
      ...(originals && reconstructions && { originals, reconstructions }),
      ...(drawn && { samples: drawn }),
      ...(means && {
        latent: {
          points: means.subarray(0, points * model.latent),
          dimensions: model.latent,
          ...(labels && { labels: labels.subarray(0, points) }),
          ...(classes && { classes }),
        },
      }),
    };
  },
  async sample(trained, { count = 10, seed, class: name, given }) {
    const { conditions } = trained.model;
    const { c, names } = asked(conditions, {
      ...(typeof name === "string" && { class: name }),
      ...(typeof given === "string" && { given }),
    });
    const each = names.length > 1 ? ` of each of ${names.length} classes` : ` given ${names[0]}`;
    return {
      values: await trained.sample(c, count, seed),
      count,
      ...(names.length > 1 && { columns: count }),
      heads:
        conditions.by === "class"
          ? { names: ["class"], cells: (row) => [names[Math.floor(row / count)]] }
          : { names: [], cells: () => [] },
      noun: `samples${each}`,
      json: { conditions: names },
    };
  },
  reconstruct: (trained, rows, indices) => trained.reconstruct(rows, indices.length),
  async encode(trained, rows) {
    return { codes: await trained.encode(rows), width: trained.model.latent };
  },
  export: exportConditional,
};
