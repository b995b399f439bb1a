import { initializers, type Layer } from "../nn/index.ts";
import { cast, concat, isNan, mul, parameter, type Tensor, where } from "../tensor/index.ts";

/** A layer in front of a network: [..., features] → [..., width]. */
export interface MissingMarks extends Layer {
  readonly gain: Tensor;
  readonly width: number;
}

/**
 * What an encoder sees of rows in which NaN is a missing value: the values, 0 for a missing one, and a mark for each of them that is 1
 * where it is missing, times a learned gain. The gain starts at 0 and complete data never move it: to a network trained on such, a
 * value that is missing later is one at the column's mean, and not what untrained weights make of a mark that was never set.
 */
export function missingMarks(features: number): MissingMarks {
  const gain = parameter([features], initializers.zeros);
  return {
    gain,
    width: 2 * features,
    apply: (x) => {
      const missing = isNan(x);
      return concat([where(missing, 0, x), mul(cast(missing, gain.dtype), gain)], -1);
    },
  };
}
