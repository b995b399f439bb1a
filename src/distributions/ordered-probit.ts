import {
  concat,
  logNormalCdf,
  neg,
  operands,
  slice,
  sub,
  type Tensor,
  type TensorLike,
  unsqueeze,
} from "../tensor/index.ts";
import type { Distribution, Parameters } from "./distribution.ts";
import { OrderedCategoriesDistribution } from "./ordered-categories.ts";
import { logNormalMassBetween } from "./truncated-normal.ts";

/** The distribution that {@link OrderedProbit} returns: parameters, moments and densities as expressions. */
export class OrderedProbitDistribution extends OrderedCategoriesDistribution {
  /** Use {@link OrderedProbit}. */
  constructor(parameters: Parameters) {
    super("OrderedProbit", parameters, logProbsOf(parameters.predictor, parameters.cutpoints));
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new OrderedProbitDistribution(parameters);
  }
}

function logProbsOf(predictor: Tensor, cutpoints: Tensor): Tensor {
  const at = sub(cutpoints, unsqueeze(predictor, -1));
  const first = logNormalCdf(slice(at, { axis: -1, end: 1 }));
  const last = logNormalCdf(neg(slice(at, { axis: -1, start: at.shape[at.rank - 1] - 1 })));
  if (at.shape[at.rank - 1] === 1) return concat([first, last], -1);
  const inner = logNormalMassBetween(slice(at, { axis: -1, end: -1 }), slice(at, { axis: -1, start: 1 }));
  return concat([first, inner, last], -1);
}

/**
 * An ordered category from 0 to K − 1, as int64: the interval between K − 1 increasing cutpoints that a standard normal variable about
 * `predictor` falls into, P(y ≤ k) = Φ(cₖ₊₁ − predictor). The last axis of `cutpoints` holds the K − 1 cutpoints; the others broadcast with
 * the predictor's shape to the batch (Aitchison & Silvey 1957). Narrow categories and those far from the predictor keep their digits.
 *
 * @example
 * await OrderedProbit(0, [0]).logProb([0, 1]).value(); // [-0.6931, -0.6931]
 *
 * @throws UsageError when known cutpoints do not increase.
 */
export function OrderedProbit(predictor: TensorLike, cutpoints: TensorLike): OrderedProbitDistribution {
  const [p, c] = operands("OrderedProbit", predictor, cutpoints);
  return new OrderedProbitDistribution({ predictor: p, cutpoints: c });
}
