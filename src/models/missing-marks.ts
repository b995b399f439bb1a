import type { RowLayout } from "../data/index.ts";
import { initializers, type Layer } from "../nn/index.ts";
import { cast, concat, isNan, log1p, mul, parameter, slice, type Tensor, where } from "../tensor/index.ts";

/** A layer before a network: [..., features] → [..., width]. */
export interface MissingMarks extends Layer {
  readonly gain: Tensor;
  readonly width: number;
}

/**
 * The encoder's view of rows with missing values (NaN): the values, with 0 for missing ones, and for each value a mark that is 1 if it is
 * missing, multiplied by a learned gain. The gain starts at 0, and complete data never change it. So a network trained on complete rows
 * treats a value that goes missing later as the column's mean, rather than applying untrained weights to a mark it has never seen. Counts,
 * which come as they are, are seen by ln(1 + count).
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
