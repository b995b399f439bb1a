/** Element-wise transforms in flows, whose parameters a network predicts. */
import { UsageError } from "../../errors.ts";
import { checkCount } from "../../nn/index.ts";
import { mul, reshape, slice, type Tensor, tanh } from "../../tensor/index.ts";
import { affine } from "./affine.ts";
import { rationalQuadraticSpline } from "./spline.ts";
import type { Transform } from "./transform.ts";

/**
 * A family of element-wise transforms whose parameters a conditioner network predicts (Papamakarios et al. 2021 call it the
 * transformer). Parameters of 0 give the identity, or nearly so.
 */
export interface Transformer {
  readonly name: string;
  /** The number of parameters for each element. */
  readonly parameters: number;
  /** The transform, element-wise on [...], from predictions of shape [..., parameters]. */
  build(predictions: Tensor): Transform;
}

/**
 * y = shift + scale · x, with ln scale = c tanh(raw / c). ln scale stays between −c and c, so a stack of layers cannot blow up. `c` is
 * `maxLogScale`, 3 by default (factors from 1/20 to 20).
 */
export function affineTransformer(options: { readonly maxLogScale?: number } = {}): Transformer {
  const { maxLogScale = 3 } = options;
  if (!(maxLogScale > 0 && Number.isFinite(maxLogScale))) {
    throw new UsageError(
      `affineTransformer: 'maxLogScale' must be positive and finite, found ${maxLogScale}.`,
    );
  }
  return {
    name: "affine",
    parameters: 2,
    build(predictions) {
      const [shift, raw] = [0, 1].map((i) => {
        const part = slice(predictions, { axis: -1, start: i, end: i + 1 });
        return reshape(part, part.shape.slice(0, -1));
      });
      return affine(shift, { logScale: mul(tanh(mul(raw, 1 / maxLogScale)), maxLogScale) });
    },
  };
}

/** A {@link rationalQuadraticSpline} with `bins` bins (8) on [−bound, bound] (3). */
export function splineTransformer(
  options: { readonly bins?: number; readonly bound?: number } = {},
): Transformer {
  const { bins = 8, bound = 3 } = options;
  checkCount("splineTransformer", "bins", bins);
  if (bins < 2) throw new UsageError(`splineTransformer: 'bins' must be at least 2, found ${bins}.`);
  return {
    name: "spline",
    parameters: 3 * bins - 1,
    build: (predictions) =>
      rationalQuadraticSpline(
        {
          widths: slice(predictions, { axis: -1, end: bins }),
          heights: slice(predictions, { axis: -1, start: bins, end: 2 * bins }),
          derivatives: slice(predictions, { axis: -1, start: 2 * bins }),
        },
        { bound },
      ),
  };
}
