/** The settings that the training loop reads. Schemas and defaults are in the kinds of models. */
import type { Device } from "../compile/index.ts";
import type { Binarization } from "../data/index.ts";

/** The optimisers for training. */
export const optimizerNames = ["adam", "adamw", "sgd", "rmsprop"] as const;
/** The schedules of the learning rate. */
export const scheduleNames = ["constant", "linear", "cosine", "exponential", "piecewise"] as const;

/** A learning rate that applies after a number of epochs. */
export interface RateStep {
  /** Number of epochs after which it applies: 1 or more. */
  readonly epoch: number;
  /** The learning rate from then on. */
  readonly lr: number;
}

/** Settings of the loop. */
export interface OptimisationSettings {
  /** Passes over the data. */
  readonly epochs: number;
  /** The optimiser. */
  readonly optimizer: (typeof optimizerNames)[number];
  /** Learning rate; with a schedule, its initial value. */
  readonly lr: number;
  /** Schedule of the learning rate over all updates. */
  readonly schedule: (typeof scheduleNames)[number];
  /** The learning rates of a piecewise schedule, in the order of their epochs. */
  readonly lrSteps?: readonly RateStep[];
  /** Largest global norm of the gradient. Absent: not clipped. */
  readonly clip?: number;
  /** Training stops after this many epochs without improvement on the validation rows. Absent: it trains for all epochs. */
  readonly patience?: number;
  /** Seed of every random number. */
  readonly seed: number;
  /** Threads per operation. Absent: one per core. */
  readonly threads?: number;
  /** Where steps run. Absent: on the processor. */
  readonly device?: Device;
}

/** Settings of the minibatches of one dataset. */
export interface BatchSettings {
  /** Rows in a minibatch. */
  readonly batch: number;
  /** Seed of the order of rows and of draws from them. */
  readonly seed: number;
  /** Whether and when grey pixels are drawn as black or white. */
  readonly binarize: Binarization;
  /** Weight of the KL. */
  readonly beta: number;
  /** Epochs over which β grows linearly from 0. */
  readonly warmup: number;
}
