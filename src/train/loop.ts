/** The training loop: minibatches, steps, epochs. It knows a model by its objective alone. */
import { type Dataset, type Minibatches, minibatches, rowSize } from "../data/index.ts";
import { NonFiniteError, UsageError } from "../errors.ts";
import type { Optimizer, Schedule } from "../optim/index.ts";
import { adam, adamw, rmsprop, schedules, sgd } from "../optim/index.ts";
import { compileStep, type NamedLeaf, type Objective, type TrainStep } from "../optim/step.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { TrainSettings } from "./settings.ts";

/** Means over the steps of an epoch so far; NaN before the first. */
export type Means = Readonly<Record<string, number>>;

/** Where training is. */
export interface Progress {
  /** Updates made. */
  readonly step: number;
  /** Epochs completed. */
  readonly epoch: number;
  /** Steps made of the current epoch, and in a whole one. */
  readonly stepOfEpoch: number;
  readonly stepsPerEpoch: number;
  readonly means: Means;
}

export interface TrainHooks {
  /** Called after each step; cheap, or it slows training. */
  readonly onStep?: (progress: Progress) => void;
  /** Called after each epoch, awaited: evaluation and checkpoints belong here. */
  readonly onEpoch?: (progress: Progress) => Promise<void> | void;
  /** Stops after the step under way. */
  readonly signal?: AbortSignal;
}

/** A model as the loop sees it. */
export interface Trainable {
  readonly features: number;
  readonly parameters: readonly NamedLeaf[];
}

function learningRate(settings: TrainSettings, steps: number): number | Schedule {
  const { lr, schedule } = settings;
  if (schedule === "linear") return schedules.linear({ from: lr, to: 0, steps });
  if (schedule === "cosine") return schedules.cosine({ peak: lr, steps });
  return lr;
}

function optimizerOf(settings: TrainSettings, steps: number): Optimizer {
  const options = { learningRate: learningRate(settings, steps) };
  switch (settings.optimizer) {
    case "adam":
      return adam(options);
    case "adamw":
      return adamw(options);
    case "sgd":
      return sgd({ ...options, momentum: 0.9 });
    case "rmsprop":
      return rmsprop(options);
  }
}

/**
 * Trains an objective over the rows of a dataset. Each epoch visits the rows in an order of its own, in whole minibatches;
 * a remainder smaller than one is left for the next epoch's order. State is (parameters, moments, buffers, step): it goes
 * into a {@link Checkpoint} at any step, and resuming from it gives what an uninterrupted run gives, bit for bit.
 */
export class Trainer {
  readonly settings: TrainSettings;
  readonly stepsPerEpoch: number;
  readonly trainStep: TrainStep;
  readonly #minibatches: Minibatches;
  readonly #parameters: readonly NamedLeaf[];
  #step = 0;
  #sums: Record<string, number> = {};

  private constructor(parts: {
    settings: TrainSettings;
    minibatches: Minibatches;
    parameters: readonly NamedLeaf[];
    trainStep: TrainStep;
  }) {
    this.settings = parts.settings;
    this.#minibatches = parts.minibatches;
    this.#parameters = parts.parameters;
    this.trainStep = parts.trainStep;
    this.stepsPerEpoch = parts.minibatches.stepsPerEpoch;
  }

  /**
   * Compiles the train step.
   * @param objective given the minibatch size: data are fed to its input `x`, β (if it has one) to `beta`
   * @throws UsageError when rows and model do not fit.
   */
  static async create(
    model: Trainable,
    objective: (batch: number) => Objective,
    data: Dataset,
    settings: TrainSettings,
  ): Promise<Trainer> {
    if (rowSize(data.shape) !== model.features) {
      throw new UsageError(
        `${data.name}: rows of shape [${data.shape.join(", ")}] hold ${rowSize(data.shape)} values, the model takes ${model.features}.`,
      );
    }
    const { seed, binarize, epochs } = settings;
    const batches = minibatches(data, { batch: settings.batch, seed, binarize });
    const steps = epochs * batches.stepsPerEpoch;
    const trainStep = await compileStep(
      objective(batches.batch),
      model.parameters,
      optimizerOf(settings, steps),
      {
        seed: settings.seed,
        ...(settings.threads !== undefined && { threads: settings.threads }),
        ...(settings.clip !== undefined && { maxGradientNorm: settings.clip }),
      },
    );
    return new Trainer({ settings, minibatches: batches, parameters: model.parameters, trainStep });
  }

