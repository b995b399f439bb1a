/** The training loop: minibatches, steps, epochs. It knows only a model's objective and the data's minibatches. */
import { ConvergenceError, NonFiniteError, UsageError } from "../errors.ts";
import type { Checkpoint } from "../files/index.ts";
import { alone, anyOf, fromFirst, type Ranks } from "../mpi/index.ts";
import {
  adam,
  adamw,
  compileStep,
  type NamedLeaf,
  type Objective,
  type Optimizer,
  rmsprop,
  type Schedule,
  type StepReport,
  schedules,
  sgd,
  type TrainStep,
  togetherOf,
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
  /** Steps made in the current epoch, and steps per epoch. */
  readonly stepOfEpoch: number;
  readonly stepsPerEpoch: number;
  readonly means: Means;
}

/** Callbacks of training, and a signal to stop it. */
export interface TrainHooks {
  /**
   * Called once for each step, in order. If it is slow, training is slow. On a device it is called for up to 16 steps at once, when their figures have been
   * read.
   */
  readonly onStep?: (progress: Progress) => void;
  /** Called and awaited after each epoch: the place for evaluation and checkpoints. */
  readonly onEpoch?: (progress: Progress) => Promise<void> | void;
  /** Stops training after the current step; on a device, if `onStep` gives it, after the steps whose figures were read together. */
  readonly signal?: AbortSignal;
}

