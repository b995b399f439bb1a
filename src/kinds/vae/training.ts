/** Training a VAE or an autoencoder. */
import { binarize, type Dataset, rowPlace } from "../../data/index.ts";
import { NonFiniteError, UsageError } from "../../errors.ts";
import type { DeterministicAutoencoder, Vae } from "../../models/index.ts";
import { alone, type Ranks } from "../../mpi/index.ts";
import type { Objective } from "../../optim/index.ts";
import {
  type BatchSettings,
  betaAt,
  datasetBatches,
  type OptimisationSettings,
  type Progress,
  Trainer,
} from "../../train/index.ts";
import type { EpochFigures, RunData, Terms, Training } from "../kind.ts";
import type { TrainSettings } from "./settings.ts";
import { type Evaluation, Trained } from "./trained.ts";

/** A model of rows without labels. */
export type AnyModel = Vae | DeterministicAutoencoder;

/** The settings that training a VAE or an autoencoder reads. An autoencoder has no bound to choose. */
export type AutoencodingSettings = OptimisationSettings &
  Omit<BatchSettings, "beta" | "warmup"> &
  Partial<Pick<TrainSettings, "bound" | "estimator" | "form" | "samples" | "beta" | "warmup" | "freeBits">>;

/** Its objective for these settings, for the rows of each of some ranks, of which there is one by default. @throws UsageError */
export function objectiveOf(
  model: AnyModel,
  settings: AutoencodingSettings,
): (batch: number, ranks?: number) => Objective {
  const {
    bound = "elbo",
    estimator = "pathwise",
    form = "analytic",
    samples = 1,
    beta = 1,
    warmup = 0,
    freeBits = 0,
  } = settings;
  if (model.kind === "autoencoder") return (batch, ranks = 1) => model.objective({ batch, ranks });
  if (bound === "iwae" && (beta !== 1 || warmup > 0 || freeBits > 0)) {
    throw new UsageError(
      "train: the importance-weighted bound has no KL term; leave out warmup, beta and freeBits, or use bound elbo.",
    );
  }
  if (bound === "elbo" && estimator !== "pathwise") {
    throw new UsageError(
      `train: the estimator ${estimator} belongs to the importance-weighted bound; add \`bound: "iwae"\`.`,
    );
  }
  return (batch, ranks = 1) =>
    model.objective({
      ...{ batch, ranks, bound, estimator, form, samples, freeBits },
      beta: warmup > 0 ? "input" : beta,
    });
}

/** Compiles the training of a model. @throws UsageError when the data do not fit it. */
export async function trainingOf(
  model: AnyModel,
  data: Dataset,
  settings: AutoencodingSettings,
  ranks: Ranks = alone,
): Promise<Training<Trained>> {
  const rows = settings.binarize === "fixed" ? binarize(data, settings.seed) : data;
  const batches = datasetBatches(model, rows, { beta: 1, warmup: 0, ...settings }, ranks);
  const objective = objectiveOf(model, settings);
  const own = objective(batches.batch, ranks.size);
  const trainer = await Trainer.create(model.parameters, own, batches, settings, {
    ranks,
    whole: () => objective(batches.batch * ranks.size),
  });
  return { trainer, trained: new Trained(model, trainer.values(), settings) };
}

/** The figures of an epoch: the ELBO and its terms, as means over the steps. */
function trainTerms(means: Progress["means"]): Terms {
  const { loss, reconstruction, kl, ...rest } = means;
  if (reconstruction === undefined) return { loss, ...rest };
  if (kl === undefined) return { loss, reconstruction };
  return { loss, elbo: reconstruction - kl, reconstruction, kl };
}

const testTerms = ({ elbo, reconstruction, kl }: Evaluation): Terms =>
  elbo === undefined || kl === undefined ? { reconstruction } : { elbo, reconstruction, kl };

/** Held-out values this many times as large as all training values are the reason for figures that are not finite. */
const FAR = 10;

/** What to do about a log likelihood of held-out rows that is not finite: rows that are far from all training rows have none in float32. */
function whyNotFinite({ train, test }: RunData): string {
  const seen = largest(train);
  const found = test && largest(test);
  if (!test || !found || !(found.size > FAR * seen.size))
    return "try a lower learning rate or gradient clipping";
  const width = test.x.length / test.rows;
  const column = test.columns?.[found.at % width] ?? `feature ${found.at % width}`;
  return (
    `${rowPlace(test, Math.floor(found.at / width))} has ${found.size.toPrecision(3)} in ${column}, in units of the model, where no training row has more than ` +
    `${seen.size.toPrecision(3)}. Correct the value, leave the column out (\`ignore: [${JSON.stringify(column)}]\`), or train on more rows.`
  );
}

/** The largest value of rows, in units of the model, and its place. */
function largest({ x, scale }: Dataset): { readonly size: number; readonly at: number } {
  let at = 0;
  for (let i = 1; i < x.length; i++) if (Math.abs(x[i]) > Math.abs(x[at])) at = i;
  return { size: Math.abs(x[at]) * scale, at };
}

/** What is measured after an epoch. @throws NonFiniteError when it is not finite */
export async function epochFigures(
  trained: Trained,
  data: RunData,
  { epoch, step, stepsPerEpoch, means }: Progress,
): Promise<EpochFigures> {
  const evaluation = await trained.evaluate(data.test ?? data.train);
  if (!Number.isFinite(evaluation.reconstruction)) {
    throw new NonFiniteError(
      `epoch ${epoch}, step ${step - 1}: expected a finite log likelihood of ${data.test ? "the test data" : "the data"}, found ` +
        `${evaluation.reconstruction}; ${whyNotFinite(data)}`,
    );
  }
  const { beta = 1, warmup = 0, patience } = trained.settings;
  const validation =
    patience !== undefined && data.validation ? await trained.evaluate(data.validation) : undefined;
  return {
    train: trainTerms(means),
    test: data.test ? testTerms(evaluation) : {},
    ...(validation && { validation: testTerms(validation) }),
    activeUnits: evaluation.activeUnits,
    beta: betaAt(step - 1, { beta, warmup }, stepsPerEpoch),
  };
}
