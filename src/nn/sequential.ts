/** A sequence of layers, and layers that only change a shape. */
import { ShapeError } from "../errors.ts";
import { flatten, formatShape, reshape, type Shape, sizeOf } from "../tensor/index.ts";
import type { Layer } from "./layer.ts";

export interface Sequential extends Layer {
  readonly layers: readonly Layer[];
}

/**
 * Layers one after another; parameters are named `layers.0.weight` and so on.
 * @throws ShapeError from a layer, with its position: `layers.2: dense: expected …`.
 */
export function sequential(...layers: readonly Layer[]): Sequential {
  return {
    layers,
    apply: (x, context) =>
      layers.reduce((h, layer, i) => {
        try {
          return layer.apply(h, context);
        } catch (error) {
          if (!(error instanceof ShapeError)) throw error;
          const separator = error.message.startsWith("layers.") ? "." : ": ";
          throw new ShapeError(`layers.${i}${separator}${error.message}`, { cause: error });
        }
      }, x),
  };
}

/** Merges all axes but the first: [batch, …] → [batch, features]. */
export const flattenLayer: Layer = { apply: (x) => flatten(x, 1) };

/** Gives each example another shape: [batch, …] → [batch, ...shape]. Throws ShapeError when the sizes differ. */
export const reshapeLayer = (shape: Shape): Layer => ({
  apply(x) {
    const [batch = 1, ...rest] = x.shape;
    if (sizeOf(rest) !== sizeOf(shape)) {
      throw new ShapeError(
        `reshapeLayer: expected examples of ${sizeOf(shape)} elements for ${formatShape(shape)}, found ${formatShape(x.shape)}.`,
      );
    }
    return reshape(x, [batch, ...shape]);
  },
});