function piecewise({ lr, lrSteps }: OptimisationSettings, stepsPerEpoch: number): Schedule {
  if (lrSteps === undefined)
    throw new UsageError(
      "The schedule piecewise needs the later learning rates in `lrSteps`: each with the number of epochs after which it applies.",
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
  // To a hundredth of the first rate at the end.
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

/** If the loss ends above the first step's loss multiplied by this, training has diverged. */
const DIVERGED = 1e4;

/** Ranks that train together, and the objective of the whole minibatch. */
export interface SharedObjective {
  /** The ranks; each has its share of the rows. */
  readonly ranks: Ranks;
  /** Traces the objective of the rows of all ranks, whose noise shows which part is this rank's. */
  whole(): Objective;
}

/**
 * Trains an objective over minibatches. Its state is (parameters, moments, buffers, step). A {@link Checkpoint} of it can be taken at any
 * step; resuming from it gives the same result as an uninterrupted run, bit for bit.
 */
export class Trainer {
  readonly settings: OptimisationSettings;
  readonly stepsPerEpoch: number;
  readonly trainStep: TrainStep;
  /** The ranks that train together. */
  readonly ranks: Ranks;
  readonly #batches: Batches;
  readonly #parameters: readonly NamedLeaf[];
  #step = 0;
  #sums: Record<string, number> = {};
  /** The loss of the first step, before any learning. */
  #firstLoss: number | undefined;

  private constructor(parts: {
    settings: OptimisationSettings;
    batches: Batches;
    parameters: readonly NamedLeaf[];
    trainStep: TrainStep;
    ranks: Ranks;
  }) {
    this.ranks = parts.ranks;
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
   * @param shared ranks that train together, and the objective of the whole minibatch, of which each has its rows
   * @throws UsageError when the objective is not a mean over rows that ranks can share.
   */
  static async create(
    parameters: readonly NamedLeaf[],
    objective: Objective,
    batches: Batches,
    settings: OptimisationSettings,
    { ranks, whole }: SharedObjective = { ranks: alone, whole: () => objective },
  ): Promise<Trainer> {
    const { seed, epochs, threads = ranks.threads, clip, device } = settings;
    const together = togetherOf(ranks, objective, whole);
    const steps = epochs * batches.stepsPerEpoch;
    const trainStep = await compileStep(objective, parameters, optimizerOf(settings, steps), {
      seed,
      ...(threads !== undefined && { threads }),
      ...(clip !== undefined && { maxGradientNorm: clip }),
      ...(device !== undefined && { device }),
      ...(together && { together }),
    });
    return new Trainer({ settings, batches, parameters, trainStep, ranks });
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

  /** Current values of parameters and buffers, as views that later steps change; on a device, once `pull` has copied them. */
  values(): ReadonlyMap<Tensor, Float32Array> {
    return new Map(this.#parameters.map(({ name, tensor }) => [tensor, this.trainStep.value(name)]));
  }

  /**
   * One step: minibatch, gradient, update. On a device, which must stop for it, {@link take} is faster.
   * @throws NonFiniteError when the loss or a gradient is not finite; the message names epoch and step.
   */
  async next(): Promise<StepReport> {
    const [report] = await this.take(1);
    return report;
  }

  /**
   * So many steps, and the report of each. The numbers are those of {@link next}, bit for bit; a device's figures are read every 16 steps alone.
   * @throws NonFiniteError as `next` does. `progress` is then that of the steps before, and so are the parameters on a device.
   */
  async take(count: number): Promise<readonly StepReport[]> {
    if (!Number.isInteger(count) || count < 1)
      throw new UsageError(`take: expected a number of steps, at least 1, found ${count}.`);
    const all: StepReport[] = [];
    await this.#take(this.#step + count, (reports) => {
      for (const report of reports) {
        this.#count(report);
        all.push(report);
      }
    });
    return all;
  }

  /**
   * Trains for the settings' number of epochs, or until the signal. Returns whether it reached the end.
   * @throws ConvergenceError when it reached the end and the loss of the last epoch is far above that of the first step.
   */
  async run(hooks: TrainHooks = {}): Promise<boolean> {
    const { onStep, onEpoch, signal } = hooks;
    const total = this.settings.epochs * this.stepsPerEpoch;
    while (this.#step < total) {
      const end = this.#step - (this.#step % this.stepsPerEpoch) + this.stepsPerEpoch;
      let last = this.progress;
      const reached = await this.#take(
        end,
        (reports) => {
          // All are counted before a callback may throw.
          const made = reports.map((report) => this.#count(report));
          last = made.at(-1) ?? last;
          for (const progress of made) onStep?.(progress);
        },
        // A signal may reach one rank alone; all must stop at the same step.
        () => !anyOf(this.ranks, signal?.aborted === true),
      );
      await this.pull();
      if (reached < end) return false;
      await onEpoch?.(last);
    }
    this.trainStep.release();
    this.#checkDivergence();
    return true;
  }

  /**
   * Brings parameters, gradients and moments together in this process's memory, from the device or from the other ranks: every rank must call it before
   * {@link checkpoint}. `run` does it after each epoch and when it ends; a loop of `next` does it itself.
   */
  pull(): Promise<void> {
    return this.trainStep.pull();
  }

  /**
   * A copy of everything needed to continue. `metadata` is stored unchanged.
   * @throws UsageError when a device or other ranks have newer values: {@link pull} brings them here.
   */
  checkpoint(metadata: Checkpoint["metadata"] = {}): Checkpoint {
    const { step, epoch } = this.progress;
    return {
      tensors: this.trainStep.state(),
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

  /** Restores a checkpoint of the same model and optimiser. @throws CheckpointError when it belongs to another. */
  restore(checkpoint: Checkpoint): void {
    this.trainStep.load(checkpoint.tensors);
    this.trainStep.loadBuffers(checkpoint.buffers);
    this.#step = checkpoint.step;
    const { sums, firstLoss } = checkpoint.metadata;
    this.#firstLoss = typeof firstLoss === "number" ? firstLoss : undefined;
    this.#sums = typeof sums === "object" && sums !== null ? { ...(sums as Record<string, number>) } : {};
  }

  /** Takes the state of rank 0 on every rank, after it was restored there. */
  share(): void {
    const { ranks } = this;
    if (ranks.size === 1) return;
    const { tensors, buffers, metadata, step, epoch } = this.checkpoint();
    const state = fromFirst(ranks, { metadata, step, epoch });
    for (const { data } of [...tensors, ...buffers])
      ranks.broadcast(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    this.restore({ tensors, buffers, ...state });
  }

  /** A loss can be finite and still useless. It may jump in between; what counts is where training ends. */
  #checkDivergence(): void {
    const first = this.#firstLoss;
    const last = (this.#sums.loss ?? Number.NaN) / this.stepsPerEpoch;
    if (first === undefined || !(last - first > DIVERGED * Math.max(1, Math.abs(first)))) return;
    throw new ConvergenceError(
      `training has diverged: the mean loss of the last epoch is ${last.toPrecision(3)}, the loss of the first step, before any learning, was ${first.toPrecision(3)}. Lower the learning rate (lr), clip gradients (clip), or check the data for values far ` +
        "from all others. The trained parameters are kept.",
    );
  }

  /** Takes steps up to `end`, or until one may not be taken. Returns where it stopped. */
  async #take(
    end: number,
    after: (reports: readonly StepReport[]) => void,
    may: () => boolean = () => true,
  ): Promise<number> {
    try {
      return await this.trainStep.take({
        from: this.#step,
        to: end,
        before: (step) => {
          if (!may()) return false;
          this.#batches.fill(step, this.trainStep);
          return true;
        },
        after,
      });
    } catch (error) {
      if (error instanceof NonFiniteError) {
        const epoch = Math.floor(this.#step / this.stepsPerEpoch) + 1;
        throw new NonFiniteError(`epoch ${epoch}, ${error.message}`);
      }
      throw error;
    }
  }

  /** Adds a step to the sums, and says where training is after it: at the end of an epoch, with the means of that one. */
  #count(report: StepReport): Progress {
    if (this.#step % this.stepsPerEpoch === 0) this.#sums = {};
    for (const [name, value] of Object.entries(report)) this.#sums[name] = (this.#sums[name] ?? 0) + value;
    if (this.#step === 0) this.#firstLoss = report.loss;
    this.#step++;
    const made = ((this.#step - 1) % this.stepsPerEpoch) + 1;
    return { ...this.progress, stepOfEpoch: made, means: this.#means(made) };
  }

  #means(count: number): Means {
    return Object.fromEntries(Object.entries(this.#sums).map(([name, sum]) => [name, sum / count]));
  }
}
