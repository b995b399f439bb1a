/** Trains M2 and M1+M2 on rows of which few are labelled. */

import {
  binarize,
  checkSupervision,
  type Dataset,
  gaussianMinibatches,
  hasLabels,
  type Minibatches,
  minibatches,
  type RowOrderOptions,
  rowSize,
  withClasses,
} from "../../data/index.ts";
import { UsageError } from "../../errors.ts";
import { keptPosteriorOf, selectFeatures } from "../../models/index.ts";
import { alone, type Ranks } from "../../mpi/index.ts";
import { type Progress, semiSupervisedBatches, Trainer } from "../../train/index.ts";
import type { EpochFigures, RunData, Terms, Training } from "../kind.ts";
import type { SemiSupervisedTrainSettings } from "./settings.ts";
import { type ClassifyingModel, TrainedClassifier } from "./trained.ts";

/** Share of the epochs over which a learned p(y) is held equal: until q(y|x) knows the classes. */
const PRIOR_HELD = 1 / 3;

const rowsWhere = (labels: Int32Array, keep: (label: number) => boolean): Uint32Array =>
  Uint32Array.from(labels.keys()).filter((row) => keep(labels[row]));

/** Minibatches of what M2 sees: the rows themselves, or draws from M1's posterior, drawn anew each time. */
async function minibatcher(
  model: ClassifyingModel,
  data: Dataset,
  settings: SemiSupervisedTrainSettings,
  ranks: Ranks,
): Promise<(options: Omit<RowOrderOptions, "seed">) => Minibatches> {
  const { seed, binarize: how, threads } = settings;
  if (model.kind === "m1m2") {
    const posterior = await keptPosteriorOf(
      model.m1,
      model.frozen,
      data,
      threads === undefined ? {} : { threads },
    );
    const seen = selectFeatures(posterior, model.active);
    return (options) => gaussianMinibatches(seen, { ...options, seed, ranks });
  }
  const rows = how === "fixed" ? binarize(data, seed) : data;
  return (options) => minibatches(rows, { ...options, seed, binarize: how, ranks });
}

/**
 * Compiles the training of a model on data whose unlabelled rows have label -1.
 * @throws DataError when the labels do not allow it, UsageError when rows or classes do not fit the model.
 */
export async function semiSupervisedTraining(
  model: ClassifyingModel,
  data: Dataset,
  settings: SemiSupervisedTrainSettings,
  ranks: Ranks = alone,
): Promise<Training<TrainedClassifier>> {
  checkSupervision(data);
  const { labels, classes } = withClasses(data);
  if (classes.length !== model.classes) {
    throw new UsageError(`${data.name}: has ${classes.length} classes, but the model has ${model.classes}.`);
  }
  if (rowSize(data.shape) !== model.features) {
    throw new UsageError(
      `${data.name}: rows of shape [${data.shape.join(", ")}] have ${rowSize(data.shape)} values, but the model takes ${model.features}.`,
    );
  }
  const batches = await minibatcher(model, data, settings, ranks);
  const rows = {
    labelled: rowsWhere(labels, (label) => label >= 0),
    unlabelled: rowsWhere(labels, (label) => label < 0),
  };
  const labelled = batches({ batch: settings.labelledBatch, site: "labelled/", subset: rows.labelled });
  const unlabelled =
    rows.unlabelled.length === 0 ? undefined : batches({ batch: settings.batch, subset: rows.unlabelled });
  const { learnsPrior } = model.kind === "m2" ? model : model.m2;
  const objectiveOf = (factor: number, sharing = 1) =>
    model.objective({
      ranks: sharing,
      labelled: {
        size: rows.labelled.length,
        rows: labelled.batch * factor,
        shares: classes.map(
          (_, k) => rows.labelled.reduce((n, row) => n + Number(labels[row] === k), 0) / rows.labelled.length,
        ),
      },
      unlabelled: { size: rows.unlabelled.length, rows: (unlabelled?.batch ?? 0) * factor },
      alpha: settings.alpha,
      beta: settings.beta,
      ...(settings.warmup > 0 && { warmup: "input" }),
      warmupEntropy: settings.warmupEntropy,
      // Where every row is labelled the labels' shares are those of all rows.
      labelsAtRandom: settings.labelsAtRandom || rows.unlabelled.length === 0,
      ...(learnsPrior && { shares: "input" }),
    });
  const trainer = await Trainer.create(
    model.parameters,
    objectiveOf(1, ranks.size),
    semiSupervisedBatches({
      labelled,
      labels,
      classes: classes.length,
      warmup: settings.warmup,
      ...(learnsPrior && { sharesFrom: Math.max(PRIOR_HELD * settings.epochs, settings.warmup) }),
      ...(unlabelled && { unlabelled }),
    }),
    settings,
    { ranks, whole: () => objectiveOf(ranks.size) },
  );
  return { trainer, trained: new TrainedClassifier(model, trainer.values(), settings, classes) };
}

/** The figures of an epoch: the errors on held-out rows, in epochs that measure them. */
export async function epochErrors(
  trained: TrainedClassifier,
  data: RunData,
  { epochs, evaluateEvery }: Pick<SemiSupervisedTrainSettings, "epochs" | "evaluateEvery">,
  { epoch, means }: Progress,
): Promise<EpochFigures> {
  const due = epoch % evaluateEvery === 0 || epoch === epochs;
  const errorOf = async (part: Dataset | undefined): Promise<Terms | undefined> =>
    due && part && hasLabels(part) ? { error: await trained.error(part) } : undefined;
  const validation = await errorOf(data.validation);
  return { train: means, test: (await errorOf(data.test)) ?? {}, ...(validation && { validation }) };
}
