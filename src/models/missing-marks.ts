import type { RowLayout } from "../data/index.ts";
import { initializers, type Layer } from "../nn/index.ts";
import { cast, concat, isNan, log1p, mul, parameter, slice, type Tensor, where } from "../tensor/index.ts";

/** A layer in front of a network: [..., features] → [..., width]. */
export interface MissingMarks extends Layer {
  readonly gain: Tensor;
  readonly width: number;
}

/**
 * What an encoder sees of rows in which NaN is a missing value: the values, 0 for a missing one, and a mark for each of them that is 1
 * where it is missing, times a learned gain. The gain starts at 0 and complete data never move it: to a network trained on such, a
 * value that is missing later is one at the column's mean, and not what untrained weights make of a mark that was never set. Counts, which
 * come as they are, are seen by ln(1 + count).
 */
export function missingMarks(
  features: number,
  { numeric, counts = 0 }: RowLayout = { numeric: features, categories: [] },
): MissingMarks {
  const gain = parameter([features], initializers.zeros);
  return {
    gain,
    width: 2 * features,
    apply: (x) => {
      const missing = isNan(x);
      const filled = where(missing, 0, x);
      const part = (start: number, end: number): Tensor => slice(filled, { axis: -1, start, end });
      const seen =
        counts === 0
          ? [filled]
          : [
              ...(numeric > 0 ? [part(0, numeric)] : []),
              log1p(part(numeric, numeric + counts)),
              ...(numeric + counts < features ? [part(numeric + counts, features)] : []),
            ];
      return concat([...seen, mul(cast(missing, gain.dtype), gain)], -1);
    },
  };
}
