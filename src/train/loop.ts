/** The training loop: minibatches, steps, epochs. It knows a model by its objective alone, and data by their minibatches. */
import { ConvergenceError, NonFiniteError, UsageError } from "../errors.ts";
import type { Checkpoint } from "../files/index.ts";
import {
  adam,
  adamw,
  compileStep,
  type NamedLeaf,
  type Objective,
  type Optimizer,
  rmsprop,
  type Schedule,
  schedules,
  sgd,
  type TrainStep,
} from "../optim/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { Batches } from "./batches.ts";
import type { OptimisationSettings } from "./settings.ts";

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

/** Callbacks of training, and how to stop it. */
export interface TrainHooks {
  /** Called after each step; cheap, or it slows training. */
  readonly onStep?: (progress: Progress) => void;
  /** Called after each epoch, awaited: evaluation and checkpoints belong here. */
  readonly onEpoch?: (progress: Progress) => Promise<void> | void;
  /** Stops after the step under way. */
  readonly signal?: AbortSignal;
}

function piecewise({ lr, lrSteps }: OptimisationSettings, stepsPerEpoch: number): Schedule {
  if (lrSteps === undefined)
    throw new UsageError(
      "The schedule piecewise needs the learning rates that follow the first, in `lrSteps`: each with the epochs that are over by then.",
    );
  return schedules.piecewise({
    initial: lr,
    boundaries: lrSteps.map((step) => ({ at: step.epoch * stepsPerEpoch, value: step.lr })),
  });
}

function learningRate(settings: OptimisationSettings, steps: number): number | Schedule {
  const { lr, schedule } = settings;
  if (schedule === "linear") return schedules.linear({ from: lr, to: 0, steps });
  if (schedule === "cosine") return schedules.cosine({ peak: lr, steps });
  if (schedule === "piecewise") return piecewise(settings, steps / settings.epochs);
  // To a hundredth of it at the end.
  if (schedule === "exponential") return schedules.exponential({ initial: lr, factor: 0.01, every: steps });
  return lr;
}

function optimizerOf(settings: OptimisationSettings, steps: number): Optimizer {
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

/** So many times the loss of the first step, and training has made things worse rather than better. */
const DIVERGED = 1e4;

/**
 * Trains an objective over minibatches. State is (parameters, moments, buffers, step): it goes into a {@link Checkpoint} at any
 * step, and resuming from it gives what an uninterrupted run gives, bit for bit.
 */
export class Trainer {
  readonly settings: OptimisationSettings;
  readonly stepsPerEpoch: number;
  readonly trainStep: TrainStep;
  readonly #batches: Batches;
  readonly #parameters: readonly NamedLeaf[];
  #step = 0;
  #sums: Record<string, number> = {};
  /** The loss of the first step, before anything was learnt. */
  #firstLoss: number | undefined;

  private constructor(parts: {
    settings: OptimisationSettings;
    batches: Batches;
    parameters: readonly NamedLeaf[];
    trainStep: TrainStep;
  }) {
    this.settings = parts.settings;
    this.#batches = parts.batches;
    this.#parameters = parts.parameters;
    this.trainStep = parts.trainStep;
    this.stepsPerEpoch = parts.batches.stepsPerEpoch;
  }

  /**
   * Compiles the train step.
   * @param parameters of the model, and buffers
   * @param batches fill the objective's inputs
   */
  static async create(
    parameters: readonly NamedLeaf[],
    objective: Objective,
    batches: Batches,
    settings: OptimisationSettings,
  ): Promise<Trainer> {
    const { seed, epochs, threads, clip } = settings;
    const steps = epochs * batches.stepsPerEpoch;
    const trainStep = await compileStep(objective, parameters, optimizerOf(settings, steps), {
      seed,
      ...(threads !== undefined && { threads }),
      ...(clip !== undefined && { maxGradientNorm: clip }),
    });
    return new Trainer({ settings, batches, parameters, trainStep });
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

  /** One step: the minibatch, the gradient, the update. @throws NonFiniteError naming epoch and step. */
  async next(): Promise<Readonly<Record<string, number>>> {
    if (this.#step % this.stepsPerEpoch === 0) this.#sums = {};
    this.#batches.fill(this.#step, this.trainStep);
    const report = await this.#attempt();
    for (const [name, value] of Object.entries(report)) this.#sums[name] = (this.#sums[name] ?? 0) + value;
    if (this.#step === 0) this.#firstLoss = report.loss;
    this.#step++;
    return report;
  }

  /**
   * Trains until the settings' number of epochs, or until the signal. Returns whether it got to the end.
   * @throws ConvergenceError when it got there, and the loss of the last epoch is far above that of the first step.
   */
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
    this.#checkDivergence();
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
      metadata: {
        ...metadata,
        sums: { ...this.#sums },
        ...(this.#firstLoss !== undefined && { firstLoss: this.#firstLoss }),
      },
    };
  }

  /** Goes back to a checkpoint of the same model and optimiser. @throws CheckpointError when it is another's. */
  restore(checkpoint: Checkpoint): void {
    this.trainStep.arena.load(checkpoint.tensors);
    this.trainStep.loadBuffers(checkpoint.buffers);
    this.#step = checkpoint.step;
    const { sums, firstLoss } = checkpoint.metadata;
    this.#firstLoss = typeof firstLoss === "number" ? firstLoss : undefined;
    this.#sums = typeof sums === "object" && sums !== null ? { ...(sums as Record<string, number>) } : {};
  }

  /** A loss may be finite and yet be of no use. In between it may leap; what counts is where training ends. */
  #checkDivergence(): void {
    const first = this.#firstLoss;
    const last = (this.#sums.loss ?? Number.NaN) / this.stepsPerEpoch;
    if (first === undefined || !(last - first > DIVERGED * Math.max(1, Math.abs(first)))) return;
    throw new ConvergenceError(
      `training has diverged: the mean loss of the last epoch is ${last.toPrecision(3)}, that of the first step, before anything was ` +
        `learnt, was ${first.toPrecision(3)}. Lower the learning rate (lr), clip gradients (clip), or look at the data for values far ` +
        "from all others. What was trained is kept.",
    );
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
