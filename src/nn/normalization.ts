/** Batch and layer normalisation. */

import { ShapeError, UsageError } from "../errors.ts";
import { anything, checkOptions, type OptionRules } from "../options.ts";
import {
  add,
  type DType,
  div,
  formatShape,
  mean,
  meanOverRanks,
  mul,
  parameter,
  reshape,
  type Shape,
  sameShape,
  sizeOf,
  sqrt,
  square,
  sub,
  type Tensor,
} from "../tensor/index.ts";
import { checkCount } from "./check.ts";
import { ones, zeros } from "./initializers.ts";
import { evaluation, type Layer } from "./layer.ts";

/** Options that normalising layers share. */
export interface NormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /** Default float32. */
  readonly dtype?: DType;
}

const normRules: OptionRules<NormOptions> = {
  epsilon: anything,
  dtype: anything,
};

/** Options of {@link batchNorm}. */
export interface BatchNormOptions extends NormOptions {
  /** Weight of the batch's statistics in the next running ones. Default 0.1. */
  readonly momentum?: number;
}

const batchNormRules: OptionRules<BatchNormOptions> = {
  momentum: anything,
  epsilon: anything,
  dtype: anything,
};

export interface BatchNorm extends Layer {
  /** [features] */
  readonly scale: Tensor;
  readonly bias: Tensor;
  /** [features], a buffer: running ← (1 − momentum) running + momentum · batch mean. */
  readonly runningMean: Tensor;
  /** [features], a buffer: the same for the batch's variance with divisor n − 1, as in PyTorch. */
  readonly runningVariance: Tensor;
}

function checkNumbers(layer: string, { epsilon = 1e-5, momentum = 0.1 }: BatchNormOptions): void {
  if (!(epsilon >= 0)) throw new UsageError(`${layer}: epsilon must be at least 0, found ${epsilon}.`);
  if (!(momentum >= 0 && momentum <= 1))
    throw new UsageError(`${layer}: momentum must be between 0 and 1, found ${momentum}.`);
}

/** (x − mean) / √(variance + ε) · scale + bias; the small tensors are combined first. */
function normalize(
  x: Tensor,
  centre: Tensor,
  variance: Tensor,
  scale: Tensor,
  bias: Tensor,
  epsilon: number,
): Tensor {
  return add(mul(sub(x, centre), div(scale, sqrt(add(variance, epsilon)))), bias);
}

/**
 * Batch normalisation (Ioffe & Szegedy 2015): each feature is shifted and scaled to mean 0 and variance 1 over all other
 * axes, then given a learned scale and bias. x [batch, features] or [batch, features, height, width] → the same.
 *
 * Training uses the batch's own statistics (variance with divisor n), of all ranks that share it, and records the running ones through the
 * context; evaluation uses the running ones.
 *
 * @throws ShapeError when the rank is neither 2 nor 4, the features differ, or a training batch has only one value for each feature.
 */
export function batchNorm(features: number, options: BatchNormOptions = {}): BatchNorm {
  checkCount("batchNorm", "features", features);
  checkOptions("batchNorm", options, batchNormRules);
  checkNumbers("batchNorm", options);
  const { momentum = 0.1, epsilon = 1e-5, dtype = "float32" } = options;
  const scale = parameter([features], ones, { dtype });
  const bias = parameter([features], zeros, { dtype });
  const runningMean = parameter([features], zeros, { dtype, trainable: false });
  const runningVariance = parameter([features], ones, { dtype, trainable: false });
  return {
    scale,
    bias,
    runningMean,
    runningVariance,
    apply(x, context = evaluation) {
      if ((x.rank !== 2 && x.rank !== 4) || x.shape[1] !== features) {
        throw new ShapeError(
          `batchNorm: expected [batch, ${features}] or [batch, ${features}, height, width], found ${formatShape(x.shape)}.`,
        );
      }
      const aligned = (t: Tensor): Tensor => (x.rank === 4 ? reshape(t, [features, 1, 1]) : t);
      if (!context.training) {
        const [m, v, s, b] = [runningMean, runningVariance, scale, bias].map(aligned);
        return normalize(x, m, v, s, b, epsilon);
      }
      const { ranks = 1 } = context;
      const count = (x.size / features) * ranks;
      if (count < 2) {
        throw new ShapeError(
          `batchNorm: training needs more than one value for each feature, found ${formatShape(x.shape)}; use a larger batch.`,
        );
      }
      const axes = x.rank === 4 ? [0, 2, 3] : [0];
      const centre = meanOverRanks(mean(x, axes), ranks);
      const variance = meanOverRanks(mean(square(sub(x, aligned(centre))), axes), ranks);
      const move = (buffer: Tensor, value: Tensor, factor: number): void =>
        context.update(
          buffer,
          add(mul(context.current(buffer), 1 - momentum), mul(value, factor * momentum)),
        );
      move(runningMean, centre, 1);
      move(runningVariance, variance, count / (count - 1));
      return normalize(x, aligned(centre), aligned(variance), aligned(scale), aligned(bias), epsilon);
    },
  };
}

export interface LayerNorm extends Layer {
  /** The scale and bias have the shape of the normalised axes. */
  readonly scale: Tensor;
  readonly bias: Tensor;
}

/**
 * Layer normalisation (Ba, Kiros & Hinton 2016): each example is shifted and scaled to mean 0 and variance 1 (divisor n)
 * over its last axes, which have shape `shape`; then a learned scale and bias are applied to each element. x [..., ...shape] → the same.
 */
export function layerNorm(shape: number | Shape, options: NormOptions = {}): LayerNorm {
  const last = typeof shape === "number" ? [shape] : shape;
  for (const size of last) checkCount("layerNorm", "every size", size);
  checkOptions("layerNorm", options, normRules);
  checkNumbers("layerNorm", options);
  const { epsilon = 1e-5, dtype = "float32" } = options;
  const scale = parameter(last, ones, { dtype });
  const bias = parameter(last, zeros, { dtype });
  return {
    scale,
    bias,
    apply(x) {
      const lead = x.rank - last.length;
      if (lead < 0 || !sameShape(x.shape.slice(lead), last)) {
        throw new ShapeError(
          `layerNorm: expected last axes ${formatShape(last)}, found ${formatShape(x.shape)}.`,
        );
      }
      const rows = reshape(x, [...x.shape.slice(0, lead), sizeOf(last)]);
      const centred = sub(rows, mean(rows, -1, { keepDims: true }));
      const variance = mean(square(centred), -1, { keepDims: true });
      const unit = div(centred, sqrt(add(variance, epsilon)));
      return add(mul(reshape(unit, x.shape), scale), bias);
    },
  };
}