  get progress(): Progress {
    const stepOfEpoch = this.#step % this.stepsPerEpoch;
    return {
      step: this.#step,
      epoch: Math.floor(this.#step / this.stepsPerEpoch),
      stepOfEpoch,
      stepsPerEpoch: this.stepsPerEpoch,
      means: this.#means(stepOfEpoch),
    };
  }

  /** Current values of parameters and buffers: views, which later steps change. */
  values(): ReadonlyMap<Tensor, Float32Array> {
    return new Map(this.#parameters.map(({ name, tensor }) => [tensor, this.trainStep.value(name)]));
  }

  /** β at a step: grows linearly from 0 over the warm-up epochs. */
  beta(step: number): number {
    const { beta, warmup } = this.settings;
    return warmup > 0 ? beta * Math.min(1, step / (warmup * this.stepsPerEpoch)) : beta;
  }

  /** One step: the minibatch, its binary draws, β, the gradient, the update. @throws NonFiniteError naming epoch and step. */
  async next(): Promise<Readonly<Record<string, number>>> {
    if (this.#step % this.stepsPerEpoch === 0) this.#sums = {};
    this.#minibatches.fill(this.#step, this.trainStep.input("x"));
    if (this.settings.warmup > 0) this.trainStep.input("beta")[0] = this.beta(this.#step);
    const report = await this.#attempt();
    for (const [name, value] of Object.entries(report)) this.#sums[name] = (this.#sums[name] ?? 0) + value;
    this.#step++;
    return report;
  }

  /** Trains until the settings' number of epochs, or until the signal. Returns whether it got to the end. */
  async run(hooks: TrainHooks = {}): Promise<boolean> {
    const { onStep, onEpoch, signal } = hooks;
    const total = this.settings.epochs * this.stepsPerEpoch;
    while (this.#step < total) {
      if (signal?.aborted) return false;
      await this.next();
      const made = ((this.#step - 1) % this.stepsPerEpoch) + 1;
      const progress = { ...this.progress, stepOfEpoch: made, means: this.#means(made) };
      onStep?.(progress);
      if (made === this.stepsPerEpoch) await onEpoch?.(progress);
    }
    return true;
  }

  /** Everything needed to go on, copied. `metadata` is kept as it is. */
  checkpoint(metadata: Checkpoint["metadata"] = {}): Checkpoint {
    const { step, epoch } = this.progress;
    return {
      tensors: this.trainStep.arena.state(),
      buffers: this.trainStep.buffers(),
      step,
      epoch,
      metadata: { ...metadata, sums: { ...this.#sums } },
    };
  }

  /** Goes back to a checkpoint of the same model and optimiser. @throws CheckpointError when it is another's. */
  restore(checkpoint: Checkpoint): void {
    this.trainStep.arena.load(checkpoint.tensors);
    this.trainStep.loadBuffers(checkpoint.buffers);
    this.#step = checkpoint.step;
    const { sums } = checkpoint.metadata;
    this.#sums = typeof sums === "object" && sums !== null ? { ...(sums as Record<string, number>) } : {};
  }

  async #attempt(): Promise<Readonly<Record<string, number>>> {
    try {
      return await this.trainStep.run(this.#step);
    } catch (error) {
      if (error instanceof NonFiniteError) {
        const epoch = Math.floor(this.#step / this.stepsPerEpoch) + 1;
        throw new NonFiniteError(`epoch ${epoch}, ${error.message}`);
      }
      throw error;
    }
  }

  #means(count: number): Means {
    return Object.fromEntries(Object.entries(this.#sums).map(([name, sum]) => [name, sum / count]));
  }
}
