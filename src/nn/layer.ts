import { ShapeError } from "../errors.ts";
import { formatShape, type Tensor } from "../tensor/index.ts";

/** The context of the pass in which a layer is traced. */
export interface LayerContext {
  readonly training: boolean;
  /** How many processes share the minibatch, of which this one has as many rows as each other. Default 1. */
  readonly ranks?: number;
  /** Records the next value of a buffer (running statistics). */
  update(buffer: Tensor, value: Tensor): void;
  /** The current value of a buffer in this pass: the last one recorded, or the buffer itself. */
  current(buffer: Tensor): Tensor;
}

/** A function of tensors with parameters: a plain object, whose parameters {@link parametersOf} finds. */
export interface Layer {
  /** Traces the layer; without a context, for evaluation. */
  apply(x: Tensor, context?: LayerContext): Tensor;
}

/** The context of evaluation: running statistics are read, nothing is dropped, updates are ignored. */
export const evaluation: LayerContext = {
  training: false,
  update: () => undefined,
  current: (buffer) => buffer,
};

export interface TrainingContext extends LayerContext {
  /** What the train step writes back after the pass: the next value of each buffer. */
  readonly updates: ReadonlyMap<Tensor, Tensor>;
}

/**
 * A fresh context for tracing one train step. A layer that is applied twice updates its statistics twice, one after the other.
 *
 * @param options `ranks`: how many processes share the minibatch, each with as many rows; statistics are then those of all. Default 1.
 *
 * @example
 * const context = trainingContext();
 * const loss = crossEntropy(network.apply(x, context), y);
 * context.updates; // runningMean → …, runningVariance → …
 */
export function trainingContext({ ranks = 1 }: { readonly ranks?: number } = {}): TrainingContext {
  const updates = new Map<Tensor, Tensor>();
  return {
    training: true,
    ranks,
    updates,
    current: (buffer) => updates.get(buffer) ?? buffer,
    update(buffer, value) {
      if (value.shape.join() !== buffer.shape.join()) {
        throw new ShapeError(
          `update of a buffer: expected ${formatShape(buffer.shape)}, found ${formatShape(value.shape)}.`,
        );
      }
      updates.set(buffer, value);
    },
  };
}
