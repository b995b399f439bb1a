/** What a step reads: minibatches of one dataset, or of labelled and unlabelled rows side by side. */
import { type Dataset, type Minibatches, minibatches, rowSize } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import type { TrainStep } from "../optim/step.ts";
import type { TrainSettings } from "./settings.ts";

/** Fills a step's inputs. A pure function of its seed and the step, so that training resumes bit for bit. */
export interface Batches {
  readonly stepsPerEpoch: number;
  /** Writes the rows of a step into its inputs. */
  fill(step: number, inputs: Pick<TrainStep, "input">): void;
}

/** β at a step: grows linearly from 0 over the warm-up epochs. */
export function betaAt(
  step: number,
  { beta, warmup }: Pick<TrainSettings, "beta" | "warmup">,
  stepsPerEpoch: number,
): number {
  return warmup > 0 ? beta * Math.min(1, step / (warmup * stepsPerEpoch)) : beta;
}

/** Batches of one dataset, with the minibatch size that its number of rows allows. */
export interface DatasetBatches extends Batches {
  readonly batch: number;
}

/**
 * The minibatches of one dataset go to the input `x`, and β, where it warms up, to `beta`.
 * @throws UsageError when rows and model do not fit.
 */
export function datasetBatches(
  model: { readonly features: number },
  data: Dataset,
  settings: Pick<TrainSettings, "batch" | "seed" | "binarize" | "beta" | "warmup">,
): DatasetBatches {
  if (rowSize(data.shape) !== model.features) {
    throw new UsageError(
      `${data.name}: rows of shape [${data.shape.join(", ")}] hold ${rowSize(data.shape)} values, the model takes ${model.features}.`,
    );
  }
  const { batch, stepsPerEpoch, fill } = minibatches(data, settings);
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
  /** The class of each row that `labelled` numbers. */
  readonly labels: Int32Array;
  readonly classes: number;
  /** Absent where every row is labelled: an epoch is then a pass over the labelled rows. */
  readonly unlabelled?: Minibatches;
}

/**
 * Labelled and unlabelled rows side by side, each in its own order: `xLabelled` and one-hot `y`, and `x`. An epoch is a pass over
 * the unlabelled rows, while the labelled ones come round as often as they do.
 */
export function semiSupervisedBatches({
  labelled,
  labels,
  classes,
  unlabelled,
}: SemiSupervisedParts): Batches {
  return {
    stepsPerEpoch: (unlabelled ?? labelled).stepsPerEpoch,
    fill(step, inputs) {
      unlabelled?.fill(step, inputs.input("x"));
      const rows = labelled.fill(step, inputs.input("xLabelled"));
      const y = inputs.input("y").fill(0);
      for (let i = 0; i < rows.length; i++) y[i * classes + labels[rows[i]]] = 1;
    },
  };
}
