/** A step's inputs: minibatches of one dataset, or of labelled and unlabelled rows. */
import { type Dataset, type Minibatches, minibatches, rowSize } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import type { Ranks } from "../mpi/index.ts";
import type { TrainStep } from "../optim/index.ts";
import type { BatchSettings } from "./settings.ts";

/** Fills a step's inputs. A pure function of its seed and the step, so that training resumes bit for bit. */
export interface Batches {
  readonly stepsPerEpoch: number;
  /** Writes a step's rows to its inputs. */
  fill(step: number, inputs: Pick<TrainStep, "input">): void;
}

/** Grows linearly from 0 to 1 over the warm-up epochs. */
const grown = (step: number, warmup: number, stepsPerEpoch: number): number =>
  warmup > 0 ? Math.min(1, step / (warmup * stepsPerEpoch)) : 1;

/** β at a step: grows linearly from 0 over the warm-up epochs. */
export const betaAt = (
  step: number,
  { beta, warmup }: Pick<BatchSettings, "beta" | "warmup">,
  stepsPerEpoch: number,
): number => beta * grown(step, warmup, stepsPerEpoch);

/** Batches of one dataset, with a minibatch size of at most its number of rows. */
export interface DatasetBatches extends Batches {
  readonly batch: number;
}

/**
 * Writes the minibatches of one dataset to the input `x` and, during a warm-up, β to `beta`.
 * @throws UsageError when the rows do not fit the model.
 */
export function datasetBatches(
  model: { readonly features: number },
  data: Dataset,
  settings: BatchSettings,
  ranks?: Ranks,
): DatasetBatches {
  if (rowSize(data.shape) !== model.features) {
    throw new UsageError(
      `${data.name}: rows of shape [${data.shape.join(", ")}] have ${rowSize(data.shape)} values, but the model takes ${model.features}.`,
    );
  }
  const { batch, stepsPerEpoch, fill } = minibatches(data, {
    batch: settings.batch,
    seed: settings.seed,
    binarize: settings.binarize,
    ...(ranks && { ranks }),
  });
  return {
    batch,
    stepsPerEpoch,
    fill(step, inputs) {
      fill(step, inputs.input("x"));
      if (settings.warmup > 0) inputs.input("beta")[0] = betaAt(step, settings, stepsPerEpoch);
    },
  };
}

export interface SemiSupervisedParts {
  readonly labelled: Minibatches;
  /** The class of each row in `labelled`. */
  readonly labels: Int32Array;
  readonly classes: number;
  /** Absent if every row is labelled: an epoch is then a pass over the labelled rows. */
  readonly unlabelled?: Minibatches;
  /** Epochs over which the input `warmup` grows from 0 to 1; with 0 there is no such input. */
  readonly warmup: number;
  /** The epoch from which the input `shares` is 1 after 0; absent: there is no such input. */
  readonly sharesFrom?: number;
}

/**
 * Minibatches of labelled and of unlabelled rows, each in its own order: `xLabelled` and one-hot `y`, and `x`. An epoch is a pass over the
 * unlabelled rows; the labelled ones are repeated as often as needed.
 */
export function semiSupervisedBatches({
  labelled,
  labels,
  classes,
  unlabelled,
  warmup,
  sharesFrom,
}: SemiSupervisedParts): Batches {
  const { stepsPerEpoch } = unlabelled ?? labelled;
  return {
    stepsPerEpoch,
    fill(step, inputs) {
      if (unlabelled && warmup > 0) inputs.input("warmup")[0] = grown(step, warmup, stepsPerEpoch);
      if (sharesFrom !== undefined) inputs.input("shares")[0] = Number(step >= sharesFrom * stepsPerEpoch);
      unlabelled?.fill(step, inputs.input("x"));
      const rows = labelled.fill(step, inputs.input("xLabelled"));
      const y = inputs.input("y").fill(0);
      for (let i = 0; i < rows.length; i++) y[i * classes + labels[rows[i]]] = 1;
    },
  };
}
