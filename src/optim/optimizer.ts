import { UsageError } from "../errors.ts";
import type { Kernels } from "../kernels/index.ts";
import type { Tensor } from "../tensor/index.ts";
import { constant, type Schedule } from "./schedules.ts";

/** Parameters with their own settings. A parameter belongs to the first group that matches its name. */
export interface ParameterGroup {
  /** Selects parameters by name (and by the label that the parameter was declared with, if any). */
  readonly match: RegExp | ((name: string, label?: string) => boolean);
  /** Default: the optimiser's. */
  readonly learningRate?: number | Schedule;
  /** Default: the optimiser's. */
  readonly weightDecay?: number;
  /** Never update these parameters, and leave them out of the gradient's norm. Default false. */
  readonly frozen?: boolean;
}

/** Options that every optimiser has. */
export interface OptimizerOptions {
  /** η, the step size: a number, or a schedule over the number of updates. */
  readonly learningRate: number | Schedule;
  /** λ; each optimiser says how it is applied. Default 0. */
  readonly weightDecay?: number;
  /** Settings for groups of parameters; a parameter belongs to the first group that matches it. Default none. */
  readonly groups?: readonly ParameterGroup[];
}

/** A contiguous range of the arena: byte offsets and a number of float32 elements. */
export interface UpdateRange {
  readonly parameters: number;
  readonly gradients: number;
  /** One offset for each of the optimiser's moments, in their order. */
  readonly moments: readonly number[];
  readonly count: number;
}

/** The settings of one update of one range. */
export interface UpdateSettings {
  /** Updates made before this one. */
  readonly step: number;
  /** The learning rate of this update. */
  readonly learningRate: number;
  /** The weight decay of this update; 0 for none. */
  readonly weightDecay: number;
  /** The gradient is multiplied by this first: 1, or the scale from clipping. */
  readonly gradientScale: number;
}

/** A range of the arena as tensors, each [count]. */
export interface RangeTensors {
  readonly parameters: Tensor;
  /** One tensor for each of the optimiser's moments, in their order. */
  readonly moments: readonly Tensor[];
}

/** An update as an expression, for a device that keeps parameters and moments: it computes what `update` computes. */
export interface UpdateExpression {
  /** What changes from step to step, such as the learning rate: always the same number of values. */
  readonly numbers: (settings: UpdateSettings) => readonly number[];
  /** The next parameters and moments. `gradients` are scaled already, `numbers` are scalars in the order above. */
  readonly next: (
    range: RangeTensors,
    gradients: Tensor,
    numbers: readonly Tensor[],
    weightDecay: number,
  ) => RangeTensors;
}

/** The settings of a group, with defaults filled in. */
export interface ResolvedGroup {
  /** Whether a parameter belongs to the group, by its name and label. */
  readonly match: (name: string, label?: string) => boolean;
  readonly learningRate: Schedule;
  readonly weightDecay: number;
  readonly frozen: boolean;
}

/**
 * The contract of an optimiser: plain data, and one pure step over a range. The moments start at zero and live
 * in the arena; an optimiser has no state of its own.
 */
export interface Optimizer {
  /** A part of the moments' names in a checkpoint. */
  readonly name: string;
  readonly moments: readonly string[];
  /** The last group matches everything: it holds the optimiser's own settings. */
  readonly groups: readonly ResolvedGroup[];
  /**
   * One fused pass: reads the gradients, and updates moments and parameters in place. Returns whether all gradients were finite,
   * which costs nothing extra.
   */
  readonly update: (kernels: Kernels, range: UpdateRange, settings: UpdateSettings) => boolean;
  /** The same update as an expression. Without it the optimiser only runs on the processor. */
  readonly expression?: UpdateExpression;
}

const resolveRate = (where: string, rate: number | Schedule): Schedule => {
  if (typeof rate === "function") return rate;
  requireSetting(where, "learningRate", rate, rate >= 0, "finite and not negative");
  return constant(rate);
};

/** The learning rate of a group. @throws UsageError when its schedule gives one that is negative or not finite. */
export function rateAt(optimizer: string, { learningRate }: ResolvedGroup, step: number): number {
  const rate = learningRate(step);
  if (Number.isFinite(rate) && rate >= 0) return rate;
  throw new UsageError(
    `${optimizer}: expected the learning rate at step ${step} to be finite and not negative, ` +
      `found ${rate}; parameters are unchanged`,
  );
}

/** An L2 penalty: the gradient of the loss and of λ/2 |p|². */
export const penalised = (gradients: Tensor, parameters: Tensor, weightDecay: number): Tensor =>
  weightDecay === 0 ? gradients : gradients.add(parameters.mul(weightDecay));

/** Throws a {@link UsageError} that names the optimiser and the option, unless `value` is finite and `holds` is true. */
export const requireSetting = (
  where: string,
  option: string,
  value: number,
  holds: boolean,
  expected: string,
): void => {
  if (!Number.isFinite(value) || !holds) {
    throw new UsageError(`${where}: expected ${option} to be ${expected}, found ${value}`);
  }
};

/** The groups in an optimiser's options, checked, with the optimiser's own settings as the last group. */
export const resolveGroups = (
  optimizer: string,
  { learningRate, weightDecay = 0, groups = [] }: OptimizerOptions,
): readonly ResolvedGroup[] => {
  requireSetting(optimizer, "weightDecay", weightDecay, weightDecay >= 0, "finite and not negative");
  const rest: ResolvedGroup = {
    match: () => true,
    learningRate: resolveRate(optimizer, learningRate),
    weightDecay,
    frozen: false,
  };
  const resolved = groups.map((group, i): ResolvedGroup => {
    const where = `${optimizer} groups[${i}]`;
    const { match, frozen = false } = group;
    const decay = group.weightDecay ?? weightDecay;
    requireSetting(where, "weightDecay", decay, decay >= 0, "finite and not negative");
    return {
      // Unlike test(), search() does not depend on the expression's lastIndex.
      match: typeof match === "function" ? match : (name) => name.search(match) !== -1,
      learningRate:
        group.learningRate === undefined ? rest.learningRate : resolveRate(where, group.learningRate),
      weightDecay: decay,
      frozen,
    };
  });
  return [...resolved, rest];
};
